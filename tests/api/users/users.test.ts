import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { platformCompanyId, withIdentity } from '../../../src/models/database.ts';
import { Membership } from '../../../src/models/Membership.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;
let admin: Awaited<ReturnType<typeof buildActor>>;
let companyId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildAdmin(companyId);
});

/** Only who can sign in counts as an administrator. */
async function buildAdmin(id: string) {
  const actor = await buildActor({ companyId: id, role: 'tenant_admin' });
  await api.database.sql(
    `UPDATE platform.users SET password_hash = 'x', email_confirmed_at = now() WHERE id = $1`,
    [actor.userId],
  );
  return actor;
}

let asked = 0;
const newPerson = (overrides: object = {}) => ({
  email: `grace${(asked += 1)}@example.com`,
  role: 'adjuster',
  first_name: 'Grace',
  last_name: 'Hopper',
  ...overrides,
});

const mailsTo = (address: string) =>
  api.database.sql<{ template: string; payload: object; company: string }>(
    `SELECT template_code AS template, payload, company_id AS company FROM core.notifications
     WHERE recipient_address = $1 ORDER BY created_at, id`,
    [address],
  );
const auditOf = async (id: string) =>
  (
    await api.database.sql<{ action: string }>(
      'SELECT action FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [id],
    )
  ).map(({ action }) => action);
const join = (userId: string, toCompany: string) =>
  withIdentity(toCompany, () =>
    Membership.grant({ companyId: toCompany, userId, role: 'policyholder' }),
  );
const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

