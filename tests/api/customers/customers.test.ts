import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { append, withTenant } from '../../../src/models/database.ts';
import { Customer } from '../../../src/models/Customer.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;
let manager: Actor;
let companyId: string;
let ownId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

/** With a customer for its own staff, as provisioning makes it. */
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  ownId = await withTenant(companyId, async () =>
    append(Customer, { name: 'Ourselves', isSelf: true }),
  );
  manager = await buildActor({ companyId, role: 'compliance_manager' });
});

const harbour = {
  name: 'Harbour Logistics',
  subscription_type: 'standard',
  contact_email: 'office@harbour.example',
};

const created = async (values: object = harbour) => {
  const { body } = await api.as(manager).post('/customers', values);
  return { id: String(body.data.id), path: `/customers/${body.data.id}` };
};

const rowOf = async (id: string) => {
  const [row] = await api.database.sql<{
    name: string;
    is_self: boolean;
    version: number;
    archived_at: Date | null;
  }>('SELECT name, is_self, version, archived_at FROM shared.customers WHERE id = $1', [id]);
  return row;
};

const auditOf = async (id: string) =>
  (
    await api.database.sql<{ action: string; actor_id: string }>(
      'SELECT action, actor_id FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [id],
    )
  ).map(({ action, actor_id }) => [action, actor_id]);

