import { setTimeout as pause } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import pg from 'pg';
import { createActivities } from '../../../src/activities/index.ts';
import { withIdentity } from '../../../src/models/database.ts';
import { PasswordResetToken } from '../../../src/models/PasswordResetToken.ts';
import { createLinks } from '../../../src/models/secretLinks.ts';
import { hashSecret } from '../../../src/secrets.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import type { Mail } from '../../support/lifecycle.ts';
import { buildAccount, buildIdentity, buildKnownCompany, goodPassword, newEmail } from './build.ts';
import { reportSchedulesInMemory } from '../../support/reportSchedules.ts';
import { noClosedRuns } from '../../support/closedRuns.ts';
import { noTroubledRuns } from '../../support/troubledRuns.ts';
import { noDocuments } from '../../support/documents.ts';
import { noWebhooks } from '../../support/webhooks.ts';

let database: TestDatabase;
const { auth, config, dispatched, passwordChanges, passwords, sessions, work } = buildIdentity();
const otherPassword = 'Other-Green-Otters-7';
const refused = { status: 401, code: 'UNAUTHENTICATED' };
let goodHash: string;

beforeAll(async () => {
  database = await openTestDatabase({ poolMax: 10 });
  goodHash = await passwords.hash(goodPassword);
});
afterAll(() => database.close());

const buildMember = async () => {
  const { id } = await buildKnownCompany();
  return buildAccount({ companyIds: [id], passwordHash: goodHash });
};
const logIn = (email: string, password = goodPassword) =>
  auth.login({ email, password }, 'localhost');

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

const codeIn = (mail: Mail | undefined): string =>
  /set-password#([\w-]+)/.exec(mail?.text ?? '')?.[1] ?? '';

describe('asking for a new password', () => {
  it('mails a link whose code sets one, and stores the code nowhere', async () => {
    const { email } = await buildMember();

    const mails = await mailsOf(() => passwordChanges.requestReset(email));
    const code = codeIn(mails[0]);
    const stored = await database.sql<{ found: boolean }>(
      `SELECT position($1 IN (SELECT string_agg(n::text, '') FROM core.notifications n)) > 0
         OR position($1 IN (SELECT string_agg(t::text, '') FROM platform.password_reset_tokens t)) > 0
         OR position($1 IN (SELECT string_agg(o::text, '') FROM core.outbox o)) > 0 AS found`,
      [code],
    );
    await passwordChanges.confirmReset({ code, password: otherPassword });

    expect(mails).toMatchObject([{ to: email, subject: 'Set a new password' }]);
    expect(code).toHaveLength(43);
    expect(stored).toEqual([{ found: false }]);
    await expect(logIn(email, otherPassword)).resolves.toBeDefined();
    await expect(logIn(email)).rejects.toMatchObject(refused);
  });

  it('is answered alike, without a mail, for an unknown and for a deactivated address', async () => {
    const gone = await buildMember();
    await database.sql('UPDATE platform.users SET is_active = false WHERE id = $1', [gone.id]);

    for (const email of [newEmail(), gone.email]) {
      expect(await mailsOf(() => passwordChanges.requestReset(email))).toEqual([]);
    }
  });

  it('costs no hash and as many statements, for known and unknown addresses alike', async () => {
    const known = await buildMember();
    const before = { ...work };
    const counts: number[] = [];

    for (const email of [known.email, newEmail()]) {
      const statements = await database.statementsOf(async () =>
        expect(await passwordChanges.requestReset(email)).toBeUndefined(),
      );
      counts.push(statements.length);
    }

    expect(work).toEqual(before);
    expect(counts[0]).toBe(counts[1]);
    expect(counts[0]).toBeGreaterThan(3);
  });

  it('mails at most five times an hour, and the newest link works', async () => {
    const { email } = await buildMember();

    const mails: Mail[] = [];
    for (let asked = 0; asked < 7; asked += 1) {
      mails.push(...(await mailsOf(() => passwordChanges.requestReset(email))));
    }

    expect(mails).toHaveLength(5);
    const confirm = (mail: Mail | undefined) =>
      passwordChanges.confirmReset({ code: codeIn(mail), password: otherPassword });
    await expect(confirm(mails[3])).rejects.toMatchObject({ status: 422 });
    await expect(confirm(mails[4])).resolves.toBeUndefined();
  });

  it('leaves a link alone that lasts longer, for anybody may ask', async () => {
    const { id, email } = await buildMember();
    const code = 'a code of an invitation by mail';
    await withIdentity(null, () =>
      PasswordResetToken.issue(id, hashSecret(code), { lastsMs: 7 * 86_400_000 }),
    );

    const [mail] = await mailsOf(() => passwordChanges.requestReset(email));
    await passwordChanges.confirmReset({ code, password: otherPassword });

    const late = { code: codeIn(mail), password: goodPassword };
    await expect(passwordChanges.confirmReset(late)).rejects.toMatchObject({ status: 422 });
  });
});

