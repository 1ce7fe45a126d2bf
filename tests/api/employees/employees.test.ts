import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { append, withTenant } from '../../../src/models/database.ts';
import { Customer } from '../../../src/models/Customer.ts';
import { Employee } from '../../../src/models/Employee.ts';
import { comparable, openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;
let hr: Actor;
let ours: Caller;
let companyId: string;
let ownId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  ownId = await withTenant(companyId, async () =>
    append(Customer, { name: 'Ourselves', isSelf: true }),
  );
  hr = await buildActor({ companyId, role: 'hr' });
  ours = api.as(hr);
});

const grace = {
  name: 'Grace Hopper',
  email: 'grace@harbour.example',
  role: 'Dispatcher',
  department: 'Operations',
  join_date: '2026-01-31',
};

let built = 0;
const created = async (values: object = {}) => {
  const email = `employee${(built += 1)}@harbour.example`;
  const { body } = await ours.post('/employees', { ...grace, email, ...values });
  return { id: String(body.data.id), path: `/employees/${body.data.id}`, email };
};

const rowOf = async (id: string) => {
  const [row] = await api.database.sql<{
    name: string;
    status: string;
    manager_id: string | null;
    version: number;
    archived_at: Date | null;
  }>('SELECT name, status, manager_id, version, archived_at FROM shared.employees WHERE id = $1', [
    id,
  ]);
  return row;
};

const auditOf = async (id: string) =>
  (
    await api.database.sql<{ action: string }>(
      'SELECT action FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [id],
    )
  ).map(({ action }) => action);