describe('/customers', () => {
  it('adds, shows, changes, archives and restores a customer, each with its audit line', async () => {
    const ours = api.as(manager);

    const added = await ours.post('/customers', {
      ...harbour,
      contact_email: 'OFFICE@Harbour.example',
    });
    const path = `/customers/${added.body.data.id}`;
    const shown = await ours.get(path);
    const changed = await ours.patch(path, { subscription_type: 'premium' });
    const replaced = await ours.put(path, { name: '  Harbour\n Ltd ' });
    const archived = await ours.delete(path);
    const gone = await ours.get(path);
    const restored = await ours.post(`${path}/restore`);
    const history = await ours.get(`${path}/history`);

    expect(added).toMatchObject({
      status: 201,
      headers: { etag: expect.stringMatching(/^"1-/) },
      body: { data: { ...harbour, is_self: false } },
    });
    expect(shown.body.data).toEqual(added.body.data);
    expect(changed.body.data).toMatchObject({
      ...harbour,
      subscription_type: 'premium',
      version: 2,
    });
    expect(replaced.body.data).toMatchObject({
      name: 'Harbour Ltd',
      subscription_type: 'free',
      contact_email: null,
      version: 3,
    });
    expect([archived.status, archived.text, gone.status]).toEqual([204, '', 404]);
    expect(restored.body.data).toMatchObject({ archived_at: null, version: 5 });
    expect(await auditOf(added.body.data.id)).toEqual(
      ['CREATE', 'UPDATE', 'UPDATE', 'ARCHIVE', 'RESTORE'].map((action) => [
        action,
        manager.userId,
      ]),
    );
    expect(history.body.items[1]).toMatchObject({
      action: 'UPDATE',
      before: { subscription_type: 'standard' },
      after: { subscription_type: 'premium' },
    });
  });

  it('keeps one that a policy is for, or that has to comply with something', async () => {
    const ours = api.as(manager);
    const [reader, complying] = [await created(), await created({ name: 'Quay' })];
    const { body } = await ours.post('/compliance-policies', {
      title: 'Acceptable use',
      content: 'For work',
      audience_customer_id: reader.id,
    });
    await api.database.sql(
      `WITH made AS (INSERT INTO shared.compliances (company_id, id, compliance_type, compliance_title)
         VALUES ($1, gen_random_uuid(), 'infosec', 'ISO 27001') RETURNING id)
       INSERT INTO shared.customer_compliances (company_id, id, customer_id, compliance_id)
       SELECT $1, gen_random_uuid(), $2::uuid, made.id FROM made`,
      [companyId, complying.id],
    );

    const read = await ours.delete(reader.path);
    const complies = await ours.delete(complying.path);
    await api.database.sql(
      'UPDATE shared.compliance_policies SET archived_at = now() WHERE id = $1',
      [body.data.id],
    );
    const free = await ours.delete(reader.path);
    const back = await ours.post(`/compliance-policies/${body.data.id}/restore`);

    expect(read).toMatchObject({ status: 409, body: { code: 'CUSTOMER_IN_USE', policies: 1 } });
    expect(complies).toMatchObject({
      status: 409,
      body: { code: 'CUSTOMER_IN_USE', compliances: 1 },
    });
    expect(free.status).toBe(204);
    expect(back).toMatchObject({ status: 409, body: { code: 'CUSTOMER_ARCHIVED' } });
  });

  it('tells how a customer was', async () => {
    const { path } = await created();
    const [{ now } = { now: new Date() }] = await api.database.sql<{ now: Date }>('SELECT now()');
    await api.as(manager).patch(path, { name: 'Renamed' });

    const past = await api.as(manager).get(`${path}/as-of`, { at: now.toISOString() });

    expect(past.body.data.state).toMatchObject({ name: harbour.name, is_self: false });
  });

  it('refuses strangers, wrong roles and other companies, and changes nothing', async () => {
    const { id, path } = await created();
    const reader = await buildActor({ companyId, role: 'hr' });
    const employee = await buildActor({ companyId, role: 'employee' });
    const other = await buildCompany();
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'compliance_manager' }));
    const unknown = `/customers/${uuid()}`;

    for (const [caller, status, code] of [
      [api.visiting(companyId), 401, 'UNAUTHENTICATED'],
      [api.as(reader), 403, 'FORBIDDEN'],
    ] as const) {
      for (const answer of [
        await caller.post('/customers', harbour),
        await caller.put(path, harbour),
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
      [await foreign.put(path, harbour), await foreign.put(unknown, harbour)],
      [await foreign.delete(path), await foreign.delete(unknown)],
      [await foreign.post(`${path}/restore`), await foreign.post(`${unknown}/restore`)],
      [await foreign.get(`${path}/history`), await foreign.get(`${unknown}/history`)],
    ] as const) {
      expect(theirs.status).toBe(404);
      expect(comparable(theirs)).toBe(comparable(none));
    }

    expect((await api.as(reader).get(path)).status).toBe(200);
    expect((await api.as(employee).get(path)).status).toBe(403);
    expect((await foreign.get('/customers')).body.items).toEqual([]);
    expect(await rowOf(id)).toMatchObject({ name: harbour.name, version: 1, archived_at: null });
    expect(await auditOf(id)).toHaveLength(1);
  });

  it("keeps the company's own customer, and lets nobody make another one", async () => {
    const ours = api.as(manager);
    const { id } = await created();

    const archived = await ours.delete(`/customers/${ownId}`);
    const second = await ours.post('/customers', { ...harbour, name: 'Us too', is_self: true });
    const made = await ours.patch(`/customers/${id}`, { is_self: true });
    const unmade = await ours.patch(`/customers/${ownId}`, { is_self: false });
    const renamed = await ours.patch(`/customers/${ownId}`, { name: 'We' });

    expect(archived).toMatchObject({ status: 409, body: { code: 'OWN_CUSTOMER' } });
    for (const refused of [second, made, unmade]) {
      expect(refused).toMatchObject({
        status: 422,
        body: { details: [{ field: 'is_self', code: 'UNKNOWN_FIELD' }] },
      });
    }
    expect(renamed.body.data).toMatchObject({ name: 'We', is_self: true });
    expect(await rowOf(ownId)).toMatchObject({ is_self: true, archived_at: null });
    expect(await rowOf(id)).toMatchObject({ is_self: false, version: 1 });
  });

  it('refuses bad input by field', async () => {
    const bad = { name: '', subscription_type: 'gold', contact_email: 'nobody', x: 1 };
    const unread = { ...harbour, name: ' \u202e ' };

    const answer = await api.as(manager).post('/customers', bad);
    const unreadable = await api.as(manager).post('/customers', unread);

    expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR' } });
    expect(answer.body.details.map(({ field }: { field: string }) => field)).toEqual([
      'name',
      'subscription_type',
      'contact_email',
      'x',
    ]);
    expect(unreadable).toMatchObject({
      status: 422,
      body: { details: [{ field: 'name', code: 'REQUIRED' }] },
    });
  });

  it('keeps names unique in a company, whatever their case, archived ones apart', async () => {
    const { path } = await created();
    const { id, path: second } = await created({ name: 'Quay' });

    const twin = await api.as(manager).post('/customers', { name: 'HARBOUR logistics' });
    const renamed = await api.as(manager).patch(second, { name: harbour.name });
    await api.as(manager).delete(path);
    const freed = await api.as(manager).post('/customers', harbour);
    const back = await api.as(manager).post(`${path}/restore`);

    for (const refused of [twin, renamed, back]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'CUSTOMER_EXISTS' } });
    }
    expect(freed.status).toBe(201);
    expect(await rowOf(id)).toMatchObject({ name: 'Quay', version: 1 });
  });

  it('repeats its answer to a repeated Idempotency-Key', async () => {
    const key = { 'Idempotency-Key': uuid() };

    const first = await api.as(manager).post('/customers', harbour, key);
    const again = await api.as(manager).post('/customers', harbour, key);
    const other = await api.as(manager).post('/customers', { name: 'Other' }, key);

    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
    expect(again.body.data).toEqual(first.body.data);
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  it('refuses a change meant for an older version', async () => {
    const { id, path } = await created();
    await api.as(manager).patch(path, { name: 'Harbour' });

    for (const stale of [
      await api.as(manager).patch(path, { name: 'Mine' }, { 'If-Match': '"1"' }),
      await api.as(manager).put(path, { ...harbour, version: 1 }),
      await api.as(manager).delete(path, { 'If-Match': '"1"' }),
    ]) {
      expect(stale).toMatchObject({
        status: 409,
        body: { code: 'VERSION_CONFLICT', current_version: 2 },
      });
    }

    expect(await rowOf(id)).toMatchObject({ name: 'Harbour', version: 2, archived_at: null });
  });
});

