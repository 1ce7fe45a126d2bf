import { select, withTenant } from '../../../src/models/database.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  buildAccount,
  buildIdentity,
  buildKnownCompany,
  from,
  goodPassword,
  newEmail,
  outcomeOf,
} from './build.ts';

let database: TestDatabase;
const identity = buildIdentity();
const { auth, passwords } = identity;
let goodHash: string;

beforeAll(async () => {
  database = await openTestDatabase();
  goodHash = await passwords.hash(goodPassword);
});
afterAll(() => database.close());

const logIn = (email: string, password = goodPassword, host = 'localhost') =>
  outcomeOf(from({}, () => auth.login({ email, password }, host)));

const wrong = {
  status: 401,
  code: 'UNAUTHENTICATED',
  message: 'The e-mail address or the password is wrong',
  facts: {},
  details: [],
};

const rowOf = async (email: string) => {
  const [row] = await database.sql<{
    failed_logins: number;
    minutes: number | null;
    password_hash: string;
  }>(
    `SELECT failed_logins, password_hash,
       round(extract(epoch FROM locked_until - now()) / 60)::integer AS minutes
     FROM platform.users WHERE email = $1`,
    [email],
  );
  return row;
};

const endLock = (email: string) =>
  database.sql(`UPDATE platform.users SET locked_until = now() WHERE email = $1`, [email]);

const auditOf = (userId: string) =>
  database.sql<{ action: string; after: { reason?: string } | null }>(
    `SELECT action, company_id, actor_id, ip, after FROM core.audit_logs
     WHERE entity_id = $1 ORDER BY timestamp`,
    [userId],
  );