describe('/employees', () => {
  it('adds, shows, changes, archives and restores an employee, each with its audit line', async () => {
    const added = await ours.post('/employees', { ...grace, email: 'Grace@Harbour.example' });
    const { id } = added.body.data;
    const path = `/employees/${id}`;
    const shown = await ours.get(path);
    const changed = await ours.patch(path, { department: null });
    const replaced = await ours.put(path, {
      customer_id: ownId,
      name: 'Grace M. Hopper',
      email: grace.email,
      join_date: '2026-02-01',
    });
    const archived = await ours.delete(path);
    const gone = await ours.get(path);
    const restored = await ours.post(`${path}/restore`);
    const history = await ours.get(`${path}/history`);

    expect(added).toMatchObject({
      status: 201,
      headers: { etag: expect.stringMatching(/^"1-/) },
      body: { data: { ...grace, customer_id: ownId, status: 'active', manager_status: null } },
    });
    expect(shown.body.data).toEqual(added.body.data);
    expect(changed.body.data).toMatchObject({ ...grace, department: null, version: 2 });
    expect(replaced.body.data).toMatchObject({
      name: 'Grace M. Hopper',
      role: null,
      join_date: '2026-02-01',
      version: 3,
    });
    expect([archived.status, gone.status]).toEqual([204, 404]);
    expect(restored.body.data).toMatchObject({ archived_at: null, version: 5 });
    expect(await auditOf(id)).toEqual(['CREATE', 'UPDATE', 'UPDATE', 'ARCHIVE', 'RESTORE']);
    expect(history.body.items[2]).toMatchObject({
      before: { full_name: 'Grace Hopper', role: 'Dispatcher' },
      after: { full_name: 'Grace M. Hopper', role: null },
    });
  });

  it('takes today for the day of joining, and the own customer, unless told', async () => {
    const [{ today } = { today: '' }] = await api.database.sql<{ today: string }>(
      `SELECT (now() AT TIME ZONE 'Europe/Berlin')::date::text AS today`,
    );

    const { body } = await ours.post('/employees', { name: 'Ada', email: 'ada@harbour.example' });

    expect(body.data).toMatchObject({ customer_id: ownId, join_date: today, role: null });
  });

  it('refuses strangers, wrong roles and other companies, and changes nothing', async () => {
    const { id, path } = await created();
    const reader = api.as(await buildActor({ companyId, role: 'executive' }));
    const employee = api.as(await buildActor({ companyId, role: 'employee' }));
    const other = await buildCompany();
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'hr' }));
    const unknown = `/employees/${uuid()}`;

    for (const [caller, status, code] of [
      [api.visiting(companyId), 401, 'UNAUTHENTICATED'],
      [reader, 403, 'FORBIDDEN'],
    ] as const) {
      for (const answer of [
        await caller.post('/employees', grace),
        await caller.post('/employees/import'),
        await caller.put(path, { ...grace, customer_id: ownId }),
        await caller.patch(path, { name: 'New' }),
        await caller.post(`${path}/leave`),
        await caller.post(`${path}/return`),
        await caller.delete(path),
        await caller.post(`${path}/restore`),
      ]) {
        expect(answer).toMatchObject({ status, body: { code } });
      }
    }
    for (const [theirs, none] of [
      [await foreign.get(path), await foreign.get(unknown)],
      [await foreign.patch(path, { name: 'New' }), await foreign.patch(unknown, { name: 'New' })],
      [await foreign.post(`${path}/leave`), await foreign.post(`${unknown}/leave`)],
      [await foreign.delete(path), await foreign.delete(unknown)],
      [await foreign.get(`${path}/history`), await foreign.get(`${unknown}/history`)],
    ] as const) {
      expect(theirs.status).toBe(404);
      expect(comparable(theirs)).toBe(comparable(none));
    }

    expect((await reader.get(path)).status).toBe(200);
    expect((await employee.get(path)).status).toBe(403);
    expect((await foreign.get('/employees')).body.items).toEqual([]);
    expect(await rowOf(id)).toMatchObject({ name: grace.name, status: 'active', version: 1 });
    expect(await auditOf(id)).toEqual(['CREATE']);
  });

  it('refuses bad input by field', async () => {
    const { id } = await created();
    const other = await buildCompany();
    const theirs = await buildActor({ companyId: other.id });

    const answer = await ours.post('/employees', {
      name: '',
      email: 'grace',
      manager_id: 'x',
      join_date: '2026-02-30',
      status: 'inactive',
    });

    expect(answer.body.details.map(({ field }: { field: string }) => field)).toEqual([
      'name',
      'email',
      'manager_id',
      'join_date',
      'status',
    ]);
    for (const [values, field] of [
      [{ customer_id: uuid() }, 'customer_id'],
      [{ user_id: theirs.userId }, 'user_id'],
      [{ manager_id: uuid() }, 'manager_id'],
      [{ name: '\u202e' }, 'name'],
    ] as const) {
      for (const refused of [
        await ours.post('/employees', { ...grace, ...values }),
        await ours.patch(`/employees/${id}`, values),
      ]) {
        expect(refused).toMatchObject({ status: 422, body: { details: [{ field }] } });
      }
    }
    expect((await ours.get('/employees')).body.pagination.total).toBe(1);
  });

  it('keeps addresses and accounts unique in a company, archived ones apart', async () => {
    const member = await buildActor({ companyId, role: 'employee' });
    const first = await created({ user_id: member.userId });
    const { path: second } = await created();
    const address = { email: first.email.toUpperCase() };
    const account = { user_id: member.userId };

    const refusals = [
      await ours.post('/employees', { ...grace, ...address }),
      await ours.post('/employees', { ...grace, ...account }),
      await ours.patch(second, address),
      await ours.patch(second, account),
    ];
    await ours.delete(first.path);
    const freed = await ours.patch(second, { ...address, ...account });
    const back = await ours.post(`${first.path}/restore`);

    for (const refused of [...refusals, back]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'EMPLOYEE_EXISTS' } });
    }
    expect(freed.body.data).toMatchObject({ email: first.email, user_id: member.userId });
  });

  it('gives an address to one of many who ask at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ours.post('/employees', grace)),
    );

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'EMPLOYEE_EXISTS')).toHaveLength(49);
  });

  it('repeats its answer to a repeated Idempotency-Key', async () => {
    const key = { 'Idempotency-Key': uuid() };

    const first = await ours.post('/employees', grace, key);
    const again = await ours.post('/employees', grace, key);
    const other = await ours.post('/employees', { ...grace, name: 'Other' }, key);

    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
    expect(again.body.data).toEqual(first.body.data);
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  it('refuses a change meant for an older version', async () => {
    const { id, path } = await created();
    await ours.patch(path, { name: 'Ada' });
    const stale = { 'If-Match': '"1"' };

    for (const refused of [
      await ours.patch(path, { name: 'Mine' }, stale),
      await ours.post(`${path}/leave`, {}, stale),
      await ours.delete(path, stale),
    ]) {
      expect(refused).toMatchObject({
        status: 409,
        body: { code: 'VERSION_CONFLICT', current_version: 2 },
      });
    }
    expect(await rowOf(id)).toMatchObject({ name: 'Ada', version: 2, status: 'active' });
  });
});

