import { setTimeout } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { sendComplianceDigest } from '../../src/activities/complianceDigest.ts';
import { jobActivities } from '../../src/activities/jobs.ts';
import { createClaims } from '../../src/commands/claims.ts';
import { createHistories } from '../../src/commands/histories.ts';
import { createNotifications } from '../../src/commands/notifications.ts';
import { createNotificationStreams } from '../../src/commands/notificationStreams.ts';
import { createPayments, type PaymentFilters } from '../../src/commands/payments.ts';
import { createPlans, type PlanFilters } from '../../src/commands/plans.ts';
import { createPolicies } from '../../src/commands/policies.ts';
import { createProperties, type PropertyFilters } from '../../src/commands/properties.ts';
import { createWorkflowSearch, type WorkflowFilters } from '../../src/commands/workflowSearch.ts';
import { alertedToday } from '../../src/models/acknowledgementAlerts.ts';
import { select, withTenant } from '../../src/models/database.ts';
import { watchedPolicy } from '../../src/models/watchedPolicy.ts';
import { buildActor, buildCompany, buildPlan } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildProperty, buildStayed } from '../support/properties.ts';
import { buildPolicyRow } from '../support/policyRows.ts';
import { connect } from './cluster.ts';
import { createCursors } from '../../src/commands/cursors.ts';

const cursors = createCursors({ secretKey: 'test' });

const plansOfOurs = 6000;
const plansOfOthers = 20_000;
const policiesOfEach = 20_000;
const propertiesOfEach = 20_000;

let database: TestDatabase;
let client: pg.Client;
let companyId: string;

beforeAll(async () => {
  database = await openTestDatabase({ poolMax: 1 });
  const other = (await buildCompany()).id;
  companyId = (await buildCompany()).id;
  for (const [id, count] of [
    [companyId, plansOfOurs],
    [other, plansOfOthers],
  ] as const) {
    await buildPlan({ companyId: id });
    await database.sql(
      `INSERT INTO shared.insurance_plans (company_id, id, name, property_category_id, coverage_level,
         coverage_amount, premium, currency, duration_months, created_at)
       SELECT company_id, gen_random_uuid(), 'Plan ' || n, property_category_id,
         (ARRAY['basic', 'standard', 'premium'])[1 + n % 3], 1000000, 1 + n, 'EUR', 12,
         now() - n * interval '1 minute'
       FROM shared.insurance_plans, generate_series(1, $2) n WHERE company_id = $1`,
      [id, count],
    );
  }
  for (const id of [companyId, other]) {
    await database.sql(
      `INSERT INTO shared.policies (company_id, id, policy_number, policy_type, policyholder_name,
         policyholder_email, policyholder_phone, coverage_amount, premium, currency, start_date,
         end_date, status, created_at)
       SELECT $1, gen_random_uuid(), 'POL-' || n, 'home', md5(n::text) || CASE n % 5 WHEN 0 THEN ' Quirin' ELSE '' END,
         md5((n + 1)::text) || '@example.com',
         '+49 ' || n, 1000, 10, 'EUR', '2026-01-01', '2027-01-01', 'active', now() - n * interval '1 minute'
       FROM generate_series(1, $2) n`,
      [id, policiesOfEach],
    );
  }
  for (const id of [companyId, other]) {
    await database.sql(
      `INSERT INTO shared.claims (company_id, id, claim_number, policy_id, title, description, status,
         incident_date, currency, claimant_name, claimant_email, config, config_version, created_at,
         workflow_closed_at)
       SELECT company_id, gen_random_uuid(), 'CLM-' || policy_number, id, md5('claim' || policy_number),
         repeat('word ', 40), 'reported', '2026-01-02', 'EUR', policyholder_name, 'ada@example.com',
         '{}', 1, created_at, CASE WHEN length(policy_number) > 7 THEN now() END
       FROM shared.policies WHERE company_id = $1`,
      [id],
    );
  }
  await vacuum('shared.claims');
  await vacuum('shared.policies');
  await vacuum('shared.insurance_plans');
  await vacuum('shared.property_categories');
  client = await connect(database.apiUrl);
});
afterAll(async () => {
  await client.end();
  await database.close();
});

