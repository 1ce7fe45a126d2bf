import type { Actor } from '../../../src/context.ts';
import { addDays, dateAt } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildProperty } from '../../support/properties.ts';

let api: TestApi;
let companyId: string;
const today = dateAt(Date.now(), 'Europe/Berlin');

const names = ({ body }: { body: { items: readonly { name: string }[] } }): string[] =>
  body.items.map(({ name }) => name);
const find = (query: object) => api.visiting(companyId).get('/properties', query);

beforeAll(async () => {
  api = await openTestApi();
  ({ id: companyId } = await buildCompany());
  const owner = await buildActor({ companyId });
  const at = { companyId, ownerId: owner.userId };
  await buildProperty({
    ...at,
    name: 'Lake cabin',
    pricePerNight: '80.00',
    maxGuests: 2,
    latitude: '47.50000000',
    longitude: '9.70000000',
  });
  const lodge = await buildProperty({
    ...at,
    name: 'Mountain lodge',
    pricePerNight: '150.00',
    maxGuests: 8,
    minNights: 3,
    latitude: '47.40000000',
    longitude: '9.90000000',
  });
  await buildProperty({
    ...at,
    name: 'City flat',
    pricePerNight: '110.00',
    maxNights: 5,
    latitude: '52.52000000',
    longitude: '13.40000000',
  });
  await buildProperty({
    ...at,
    name: 'Dateline hut',
    latitude: '-16.50000000',
    longitude: '179.99000000',
  });
  await buildProperty({ ...at, name: 'Hidden lake house', status: 'unlisted' });
  await buildProperty({ companyId: (await buildCompany()).id, name: 'Lake house of others' });
  await api.as(owner).post(`/properties/${lodge.id}/blocks`, {
    start_date: addDays(today, 20),
    end_date: addDays(today, 25),
  });
});
afterAll(() => api.close());

describe('the search for properties', () => {
  it.each<[string, object, string[]]>([
    ['words', { search: 'lake' }, ['Lake cabin']],
    ['words that mean themselves', { search: '%' }, []],
    ['prices', { min_price: '100', max_price: '120' }, ['City flat', 'Dateline hut']],
    ['guests', { guests: 5 }, ['Mountain lodge']],
    ['words and a price', { search: 'a', max_price: '90.00' }, ['Lake cabin']],
    [
      'a place',
      { latitude: 47.5, longitude: 9.7, radius_km: 20 },
      ['Lake cabin', 'Mountain lodge'],
    ],
    ['a near place', { latitude: 47.5, longitude: 9.7, radius_km: 15 }, ['Lake cabin']],
    ['a place across the date line', { latitude: -16.5, longitude: -179.99 }, ['Dateline hut']],
  ])('finds by %s', async (_, query, expected) => {
    const found = await find({ ...query, sort_by: 'name' });

    expect(names(found)).toEqual(expected);
    expect(found.body.pagination.total).toBe(expected.length);
  });

  it.each<[string, number, number, string[]]>([
    [
      'all of whose nights are free',
      10,
      13,
      ['City flat', 'Dateline hut', 'Lake cabin', 'Mountain lodge'],
    ],
    ['without those of which one is taken', 23, 27, ['City flat', 'Dateline hut', 'Lake cabin']],
    [
      'also from the day on which others leave',
      25,
      28,
      ['City flat', 'Dateline hut', 'Lake cabin', 'Mountain lodge'],
    ],
    ['that take such short stays', 10, 12, ['City flat', 'Dateline hut', 'Lake cabin']],
    ['that take such long stays', 30, 36, ['Dateline hut', 'Lake cabin', 'Mountain lodge']],
  ])('finds properties %s', async (_, from, to, expected) => {
    const query = { free_from: addDays(today, from), free_to: addDays(today, to) };

    expect(names(await find({ ...query, sort_by: 'name' }))).toEqual(expected);
  });

  it.each<[string, object]>([
    ['words', { search: 'lake' }],
    ['a place', { latitude: 47.5, longitude: 9.7, radius_km: 30 }],
    ['free nights', { free_from: addDays(today, 10), free_to: addDays(today, 12) }],
  ])('by %s finds what is not listed for its owner and auditors alone', async (_, query) => {
    const { id: shopId } = await buildCompany();
    const [mine, other] = [
      await buildActor({ companyId: shopId }),
      await buildActor({ companyId: shopId }),
    ];
    const auditor = await buildActor({ companyId: shopId, role: 'auditor' });
    const place = { latitude: '47.50000000', longitude: '9.70000000' };
    const at = { companyId: shopId, ownerId: mine.userId, ...place };
    await buildProperty({ ...at, name: 'Lake A' });
    await buildProperty({ ...at, name: 'Lake B', status: 'unlisted' });
    const gone = await buildProperty({ ...at, name: 'Lake C' });
    await api.as(mine).delete(`/properties/${gone.id}`);
    const search = async (actor: Actor, more: object) =>
      names(await api.as(actor).get('/properties', { ...query, sort_by: 'name', ...more }));
    const own = { owner_id: mine.userId };

    expect(await search(mine, own)).toEqual(['Lake A', 'Lake B']);
    expect(await search(mine, { ...own, include_archived: true })).toEqual([
      'Lake A',
      'Lake B',
      'Lake C',
    ]);
    expect(await search(mine, { include_archived: true })).toEqual(['Lake A']);
    expect(await search(other, { ...own, include_archived: true })).toEqual(['Lake A']);
    expect(await search(auditor, {})).toEqual(['Lake A', 'Lake B']);
    expect(await search(auditor, { include_archived: true })).toHaveLength(3);
  });

  it('puts the cheapest first among those with free nights, or the dearest', async () => {
    const query = {
      free_from: addDays(today, 10),
      free_to: addDays(today, 13),
      sort_by: 'price_per_night',
    };

    expect(names(await find(query))).toEqual([
      'Lake cabin',
      'Dateline hut',
      'City flat',
      'Mountain lodge',
    ]);
    expect(names(await find({ ...query, sort_order: 'desc', size: 1 }))).toEqual([
      'Mountain lodge',
    ]);
  });

  it('puts the nearest first, page by page', async () => {
    const query = { latitude: 47.41, longitude: 9.89, radius_km: 50, sort_by: 'distance', size: 1 };

    const [first, second] = [await find(query), await find({ ...query, page: 2 })];

    expect([first, second].map(names)).toEqual([['Mountain lodge'], ['Lake cabin']]);
    expect(first.body.pagination).toMatchObject({ total: 2, pages: 2 });
  });

  it.each([
    [{ free_from: '2027-01-01' }, 'free_to'],
    [{ free_from: '2027-01-02', free_to: '2027-01-02' }, 'free_to'],
    [{ latitude: 4 }, 'longitude'],
    [{ sort_by: 'distance' }, 'sort_by'],
    [{ min_price: '5', max_price: '4' }, 'min_price'],
    [{ radius_km: 501, latitude: 4, longitude: 4 }, 'radius_km'],
  ])('refuses %j', async (query, field) => {
    expect(await find(query)).toMatchObject({ status: 422, body: { details: [{ field }] } });
  });
});