describe('a customer with employees', () => {
  it('is kept, and takes none once it is archived', async () => {
    const manager = api.as(await buildActor({ companyId, role: 'compliance_manager' }));
    const { body } = await manager.post('/customers', { name: 'Harbour' });
    const customer = `/customers/${body.data.id}`;
    const { path } = await created({ customer_id: body.data.id });

    const kept = await manager.delete(customer);
    await ours.delete(path);
    const archived = await manager.delete(customer);
    const restored = await ours.post(`${path}/restore`);
    const added = await ours.post('/employees', { ...grace, customer_id: body.data.id });

    expect(kept).toMatchObject({ status: 409, body: { code: 'CUSTOMER_IN_USE', employees: 1 } });
    expect(archived.status).toBe(204);
    expect(restored).toMatchObject({ status: 409, body: { code: 'CUSTOMER_ARCHIVED' } });
    expect(added).toMatchObject({ status: 422, body: { details: [{ field: 'customer_id' }] } });
  });
});

describe('leaving and returning', () => {
  it('is noted with its day, and told by the history', async () => {
    const { path } = await created();

    const left = await ours.post(`${path}/leave`, { date: '2026-03-31' });
    const back = await ours.post(`${path}/return`, { date: '2026-05-01' });
    const history = await ours.get(`${path}/history`);

    expect(left.body.data).toMatchObject({ status: 'inactive', leave_date: '2026-03-31' });
    expect(back.body.data).toMatchObject({
      status: 'active',
      join_date: grace.join_date,
      leave_date: null,
      return_date: '2026-05-01',
      version: 3,
    });
    expect(history.body.items.slice(1)).toMatchObject([
      { action: 'STATUS_CHANGE', after: { status: 'inactive', leave_date: '2026-03-31' } },
      { action: 'STATUS_CHANGE', after: { status: 'active', return_date: '2026-05-01' } },
    ]);
  });

  it('happens once, and on a day that is possible', async () => {
    const { id, path } = await created();
    const early = await ours.post(`${path}/leave`, { date: '2026-01-30' });
    const late = await ours.post(`${path}/leave`, { date: '2199-01-01' });
    const notGone = await ours.post(`${path}/return`);
    await ours.post(`${path}/leave`, { date: '2026-03-31' });

    const twice = await ours.post(`${path}/leave`);
    const before = await ours.post(`${path}/return`, { date: '2026-03-30' });
    const joined = await ours.patch(path, { join_date: '2026-04-01' });

    for (const refused of [early, late, before]) {
      expect(refused).toMatchObject({
        status: 422,
        body: { details: [{ field: 'date', code: 'OUT_OF_RANGE' }] },
      });
    }
    expect(joined).toMatchObject({ status: 422, body: { details: [{ field: 'join_date' }] } });
    for (const refused of [notGone, twice]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
    }
    expect(await rowOf(id)).toMatchObject({ status: 'inactive', version: 2 });
  });

  it('is answered once more to a repeated key, without a second effect', async () => {
    const { id, path } = await created();
    const key = { 'Idempotency-Key': uuid() };

    await ours.post(`${path}/leave`, {}, key);
    const again = await ours.post(`${path}/leave`, {}, key);

    expect(again).toMatchObject({ status: 200, headers: { 'idempotent-replayed': 'true' } });
    expect(await auditOf(id)).toEqual(['CREATE', 'STATUS_CHANGE']);
  });
});