/**
 * Leaves no page for which an index must ask the table. Once is not always enough: whoever looks at
 * the database meanwhile, as autovacuum's own ANALYZE does, keeps young rows from counting as seen by all.
 */
async function vacuum(table: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    await database.sql(`VACUUM ANALYZE ${table}`);
    const [{ hidden } = { hidden: 0 }] = await database.sql<{ hidden: number }>(
      'SELECT relpages - relallvisible AS hidden FROM pg_class WHERE oid = $1::regclass',
      [table],
    );
    if (hidden <= 0) return;
    if (tries === 100) throw new Error(`${table} has ${hidden} pages that not everybody sees`);
    await setTimeout(100);
  }
}

interface Step {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Function Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly Step[];
}

const blocksOf = ([step]: Step[]): number =>
  (step?.['Shared Hit Blocks'] ?? 0) + (step?.['Shared Read Blocks'] ?? 0);

const all = (step: Step): Step[] => [step, ...(step.Plans ?? []).flatMap(all)];

/** How Postgres runs the statement that `list` sends with the word in it, as the API's role behind the wall. */
async function stepsOf(
  word: string,
  list: () => Promise<unknown>,
  values: readonly string[] = [],
): Promise<Step[]> {
  const statements = await database.statementsOf(list);
  const listed = statements.find((sql) => sql.includes(word));
  const sql = /(WITH|SELECT)[^]*/.exec(listed ?? '')?.[0].split('; "bind"', 1)[0] ?? '';
  await client.query('BEGIN');
  try {
    await client.query(
      `SELECT set_config('app.current_company_id', $1, true), set_config('search_path', 'shared, ext', true)`,
      [companyId],
    );
    const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`, [
      ...values,
    ]);
    return all(rows[0]['QUERY PLAN'][0].Plan);
  } finally {
    await client.query('ROLLBACK');
  }
}

/** How many rows of the table a statement reads, on whatever way, as the API's role. */
async function rowsRead(table: string, sql: string, value: string): Promise<number> {
  await client.query('BEGIN');
  try {
    await client.query(
      `SELECT set_config('app.current_company_id', $1, true), set_config('search_path', 'shared, ext', true)`,
      [companyId],
    );
    const readSoFar = async (): Promise<number> => {
      const { rows } = await client.query(
        `SELECT (seq_tup_read + idx_tup_fetch)::integer AS read FROM pg_stat_xact_user_tables
         WHERE schemaname = 'shared' AND relname = $1`,
        [table],
      );
      return rows[0].read;
    };
    const before = await readSoFar();
    await client.query(sql, [value]);
    return (await readSoFar()) - before;
  } finally {
    await client.query('ROLLBACK');
  }
}

const planSteps = (filters: Partial<PlanFilters>): Promise<Step[]> =>
  stepsOf(
    'insurance_plans',
    () =>
      createPlans().list(companyId, undefined, {
        includeArchived: false,
        sortBy: 'premium',
        sortOrder: 'asc',
        page: 1,
        size: 20,
        ...filters,
      }),
    [filters.minPremium, filters.maxPremium]
      .filter((amount) => amount !== undefined)
      .map((amount) => amount.replace('.', '')),
  );

const onPlans = (steps: Step[]): Step[] =>
  steps.filter((step) => step['Index Name']?.startsWith('insurance_plans_'));

const readThrough = (steps: Step[]): Step[] =>
  steps.filter(
    (step) => step['Node Type'] === 'Seq Scan' && step['Relation Name'] === 'insurance_plans',
  );

describe(`the list of ${plansOfOurs} plans beside ${plansOfOthers} of others`, () => {
  it('finds a price range by the index, company and price together', async () => {
    const steps = await planSteps({ minPremium: '100.00', maxPremium: '140.00' });

    expect(onPlans(steps)).toMatchObject([
      {
        'Index Name': 'insurance_plans_premium_idx',
        'Index Cond': expect.stringMatching(/company_id = .*premium_minor >= .*premium_minor <= /),
      },
    ]);
    expect(readThrough(steps)).toEqual([]);
  });

  it('never reads the plans of other companies', async () => {
    const steps = await planSteps({});

    for (const step of onPlans(steps)) {
      expect(step['Index Cond']).toContain('company_id = ');
    }
    expect(readThrough(steps)).toEqual([]);
    expect(onPlans(steps).length).toBeGreaterThan(0);
  });

  it('can be walked by the index in order of price, cheapest first or last', async () => {
    for (const order of ['ASC', 'DESC']) {
      await client.query('BEGIN');
      await client.query(`SELECT set_config('app.current_company_id', $1, true)`, [companyId]);
      const { rows } = await client.query(
        `EXPLAIN (FORMAT JSON) SELECT p.id FROM shared.insurance_plans p
         WHERE p.archived_at IS NULL ORDER BY p.premium_minor ${order}, p.id ${order} LIMIT 20`,
      );
      await client.query('ROLLBACK');
      const steps = all(rows[0]['QUERY PLAN'][0].Plan);

      expect(onPlans(steps)).toMatchObject([{ 'Index Name': 'insurance_plans_premium_idx' }]);
      expect(steps.filter((step) => step['Node Type'].includes('Sort'))).toEqual([]);
    }
  });
});

describe(`a search among ${policiesOfEach} policies beside as many of another company`, () => {
  it('goes by the index, before the wall, and reads its findings behind it', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const [facts] = await database.sql<{ blocks: number; name: string }>(
      `SELECT relpages AS blocks, left(md5('777'), 12) AS name FROM pg_class WHERE oid = 'shared.policies'::regclass`,
    );
    const { blocks = 0, name = '' } = facts ?? {};

    const search = () =>
      stepsOf(
        'search_newest_policy_ids',
        () => createPolicies().search(admin, { keyWord: name, page: 1, size: 20 }),
        [`%${name}%`, name],
      );
    // The first one on a connection also reads the catalog.
    await search();
    const steps = await search();

    expect(steps.find((step) => step['Function Name'])?.['Function Name']).toBe(
      'search_newest_policy_ids',
    );
    expect(steps.find((step) => step['Relation Name'] === 'policies')).toMatchObject({
      'Index Cond': expect.stringMatching(/company_id = .* AND \(id = search_newest_policy_ids/),
    });
    expect(blocks).toBeGreaterThan(900);
    expect(blocksOf(steps)).toBeGreaterThan(0);
    expect(blocksOf(steps)).toBeLessThan(300);
  });

  it('reads the newest 500 alone where a word stands in all of them', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const keyWord = 'example.com';
    const search = () =>
      stepsOf(
        'search_newest_policy_ids',
        () => createPolicies().search(admin, { keyWord, page: 1, size: 20 }),
        [`%${keyWord}%`, keyWord],
      );
    await search();

    const steps = await search();

    expect(steps.find((step) => step['Function Name'])).toMatchObject({ 'Actual Rows': 500 });
    // Four blocks for each of them behind the wall; by the index of words it would be 800 more.
    expect(blocksOf(steps)).toBeLessThan(2400);
  });

  it('finds the newest 500 of a name that every fifth has, and reads few others', async () => {
    const sorted = await database.sql<{ id: string }>(
      `SELECT id FROM shared.policies WHERE company_id = $1 AND policyholder_name LIKE '% Quirin'
       ORDER BY created_at DESC LIMIT 500`,
      [companyId],
    );
    const found = await withTenant(companyId, () =>
      select<{ id: string }>(`SELECT id FROM search_newest_policy_ids($1) AS id`, ['%quirin%']),
    );
    const read = await rowsRead('policies', 'SELECT search_newest_policy_ids($1)', '%quirin%');

    expect(found).toEqual(sorted);
    expect(read).toBeLessThan(4000);
  });

  it("reads only one's own for a holder", async () => {
    const holder = await buildActor({ companyId });
    const steps = await stepsOf(
      'word_similarity',
      () => createPolicies().search(holder, { keyWord: 'example.com', page: 1, size: 20 }),
      [holder.userId, '%example.com%', 'example.com'],
    );

    expect(steps.find((step) => step['Relation Name'] === 'policies')).toMatchObject({
      'Index Name': 'policies_user_idx',
      'Index Cond': expect.stringMatching(/company_id = .* AND \(user_id = /),
    });
  });
});

describe(`a search among ${policiesOfEach} claims beside as many of another company`, () => {
  const claims = createClaims({
    dispatcher: { dispatch: () => {}, drained: () => Promise.resolve() },
    workflows: { command: () => Promise.reject(new Error('There is no workflow here')) },
  });
  it.each([
    ['title', `left(md5('claimPOL-777'), 12)`],
    ["policy's e-mail", `left(md5('${policiesOfEach + 1}'), 12)`],
  ])(
    'by %s goes by the indexes, before the wall, and reads its findings behind it',
    async (_, sql) => {
      const admin = await buildActor({ companyId, role: 'tenant_admin' });
      const [facts] = await database.sql<{ blocks: number; word: string }>(
        `SELECT relpages AS blocks, ${sql} AS word FROM pg_class WHERE oid = 'shared.claims'::regclass`,
      );
      const { blocks = 0, word = '' } = facts ?? {};
      const paging = { sortOrder: 'asc', page: 1, size: 20 } as const;
      const search = () =>
        stepsOf(
          'search_claim_ids',
          () => claims.list(admin, { ...paging, search: word, sortBy: 'relevance' }),
          [`%${word}%`, word],
        );
      // The first one on a connection also reads the catalog.
      await search();
      const steps = await search();

      expect(steps.find((step) => step['Function Name'])).toMatchObject({ 'Actual Rows': 1 });
      expect(steps.find((step) => step['Relation Name'] === 'claims')).toMatchObject({
        'Index Cond': expect.stringMatching(/company_id = .* AND \(id = search_claim_ids/),
      });
      expect(blocks).toBeGreaterThan(900);
      expect(blocksOf(steps)).toBeGreaterThan(0);
      expect(blocksOf(steps)).toBeLessThan(300);
    },
  );
});

describe(`the list of runs with ${policiesOfEach} claims beside as many of another company`, () => {
  const { list } = createWorkflowSearch({
    cursors,
    temporal: {
      blocked: async () => [],
      failingStep: async () => undefined,
      uiUrl: (workflowId) => workflowId,
    },
    companies: { enter: async () => {} },
  });
  const paging = { sortBy: 'createdAt', sortOrder: 'desc', page: 1, size: 20 } as const;
  it.each<[string, Partial<WorkflowFilters>, readonly string[]]>([
    ['all', {}, []],
    ['of a type', { type: 'claim' }, []],
    ['that go on', { open: true }, []],
    ['that are late', { overdue: true }, []],
    ['of a status', { status: 'approved' }, ['approved']],
    ['by number', { search: 'CLM-POL-777' }, ['CLM-POL-777', '%CLM-POL-777%']],
  ])(
    '%s: goes by the indexes, and reads no more than its page and its count',
    async (_, filters, values) => {
      const operator = await buildActor({ companyId, role: 'operator' });
      const walk = () =>
        stepsOf(
          'AS "stateVersion"',
          () => list({ ...operator, userId: null }, { ...paging, ...filters }),
          values,
        );
      // The first one on a connection also reads the catalog.
      await walk();

      const steps = await walk();

      const claims = steps.filter((step) => step['Relation Name'] === 'claims');
      const wide = claims.filter((step) => (step['Actual Rows'] ?? 0) > 500);
      expect(claims.length).toBeGreaterThan(0);
      expect(claims.filter((step) => step['Node Type'] === 'Seq Scan')).toEqual([]);
      // Only the count may go further than the page, and it reads the index alone.
      expect(wide.length).toBeLessThanOrEqual(1);
      for (const step of wide) expect(step['Node Type']).toBe('Index Only Scan');
      expect(blocksOf(steps)).toBeLessThan(700);
    },
  );
});

describe('the history of a person among 20,000 sign-ins of others', () => {
  it('goes by the index to their own lines', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const { userId } = await buildActor({ companyId });
    await database.sql(
      `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_type, action, entity_type, entity_id)
       SELECT $1, gen_random_uuid(), now(), 'user', 'LOGIN', 'user', gen_random_uuid()
       FROM generate_series(1, 20000)`,
      [companyId],
    );
    await database.sql('ANALYZE core.audit_logs');
    const histories = createHistories({ policies: createPolicies() });

    const steps = await stepsOf(
      'core.audit_logs',
      () => histories.history(admin, 'user', userId, { page: 1, size: 20 }),
      [userId],
    );

    const read = steps.filter((step) => step['Relation Name']?.startsWith('audit_logs'));
    expect(read.length).toBeGreaterThan(0);
    for (const step of read) expect(step['Rows Removed by Filter'] ?? 0).toBeLessThan(100);
  });
});

describe(`a search among ${propertiesOfEach} properties beside as many of another company`, () => {
  const nights = { freeFrom: '2040-06-01', freeTo: '2040-06-04' };
  const place = { latitude: 5, longitude: 55 };
  const word = '%a0b1c2d3e4f5%';
  const region = '(54.8,4.8),(55.2,5.2)';

  beforeAll(async () => {
    for (const id of [(await buildCompany()).id, companyId]) {
      const { userId } = await buildActor({ companyId: id });
      await database.sql(
        `INSERT INTO shared.properties (company_id, id, owner_id, name, description, address, latitude,
           longitude, price_per_night, currency, time_zone, check_in_time, check_out_time, max_guests,
           min_nights, max_nights, instant_book, cancellation_policy, status, created_at)
         SELECT $1, gen_random_uuid(), $2, CASE n WHEN 777 THEN 'a0b1c2d3e4f5' ELSE md5(n::text) END,
           md5('said' || n), 'road ' || n, n % 160 - 80, n * 7 % 360 - 180, 100 + n % 50, 'EUR', 'Europe/Berlin',
           '15:00', '11:00', 4, 1, 365, true, 'moderate', 'listed', now() - n * interval '1 minute'
         FROM generate_series(1, $3) n`,
        [id, userId, propertiesOfEach],
      );
      await database.sql(
        `INSERT INTO shared.reservations (company_id, id, property_id, start_date, end_date)
         SELECT company_id, gen_random_uuid(), id, day, day + 2
         FROM (SELECT *, date '2030-01-01' + (row_number() OVER ())::integer AS day FROM shared.properties
           WHERE company_id = $1) AS p`,
        [id],
      );
    }
    await vacuum('shared.properties');
    await vacuum('shared.reservations');
  });

  it.each<[string, Partial<PropertyFilters>, object, number]>([
    ['words', { search: 'a0b1c2d3e4f5' }, { pattern: word }, 1],
    ['place', { ...place, radiusKm: 20 }, { area: '<(55,5),20>', region }, 14],
    [
      'words and free nights',
      { search: 'a0b1c2d3e4f5', ...nights },
      { pattern: word, nights: `[${nights.freeFrom},${nights.freeTo})` },
      1,
    ],
  ])(
    'by %s goes by the indexes, before the wall, and reads its findings behind it',
    async (_, filters, wish, expected) => {
      const [facts] = await database.sql<{ blocks: number; taken: number }>(
        `SELECT p.relpages AS blocks, r.relpages AS taken FROM pg_class p, pg_class r
         WHERE p.oid = 'shared.properties'::regclass AND r.oid = 'shared.reservations'::regclass`,
      );
      const sorted = { sortBy: 'createdAt', sortOrder: 'desc' } as const;
      const search = () =>
        stepsOf(
          'search_property_ids',
          () =>
            createProperties().list(companyId, undefined, {
              ...filters,
              ...sorted,
              includeArchived: false,
              page: 1,
              size: 20,
            }),
          [JSON.stringify({ ...wish, ...sorted }), '0', '20'],
        );
      // The first one on a connection also reads the catalog.
      await search();
      const steps = await search();

      expect(steps.find((step) => step['Function Name'])).toMatchObject({
        'Actual Rows': expected,
      });
      expect(steps.find((step) => step['Relation Name'] === 'properties')).toMatchObject({
        'Index Cond': expect.stringMatching(/company_id = .* AND \(id = found\.id/),
      });
      expect(facts?.blocks).toBeGreaterThan(900);
      expect(facts?.taken).toBeGreaterThan(500);
      expect(blocksOf(steps)).toBeGreaterThan(0);
      expect(blocksOf(steps)).toBeLessThan(300);
    },
  );

  it.each<[PropertyFilters['sortBy'], string]>([
    ['createdAt', 'created_at'],
    ['pricePerNight', 'price_minor'],
    ['name', 'lower(name)'],
  ])(
    'by a word that stands in all of them has the first thousand by %s, and reads few others',
    async (sortBy, column) => {
      const wish = { search: 'road', sortBy, sortOrder: 'asc', includeArchived: false } as const;
      const sorted = await database.sql<{ id: string }>(
        `SELECT id FROM shared.properties WHERE company_id = $1 ORDER BY ${column}, id LIMIT 1000`,
        [companyId],
      );

      const last = await createProperties().list(companyId, undefined, {
        ...wish,
        page: 50,
        size: 20,
      });
      const read = await rowsRead(
        'properties',
        'SELECT search_property_ids($1)',
        JSON.stringify({ pattern: '%road%', sortBy, sortOrder: 'asc' }),
      );

      expect(last.total).toBe(1000);
      expect(last.items.map(({ id }) => id)).toEqual(sorted.slice(-20).map(({ id }) => id));
      expect(read).toBeLessThan(2500);
    },
  );

  it('by a word that stands in the first ones alone finds the others of an order, too', async () => {
    const count = 250;
    await database.sql(
      `UPDATE shared.properties SET description = 'veranda ' || id
       WHERE (company_id, id) IN (
         (SELECT company_id, id FROM shared.properties WHERE company_id = $1 ORDER BY created_at LIMIT $2)
         UNION (SELECT company_id, id FROM shared.properties WHERE company_id = $1
           ORDER BY created_at DESC LIMIT $2))`,
      [companyId, count],
    );

    const found = await createProperties().list(companyId, undefined, {
      search: 'veranda',
      sortBy: 'createdAt',
      sortOrder: 'asc',
      includeArchived: false,
      page: 1,
      size: 20,
    });

    expect(found.total).toBe(2 * count);
  });
});

describe('payments of 10,000 stays, half of them refunded', () => {
  let host: Awaited<ReturnType<typeof buildActor>>;
  let bookingId: string;
  beforeAll(async () => {
    host = await buildActor({ companyId });
    const [other, guest] = [await buildActor({ companyId }), await buildActor({ companyId })];
    for (const { userId: hostId } of [other, host]) {
      const { id: propertyId } = await buildProperty({ companyId, ownerId: hostId });
      const stay = { companyId, propertyId, guestId: guest.userId, hostId };
      ({ id: bookingId } = await buildStayed(stay));
    }
    await database.sql(
      `INSERT INTO shared.bookings SELECT b.* FROM shared.bookings o, generate_series(1, 10000) n,
         jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(), 'guests', 1 + n % 4)) b
       WHERE o.host_id = $1`,
      [other.userId],
    );
    await database.sql(
      `INSERT INTO shared.payments (company_id, id, purpose, booking_id, user_id, payee_name, amount, currency,
         status, idempotency_key)
       SELECT company_id, gen_random_uuid(), 'booking', id, guest_id, 'Ada', 300, 'EUR', 'pending', id
       FROM shared.bookings WHERE company_id = $1`,
      [companyId],
    );
    await database.sql(
      `INSERT INTO shared.payments (company_id, id, purpose, parent_payment_id, user_id, payee_name, amount,
         currency, status, idempotency_key)
       SELECT company_id, gen_random_uuid(), 'refund', id, user_id, 'Ada', 30, 'EUR', 'pending', id
       FROM shared.payments WHERE company_id = $1 AND (booking_id = $2 OR id < '80000000-0000-0000-0000-000000000000')`,
      [companyId, bookingId],
    );
    await vacuum('shared.payments');
    await vacuum('shared.bookings');
  });

  it.each<[string, () => Partial<PaymentFilters>]>([
    ['of a host', () => ({})],
    ['of one stay', () => ({ bookingId })],
  ])('%s are found by the indexes, refunds with them', async (_, filtersOf) => {
    const payments = createPayments({ dispatcher: { dispatch: () => {} }, hasGateway: true });
    const filters = filtersOf();
    const paging = { sortBy: 'createdAt', sortOrder: 'desc', page: 1, size: 20 } as const;

    const steps = await stepsOf(
      'FROM payments p',
      () => payments.list(host, { ...paging, ...filters }),
      [host.userId, ...(filters.bookingId ? [filters.bookingId] : [])],
    );

    const read = steps.filter((step) => step['Relation Name'] === 'payments');
    expect(steps[0]).toMatchObject({ 'Actual Rows': 2 });
    expect(read.length).toBeGreaterThan(0);
    for (const step of read) {
      expect(step['Node Type']).not.toBe('Seq Scan');
      expect(step['Rows Removed by Filter'] ?? 0).toBeLessThan(100);
      expect(step['Actual Rows']).toBeLessThan(100);
    }
  });
});

describe('what relations lead to, for fifty at once', () => {
  const some = async (table: string): Promise<string[]> => {
    const rows = await database.sql<{ id: string }>(
      `SELECT id FROM shared.${table} WHERE company_id = $1 LIMIT 50`,
      [companyId],
    );
    return rows.map(({ id }) => id);
  };
  const read = (steps: Step[], table: string): number =>
    steps
      .filter((step) => step['Relation Name'] === table)
      .reduce((sum, step) => sum + (step['Rows Removed by Filter'] ?? 0), 0);

  it('is found by the index of what it belongs to: the claims of policies', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const claims = createClaims({
      dispatcher: { dispatch: () => {}, drained: () => Promise.resolve() },
      workflows: { command: () => Promise.reject(new Error('There is no workflow here')) },
    });
    const ids = await some('policies');

    const steps = await stepsOf('owner.id', () => claims.ofPolicies(admin, ids, 20), [
      `{${ids.join()}}`,
    ]);

    expect(steps.filter((step) => step['Relation Name'] === 'claims')).toMatchObject([
      { 'Index Cond': expect.stringMatching(/company_id = .* AND \(policy_id = owner.id/) },
    ]);
    expect(read(steps, 'claims')).toBe(0);
  });

  it('is found by its key: policies', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const ids = await some('policies');

    const steps = await stepsOf('= ANY', () => createPolicies().several(admin, ids), [
      `{${ids.join()}}`,
    ]);

    const [found] = steps.filter((step) => step['Relation Name'] === 'policies');
    expect(found).toMatchObject({
      'Index Cond': expect.stringContaining('id = ANY'),
      'Actual Rows': 50,
    });
  });
});

describe('what a person has not read among 20,000 messages to them that they have', () => {
  let person: Awaited<ReturnType<typeof buildActor>>;
  beforeAll(async () => {
    person = await buildActor({ companyId, role: 'hr' });
    await database.sql(
      `INSERT INTO core.notifications (company_id, id, recipient_user_id, recipient_role, channel,
         template_code, status, dedupe_key, created_at, read_at)
       SELECT $1, gen_random_uuid(), CASE n % 2 WHEN 0 THEN $2::uuid END, CASE n % 2 WHEN 1 THEN 'hr' END,
         'in_app', 'report_ready', CASE WHEN n > 10 THEN 'read' ELSE 'sent' END, n::text,
         now() - n * interval '1 minute', CASE WHEN n > 10 THEN now() END
       FROM generate_series(1, 20000) n`,
      [companyId, person.userId],
    );
    await vacuum('core.notifications');
  });

  const readOf = (steps: Step[]): Step[] =>
    steps.filter((step) => step['Relation Name'] === 'notifications');

  it('is counted by the indexes of what is unread', async () => {
    const { unreadCount } = createNotifications({
      cursors,
      rendering: () => () => ({ subject: '', text: '' }),
    });

    const steps = await stepsOf('AS unread', () => unreadCount(person), [person.userId, '{hr}']);

    expect(readOf(steps)).toMatchObject([{ 'Actual Rows': 10 }]);
    for (const step of readOf(steps)) expect(step['Rows Removed by Filter'] ?? 0).toBe(0);
  });

  it.each([
    [
      'alerts of a policy',
      'starts_with(event_key',
      async () => {
        const { policyId } = await buildPolicyRow({ companyId, authors: [], status: 'published' });
        await withTenant(companyId, async () =>
          alertedToday(await watchedPolicy(policyId, new Date())),
        );
      },
      [uuid(), 'key'],
    ],
    [
      'the digest of compliance',
      'event_key = $2 LIMIT 1',
      () => sendComplianceDigest(companyId, '2027-01-04'),
      [uuid(), 'key'],
    ],
    [
      'the digest of renewals',
      'AS "isTold"',
      () =>
        new MockActivityEnvironment().run(() =>
          jobActivities({ openWorkflows: async () => new Map() }).sendDigests({
            week: '2027-01-04',
          }),
        ),
      ['2027-01-04', uuid(), 'key'],
    ],
  ])('costs nothing where %s ask whether they were told', async (_, word, ask, values) => {
    const steps = await stepsOf(word, ask, values);

    expect(readOf(steps)).toMatchObject([
      {
        'Index Name': 'notifications_entity_idx',
        'Index Cond': expect.stringContaining('entity_id'),
      },
    ]);
  });

  it('is looked at for a stream with what is new, and with nothing else', async () => {
    const streams = createNotificationStreams({
      sessions: { isStill: async () => true },
      url: database.apiUrl,
      log: { warn: () => undefined },
      inWords: () => 'data',
    });
    const tenMinutesAgo = new Date(Date.now() - 600_000).toISOString();
    const first = async (): Promise<void> => {
      const stream = streams.open(person, {
        lastEventId: undefined,
        endsAt: new Date(Date.now() + 60_000),
      });
      for await (const said of stream) if (String(said).includes('data')) break;
    };

    const steps = await stepsOf('counted.unread', first, [
      '{0}',
      `{${person.userId}}`,
      '{hr}',
      `{${tenMinutesAgo}}`,
      '{100}',
    ]);
    await streams.stop();

    const rows = readOf(steps).map((step) => step['Actual Rows']);
    expect(rows.toSorted()).toEqual([10, 9]);
    for (const step of readOf(steps)) expect(step['Rows Removed by Filter'] ?? 0).toBe(0);
  });
});