describe('GET /customers', () => {
  it('filters, searches, sorts and pages, at its older path too', async () => {
    await created({ name: 'Flat_Co', subscription_type: 'premium' });
    await created({ name: 'bakery', contact_email: 'bread@oven.example' });
    const list = async (query: object, path = '/customers') =>
      (await api.as(manager).get(path, query)).body.items.map(({ name }: Customer) => name);

    expect(await list({})).toEqual(['bakery', 'Flat_Co', 'Ourselves']);
    expect(await list({ name: 'BAKERY' })).toEqual(['bakery']);
    expect(await list({ name: 'bake' })).toEqual([]);
    expect(await list({ subscription_type: 'premium' })).toEqual(['Flat_Co']);
    expect(await list({ is_self: true })).toEqual(['Ourselves']);
    expect(await list({ is_self: false })).toEqual(['bakery', 'Flat_Co']);
    expect(await list({ search: 'OVEN' })).toEqual(['bakery']);
    expect(await list({ search: '_' })).toEqual(['Flat_Co']);
    expect(await list({ ordering: '-name' })).toEqual(['Ourselves', 'Flat_Co', 'bakery']);
    expect(await list({ sort_by: 'created_at' })).toEqual(['Ourselves', 'Flat_Co', 'bakery']);
    expect(await list({ page: 2, page_size: 2 })).toEqual(['Ourselves']);
    expect(await list({ created_after: '2200-01-01' })).toEqual([]);
    expect(await list({}, '//customers/')).toHaveLength(3);

    expect((await api.as(manager).get('/customers', { colour: 'red' })).status).toBe(422);
    expect((await api.as(manager).get('/customers', { sort_by: 'version' })).status).toBe(422);
  });

  it('shows archived ones to those who may read the audit, and only when asked', async () => {
    const { path } = await created();
    await api.as(manager).delete(path);
    const auditor = await buildActor({ companyId, role: 'auditor' });
    const all = { include_archived: true, is_self: false };
    const total = async (actor: Actor, query: object) =>
      (await api.as(actor).get('/customers', query)).body.pagination.total;

    expect(await total(auditor, { is_self: false })).toBe(0);
    expect(await total(auditor, all)).toBe(1);
    expect(await total(manager, all)).toBe(0);
    expect((await api.as(auditor).get(path)).status).toBe(200);
  });
});