describe('/users', () => {
  it.each(['/users', '/users/add-user', '/users/'])(
    'adds a person at POST %s and mails a link for the password',
    async (path) => {
      const wish = newPerson({ role: 'manager' });

      const added = await api.as(admin).post(path, wish);
      const [mail] = await mailsTo(wish.email);

      expect(added).toMatchObject({
        status: 201,
        body: {
          data: { email: wish.email, role: 'claims_manager', is_admin: false, scope: 'tenant' },
        },
      });
      expect(mail).toEqual({
        template: 'account_created',
        company: companyId,
        payload: { link: { kind: 'password_reset', id: expect.any(String) } },
      });
      expect(await auditOf(added.body.data.id)).toEqual(['CREATE']);
    },
  );

  it('gives somebody of the company one more role, once', async () => {
    const wish = newPerson();
    const first = await api.as(admin).post('/users', wish);
    await api.database.sql(
      `UPDATE platform.users SET password_hash = 'x', email_confirmed_at = now() WHERE email = $1`,
      [wish.email],
    );

    const second = await api.as(admin).post('/users', { ...wish, role: 'hr', username: 'ignored' });
    const again = await api.as(admin).post('/users', { ...wish, role: 'hr' });

    expect(second.status).toBe(201);
    expect(second.body.data).toMatchObject({
      id: first.body.data.id,
      username: first.body.data.username,
      roles: ['adjuster', 'hr'],
    });
    expect(again).toMatchObject({ status: 409, body: { code: 'MEMBERSHIP_EXISTS' } });
    expect((await mailsTo(wish.email)).map(({ template }) => template)).toEqual([
      'account_created',
      'membership_granted',
    ]);
  });

  it('gives an account of elsewhere nothing and shows nothing of it: its owner is invited', async () => {
    const elsewhere = await buildActor({ companyId: (await buildCompany()).id });
    const ruler = await buildActor({
      companyId: '00000000-0000-7000-8000-000000000000',
      role: 'global_admin',
    });
    const wish = newPerson({ email: elsewhere.email });
    const { role: _role, ...noRole } = wish;

    const added = await api.as(admin).post('/users', wish);
    const raised = await api.as(ruler).post('/administration/global-admins', noRole);
    const invited = await api
      .as(admin)
      .post('/invitations', { email: elsewhere.email, role: 'adjuster' });

    for (const refused of [added, raised]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'ACCOUNT_EXISTS' } });
      expect(JSON.stringify(refused.body)).not.toMatch(/Lovelace|last_login/);
    }
    expect(invited.status).toBe(201);
    expect((await api.as(admin).get(`/users/${elsewhere.userId}`)).status).toBe(404);
    const held = await api.database.sql(
      'SELECT role FROM platform.memberships WHERE user_id = $1',
      [elsewhere.userId],
    );
    expect(held).toEqual([{ role: 'policyholder' }]);
  });

  it('replays an answer by its Idempotency-Key', async () => {
    const wish = newPerson();
    const headers = { 'Idempotency-Key': uuid() };

    const first = await api.as(admin).post('/users', wish, headers);
    const second = await api.as(admin).post('/users', wish, headers);

    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.data).toEqual(first.body.data);
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(await mailsTo(wish.email)).toHaveLength(1);
  });

  it('lets nobody give what they may not', async () => {
    const { id: platformId } = { id: '00000000-0000-7000-8000-000000000000' };
    const global = await buildActor({ companyId: platformId, role: 'global_admin' });
    const enter = { 'X-Company-Id': companyId };

    const operator = await api.as(admin).post('/users', newPerson({ role: 'operator' }));
    const ruler = await api.as(global).post('/users', newPerson({ role: 'global_admin' }), enter);
    const allowed = await api.as(global).post('/users', newPerson({ role: 'operator' }), enter);
    const endless = await api.as(admin).post('/users', newPerson({ role: 'auditor' }));
    const long = await api
      .as(admin)
      .post('/users', newPerson({ role: 'auditor', valid_to: inDays(400) }));
    const timed = await api
      .as(admin)
      .post('/users', newPerson({ role: 'auditor', valid_to: inDays(300) }));

    expect([operator.status, ruler.status, allowed.status]).toEqual([403, 403, 201]);
    for (const refused of [endless, long]) {
      expect(refused).toMatchObject({ status: 422, body: { details: [{ code: 'TIME_BOX' }] } });
    }
    expect(timed.status).toBe(201);
  });

  it('lists by role, state, text and archived', async () => {
    const ours = api.as(admin);
    const { body: grace } = await ours.post('/users', newPerson({ last_name: 'Murray' }));
    const { body: alan } = await ours.post('/users', newPerson({ role: 'hr' }));
    await ours.delete(`/users/${alan.data.id}`);
    await ours.patch(`/users/${grace.data.id}`, { is_active: false });
    const ids = async (query: object) =>
      (await ours.get('/users', query)).body.items.map(({ id }: { id: string }) => id);

    expect(await ids({ sort_by: 'created_at' })).toEqual([admin.userId, grace.data.id]);
    expect(await ids({ role: 'admin' })).toEqual([admin.userId]);
    expect(await ids({ search: 'murr' })).toEqual([grace.data.id]);
    expect(await ids({ is_active: false })).toEqual([grace.data.id]);
    expect(await ids({ include_archived: true, search: 'Hopper' })).toEqual([alan.data.id]);
    expect((await api.as(admin).get('/users', { page_size: 1 })).body.pagination.total).toBe(2);
  });

  it('shows and changes oneself, and others only to who manages people', async () => {
    const person = await buildActor({ companyId });
    const stranger = api.as(await buildActor({ companyId, role: 'claims_manager' }));
    const foreign = api.as(await buildAdmin((await buildCompany()).id));
    const path = `/users/${person.userId}`;

    const own = await api.as(person).patch(path, { first_name: 'Mary' });
    const tooMuch = await api.as(person).patch(path, { is_active: false });
    const byAdmin = await api.as(admin).put(path, { first_name: 'Mary', last_name: 'Shelley' });

    expect(own).toMatchObject({ status: 200, body: { data: { first_name: 'Mary', version: 3 } } });
    expect(tooMuch.status).toBe(403);
    expect(byAdmin.body.data).toMatchObject({ last_name: 'Shelley', version: 4 });
    for (const caller of [stranger, foreign]) {
      for (const [known, unknown] of [
        [await caller.get(path), await caller.get(`/users/${uuid()}`)],
        [await caller.patch(path, {}), await caller.patch(`/users/${uuid()}`, {})],
        [await caller.get(`${path}/memberships`), await caller.get(`/users/${uuid()}/memberships`)],
      ] as const) {
        expect(known.status).toBe(404);
        expect(comparable(known)).toBe(comparable(unknown));
      }
    }
    expect((await foreign.delete(path)).status).toBe(404);
  });

  it('keeps to the version the caller has seen', async () => {
    const person = await buildActor({ companyId });
    const path = `/users/${person.userId}`;
    const seen = await api.as(admin).get(path);
    await api.as(admin).post(`${path}/memberships`, { role: 'hr' });

    const late = await api
      .as(admin)
      .patch(path, { first_name: 'Late' }, { 'If-Match': seen.headers['etag'] ?? '' });

    expect(late).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
  });

  it('leaves the names of who belongs to another company too to the person', async () => {
    const person = await buildActor({ companyId });
    await join(person.userId, (await buildCompany()).id);
    const path = `/users/${person.userId}`;

    const byAdmin = await api.as(admin).patch(path, { first_name: 'Mine' });
    const own = await api.as(person).patch(path, { first_name: 'Own' });
    const deactivated = await api.as(admin).patch(path, { is_active: false });

    expect(byAdmin).toMatchObject({ status: 409, body: { code: 'PERSON_SHARED' } });
    expect(own.body.data.first_name).toBe('Own');
    expect(deactivated.body.data.is_active).toBe(false);
    const [user] = await api.database.sql('SELECT is_active FROM platform.users WHERE id = $1', [
      person.userId,
    ]);
    expect(user).toEqual({ is_active: true });
  });

  it('deactivates at once in this company, and leaves other companies alone', async () => {
    const person = await buildActor({ companyId });
    const elsewhere: Actor = { ...person, companyId: (await buildCompany()).id };
    await join(person.userId, elsewhere.companyId);
    const path = `/users/${person.userId}`;
    await api.as(person).get(path);
    await api.as(elsewhere).get(path);

    await api.as(admin).patch(path, { is_active: false });
    const here = await api.as(person).get(path);
    const there = await api.as(elsewhere).get(path);

    expect([here.status, there.status]).toEqual([401, 200]);
    expect((await api.as(admin).post(`${path}/memberships`, { role: 'hr' })).body.code).toBe(
      'USER_INACTIVE',
    );
    const activated = await api.as(admin).patch(path, { is_active: true });
    expect(activated.body.data.is_active).toBe(true);
  });

  it('archives and restores what a person is here', async () => {
    const person = await buildActor({ companyId });
    const path = `/users/${person.userId}`;
    const ours = api.as(admin);
    await api.as(person).get(path);

    const archived = await ours.delete(path);
    const ended = await api.as(person).get(path);
    const shown = await ours.get(path);
    const edited = await ours.patch(path, { first_name: 'Too late' });
    const restored = await ours.post(`${path}/restore`);

    expect([archived.status, ended.status]).toEqual([204, 401]);
    expect(shown.body.data).toMatchObject({ role: null, archived_at: expect.any(String) });
    expect(edited).toMatchObject({ status: 409, body: { code: 'USER_ARCHIVED' } });
    expect(restored.body.data).toMatchObject({ role: 'policyholder', archived_at: null });
  });

  it.each(['deactivated', 'archived', 'demoted', 'ended', 'given an end'])(
    'keeps the last administrator from being %s',
    async (how) => {
      const path = `/users/${admin.userId}`;
      const role = `${path}/memberships/tenant_admin`;
      const ours = api.as(admin);
      const change = () => {
        if (how === 'deactivated') return ours.patch(path, { is_active: false });
        if (how === 'archived') return ours.delete(path);
        if (how === 'demoted') return ours.patch(role, { role: 'hr' });
        if (how === 'ended') return ours.delete(role);
        return ours.patch(role, { valid_to: inDays(9) });
      };

      const refused = await change();
      const kept = await ours.get(path);
      await buildAdmin(companyId);
      const allowed = await change();

      expect(refused).toMatchObject({ status: 409, body: { code: 'LAST_ADMIN' } });
      expect(kept.body.data).toMatchObject({ is_active: true, role: 'tenant_admin', version: 2 });
      expect(allowed.status).toBeLessThan(300);
    },
  );

  it('answers 405 where a path without parameters has another method', async () => {
    const paths = ['/users/generate-reset-token', '/users/add-user', '/api/v1/users/add-user'];
    for (const path of paths) {
      const { status, headers } = await api.nowhere.get(`/${path}`);

      expect([path, status, headers['allow']]).toEqual([path, 405, 'POST']);
    }
  });
});