/** Signs in, and holds the sign-in before its commit until the other act waits for it. */
async function signingInDuring(
  { id, email }: { id: string; email: string },
  act: () => Promise<void>,
) {
  const holder = new pg.Client({ connectionString: database.adminUrl });
  await holder.connect();
  const waitFor = async (count: number): Promise<void> => {
    const waiting = () =>
      database.sql(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
           AND wait_event_type = 'Lock'`,
      );
    while ((await waiting()).length < count) await pause(20);
  };
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM platform.memberships WHERE user_id = $1 FOR UPDATE', [id]);
    const signedIn = logIn(email);
    await waitFor(1);
    const done = act();
    await waitFor(2);
    await holder.query('COMMIT');
    await done;
    return await signedIn;
  } finally {
    await holder.end();
  }
}

describe('a session that is opened with the old password while another is set', () => {
  it('ends with a reset', async () => {
    const member = await buildMember();
    const [mail] = await mailsOf(() => passwordChanges.requestReset(member.email));

    const { accessToken } = await signingInDuring(member, () =>
      passwordChanges.confirmReset({ code: codeIn(mail), password: otherPassword }),
    );

    await expect(sessions.actorOf(decodeJwt(accessToken))).rejects.toMatchObject(refused);
  });

  it('ends with a change', async () => {
    const member = await buildMember();
    const actor = await sessions.actorOf(decodeJwt((await logIn(member.email)).accessToken));

    const { accessToken } = await signingInDuring(member, () =>
      passwordChanges.change(actor, { current: goodPassword, next: otherPassword }),
    );

    await expect(sessions.actorOf(decodeJwt(accessToken))).rejects.toMatchObject(refused);
    await expect(sessions.isStill(actor)).resolves.toBe(true);
  });
});

describe('changing the own password', () => {
  it('needs the present one, keeps this session and ends the others', async () => {
    const { email } = await buildMember();
    const [here, there] = [await logIn(email), await logIn(email)];
    const actor = await sessions.actorOf(decodeJwt(here.accessToken));
    await sessions.actorOf(decodeJwt(there.accessToken));

    const mails = await mailsOf(() =>
      passwordChanges.change(actor, { current: goodPassword, next: otherPassword }),
    );

    expect(mails).toMatchObject([{ to: email, subject: 'Your password was changed' }]);
    await expect(sessions.actorOf(decodeJwt(here.accessToken))).resolves.toBeDefined();
    await expect(sessions.actorOf(decodeJwt(there.accessToken))).rejects.toMatchObject(refused);
    await expect(logIn(email, otherPassword)).resolves.toBeDefined();
  });

  it('counts a wrong one like a failed login, and changes nothing', async () => {
    const { email } = await buildMember();
    const actor = await sessions.actorOf(decodeJwt((await logIn(email)).accessToken));
    const guess = () => passwordChanges.change(actor, { current: 'guessed', next: otherPassword });

    for (let guesses = 0; guesses < 5; guesses += 1) {
      await expect(guess()).rejects.toMatchObject({
        status: 422,
        details: [{ field: 'current_password', code: 'PASSWORD_WRONG' }],
      });
    }
    const locked = passwordChanges.change(actor, { current: goodPassword, next: otherPassword });

    await expect(locked).rejects.toMatchObject({ details: [{ code: 'PASSWORD_WRONG' }] });
    await expect(logIn(email)).rejects.toMatchObject(refused);
    const [row] = await database.sql<{ password_hash: string }>(
      'SELECT password_hash FROM platform.users WHERE email = $1',
      [email],
    );
    expect(row?.password_hash).toBe(goodHash);
  });

  it('counts parallel guesses one by one, and takes no late right one', async () => {
    const { email } = await buildMember();
    const actor = await sessions.actorOf(decodeJwt((await logIn(email)).accessToken));
    const guesses = Array.from({ length: 20 }, (_, n) => `Wrong-Green-Otters-${n}`);

    const answers = await Promise.allSettled(
      [...guesses, goodPassword].map((current) =>
        passwordChanges.change(actor, { current, next: otherPassword }),
      ),
    );

    for (const answer of answers) {
      expect(answer).toMatchObject({ reason: { details: [{ code: 'PASSWORD_WRONG' }] } });
    }
    const [row] = await database.sql(
      'SELECT failed_logins, password_hash FROM platform.users WHERE email = $1',
      [email],
    );
    expect(row).toEqual({ failed_logins: 5, password_hash: goodHash });
  });

  it('refuses a weak one before anything else happens', async () => {
    const { email } = await buildMember();
    const actor = await sessions.actorOf(decodeJwt((await logIn(email)).accessToken));

    const weak = passwordChanges.change(actor, { current: goodPassword, next: 'short' });

    await expect(weak).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    await expect(logIn(email)).resolves.toBeDefined();
  });
});
