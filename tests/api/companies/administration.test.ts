import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { createCompanies } from '../../../src/commands/companies.ts';
import type { Actor } from '../../../src/context.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import type { Company } from '../../../src/models/Company.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';

/** What is sent so long after a change is answered by what holds then, however slow the machine. */
const noticedWithinMs = 5000;

let api: TestApi;
let global: Actor;
let admin: Actor;
let company: Company;
let path: string;

beforeAll(async () => {
  api = await openTestApi();
  global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
});
afterAll(() => api.close());

beforeEach(async () => {
  company = await buildCompany();
  path = `/companies/${company.id}`;
  admin = await buildActor({ companyId: company.id, role: 'tenant_admin' });
});

const auditOf = (id: string) =>
  api.database.sql<Record<string, unknown>>(
    `SELECT company_id, actor_id, action, before, after FROM core.audit_logs
     WHERE entity_type = 'company' AND entity_id = $1 ORDER BY timestamp, id`,
    [id],
  );

describe('GET /companies', () => {
  it('lists and finds companies for global administrators alone, never the platform', async () => {
    const other = await buildCompany();
    await api.as(global).patch(`/companies/${other.id}`, { status: 'suspended' });

    const every = await api.as(global).get('/companies', { size: 100 });
    const one = await api.as(global).get('/companies', { search: company.code.toLowerCase() });
    const suspended = await api.as(global).get('/companies', { status: 'suspended', size: 100 });
    const refused = await api.as(admin).get('/companies');

    const ids = (answer: typeof every) => answer.body.items.map((row: { id: string }) => row.id);
    expect(ids(every)).toEqual(expect.arrayContaining([company.id, other.id]));
    expect(ids(every)).not.toContain(platformCompanyId);
    expect(one.body).toMatchObject({
      items: [{ id: company.id, code: company.code, name: company.name, status: 'active' }],
      pagination: { total: 1 },
    });
    expect(ids(suspended)).toContain(other.id);
    expect(ids(suspended)).not.toContain(company.id);
    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });
});

describe('GET /companies/:id/policies', () => {
  const policies = () => `${path}/policies`;
  const entered = async () =>
    (await auditOf(company.id)).filter(({ action }) => action === 'COMPANY_ENTERED');

  it('shows a global administrator what staff see at /policies, and the audit who came in', async () => {
    await buildSubscription({ companyId: company.id });
    await buildSubscription();

    const seen = await api.as(global).get(policies(), { status: 'active' });
    await api.as(global).get(policies(), { page: 2 });
    const atHome = await api.as(admin).get('/policies');
    const drafts = await api.as(global).get(policies(), { status: 'draft' });

    expect(seen.body.pagination).toMatchObject({ total: 1 });
    expect(seen.body.items).toEqual(atHome.body.items);
    expect(drafts.body.items).toEqual([]);
    expect(await entered()).toMatchObject([{ actor_id: global.userId, company_id: company.id }]);
  });

  it('shows staff their own company alone, without an entry in its audit', async () => {
    const { holder } = await buildSubscription({ companyId: company.id });
    const agent = await buildActor({ companyId: company.id, role: 'call_center' });
    const other = await buildCompany();

    const own = await api.as(agent).get(policies());
    const refused = await api.as(holder).get(policies());
    const foreign = await api.as(agent).get(`/companies/${other.id}/policies`);
    const unknown = await api.as(agent).get(`/companies/${uuid()}/policies`);

    expect(own.body.items).toMatchObject([{ user_id: holder.userId }]);
    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(foreign.status).toBe(404);
    expect(comparable(foreign)).toBe(comparable(unknown));
    expect(await entered()).toEqual([]);
  });

  it('does not know the platform, what is closed and what never was', async () => {
    const closed = await buildCompany();
    await api.database.sql(`UPDATE platform.companies SET status = 'closed' WHERE id = $1`, [
      closed.id,
    ]);

    const answers = [platformCompanyId, closed.id, uuid()].map((id) =>
      api.as(global).get(`/companies/${id}/policies`),
    );

    expect((await Promise.all(answers)).map(({ body }) => body.code)).toEqual(
      Array(3).fill('NOT_FOUND'),
    );
  });
});