describe('POST /administration/global-admins', () => {
  const platformId = '00000000-0000-7000-8000-000000000000';

  it('adds an administrator of the platform by a link, in the audit of the platform', async () => {
    const ruler = await buildActor({ companyId: platformId, role: 'global_admin' });
    const wish = { email: newPerson().email, first_name: 'Grace', last_name: 'Hopper' };

    const added = await api.as(ruler).post('/administration/global-admins', wish);
    const byOther = await api.as(admin).post('/administration/global-admins', wish);
    const { headers, status } = await api.nowhere.get('//administration/add-global-admin');
    const audit = await api.database.sql(
      `SELECT actor_id, company_id FROM core.audit_logs
       WHERE entity_type = 'membership' AND after ->> 'userId' = $1`,
      [added.body.data.id],
    );

    expect(added).toMatchObject({ status: 201, body: { data: { role: 'global_admin' } } });
    expect(audit).toEqual([{ actor_id: ruler.userId, company_id: platformId }]);
    expect((await mailsTo(wish.email)).map(({ template }) => template)).toEqual([
      'account_created',
    ]);
    expect(byOther.status).toBe(403);
    expect([status, headers['allow']]).toEqual([405, 'POST']);
  });
});

describe('a person who needs a second factor and has none', () => {
  it('reaches nothing but /auth', async () => {
    await api.database.sql('UPDATE platform.companies SET settings = $2 WHERE id = $1', [
      companyId,
      { security: { requireMfaFor: ['tenant_admin'] } },
    ]);
    const limited = { status: 403, body: { code: 'MFA_ENROLMENT_REQUIRED' } };

    expect((await api.as(admin).get('/auth/me')).status).toBe(200);
    expect(await api.as(admin).get('/users')).toMatchObject(limited);
    expect(await api.as(admin).post('/users/update-password', {})).toMatchObject(limited);
  });
});

