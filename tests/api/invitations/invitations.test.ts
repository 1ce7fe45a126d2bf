import { createLinks, type SecretLink } from '../../../src/models/secretLinks.ts';
import { createActivities } from '../../../src/activities/index.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { createPasswords } from '../../../src/commands/passwords.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import type { Mail } from '../../support/lifecycle.ts';
import { testConfig } from '../../commands/identity/build.ts';
import { reportSchedulesInMemory } from '../../support/reportSchedules.ts';
import { noClosedRuns } from '../../support/closedRuns.ts';
import { noTroubledRuns } from '../../support/troubledRuns.ts';
import { noDocuments } from '../../support/documents.ts';
import { noWebhooks } from '../../support/webhooks.ts';

let api: TestApi;
let admin: Awaited<ReturnType<typeof buildActor>>;
let companyId: string;
const config = testConfig();
const password = 'Seven-Green-Otters-7';
const badCode = { status: 422, body: { details: [{ field: 'code', code: 'CODE_INVALID' }] } };
const wrongPassword = { status: 422, body: { details: [{ code: 'PASSWORD_WRONG' }] } };

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

let asked = 0;
const newAddress = (): string => `invited${(asked += 1)}@example.com`;

async function invite(email = newAddress(), role = 'adjuster') {
  const { status, body } = await api.as(admin).post('/invitations', { email, role });
  return { status, body, email, path: `/invitations/${body.data?.id}` };
}

/** Somebody who has a password already, and the code that they were sent. */
async function inviteKnown() {
  const person = await buildActor({ companyId: (await buildCompany()).id });
  await api.database.sql('UPDATE platform.users SET password_hash = $2 WHERE id = $1', [
    person.userId,
    await createPasswords(config).hash(password),
  ]);
  await invite(person.email);
  return { userId: person.userId, code: await codeFor(person.email) };
}

/** The code in the newest mail to the address, as the worker sends it. */
async function codeFor(email: string, from = companyId): Promise<string> {
  const mails: Mail[] = [];
  const activities = createActivities({
    sendMail: async (mail) => void mails.push(mail),
    mailsPerSecond: 1000,
    links: createLinks(config),
    allowedHosts: [],
    platformDomain: undefined,
    documents: noDocuments(),
    webhooks: noWebhooks(),
    closedRuns: noClosedRuns(),
    troubledRuns: noTroubledRuns(),
    openWorkflows: () => Promise.resolve(new Map()),
    replayRun: () => Promise.resolve(undefined),
    reportSchedules: reportSchedulesInMemory(),
    operateRun: () => Promise.reject(new Error('No run here')),
    answerRequest: () => Promise.resolve(),
  });
  const [row] = await api.database.sql<{ id: string; payload: { link: SecretLink } }>(
    `SELECT id, payload FROM core.notifications
     WHERE recipient_address = $1 AND template_code = 'invitation' ORDER BY created_at DESC, id DESC LIMIT 1`,
    [email],
  );
  await activities.deliverNotification({ companyId: from, notificationId: row?.id ?? '' });
  return /accept-invitation#([\w-]+)/.exec(mails[0]?.text ?? '')?.[1] ?? '';
}

const accept = (code: string, more: object = {}) =>
  api.nowhere.post('/invitations/accept', { code, password, ...more });
const logIn = (email: string, secret = password) =>
  api.nowhere.post('/auth/login', { email, password: secret });

