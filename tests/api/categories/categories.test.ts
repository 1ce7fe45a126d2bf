import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { withTenant } from '../../../src/models/database.ts';
import { InsurancePlan } from '../../../src/models/InsurancePlan.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan } from '../../support/build.ts';

let api: TestApi;
let admin: Actor;
let companyId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

/** Each test has a company of its own. */
async function newCompany(): Promise<void> {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
}

const house = { name: 'Detached House', segment: 'residential', description: 'Alone' } as const;

const created = async (values: object = house) => {
  const { body } = await api.as(admin).post('/categories', values);
  return { id: String(body.data.id), path: `/categories/${body.data.id}` };
};

const rowOf = async (id: string) => {
  const [row] = await api.database.sql<{ name: string; version: number; archived_at: Date | null }>(
    'SELECT name, version, archived_at FROM shared.property_categories WHERE id = $1',
    [id],
  );
  return row;
};

const auditOf = async (id: string) =>
  (
    await api.database.sql<{ action: string; actor_id: string }>(
      'SELECT action, actor_id FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [id],
    )
  ).map(({ action, actor_id }) => [action, actor_id]);

describe('/categories', () => {
  beforeEach(newCompany);

  it('adds, shows, changes, archives and restores a category, each with its audit line', async () => {
    const ours = api.as(admin);

    const added = await ours.post('/categories', house);
    const path = `/categories/${added.body.data.id}`;
    const shown = await api.visiting(companyId).get(path);
    const changed = await ours.patch(path, { description: 'Stands alone' });
    const replaced = await ours.put(path, { name: 'House', segment: 'small_commercial' });
    const archived = await ours.delete(path);
    const gone = await api.visiting(companyId).get(path);
    const restored = await ours.post(`${path}/restore`);

    expect(added).toMatchObject({
      status: 201,
      headers: { etag: expect.stringMatching(/^"1-/) },
      body: { data: house },
    });
    expect(shown.body.data).toEqual(added.body.data);
    expect(changed.body.data).toMatchObject({ ...house, description: 'Stands alone', version: 2 });
    expect(replaced.body.data).toMatchObject({ name: 'House', description: null, version: 3 });
    expect([archived.status, archived.text, gone.status]).toEqual([204, '', 404]);
    expect(restored.body.data).toMatchObject({ archived_at: null, version: 5 });
    expect(await auditOf(added.body.data.id)).toEqual(
      ['CREATE', 'UPDATE', 'UPDATE', 'ARCHIVE', 'RESTORE'].map((action) => [action, admin.userId]),
    );
  });

  it('refuses strangers, wrong roles and other companies, and changes nothing', async () => {
    const { id, path } = await created();
    const agent = await buildActor({ companyId, role: 'call_center' });
    const other = await buildCompany();
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'tenant_admin' }));
    const unknown = `/categories/${uuid()}`;

    for (const [caller, status, code] of [
      [api.visiting(companyId), 401, 'UNAUTHENTICATED'],
      [api.as(agent), 403, 'FORBIDDEN'],
    ] as const) {
      for (const answer of [
        await caller.post('/categories', { name: 'New', segment: 'residential' }),
        await caller.put(path, { name: 'New', segment: 'residential' }),
        await caller.patch(path, { name: 'New' }),
        await caller.delete(path),
        await caller.post(`${path}/restore`),
      ]) {
        expect(answer).toMatchObject({ status, body: { code } });
      }
    }
    for (const [theirs, none] of [
      [await foreign.get(path), await foreign.get(unknown)],
      [await foreign.patch(path, { name: 'New' }), await foreign.patch(unknown, { name: 'New' })],
      [await foreign.put(path, house), await foreign.put(unknown, house)],
      [await foreign.delete(path), await foreign.delete(unknown)],
      [await foreign.post(`${path}/restore`), await foreign.post(`${unknown}/restore`)],
    ] as const) {
      expect(theirs.status).toBe(404);
      expect(comparable(theirs)).toBe(comparable(none));
    }

    expect((await foreign.get('/categories')).body.items).toEqual([]);
    expect(await rowOf(id)).toEqual({ name: house.name, version: 1, archived_at: null });
    expect(await auditOf(id)).toHaveLength(1);
  });

  it('refuses bad input by field', async () => {
    const answer = await api.as(admin).post('/categories', { name: '', segment: 'castle', x: 1 });

    expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR' } });
    expect(answer.body.details.map(({ field }: { field: string }) => field)).toEqual([
      'name',
      'segment',
      'x',
    ]);
  });

  it('keeps names unique in a company, whatever their case, archived ones apart', async () => {
    const { path } = await created();
    const { id, path: second } = await created({ name: 'Duplex', segment: 'residential' });

    const twin = await api.as(admin).post('/categories', { ...house, name: 'DETACHED house' });
    const renamed = await api.as(admin).patch(second, { name: 'Detached House' });
    await api.as(admin).delete(path);
    const freed = await api.as(admin).post('/categories', house);
    const back = await api.as(admin).post(`${path}/restore`);

    for (const refused of [twin, renamed, back]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'CATEGORY_EXISTS' } });
    }
    expect(freed.status).toBe(201);
    expect(await rowOf(id)).toMatchObject({ name: 'Duplex', version: 1 });
  });

  it('gives a name to one of 200 who ask at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => api.as(admin).post('/categories', house)),
    );

    const refused = answers.filter(({ body }) => body.code === 'CATEGORY_EXISTS');
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(refused.map(({ status }) => status)).toEqual(Array(199).fill(409));
    expect(await api.visiting(companyId).get('/categories')).toMatchObject({
      body: { pagination: { total: 1 } },
    });
  });

  it('repeats its answer to a repeated Idempotency-Key', async () => {
    const key = { 'Idempotency-Key': uuid() };

    const first = await api.as(admin).post('/categories', house, key);
    const again = await api.as(admin).post('/categories', house, key);
    const other = await api.as(admin).post('/categories', { ...house, name: 'Other' }, key);

    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
    expect(again.body.data).toEqual(first.body.data);
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  it('refuses a change meant for an older version', async () => {
    const { id, path } = await created();
    await api.as(admin).patch(path, { name: 'House' });

    for (const stale of [
      await api.as(admin).patch(path, { name: 'Mine' }, { 'If-Match': '"1"' }),
      await api.as(admin).put(path, { ...house, version: 1 }),
      await api.as(admin).delete(path, { 'If-Match': '"1"' }),
    ]) {
      expect(stale).toMatchObject({
        status: 409,
        body: { code: 'VERSION_CONFLICT', current_version: 2 },
      });
    }

    expect(await rowOf(id)).toEqual({ name: 'House', version: 2, archived_at: null });
  });

  it('keeps a category that active plans use', async () => {
    const plan = await buildPlan({ companyId });
    const path = `/categories/${plan.propertyCategoryId}`;

    const used = await api.as(admin).delete(path);
    await withTenant(companyId, () =>
      InsurancePlan.update({ isActive: false }, { where: { id: plan.id } }),
    );
    const unused = await api.as(admin).delete(path);

    expect(used).toMatchObject({ status: 409, body: { code: 'CATEGORY_IN_USE', active_plans: 1 } });
    expect(unused.status).toBe(204);
  });

  it('is never archived beside a plan that is added at the same time', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id, path } = await created({ name: `Round ${round}`, segment: 'residential' });
      const plan = {
        name: `Plan ${round}`,
        property_category_id: id,
        coverage_level: 'basic',
        coverage_amount: '1000.00',
        premium: '10.00',
        duration_months: 6,
      };

      const [archived, planned] = await Promise.all([
        api.as(admin).delete(path),
        api.as(admin).post('/plans', plan),
      ]);

      expect([
        [204, 422],
        [409, 201],
      ]).toContainEqual([archived.status, planned.status]);
    }
  });
});