describe('login', () => {
  it('answers with tokens of the only company, and audits it there', async () => {
    const { id: companyId } = await buildKnownCompany();
    const { id, email } = await buildAccount({ companyIds: [companyId], passwordHash: goodHash });

    const signedIn = await from({ ip: '192.0.2.9' }, () =>
      auth.login({ email, password: goodPassword }, 'localhost'),
    );

    expect(signedIn).toMatchObject({
      expiresInSeconds: 1800,
      account: { companyId, roles: ['policyholder'], user: { id, email } },
    });
    expect(signedIn.account.user.lastLoginAt).not.toBeNull();
    expect(await auditOf(id)).toContainEqual({
      action: 'LOGIN',
      company_id: companyId,
      actor_id: id,
      ip: '192.0.2.9',
      after: null,
    });
    const stored = await database.sql<{ token_hash: string }>(
      'SELECT token_hash FROM platform.refresh_tokens WHERE user_id = $1',
      [id],
    );
    expect(stored).toEqual([{ token_hash: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    expect(stored[0]?.token_hash).not.toBe(signedIn.refreshToken);
  });

  it('asks members of several companies for one, and takes the one they name', async () => {
    const [first, second] = [await buildKnownCompany(), await buildKnownCompany()];
    const { email } = await buildAccount({
      companyIds: [first.id, second.id],
      passwordHash: goodHash,
    });

    expect(await logIn(email)).toMatchObject({
      status: 409,
      code: 'COMPANY_REQUIRED',
      facts: { companies: expect.arrayContaining([{ code: second.code, name: second.name }]) },
    });
    expect(await logIn(email, 'Wrong-Green-Otters-7')).toMatchObject(wrong);
    const named = await auth.login(
      { email, password: goodPassword, company: second.code.toLowerCase() },
      'localhost',
    );
    expect(named.account.companyId).toBe(second.id);
  });

  it('at a company’s own address is to that company, whatever the body names', async () => {
    const [first, second] = [await buildKnownCompany(), await buildKnownCompany()];
    const host = `${second.code.toLowerCase()}.example`;
    await database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at)
       VALUES (gen_random_uuid(), $1, $2, now())`,
      [second.id, host],
    );
    const both = await buildAccount({
      companyIds: [first.id, second.id],
      passwordHash: goodHash,
    });
    const stranger = await buildAccount({ companyIds: [first.id], passwordHash: goodHash });

    const signedIn = await auth.login(
      { email: both.email, password: goodPassword, company: first.code },
      host,
    );

    expect(signedIn.account.companyId).toBe(second.id);
    expect(await logIn(stranger.email, goodPassword, host)).toMatchObject(wrong);
  });

  it.each([
    ['deactivated', 'UPDATE platform.users SET is_active = false WHERE id = $1'],
    ['archived', 'UPDATE platform.users SET archived_at = now() WHERE id = $1'],
    ['without a password', 'UPDATE platform.users SET password_hash = NULL WHERE id = $1'],
    [
      'of the past',
      "UPDATE platform.memberships SET valid_from = now() - interval '2 d', valid_to = now() WHERE user_id = $1",
    ],
    [
      'of the future',
      "UPDATE platform.memberships SET valid_from = now() + interval '1 d' WHERE user_id = $1",
    ],
  ])('answers an account %s like a wrong password', async (_what, change) => {
    const { id: companyId } = await buildKnownCompany();
    const { id, email } = await buildAccount({ companyIds: [companyId], passwordHash: goodHash });
    await database.sql(change, [id]);

    expect(await logIn(email)).toMatchObject(wrong);
  });

  it('hashes again to the configured kind, once', async () => {
    const { id: companyId } = await buildKnownCompany();
    const bcrypt = buildIdentity({ PASSWORD_HASH: 'bcrypt' });
    const { email } = await buildAccount({
      companyIds: [companyId],
      passwordHash: await bcrypt.passwords.hash(goodPassword),
    });

    await auth.login({ email, password: goodPassword }, 'localhost');
    const after = await rowOf(email);
    await auth.login({ email, password: goodPassword }, 'localhost');

    expect(after?.password_hash).toMatch(/^\$argon2id\$/);
    expect(await rowOf(email)).toEqual(after);
    await bcrypt.auth.login({ email, password: goodPassword }, 'localhost');
    expect((await rowOf(email))?.password_hash).toMatch(/^\$2y\$12\$/);
  });
});

describe('the lock', () => {
  it('closes at the fifth failure for 15 minutes, then for twice as long each time', async () => {
    const { id: companyId } = await buildKnownCompany();
    const { id, email } = await buildAccount({ companyIds: [companyId], passwordHash: goodHash });
    const fail = () => logIn(email, 'Wrong-Green-Otters-7');

    for (let n = 1; n <= 4; n += 1) expect(await fail()).toMatchObject(wrong);
    expect(await rowOf(email)).toMatchObject({ failed_logins: 4, minutes: null });
    await fail();
    expect(await rowOf(email)).toMatchObject({ failed_logins: 5, minutes: 15 });

    expect(await logIn(email)).toMatchObject(wrong);
    await fail();
    expect(await rowOf(email)).toMatchObject({ failed_logins: 5, minutes: 15 });

    await endLock(email);
    await fail();
    expect(await rowOf(email)).toMatchObject({ failed_logins: 6, minutes: 30 });
    await database.sql('UPDATE platform.users SET failed_logins = 2000 WHERE id = $1', [id]);
    await endLock(email);
    await fail();
    expect(await rowOf(email)).toMatchObject({ failed_logins: 2001, minutes: 1440 });

    await endLock(email);
    expect(await logIn(email)).toBe('done');
    expect(await rowOf(email)).toMatchObject({ failed_logins: 0, minutes: null });
    const reasons = (await auditOf(id)).map(({ after }) => after?.reason);
    expect(reasons.filter((reason) => reason === 'wrong_password')).toHaveLength(8);
    expect(reasons.filter((reason) => reason === 'locked')).toHaveLength(1);
  });

  it('counts parallel guesses one by one, and lets no late right guess in', async () => {
    const { id: companyId } = await buildKnownCompany();
    const { email } = await buildAccount({ companyIds: [companyId], passwordHash: goodHash });
    const guesses = Array.from({ length: 20 }, (_, n) => `Wrong-Green-Otters-${n}`);

    const answers = await Promise.all(
      [...guesses, goodPassword].map((guess) => logIn(email, guess)),
    );

    for (const answer of answers) expect(answer).toMatchObject(wrong);
    expect(await rowOf(email)).toMatchObject({ failed_logins: 5, minutes: 15 });
  });

  it('costs one comparison and the same answer for known, unknown and locked addresses', async () => {
    const { id: companyId } = await buildKnownCompany();
    const known = await buildAccount({ companyIds: [companyId], passwordHash: goodHash });
    const locked = await buildAccount({ companyIds: [companyId], passwordHash: goodHash });
    await database.sql(
      `UPDATE platform.users SET failed_logins = 5, locked_until = now() + interval '1 h' WHERE id = $1`,
      [locked.id],
    );

    for (const [email, password] of [
      [known.email, 'Wrong-Green-Otters-7'],
      [newEmail(), goodPassword],
      [locked.email, goodPassword],
    ] as const) {
      const before = { ...identity.work };
      expect(await logIn(email, password)).toMatchObject(wrong);
      expect(identity.work).toEqual({ ...before, compared: before.compared + 1 });
    }
  });
});

describe('me and logins', () => {
  it('show the account in its company, and only its own sign-ins there', async () => {
    const company = await buildKnownCompany();
    const ada = await buildAccount({
      companyIds: [company.id],
      passwordHash: goodHash,
      role: 'tenant_admin',
    });
    const bob = await buildAccount({ companyIds: [company.id], passwordHash: goodHash });
    for (const email of [ada.email, bob.email, ada.email]) {
      await from({ ip: '192.0.2.7' }, () => auth.login({ email, password: goodPassword }, 'x'));
    }
    const actor = {
      type: 'user',
      userId: ada.id,
      companyId: company.id,
      roles: ['tenant_admin'],
      sessionId: null,
    } as const;

    expect(await auth.me(actor)).toMatchObject({ user: ada, roles: ['tenant_admin'] });
    const first = await auth.logins(actor, { page: 1, size: 1 });
    const second = await auth.logins(actor, { page: 2, size: 1 });
    expect(first).toMatchObject({ total: 2, items: [{ ip: '192.0.2.7', at: expect.any(Date) }] });
    expect(second.items).toHaveLength(1);
    expect(second.items[0]?.id).not.toBe(first.items[0]?.id);
  });
});

it('no company’s own transaction can read a password hash', async () => {
  const { id } = await buildKnownCompany();

  const reading = withTenant(id, () => select('SELECT password_hash FROM platform.users'));

  await expect(reading).rejects.toThrow('permission denied');
});
