import { v7 as uuid } from 'uuid';
import { createCustomerCompliances } from '../../../src/commands/customerCompliances.ts';
import type { Actor } from '../../../src/context.ts';
import { execute } from '../../../src/models/database.ts';
import { comparable, openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { meanwhile } from '../../support/meanwhile.ts';

let api: TestApi;
let manager: Actor;
let ours: Caller;
let companyId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  manager = await buildActor({ companyId, role: 'compliance_manager' });
  ours = api.as(manager);
});

const iso = {
  compliance_type: 'infosec',
  compliance_title: 'ISO 27001',
  requirements: [
    { code: 'A.5.1', text: 'Policies are defined' },
    { code: 'A.5.2', text: 'Roles are given' },
  ],
};

const created = async (path: string, values: object): Promise<string> =>
  (await ours.post(path, values)).body.data.id;

const auditOf = async (id: string) =>
  (
    await api.database.sql<{ action: string }>(
      'SELECT action FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [id],
    )
  ).map(({ action }) => action);

describe('/compliances', () => {
  it('adds, shows, changes, archives and restores a compliance, each with its audit line', async () => {
    const added = await ours.post('/compliances', iso);
    const { id } = added.body.data;
    const path = `/compliances/${id}`;
    const shown = await ours.get(path);
    const changed = await ours.patch(path, { requirements: [] });
    const replaced = await ours.put(path, {
      compliance_type: 'our_own',
      compliance_title: 'House rules',
      requirements: iso.requirements,
    });
    const archived = await ours.delete(path);
    const gone = await ours.get(path);
    const restored = await ours.post(`${path}/restore`);
    const history = await ours.get(`${path}/history`);

    expect(added).toMatchObject({ status: 201, body: { data: iso } });
    expect(shown.body.data).toEqual(added.body.data);
    expect(changed.body.data).toMatchObject({ ...iso, requirements: [], version: 2 });
    expect(replaced.body.data).toMatchObject({ compliance_type: 'our_own', version: 3 });
    expect([archived.status, gone.status, restored.status]).toEqual([204, 404, 200]);
    expect(await auditOf(id)).toEqual(['CREATE', 'UPDATE', 'UPDATE', 'ARCHIVE', 'RESTORE']);
    expect(history.body.items).toHaveLength(5);
  });

  it('refuses bad input by field, and codes that come twice', async () => {
    const answer = await ours.post('/compliances', {
      compliance_type: 'Not a code',
      compliance_title: '',
      requirements: [{ code: 'A' }],
    });
    const twice = await ours.post('/compliances', {
      ...iso,
      requirements: [...iso.requirements, { code: 'a.5.1', text: 'Again' }],
    });

    expect(answer.body.details.map(({ field }: { field: string }) => field)).toEqual([
      'compliance_type',
      'compliance_title',
      'requirements.0.text',
    ]);
    expect(twice).toMatchObject({
      status: 422,
      body: { details: [{ field: 'requirements.2.code', code: 'REPEATED' }] },
    });
  });

  it('keeps titles unique in a company, archived ones apart', async () => {
    const id = await created('/compliances', iso);

    const twin = await ours.post('/compliances', { ...iso, compliance_title: 'iso 27001' });
    await ours.delete(`/compliances/${id}`);
    await created('/compliances', iso);
    const back = await ours.post(`/compliances/${id}/restore`);

    for (const refused of [twin, back]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'COMPLIANCE_EXISTS' } });
    }
  });

  it('filters, searches and sorts, at its older path too', async () => {
    await created('/compliances', iso);
    await created('/compliances', { compliance_type: 'our_own', compliance_title: 'clean desks' });
    const list = async (query: object, path = '/compliances') =>
      (await ours.get(path, query)).body.items.map(
        (item: { compliance_title: string }) => item.compliance_title,
      );

    expect(await list({})).toEqual(['clean desks', 'ISO 27001']);
    expect(await list({ compliance_type: 'infosec' })).toEqual(['ISO 27001']);
    expect(await list({ search: 'DESK' })).toEqual(['clean desks']);
    expect(await list({ ordering: '-compliance_title' }, '//compliances/')).toEqual([
      'ISO 27001',
      'clean desks',
    ]);
  });
});