describe('/users/{id}/memberships', () => {
  it('grants, changes, replaces and ends a role, each with its audit line', async () => {
    const person = await buildActor({ companyId });
    const path = `/users/${person.userId}/memberships`;
    const ours = api.as(admin);
    const until = inDays(30);

    const granted = await ours.post(path, { role: 'adjuster' });
    const twice = await ours.post(path, { role: 'adjuster' });
    const timed = await ours.patch(`${path}/adjuster`, { valid_to: until });
    const replaced = await ours.patch(`${path}/adjuster`, { role: 'senior_adjuster' });
    const ended = await ours.delete(`${path}/senior_adjuster`);
    const gone = await ours.delete(`${path}/senior_adjuster`);
    const { body } = await ours.get(path);

    expect([granted.status, twice.status, ended.status, gone.status]).toEqual([201, 409, 204, 404]);
    expect(timed.body.data).toMatchObject({ role: 'adjuster', valid_to: until, is_held: true });
    expect(replaced.body.data).toMatchObject({ role: 'senior_adjuster', valid_to: until });
    expect(
      body.items.map(({ role, is_held }: { role: string; is_held: boolean }) => [role, is_held]),
    ).toEqual([
      ['policyholder', true],
      ['adjuster', false],
      ['senior_adjuster', false],
    ]);
    expect(await auditOf(granted.body.data.id)).toEqual(['CREATE', 'UPDATE', 'ARCHIVE']);
    expect((await ours.post(path, { role: 'adjuster' })).status).toBe(201);
  });

  it('is prolonged, renewed and reactivated only by who may give it', async () => {
    const person = await buildActor({ companyId, role: 'operator' });
    const path = `/users/${person.userId}`;
    const ruler = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const inside = { 'X-Company-Id': companyId };
    const until = (end: string) =>
      api.database.sql('UPDATE platform.memberships SET valid_to = $2 WHERE user_id = $1', [
        person.userId,
        end,
      ]);
    const operator = `${path}/memberships/operator`;
    const refused = { status: 403, body: { code: 'FORBIDDEN' } };
    await until(inDays(30));

    const prolonged = await api.as(admin).patch(operator, { valid_to: null });
    const shortened = await api.as(admin).patch(operator, { valid_to: inDays(20) });
    await api.as(admin).patch(path, { is_active: false });
    const reactivated = await api.as(admin).patch(path, { is_active: true });
    const byRuler = await api.as(ruler).patch(path, { is_active: true }, inside);
    await api.database.sql(
      `UPDATE platform.memberships SET valid_from = now() - interval '2 d', valid_to = now()
       WHERE user_id = $1`,
      [person.userId],
    );
    const renewed = await api.as(admin).patch(operator, { valid_to: null });

    expect(prolonged).toMatchObject(refused);
    expect(shortened.status).toBe(200);
    expect(reactivated).toMatchObject(refused);
    expect([byRuler.status, byRuler.body.data.is_active]).toEqual([200, true]);
    expect(renewed).toMatchObject(refused);
  });

  it('gives nothing before its time', async () => {
    const person = await buildActor({ companyId });
    const path = `/users/${person.userId}`;

    await api
      .as(admin)
      .post(`${path}/memberships`, { role: 'tenant_admin', valid_from: inDays(1) });
    const shown = await api.as(admin).get(path);
    const asAdmin = await api.as(person).get('/users');

    expect(shown.body.data.roles).toEqual(['policyholder']);
    expect(asAdmin.status).toBe(403);
  });
});

