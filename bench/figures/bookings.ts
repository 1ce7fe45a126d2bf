import type { Say } from '../../local/progress.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { runClient } from '../programs.ts';
import type { Row } from '../report.ts';
import type { Request } from '../requests.ts';
import { percentile, rounded } from '../statistics.ts';
import type { World } from '../world.ts';

const words = ['lake', 'mountain', 'harbour', 'forest', 'market', 'castle', 'station', 'garden'];

/** Texts that each property has: the first thousand are found, and the total says no more. */
const broad = ['house', 'place', 'rooms by the', 'road'];

const nightsOfStay = 2;

/** Stays of two nights, as many on each property as make up the nights, in the year ahead. */
export async function bookings(
  world: World,
  { properties, nights, seconds }: Readonly<Record<'properties' | 'nights' | 'seconds', number>>,
  say: Say,
): Promise<Row[]> {
  const { prefix, people, admin, companyId, sql, stack } = world;
  /** Of those that can be insured nobody is to find any. */
  const show = (status: 'listed' | 'unlisted') =>
    sql('UPDATE shared.properties SET status = $2 WHERE owner_id = $1', [
      people[0]?.userId,
      status,
    ]);
  await show('unlisted');
  say(`${properties} properties`);
  await sql(
    `INSERT INTO shared.properties (company_id, id, owner_id, name, description, address, latitude,
       longitude, price_per_night, currency, time_zone, check_in_time, check_out_time, max_guests,
       min_nights, max_nights, instant_book, cancellation_policy, status, created_at)
     SELECT $1, gen_random_uuid(), $2, initcap(w.word) || ' house ' || n,
       'A place of ' || n % 7 + 1 || ' rooms by the ' || w.word, n || ' ' || w.word || ' road',
       47 + (n::bigint * 7919 % 7000) / 1000.0, 6 + (n::bigint * 104729 % 9000) / 1000.0, 40 + n % 400, 'EUR',
       'Europe/Berlin', '15:00', '11:00', n % 8 + 1, 1, 30, true, 'flexible', 'listed',
       now() - n * interval '1 second'
     FROM generate_series(1, $3::int) n,
       LATERAL (SELECT ($4::text[])[n % ${words.length} + 1] AS word) w`,
    [companyId, admin.userId, properties, words],
  );
  const today = dateAt(Date.now(), 'Europe/Berlin');
  const each = nights / properties / nightsOfStay;
  say(`${nights} nights`);
  await sql(
    `INSERT INTO shared.reservations (company_id, id, property_id, start_date, end_date)
     SELECT company_id, gen_random_uuid(), id, d.day, d.day + $5::int
     FROM (SELECT company_id, id, row_number() OVER (ORDER BY created_at) AS place
       FROM shared.properties WHERE company_id = $1 AND owner_id = $4) p,
       generate_series(0, $3::int - 1) k,
       LATERAL (SELECT $2::date + (30 + (place * 13 + k * 97) % 300)::int AS day) d`,
    [companyId, today, each, admin.userId, nightsOfStay],
  );
  const [held] = await sql<{ nights: number }>(
    `SELECT sum(r.end_date - r.start_date)::int AS nights FROM shared.reservations r
       JOIN shared.properties p ON p.company_id = r.company_id AND p.id = r.property_id
     WHERE p.company_id = $1 AND p.owner_id = $2`,
    [companyId, admin.userId],
  );
  if (held?.nights !== nights) throw new Error(`${held?.nights} nights are held, not ${nights}`);
  await sql('VACUUM ANALYZE shared.properties, shared.reservations');

  const asking = (query: string): Request => ({
    kind: query.split('=')[0] ?? '',
    method: 'GET',
    path: `${prefix}/properties?${query}`,
    token: people[0]?.token,
  });
  const search = searches(today).map(asking);
  say('searching');
  const run = (requests: readonly Request[], perSecond: number) =>
    runClient({
      origin: stack.urls.api,
      connections: 20,
      requests,
      pace: { kind: 'open', perSecond, seconds },
    });
  await run(search.slice(0, 50), 10);
  const found = await run(search, 10);
  const foundAll = await run(
    broad.flatMap((text) => broadSearches(text).map(asking)),
    10,
  );

  say('booking');
  const free = await sql<{ id: string }>(
    `SELECT id FROM shared.properties WHERE company_id = $1 AND owner_id = $2 ORDER BY id LIMIT 2000`,
    [companyId, admin.userId],
  );
  const books = free.map(({ id }, index): Request => ({
    kind: 'book',
    method: 'POST',
    path: `${prefix}/bookings`,
    token: people[index % people.length]?.token,
    body: { property_id: id, start_date: addDays(today, 3), end_date: addDays(today, 5) },
    keyed: true,
  }));
  const booked = await run(books, 20);
  await world.settle(say);

  const row = (
    figure: string,
    { times, failed, failures, answered }: Awaited<ReturnType<typeof run>>,
    limit: number,
  ): Row => {
    const all = Object.values(times).flat();
    const p95 = percentile(all, 0.95);
    const kinds = Object.fromEntries(
      Object.entries(times).map(([kind, values]) => [kind, percentile(values, 0.95)]),
    );
    return {
      figure,
      measured: `${rounded(p95)} ms (p50 ${rounded(percentile(all, 0.5))}), ${failed} failed`,
      target: `< ${limit} ms`,
      met: p95 < limit && failed === 0,
      detail: { answered, kinds, failures },
    };
  };
  await show('listed');
  const many = `${properties.toLocaleString('en')} properties, ${nights.toLocaleString('en')} nights`;
  return [
    row(`search over ${many}, p95`, found, 50),
    row(`search over ${many} by a text that all have, p95`, foundAll, 50),
    row('a booking answered with its hold at 20/s, p95', booked, 200),
  ];
}

/** Words, prices, places and free nights, alone and together; the first part names the kind. */
function searches(today: string): string[] {
  const nights = (from: number): string =>
    `free_from=${addDays(today, from)}&free_to=${addDays(today, from + 3)}`;
  return Array.from({ length: 100 }, (_, n) => {
    const word = words[n % words.length];
    const place = `latitude=${47 + (n % 70) / 10}&longitude=${6 + (n % 90) / 10}`;
    return [
      `search=${word} house ${n * 37}`,
      `min_price=${50 + n}&max_price=${60 + n}&sort_by=price_per_night`,
      `${place}&radius_km=20&sort_by=distance`,
      nights(30 + n * 2),
      `free_to=${addDays(today, 43 + n)}&free_from=${addDays(today, 40 + n)}&${place}&guests=2`,
    ].map((query) => encodeURI(query));
  }).flat();
}

/** The newest, the cheapest, and a page further on. */
const broadSearches = (text: string): string[] =>
  ['', '&sort_by=price_per_night&sort_order=asc', '&page=50'].map((rest) =>
    encodeURI(`search=${text}${rest}`),
  );