describe('/customer-compliance', () => {
  let customer: string;
  let compliance: string;
  let path: string;

  beforeEach(async () => {
    customer = await created('/customers', { name: 'Harbour' });
    compliance = await created('/compliances', iso);
    const id = await created('/customer-compliance', {
      customer_id: customer,
      compliance_id: compliance,
    });
    path = `/customer-compliance/${id}`;
  });

  it('begins at zero, and only once for a customer', async () => {
    const shown = await ours.get(path);
    const twice = await ours.post('/customer-compliance', {
      customer_id: customer,
      compliance_id: compliance,
    });

    expect(shown.body.data).toMatchObject({
      status: 'pending',
      compliance_percentage: '0.00',
      acknowledged_count: 0,
      pending_count: 0,
      compliance_updated: null,
      audit_date: null,
      audit_status: 'pending',
      version: 1,
    });
    expect(twice).toMatchObject({ status: 409, body: { code: 'CUSTOMER_COMPLIANCE_EXISTS' } });
  });

  it('refuses customers and compliances that are not there', async () => {
    const archived = await created('/compliances', { ...iso, compliance_title: 'Old' });
    await ours.delete(`/compliances/${archived}`);

    for (const [values, field] of [
      [{ customer_id: uuid(), compliance_id: compliance }, 'customer_id'],
      [{ customer_id: customer, compliance_id: uuid() }, 'compliance_id'],
      [{ customer_id: customer, compliance_id: archived }, 'compliance_id'],
    ] as const) {
      expect(await ours.post('/customer-compliance', values)).toMatchObject({
        status: 422,
        body: { details: [{ field }] },
      });
    }
    expect((await ours.get('/customer-compliance')).body.pagination.total).toBe(1);
  });

  it('plans an audit, completes it once, and plans the next one', async () => {
    const planned = await ours.patch(path, { audit_date: '2199-09-30' });
    const later = await ours.post(`${path}/complete-audit`, { audit_date: '2199-09-30' });
    const completed = await ours.post(`${path}/complete-audit`, { audit_date: '2026-02-01' });
    const twice = await ours.post(`${path}/complete-audit`);
    const same = await ours.patch(path, { audit_date: '2026-02-01' });
    const next = await ours.patch(path, { audit_date: '2200-09-30' });
    const set = await ours.patch(path, { compliance_percentage: '100.00' });
    const history = await ours.get(`${path}/history`);

    expect(planned.body.data).toMatchObject({ audit_date: '2199-09-30', audit_status: 'pending' });
    expect(later).toMatchObject({
      status: 422,
      body: { details: [{ field: 'audit_date', code: 'OUT_OF_RANGE' }] },
    });
    expect(completed.body.data).toMatchObject({
      audit_date: '2026-02-01',
      audit_status: 'completed',
      version: 3,
    });
    expect(twice).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
    expect(same.body.data).toMatchObject({ audit_status: 'completed', version: 3 });
    expect(next.body.data).toMatchObject({ audit_date: '2200-09-30', audit_status: 'pending' });
    expect(set).toMatchObject({ status: 422, body: { details: [{ code: 'UNKNOWN_FIELD' }] } });
    expect(history.body.items.map(({ action }: { action: string }) => action)).toEqual([
      'CREATE',
      'UPDATE',
      'STATUS_CHANGE',
      'UPDATE',
    ]);
  });

  it('is completed today unless told, and once by a repeated key', async () => {
    const key = { 'Idempotency-Key': uuid() };
    const [{ today } = { today: '' }] = await api.database.sql<{ today: string }>(
      `SELECT (now() AT TIME ZONE 'Europe/Berlin')::date::text AS today`,
    );

    const first = await ours.post(`${path}/complete-audit`, {}, key);
    const again = await ours.post(`${path}/complete-audit`, {}, key);

    expect(first.body.data).toMatchObject({ audit_date: today, audit_status: 'completed' });
    expect(again).toMatchObject({ status: 200, headers: { 'idempotent-replayed': 'true' } });
  });

  it('is archived once no policy is for it, and its customer then, and all of them come back', async () => {
    const id = path.slice('/customer-compliance/'.length);
    const policy = `/compliance-policies/${await created('/compliance-policies', {
      title: 'Acceptable use',
      content: 'For work',
      customer_compliance_id: id,
    })}`;

    const used = await ours.delete(path);
    const needed = await ours.delete(`/customers/${customer}`);
    await api.database.sql(
      'UPDATE shared.compliance_policies SET archived_at = now() WHERE customer_compliance_id = $1',
      [id],
    );
    const stale = await ours.delete(path, { 'If-Match': '"2"' });
    const archived = await ours.delete(path, { 'If-Match': '"1"' });
    const gone = await ours.get(path);
    const listed = await ours.get('/customer-compliance');
    const alone = await ours.delete(`/customers/${customer}`);
    const withoutCustomer = await ours.post(`${path}/restore`);
    const withoutIt = await ours.post(`${policy}/restore`);
    await ours.post(`/customers/${customer}/restore`);
    await ours.delete(`/compliances/${compliance}`);
    const withoutCompliance = await ours.post(`${path}/restore`);
    await ours.post(`/compliances/${compliance}/restore`);
    const restored = await ours.post(`${path}/restore`);
    const both = await ours.post(`${policy}/restore`);

    expect(used).toMatchObject({
      status: 409,
      body: { code: 'CUSTOMER_COMPLIANCE_IN_USE', policies: 1 },
    });
    expect(needed).toMatchObject({ status: 409, body: { code: 'CUSTOMER_IN_USE' } });
    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect([archived.status, gone.status, alone.status]).toEqual([204, 404, 204]);
    expect(listed.body.items).toEqual([]);
    expect(withoutCustomer).toMatchObject({ status: 409, body: { code: 'CUSTOMER_ARCHIVED' } });
    expect(withoutIt).toMatchObject({
      status: 409,
      body: { code: 'CUSTOMER_COMPLIANCE_ARCHIVED' },
    });
    expect(withoutCompliance).toMatchObject({ status: 409, body: { code: 'COMPLIANCE_ARCHIVED' } });
    expect(restored.body.data).toMatchObject({ id, archived_at: null, version: 3 });
    expect(both).toMatchObject({ status: 200, body: { data: { customer_compliance_id: id } } });
    expect(await auditOf(id)).toEqual(['CREATE', 'ARCHIVE', 'RESTORE']);
  });

  it('does not come back beside another one of its customer', async () => {
    await ours.delete(path);
    await created('/customer-compliance', { customer_id: customer, compliance_id: compliance });

    const back = await ours.post(`${path}/restore`);

    expect(back).toMatchObject({ status: 409, body: { code: 'CUSTOMER_COMPLIANCE_EXISTS' } });
    expect((await ours.get(path)).status).toBe(404);
  });

  it('is not archived while a policy is made for it, nor the other way round', async () => {
    const id = path.slice('/customer-compliance/'.length);
    const { database } = api;
    const policy = { title: 'Acceptable use', content: 'For work', customer_compliance_id: id };
    const made = () =>
      execute(
        `INSERT INTO compliance_policies (company_id, id, type, title, customer_compliance_id)
         VALUES ($1, gen_random_uuid(), 'custom', 'Passwords', $2)`,
        [companyId, id],
      );

    const archived = await meanwhile({ database, actor: manager }, made, () => ours.delete(path));
    await database.sql(
      'UPDATE shared.compliance_policies SET archived_at = now() WHERE customer_compliance_id = $1',
      [id],
    );
    const late = await meanwhile(
      { database, actor: manager },
      () => createCustomerCompliances().archive(manager, id, undefined),
      () => ours.post('/compliance-policies', policy),
    );

    expect(archived).toMatchObject({ status: 409, body: { code: 'CUSTOMER_COMPLIANCE_IN_USE' } });
    expect(late).toMatchObject({
      status: 422,
      body: { details: [{ field: 'customer_compliance_id' }] },
    });
  });

  it('lists by customer, compliance and status', async () => {
    const other = await created('/customers', { name: 'Quay' });
    await created('/customer-compliance', { customer_id: other, compliance_id: compliance });
    await ours.post(`${path}/complete-audit`);
    const total = async (query: object) =>
      (await ours.get('/customer-compliance', query)).body.pagination.total;

    expect(await total({})).toBe(2);
    expect(await total({ customer_id: other })).toBe(1);
    expect(await total({ compliance_id: compliance })).toBe(2);
    expect(await total({ compliance_id: uuid() })).toBe(0);
    expect(await total({ status: 'completed' })).toBe(0);
    expect(await total({ audit_status: 'completed' })).toBe(1);
    expect((await ours.get('//customer-compliance/')).body.items).toHaveLength(2);
  });
});