describe('/companies/:id', () => {
  it('is shown to global administrators, and to those of the company itself', async () => {
    const other = await buildCompany();

    const seen = await api.as(global).get(path);
    const own = await api.as(admin).get(path);
    const foreign = await api.as(admin).get(`/companies/${other.id}`);
    const unknown = await api.as(global).get(`/companies/${uuid()}`);
    const platform = await api.as(global).get(`/companies/${platformCompanyId}`);

    expect(seen.body.data).toMatchObject({ id: company.id, code: company.code });
    expect(own.body.data).toEqual(seen.body.data);
    expect([foreign, unknown, platform].map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('changes by the platform are in the audit of the company', async () => {
    const { headers } = await api.as(global).get(path);
    const seen = { 'If-Match': String(headers['etag']) };

    const changed = await api
      .as(global)
      .patch(path, { subscription_plan: 'premium', business_type: 'travel' }, seen);
    const stale = await api.as(global).patch(path, { subscription_plan: 'free' }, seen);
    const refused = await api.as(admin).patch(path, { subscription_plan: 'free' });
    const { body: lines } = await api.as(admin).get('/audit-logs', { entity_type: 'company' });

    expect(changed.body.data).toMatchObject({ subscription_plan: 'premium', version: 2 });
    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(lines.items).toMatchObject([
      {
        action: 'UPDATE',
        actor_id: global.userId,
        before: { subscription_plan: 'free', business_type: 'home' },
        after: { subscription_plan: 'premium', business_type: 'travel' },
      },
    ]);
  });

  it('is changed by its own administrator as at /companies/current, and no other one', async () => {
    const other = await buildCompany();
    const { headers } = await api.as(admin).get(path);
    const seen = { 'If-Match': String(headers['etag']) };
    const wish = { address: 'Unter den Linden 1', time_zone: 'Europe/Zurich' };

    const changed = await api.as(admin).patch(path, wish, seen);
    const stale = await api.as(admin).patch(path, wish, seen);
    const foreign = await api.as(admin).patch(`/companies/${other.id}`, wish);
    const unknown = await api.as(admin).patch(`/companies/${uuid()}`, wish);
    const agent = await buildActor({ companyId: company.id, role: 'claims_manager' });
    const refused = await api.as(agent).patch(path, wish);

    expect(changed.body.data).toMatchObject({ ...wish, version: 2 });
    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(foreign.status).toBe(404);
    expect(comparable(foreign)).toBe(comparable(unknown));
    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await auditOf(company.id)).toMatchObject([
      {
        company_id: company.id,
        actor_id: admin.userId,
        action: 'UPDATE',
        after: { address: wish.address, timeZone: wish.time_zone },
      },
    ]);
    expect(await auditOf(other.id)).toEqual([]);
  });

  it.each([
    { status: 'suspended' },
    { subscription_plan: 'premium' },
    { business_type: 'travel', address: 'x' },
  ])('keeps %j from its own administrator', async (change) => {
    const refused = await api.as(admin).patch(path, change);

    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await api.as(admin).get(path)).body.data).toMatchObject({ version: 1, address: null });
  });

  it('moves its calendar with its time zone, or neither', async () => {
    const zones = () =>
      api.database.sql(
        `SELECT c.time_zone AS company, k.time_zone AS calendar
         FROM platform.companies c JOIN core.calendars k ON k.company_id = c.id WHERE c.id = $1`,
        [company.id],
      );
    await api.as(admin).put('/companies/current/calendar', {
      time_zone: 'Europe/Berlin',
      working_days: [1, 2, 3, 4, 5],
      working_hours: { from: '09:00', to: '17:00' },
      holidays: [],
    });
    const wish = { time_zone: 'Europe/Zurich' };

    await api.database.sql('BEGIN');
    await api.database.sql('SELECT 1 FROM core.calendars WHERE company_id = $1 FOR UPDATE', [
      company.id,
    ]);
    const refused = await api.as(global).patch(path, wish);
    await api.database.sql('COMMIT');
    const before = await zones();
    const moved = await api.as(global).patch(path, wish);

    expect([refused.status, moved.status]).toEqual([503, 200]);
    expect(before).toEqual([{ company: 'Europe/Berlin', calendar: 'Europe/Berlin' }]);
    expect(await zones()).toEqual([{ company: 'Europe/Zurich', calendar: 'Europe/Zurich' }]);
  });

  it('suspends: at once writing is refused and reading goes on, until it is active again', async () => {
    const category = { name: 'Boats', segment: 'residential' };
    await api.as(admin).get('/categories');

    const suspended = await api.as(global).patch(path, { status: 'suspended' });
    const written = await api.as(admin).post('/categories', category);
    const settings = await api.as(admin).patch('/companies/current/settings', {});
    const read = await api.as(admin).get('/categories');
    await api.as(global).patch(path, { status: 'active' });
    const writtenAgain = await api.as(admin).post('/categories', category);

    expect(suspended.body.data).toMatchObject({ status: 'suspended' });
    expect(written).toMatchObject({ status: 403, body: { code: 'TENANT_SUSPENDED' } });
    expect(settings).toMatchObject({ status: 403, body: { code: 'TENANT_SUSPENDED' } });
    expect([read.status, writtenAgain.status]).toEqual([200, 201]);
    expect(await auditOf(company.id)).toMatchObject([
      {
        company_id: company.id,
        actor_id: global.userId,
        action: 'STATUS_CHANGE',
        before: { status: 'active' },
        after: { status: 'suspended' },
      },
      { action: 'STATUS_CHANGE', after: { status: 'active' } },
    ]);
  });

  it('is seen by other processes without being told', async () => {
    const elsewhere = createCompanies({
      allowedHosts: ['localhost'],
      defaultCompany: company.code,
    });
    const statusThere = async () => (await elsewhere.resolve({ host: 'localhost' })).status;
    expect(await statusThere()).toBe('active');

    await api.as(global).patch(path, { status: 'suspended' });
    const since = performance.now();
    let [askedAfterMs, status] = [0, await statusThere()];
    while (status === 'active' && askedAfterMs < noticedWithinMs) {
      await pause(250);
      askedAfterMs = performance.now() - since;
      status = await statusThere();
    }

    expect(status).toBe('suspended');
  });

  it('closes: at once nobody is signed in there, until it is open again', async () => {
    const signedIn = api.as(admin);
    expect((await signedIn.get('/categories')).status).toBe(200);

    const closed = await api.as(global).patch(path, { status: 'closed' });
    /** What is known of a session may be some seconds old. */
    const answerOnce = async (isThere: (status: number) => boolean) => {
      const since = performance.now();
      let [sentAfterMs, answer] = [0, await signedIn.get('/categories')];
      while (!isThere(answer.status) && sentAfterMs < noticedWithinMs) {
        await pause(250);
        sentAfterMs = performance.now() - since;
        answer = await signedIn.get('/categories');
      }
      return answer.status;
    };
    const ended = await answerOnce((status) => status !== 200);
    const changed = await api.as(global).patch(path, { name: 'Another' });
    const again = await api.as(global).patch(path, { status: 'closed' });
    const foreign = await api.as(admin).patch(path, { status: 'active' });
    const opened = await api.as(global).patch(path, { status: 'active' });

    expect(closed.body.data).toMatchObject({ status: 'closed', version: 2 });
    expect([401, 404]).toContain(ended);
    expect(changed).toMatchObject({ status: 409, body: { code: 'COMPANY_CLOSED' } });
    expect(again).toMatchObject({ status: 409, body: { code: 'COMPANY_CLOSED' } });
    expect([401, 403, 404]).toContain(foreign.status);
    expect(opened.body.data).toMatchObject({ status: 'active', version: 3 });
    expect(await answerOnce((status) => status === 200)).toBe(200);
    expect(await auditOf(company.id)).toMatchObject([
      { action: 'STATUS_CHANGE', before: { status: 'active' }, after: { status: 'closed' } },
      { action: 'STATUS_CHANGE', before: { status: 'closed' }, after: { status: 'active' } },
    ]);
  });

  it('of the platform, one that is being set up and one that was put away stay as they are', async () => {
    await api.database.sql(`UPDATE platform.companies SET status = 'closed' WHERE id = $1`, [
      company.id,
    ]);
    const open = () => api.as(global).patch(path, { status: 'active' });
    await api.database.sql(
      `INSERT INTO core.registration_requests (company_id, id, company_name, business_type,
         contact_email, admin_email, admin_username, default_currency, subscription_plan, status,
         expires_at, new_company_id)
       VALUES ($1, $2, 'New', 'home', 'a@b.example', 'a@b.example', 'a', 'EUR', 'free', 'provisioning',
         now(), $3)`,
      [platformCompanyId, uuid(), company.id],
    );

    const beingSetUp = await open();
    await api.database.sql(
      `UPDATE core.registration_requests SET status = 'active' WHERE new_company_id = $1`,
      [company.id],
    );
    await api.database.sql('UPDATE platform.companies SET archived_at = now() WHERE id = $1', [
      company.id,
    ]);
    const putAway = await open();
    const platform = await api
      .as(global)
      .patch(`/companies/${platformCompanyId}`, { status: 'suspended' });

    expect(beingSetUp).toMatchObject({ status: 409, body: { code: 'COMPANY_CLOSED' } });
    expect(putAway).toMatchObject({ status: 409, body: { code: 'COMPANY_CLOSED' } });
    expect(platform.status).toBe(404);
    expect(await auditOf(company.id)).toEqual([]);
  });

  it.each([{ status: 'gone' }, { code: 'OTHER' }, { isolation: 'shared' }, { settings: {} }])(
    'refuses %j',
    async (change) => {
      const answer = await api.as(global).patch(path, change);

      expect(answer).toMatchObject({
        status: 422,
        body: { details: [{ field: Object.keys(change)[0] }] },
      });
    },
  );
});