describe('/invitations', () => {
  it('bring somebody with an account elsewhere in to administer the platform, from there alone', async () => {
    const ruler = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const { userId } = await inviteKnown();
    const [account] = await api.database.sql<{ email: string }>(
      'SELECT email FROM platform.users WHERE id = $1',
      [userId],
    );
    const email = account?.email ?? '';
    const wish = { email, role: 'global_admin' };
    const entered = { 'X-Company-Id': companyId };

    const byTenant = await api.as(admin).post('/invitations', wish);
    const inside = await api.as(ruler).post('/invitations', wish, entered);
    const invited = await api.as(ruler).post('/invitations', wish);
    const accepted = await accept(await codeFor(email, platformCompanyId));

    expect([byTenant.status, inside.status, invited.status]).toEqual([403, 403, 201]);
    expect(accepted.status).toBeLessThan(300);
    const held = await api.database.sql(
      'SELECT company_id FROM platform.memberships WHERE user_id = $1 AND role = $2',
      [userId, 'global_admin'],
    );
    expect(held).toEqual([{ company_id: platformCompanyId }]);
  });

  it('bring somebody in who chooses names and password, once', async () => {
    const { email, path, status, body } = await invite();
    const code = await codeFor(email);

    const accepted = await accept(code, { username: email.slice(0, 9), first_name: 'Grace' });
    const signedIn = await logIn(email);
    const again = await accept(code);
    const { body: list } = await api.as(admin).get('/invitations', { status: 'accepted' });

    expect([status, accepted.status]).toEqual([201, 200]);
    expect(body.data).toMatchObject({ email, status: 'pending', resent_count: 0 });
    expect(JSON.stringify(body)).not.toContain(code);
    expect(signedIn.body.data.user).toMatchObject({ first_name: 'Grace', roles: ['adjuster'] });
    expect(again).toMatchObject(badCode);
    expect(list.items).toMatchObject([{ accepted_by: signedIn.body.data.user.id }]);
    expect((await api.as(admin).delete(path)).body.code).toBe('INVITATION_CLOSED');
  });

  it('make whoever accepts the employee of their address', async () => {
    const { email } = await invite(newAddress(), 'employee');
    const [employee = ''] = await hire(companyId, 1);
    await api.database.sql('UPDATE shared.employees SET email = $2 WHERE id = $1', [
      employee,
      email,
    ]);

    await accept(await codeFor(email));

    const user = (await logIn(email)).body.data.user.id;
    const shown = await api.as(admin).get(`/employees/${employee}`);
    const history = await api.as(admin).get(`/employees/${employee}/history`);
    expect(shown.body.data).toMatchObject({ user_id: user, version: 2 });
    expect(history.body.items.at(-1)).toMatchObject({
      action: 'UPDATE',
      actor_id: user,
      after: { user_id: user },
    });
  });

  it('ask a known account for its password', async () => {
    const { userId, code } = await inviteKnown();

    const wrong = await accept(code, { password: 'Other-Green-Otters-7' });
    const right = await accept(code);
    const shown = await api.as(admin).get(`/users/${userId}`);

    expect(wrong).toMatchObject(wrongPassword);
    expect(right.status).toBe(200);
    expect(shown.body.data.roles).toEqual(['adjuster']);
  });

  it('count parallel guesses at that password one by one, and take no late right one', async () => {
    const { userId, code } = await inviteKnown();
    const guesses = Array.from({ length: 20 }, (_, n) => `Wrong-Green-Otters-${n}`);

    const answers = await Promise.all(
      [...guesses, password].map((guess) => accept(code, { password: guess })),
    );

    for (const answer of answers) expect(answer).toMatchObject(wrongPassword);
    const [account] = await api.database.sql(
      `SELECT failed_logins, locked_until > now() AS locked,
         (SELECT count(*)::int FROM platform.memberships WHERE company_id = $2 AND user_id = u.id) AS roles
       FROM platform.users u WHERE id = $1`,
      [userId, companyId],
    );
    expect(account).toEqual({ failed_logins: 5, locked: true, roles: 0 });
    const told = await api.database.sql(
      `SELECT after ->> 'by' AS by, after ->> 'reason' = 'wrong_password' AS judged, count(*)::int
       FROM core.audit_logs WHERE entity_id = $1 AND action = 'LOGIN_FAILED' GROUP BY 1, 2 ORDER BY 2 DESC`,
      [userId],
    );
    expect(told).toEqual([
      { by: 'invitation', judged: true, count: 5 },
      { by: 'invitation', judged: false, count: 16 },
    ]);
  });

  it('are one at a time for an address, and none for who has the role', async () => {
    const { email } = await invite();
    const member = await buildActor({ companyId, role: 'adjuster' });
    const otherCompany = await buildCompany();
    const other = await buildActor({ companyId: otherCompany.id, role: 'tenant_admin' });

    const second = await invite(email);
    const held = await invite(member.email);
    const elsewhere = await api.as(other).post('/invitations', { email, role: 'adjuster' });

    expect([second.status, second.body.code]).toEqual([409, 'INVITATION_EXISTS']);
    expect([held.status, held.body.code]).toEqual([409, 'MEMBERSHIP_EXISTS']);
    expect(elsewhere.status).toBe(201);
  });

  it('are sent again three times, each with another code', async () => {
    const { email, path } = await invite();
    const first = await codeFor(email);

    for (const count of [1, 2, 3]) {
      const { body } = await api.as(admin).post(`${path}/resend`);
      expect(body.data.resent_count).toBe(count);
    }
    const tooOften = await api.as(admin).post(`${path}/resend`);

    expect(tooOften).toMatchObject({ status: 409, body: { code: 'RESENT_TOO_OFTEN' } });
    expect(await accept(first)).toMatchObject(badCode);
    expect((await accept(await codeFor(email))).status).toBe(200);
  });

  it('do nothing when revoked or run out', async () => {
    const revoked = await invite();
    const late = await invite();
    const codes = [await codeFor(revoked.email), await codeFor(late.email)];
    await api.as(admin).delete(revoked.path);
    await api.database.sql('UPDATE core.invitations SET expires_at = now() WHERE email = $1', [
      late.email,
    ]);

    for (const code of codes) expect(await accept(code)).toMatchObject(badCode);
    const { body } = await api.as(admin).get('/invitations', { sort_by: 'created_at' });
    expect(body.items.map((item: { status: string }) => item.status)).toEqual([
      'revoked',
      'expired',
    ]);
    expect((await invite(late.email)).status).toBe(201);
  });

  it('leave one line in the audit when they run out, which is nobody’s act', async () => {
    const { body } = await invite();
    const { id } = body.data;
    await api.database.sql('UPDATE core.invitations SET expires_at = now() WHERE id = $1', [id]);

    await Promise.all(Array.from({ length: 3 }, () => api.as(admin).get('/invitations')));
    await api.as(admin).get('/invitations');

    expect(
      await api.database.sql(
        `SELECT company_id, action, actor_id, actor_type, before, after FROM core.audit_logs
         WHERE entity_type = 'invitation' AND entity_id = $1 AND action <> 'CREATE'`,
        [id],
      ),
    ).toEqual([
      {
        company_id: companyId,
        action: 'STATUS_CHANGE',
        actor_id: null,
        actor_type: 'system',
        before: { status: 'pending' },
        after: { status: 'expired' },
      },
    ]);
  });

  it('give no role that the administrator may not give, and auditors a year', async () => {
    const { email } = await invite(newAddress(), 'auditor');
    await accept(await codeFor(email));

    const { body } = await api.as(admin).get('/users', { search: email });
    const ahead = Date.parse(body.items[0].valid_to) - Date.now();

    expect((await invite(newAddress(), 'operator')).status).toBe(403);
    expect(Math.round(ahead / 86_400_000)).toBe(365);
  });

  it('refuse a weak password and stay open', async () => {
    const { email } = await invite();
    const code = await codeFor(email);

    const weak = await accept(code, { password: 'short' });

    expect([weak.status, weak.body.details[0].field]).toEqual([422, 'password']);
    expect((await accept(code)).status).toBe(200);
  });

  it('have a page that leaves out what was not filled in', async () => {
    const { status, text } = await api.nowhere.get('//accept-invitation');

    expect(status).toBe(200);
    expect(text).toContain('name="username" type="text" autocomplete="username">');
    expect(text).toContain('autocomplete="new-password" required>');
  });
});
