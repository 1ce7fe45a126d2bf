import { decodeJwt } from 'jose';
import { createActivities } from '../../../src/activities/index.ts';
import { createLinks } from '../../../src/models/secretLinks.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import type { Mail } from '../../support/lifecycle.ts';
import { buildAccount, buildIdentity, buildKnownCompany, goodPassword, newEmail } from './build.ts';
import { reportSchedulesInMemory } from '../../support/reportSchedules.ts';
import { noClosedRuns } from '../../support/closedRuns.ts';
import { noTroubledRuns } from '../../support/troubledRuns.ts';
import { noDocuments } from '../../support/documents.ts';
import { noWebhooks } from '../../support/webhooks.ts';

let database: TestDatabase;
const { auth, config, dispatched, emailChanges, passwordChanges, passwords, sessions } =
  buildIdentity();
let goodHash: string;
const badCode = { details: [{ field: 'code', code: 'CODE_INVALID' }] };

beforeAll(async () => {
  database = await openTestDatabase({ poolMax: 10 });
  goodHash = await passwords.hash(goodPassword);
});
afterAll(async () => {
  sessions.close();
  await database.close();
});

async function buildSignedIn() {
  const { id: companyId } = await buildKnownCompany();
  const { email } = await buildAccount({ companyIds: [companyId], passwordHash: goodHash });
  const { accessToken } = await logIn(email);
  return { email, actor: await sessions.actorOf(decodeJwt(accessToken)) };
}

const logIn = (email: string) => auth.login({ email, password: goodPassword }, 'localhost');

/** What the worker would send of everything that was promised meanwhile. */
async function mailsOf(request: () => Promise<void>): Promise<Mail[]> {
  const from = dispatched.length;
  await request();
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
  for (const { companyId, entityId } of dispatched.slice(from)) {
    await activities.deliverNotification({ companyId, notificationId: entityId });
  }
  return mails;
}

const codeFor = (mails: readonly Mail[], address: string): string =>
  /confirm-email#([\w-]+)/.exec(mails.find(({ to }) => to === address)?.text ?? '')?.[1] ?? '';