describe('the compliance catalogue', () => {
  it('refuses strangers, wrong roles and other companies, and changes nothing', async () => {
    const customer = await created('/customers', { name: 'Harbour' });
    const compliance = await created('/compliances', iso);
    const pair = { customer_id: customer, compliance_id: compliance };
    const id = await created('/customer-compliance', pair);
    const reader = api.as(await buildActor({ companyId, role: 'hr' }));
    const agent = api.as(await buildActor({ companyId, role: 'call_center' }));
    const other = await buildCompany();
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'compliance_manager' }));

    for (const [caller, status, code] of [
      [api.visiting(companyId), 401, 'UNAUTHENTICATED'],
      [reader, 403, 'FORBIDDEN'],
    ] as const) {
      for (const answer of [
        await caller.post('/compliances', iso),
        await caller.patch(`/compliances/${compliance}`, { compliance_title: 'New' }),
        await caller.delete(`/compliances/${compliance}`),
        await caller.post('/customer-compliance', pair),
        await caller.patch(`/customer-compliance/${id}`, { audit_date: null }),
        await caller.delete(`/customer-compliance/${id}`),
        await caller.post(`/customer-compliance/${id}/restore`),
        await caller.post(`/customer-compliance/${id}/complete-audit`),
      ]) {
        expect(answer).toMatchObject({ status, body: { code } });
      }
    }
    for (const path of ['compliances', 'customer-compliance']) {
      const one = path === 'compliances' ? compliance : id;
      const [theirs, none] = [
        await foreign.get(`/${path}/${one}`),
        await foreign.get(`/${path}/${uuid()}`),
      ];
      expect(theirs.status).toBe(404);
      expect(comparable(theirs)).toBe(comparable(none));
      expect((await reader.get(`/${path}/${one}`)).status).toBe(200);
      expect((await agent.get(`/${path}/${one}`)).status).toBe(403);
    }
    expect(await foreign.post('/customer-compliance', pair)).toMatchObject({ status: 422 });
    expect(await auditOf(id)).toEqual(['CREATE']);
    expect(await auditOf(compliance)).toEqual(['CREATE']);
  });
});