describe('managers', () => {
  it('are shown, and marked once they have left', async () => {
    const boss = await created();
    const { path } = await created({ manager_id: boss.id });

    await ours.post(`${boss.path}/leave`);
    const shown = await ours.get(path);
    const reports = await ours.get('/employees', { manager_id: boss.id });

    expect(shown.body.data).toMatchObject({ manager_id: boss.id, manager_status: 'inactive' });
    expect(reports.body.items).toEqual([shown.body.data]);
  });

  it('never report to those below them, or to themselves', async () => {
    const top = await created();
    const middle = await created({ manager_id: top.id });
    const bottom = await created({ manager_id: middle.id });

    for (const manager of [top, middle, bottom]) {
      expect(await ours.patch(top.path, { manager_id: manager.id })).toMatchObject({
        status: 422,
        body: { details: [{ field: 'manager_id', code: 'MANAGER_CYCLE' }] },
      });
    }
    expect(await rowOf(top.id)).toMatchObject({ manager_id: null, version: 1 });
    expect((await ours.patch(bottom.path, { manager_id: top.id })).status).toBe(200);
  });

  it('never form a circle when two are set at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [top, other] = [await created(), await created()];
      const below = await created({ manager_id: other.id });

      const answers = await Promise.all([
        ours.patch(top.path, { manager_id: below.id }),
        ours.patch(other.path, { manager_id: top.id }),
      ]);

      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422]);
    }
  });

  it('are changed by nobody while somebody else takes long to do so', async () => {
    const boss = await created();
    const { id, path } = await created();

    const answer = await withTenant(companyId, async () => {
      await Employee.holdManagers();
      return ours.patch(path, { manager_id: boss.id });
    });

    expect(answer).toMatchObject({ status: 409, body: { code: 'MANAGERS_CHANGING' } });
    expect(await rowOf(id)).toMatchObject({ manager_id: null, version: 1 });
  });

  it('cannot stand above somebody who has a hundred people above them', async () => {
    let above = (await created()).id;
    const chain: string[] = [above];
    for (let level = 1; level < 100; level += 1) {
      above = (await created({ manager_id: above })).id;
      chain.push(above);
    }
    const { path } = await created();

    const tooLow = await ours.patch(path, { manager_id: chain[99] });
    const justRight = await ours.patch(path, { manager_id: chain[98] });

    expect([tooLow.status, justRight.status]).toEqual([422, 200]);
  });

  it('are not archived while somebody reports to them, nor come back to nobody', async () => {
    const boss = await created();
    const { path } = await created({ manager_id: boss.id });

    const kept = await ours.delete(boss.path);
    await ours.delete(path);
    const gone = await ours.delete(boss.path);
    const orphan = await ours.post(`${path}/restore`);

    expect(kept).toMatchObject({ status: 409, body: { code: 'EMPLOYEE_HAS_REPORTS', reports: 1 } });
    expect(gone.status).toBe(204);
    expect(orphan).toMatchObject({ status: 409, body: { code: 'MANAGER_ARCHIVED' } });
  });
});

describe('GET /employees', () => {
  it('filters, searches, sorts and pages, at its older path too', async () => {
    await created({ name: 'Ada', department: 'Legal', role: 'Counsel' });
    await created({ name: 'bob_', join_date: '2025-01-01' });
    const { path } = await created({ name: 'Cleo' });
    await ours.post(`${path}/leave`);
    const list = async (query: object, at = '/employees') =>
      (await ours.get(at, query)).body.items.map(({ name }: { name: string }) => name);

    expect(await list({})).toEqual(['Ada', 'bob_', 'Cleo']);
    expect(await list({ customer_id: ownId })).toHaveLength(3);
    expect(await list({ customer_id: uuid() })).toEqual([]);
    expect(await list({ department: 'Legal' })).toEqual(['Ada']);
    expect(await list({ role: 'Counsel' })).toEqual(['Ada']);
    expect(await list({ status: 'inactive' })).toEqual(['Cleo']);
    expect(await list({ search: 'BOB' })).toEqual(['bob_']);
    expect(await list({ search: '_' })).toEqual(['bob_']);
    expect(await list({ search: 'harbour.EXAMPLE' })).toHaveLength(3);
    expect(await list({ ordering: '-join_date', page_size: 2 })).toHaveLength(2);
    expect(await list({ sort_by: 'join_date' })).toEqual(['bob_', 'Ada', 'Cleo']);
    expect(await list({ page: 2, size: 2 })).toEqual(['Cleo']);
    expect(await list({}, '//employees/')).toHaveLength(3);
    expect((await ours.get('/employees', { status: 'away' })).status).toBe(422);
  });
});

describe('a person who is erased', () => {
  it('is no longer named by their employment, nor by its audit', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    await api.database.sql(
      `UPDATE platform.users SET password_hash = 'x', email_confirmed_at = now() WHERE id = $1`,
      [admin.userId],
    );
    const member = await buildActor({ companyId, role: 'employee' });
    const { id, path } = await created({ user_id: member.userId, name: 'Qxzwyv Lovelace' });
    const other = await created({ name: 'Ada', email: member.email });
    const exported = await api.as(admin).get(`/users/${member.userId}/export`);

    const erased = await api.as(admin).post(`/users/${member.userId}/erase`, { reason: 'Asked' });

    expect(exported.body.employments).toMatchObject([
      { id, name: 'Qxzwyv Lovelace' },
      { id: other.id, email: member.email },
    ]);
    expect(erased.status).toBe(200);
    expect((await ours.get(path)).body.data).toMatchObject({
      name: '[erased]',
      email: `erased-${id}@erased.invalid`,
    });
    expect((await ours.get(other.path)).body.data).toMatchObject({ name: '[erased]' });
    const left = await api.database.sql(
      `SELECT 1 FROM core.audit_logs WHERE company_id = $1 AND entity_type = 'employee'
         AND (after::text ILIKE '%qxzwyv%' OR after::text ILIKE '%' || $2 || '%')`,
      [companyId, member.email],
    );
    expect(left).toEqual([]);
  });
});