describe('GET /categories', () => {
  beforeEach(newCompany);

  const names = (answer: { body: { items: { name: string }[] } }): string[] =>
    answer.body.items.map(({ name }) => name);

  it('filters, searches, sorts and pages, at its older path too', async () => {
    await created({ name: 'Flat', segment: 'residential', description: '100% yours' });
    await created({ name: 'Shop_Space', segment: 'small_commercial' });
    await created({ name: 'bungalow', segment: 'residential', description: 'One floor' });
    const visitor = api.visiting(companyId);
    const list = async (query: object, path = '/categories') =>
      names(await visitor.get(path, query));

    expect(await list({})).toEqual(['bungalow', 'Flat', 'Shop_Space']);
    expect(await list({ segment: 'residential' })).toEqual(['bungalow', 'Flat']);
    expect(await list({ search: 'FLOOR' })).toEqual(['bungalow']);
    expect(await list({ search: '0%' })).toEqual(['Flat']);
    expect(await list({ search: 'p_s' })).toEqual(['Shop_Space']);
    expect(await list({ search: '_' })).toEqual(['Shop_Space']);
    expect(await list({ ordering: '-name' })).toEqual(['Shop_Space', 'Flat', 'bungalow']);
    expect(await list({ sort_by: 'created_at' })).toEqual(['Flat', 'Shop_Space', 'bungalow']);
    expect(await list({ page: 2, page_size: 2 })).toEqual(['Shop_Space']);
    expect(await list({ created_after: '2200-01-01' })).toEqual([]);
    expect(await list({ created_before: '2200-01-01' })).toHaveLength(3);
    expect(await list({}, '/api/categories/')).toHaveLength(3);

    expect((await visitor.get('/categories', { colour: 'red' })).status).toBe(422);
    expect((await visitor.get('/categories', { sort_by: 'version' })).status).toBe(422);
  });

  it('shows archived ones to those who may read the audit, and only when asked', async () => {
    const { path } = await created();
    await api.as(admin).delete(path);
    const auditor = await buildActor({ companyId, role: 'auditor' });
    const agent = await buildActor({ companyId, role: 'call_center' });
    const all = { include_archived: true };

    expect(names(await api.as(admin).get('/categories'))).toEqual([]);
    expect(names(await api.as(admin).get('/categories', all))).toEqual([house.name]);
    expect(names(await api.as(auditor).get('/categories', all))).toEqual([house.name]);
    expect(names(await api.as(agent).get('/categories', all))).toEqual([]);
    expect(names(await api.visiting(companyId).get('/categories', all))).toEqual([]);
  });

  it('belongs to a company, so without one there is none', async () => {
    const answer = await api.nowhere.get('/categories');

    expect(answer).toMatchObject({ status: 404, body: { code: 'TENANT_UNKNOWN' } });
  });

  it('answers at the older path of one category, naming the newer one', async () => {
    const { id, path } = await created();

    const answer = await api.visiting(companyId).get(`/api${path}/`);

    expect(answer.body.data.id).toBe(id);
    expect(answer.headers['link']).toContain(`</api/v1${path}>; rel="successor-version"`);
  });
});