describe('a new e-mail address', () => {
  it('is confirmed by a link to it, once, and the old one is told', async () => {
    const { email, actor } = await buildSignedIn();
    const wished = newEmail();

    const mails = await mailsOf(() =>
      emailChanges.request(actor, { email: wished, currentPassword: goodPassword }),
    );
    const code = codeFor(mails, wished);
    await expect(logIn(wished)).rejects.toMatchObject({ status: 401 });
    await database.sql('UPDATE platform.users SET email_confirmed_at = NULL WHERE id = $1', [
      actor.userId,
    ]);
    await emailChanges.confirm(code);

    expect(mails.map(({ to }) => to)).toEqual([email, wished]);
    const [account] = await database.sql<{ at: Date }>(
      'SELECT email_confirmed_at AS at FROM platform.users WHERE email = $1',
      [wished],
    );
    expect(account?.at).toBeInstanceOf(Date);
    await expect(logIn(wished)).resolves.toBeDefined();
    await expect(logIn(email)).rejects.toMatchObject({ status: 401 });
    await expect(emailChanges.confirm(code)).rejects.toMatchObject(badCode);
    const audit = await database.sql<{ action: string }>(
      `SELECT action FROM core.audit_logs WHERE entity_id = $1 AND action LIKE 'EMAIL%'
       ORDER BY timestamp, id`,
      [actor.userId],
    );
    expect(audit.map(({ action }) => action)).toEqual(['EMAIL_CHANGE_REQUEST', 'EMAIL_CHANGE']);
  });

  it('that is taken gets the same answer and no link', async () => {
    const { email, actor } = await buildSignedIn();
    const { email: taken } = await buildSignedIn();

    const mails = await mailsOf(() =>
      emailChanges.request(actor, { email: taken, currentPassword: goodPassword }),
    );

    expect(mails.map(({ to }) => to)).toEqual([email]);
  });

  it('that was taken since the request is refused', async () => {
    const { actor, email } = await buildSignedIn();
    const wished = newEmail();
    const mails = await mailsOf(() =>
      emailChanges.request(actor, { email: wished, currentPassword: goodPassword }),
    );
    await database.sql('UPDATE platform.users SET email = $2 WHERE email = $1', [
      (await buildSignedIn()).email,
      wished,
    ]);

    const confirmed = emailChanges.confirm(codeFor(mails, wished));

    await expect(confirmed).rejects.toMatchObject({ status: 409, code: 'EMAIL_TAKEN' });
    await expect(logIn(email)).resolves.toBeDefined();
  });

  it('needs the password, and a wrong one counts as a failed login', async () => {
    const { actor } = await buildSignedIn();

    const refused = emailChanges.request(actor, { email: newEmail(), currentPassword: 'wrong' });

    await expect(refused).rejects.toMatchObject({ details: [{ code: 'PASSWORD_WRONG' }] });
    const [row] = await database.sql('SELECT failed_logins FROM platform.users WHERE id = $1', [
      actor.userId,
    ]);
    expect(row).toEqual({ failed_logins: 1 });
  });

  it('has a code for an hour, and only the newest one works', async () => {
    const { actor } = await buildSignedIn();
    const ask = async (email: string) =>
      codeFor(
        await mailsOf(() => emailChanges.request(actor, { email, currentPassword: goodPassword })),
        email,
      );
    const [first, second] = [newEmail(), newEmail()];
    const older = await ask(first);
    const newer = await ask(second);

    await expect(emailChanges.confirm(older)).rejects.toMatchObject(badCode);
    await database.sql(`UPDATE platform.email_changes SET expires_at = now()`);
    await expect(emailChanges.confirm(newer)).rejects.toMatchObject(badCode);
  });

  it.each([
    ['is changed', 'change'],
    ['is set by a link', 'reset'],
  ] as const)('is given up when the password %s, as its notice says', async (_, how) => {
    const { actor, email } = await buildSignedIn();
    const wished = newEmail();
    const mails = await mailsOf(() =>
      emailChanges.request(actor, { email: wished, currentPassword: goodPassword }),
    );
    const next = 'Nine-Purple-Herons-9';

    if (how === 'change') {
      await passwordChanges.change(actor, { current: goodPassword, next });
    } else {
      const [reset] = await mailsOf(() => passwordChanges.requestReset(email));
      const code = /#([\w-]+)/.exec(reset?.text ?? '')?.[1] ?? '';
      await passwordChanges.confirmReset({ code, password: next });
    }

    await expect(emailChanges.confirm(codeFor(mails, wished))).rejects.toMatchObject(badCode);
    await expect(auth.login({ email, password: next }, 'localhost')).resolves.toBeDefined();
  });

  it.each([
    ['goes', 'was not confirmed', 'NULL', true],
    ['stays', 'was confirmed before', 'now()', false],
  ])('a second factor %s with a reset where the address %s', async (_, __, confirmedAt, goes) => {
    const { actor, email } = await buildSignedIn();
    await database.sql(
      `UPDATE platform.users SET email_confirmed_at = ${confirmedAt}, mfa_enabled = true,
         mfa_secret = 'known to whoever set it up' WHERE id = $1`,
      [actor.userId],
    );
    const [reset] = await mailsOf(() => passwordChanges.requestReset(email));
    const code = /#([\w-]+)/.exec(reset?.text ?? '')?.[1] ?? '';

    await passwordChanges.confirmReset({ code, password: 'Nine-Purple-Herons-9' });

    const login = auth.login({ email, password: 'Nine-Purple-Herons-9' }, 'localhost');
    if (goes) await expect(login).resolves.toBeDefined();
    else await expect(login).rejects.toMatchObject({ status: 401, code: 'MFA_REQUIRED' });
    const [{ removed } = { removed: null }] = await database.sql<{ removed: number | null }>(
      `SELECT count(*)::int AS removed FROM core.audit_logs
       WHERE entity_id = $1 AND action = 'MFA_DISABLE'`,
      [actor.userId],
    );
    expect(removed).toBe(goes ? 1 : 0);
  });

  it('makes links worthless that wait at the old one', async () => {
    const { actor, email } = await buildSignedIn();
    const wished = newEmail();
    const [reset] = await mailsOf(() => passwordChanges.requestReset(email));
    const mails = await mailsOf(() =>
      emailChanges.request(actor, { email: wished, currentPassword: goodPassword }),
    );
    await emailChanges.confirm(codeFor(mails, wished));
    const code = /set-password#([\w-]+)/.exec(reset?.text ?? '')?.[1] ?? '';

    const used = passwordChanges.confirmReset({ code, password: 'Other-Green-Otters-7' });

    expect(code).not.toBe('');
    await expect(used).rejects.toMatchObject(badCode);
  });
});
