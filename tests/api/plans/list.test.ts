import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildCompany, buildPlan } from '../../support/build.ts';
import { useShop, type Shop } from './shop.ts';

describe('GET /plans', () => {
  let shop: Shop;
  useShop((built) => void (shop = built));

  it('filters, searches, sorts and pages, at its older path too', async () => {
    const { api, companyId, admin, create } = shop;
    const flats = await api.as(admin).post('/categories', { name: 'Flat', segment: 'residential' });
    const flat = flats.body.data.id;
    await create({ name: 'A 100% plan', premium: '9.99', coverage_level: 'basic' });
    await create({ name: 'B_plan', premium: '1000.00', duration_months: 6 });
    await create({
      name: 'C plan',
      premium: '100.00',
      coverage_amount: '300.00',
      property_category_id: flat,
      description: 'Covers water',
    });
    const visitor = api.visiting(companyId);
    const list = async (query: object, path = '/plans') => {
      const { status, body } = await visitor.get(path, query);
      return status === 200
        ? body.items.map(({ name }: { name: string }) => name[0]).join('')
        : status;
    };

    expect(await list({})).toBe('CBA');
    expect(await list({ property_category: flat })).toBe('C');
    expect(await list({ coverage_level: 'basic' })).toBe('A');
    expect(await list({ min_premium: '100', ordering: 'premium' })).toBe('CB');
    expect(await list({ max_premium: '100.00', ordering: 'premium' })).toBe('AC');
    expect(await list({ min_premium: '10', max_premium: '10' })).toBe('');
    expect(await list({ min_premium: '999999999999999999.99' })).toBe('');
    expect(await list({ max_premium: '999999999999999999.99' })).toBe('CBA');
    expect(await list({ min_premium: '2', max_premium: '1' })).toBe(422);
    expect(await list({ min_premium: 'x' })).toBe(422);
    expect(await list({ search: 'WATER' })).toBe('C');
    expect(await list({ search: '%' })).toBe('A');
    expect(await list({ search: '_' })).toBe('B');
    expect(await list({ search: '\\' })).toBe('');
    expect(await list({ ordering: '-premium' })).toBe('BCA');
    expect(await list({ ordering: 'coverage_amount' })).toBe('CAB');
    expect(await list({ ordering: 'name' })).toBe('ABC');
    expect(await list({ sort_by: 'duration_months', sort_order: 'asc' })).toMatch(/^B/);
    expect(await list({ ordering: 'created_at' })).toBe('ABC');
    expect(await list({ ordering: 'version' })).toBe(422);
    expect(await list({ colour: 'red' })).toBe(422);
    expect(await list({ created_after: '2200-01-01' })).toBe('');
    expect(await list({ ordering: 'name', page: 2, page_size: 2 })).toBe('C');
    expect(await list({}, '/api/plans/')).toBe('CBA');
    const beyond = await visitor.get('/plans', { page: 9, size: 1 });
    expect(beyond.body).toMatchObject({ items: [], pagination: { total: 3, has_next: false } });
  });

  it('shows archived plans to administrators and auditors, and only when asked', async () => {
    const { api, companyId, admin, create } = shop;
    const { path } = await create();
    await api.as(admin).delete(path);
    const all = { include_archived: true };

    expect((await api.as(admin).get('/plans')).body.items).toEqual([]);
    expect((await api.as(admin).get('/plans', all)).body.items).toMatchObject([
      { archived_at: expect.any(String) },
    ]);
    expect((await api.visiting(companyId).get('/plans', all)).body.items).toEqual([]);
    expect((await api.visiting(companyId).get(path)).status).toBe(404);
  });
});

describe('GET /plans for a visitor', () => {
  /** Nobody ever signs in to it: what is known of sessions is read anew every two seconds. */
  let api: TestApi;
  beforeAll(async () => {
    api = await openTestApi();
  });
  afterAll(() => api.close());

  it('is one SELECT beside the transaction and the company it is in', async () => {
    const { id: companyId } = await buildCompany();
    await buildPlan({ companyId });
    const visitor = api.visiting(companyId);
    const counted = async () => {
      const { text } = await api.nowhere.get('/metrics');
      return Number(/^db_query_duration_seconds_count (\d+)/m.exec(text)?.[1]);
    };
    /** Queries of a request that comes while its company is still known, which is so for 4 s. */
    const queries = async (): Promise<number> => {
      const since = performance.now();
      await visitor.get('/plans');
      const before = await counted();
      const asked = { min_premium: '1', search: 'plan', ordering: 'premium' };
      const { body } = await visitor.get('/plans', asked);
      expect(body.items).toHaveLength(1);
      const after = await counted();
      return performance.now() - since < 4000 ? after - before : queries();
    };

    // The transaction with its company, the SELECT, COMMIT.
    expect(await queries()).toBe(3);
  });
});