describe('PATCH /users/{id}/memberships/{role}', () => {
  it('keeps the types of policy that an adjuster knows, and refuses them of others', async () => {
    const adjuster = await buildActor({ companyId, role: 'adjuster' });
    const hr = await buildActor({ companyId, role: 'hr' });
    const path = `/users/${adjuster.userId}/memberships/adjuster`;

    const learned = await api.as(admin).patch(path, { skills: ['home', 'auto', 'home'] });
    const refused = await api
      .as(admin)
      .patch(`/users/${hr.userId}/memberships/hr`, { skills: ['home'] });
    const unknown = await api.as(admin).patch(path, { skills: ['boat'] });

    expect(learned).toMatchObject({ status: 200, body: { data: { skills: ['auto', 'home'] } } });
    expect([refused.status, unknown.status]).toEqual([422, 422]);
  });
});

describe('PATCH /users/{id}/delegation', () => {
  it("lets a colleague act in one's roles until then, and not pass that on", async () => {
    const deputy = await buildActor({ companyId, role: 'hr' });
    const third = await buildActor({ companyId, role: 'hr' });
    const path = `/users/${admin.userId}/delegation`;

    const given = await api
      .as(admin)
      .patch(path, { delegate_user_id: deputy.userId, delegate_until: inDays(7) });
    const acting = await api.as(deputy).get('/users');
    const passed = await api.as(deputy).patch(`/users/${deputy.userId}/delegation`, {
      delegate_user_id: third.userId,
      delegate_until: inDays(7),
    });
    const swapped = await api.as(admin).patch(path, { delegate_user_id: null });

    expect(given.body.data.memberships[0]).toMatchObject({ delegate_user_id: deputy.userId });
    expect(acting.status).toBe(200);
    expect(passed).toMatchObject({ status: 409, body: { code: 'DELEGATION_CHAINED' } });
    expect(swapped.body.data.memberships[0]).toMatchObject({ delegate_user_id: null });
    expect(await auditOf(admin.userId)).toEqual(['DELEGATION', 'DELEGATION']);
  });

  it('refuses oneself, strangers of the company and times beyond a year', async () => {
    const deputy = await buildActor({ companyId, role: 'hr' });
    const foreigner = await buildActor({ companyId: (await buildCompany()).id });
    const path = `/users/${admin.userId}/delegation`;
    const delegate = (delegate_user_id: string, delegate_until = inDays(7)) =>
      api.as(admin).patch(path, { delegate_user_id, delegate_until });

    for (const refused of [
      await delegate(admin.userId),
      await delegate(foreigner.userId),
      await delegate(uuid()),
      await delegate(deputy.userId, inDays(-1)),
      await delegate(deputy.userId, inDays(400)),
      await api.as(admin).patch(path, { delegate_user_id: deputy.userId, role: 'hr' }),
    ]) {
      expect(refused.status).toBe(422);
    }
    expect((await api.as(deputy).patch(path, { delegate_user_id: null })).status).toBe(404);
  });

  it('ends with the role of either side', async () => {
    const deputy = await buildActor({ companyId, role: 'hr' });
    await api.as(admin).patch(`/users/${admin.userId}/delegation`, {
      delegate_user_id: deputy.userId,
      delegate_until: inDays(7),
    });
    const roles = async () =>
      (await withIdentity(null, () => Membership.placesOf(deputy.userId))).map(
        (place) => place.roles,
      );
    const before = await roles();

    await api.database.sql(
      `UPDATE platform.memberships SET delegate_until = now() - interval '1 s' WHERE user_id = $1`,
      [admin.userId],
    );
    const late = await roles();
    await api.database.sql(
      `UPDATE platform.memberships SET delegate_until = now() + interval '1 h' WHERE user_id = $1`,
      [admin.userId],
    );
    await api.as(admin).delete(`/users/${deputy.userId}`);

    expect(before).toEqual([['tenant_admin', 'hr']]);
    expect(late).toEqual([['hr']]);
    expect(await roles()).toEqual([]);
  });
});
