import { decodeJwt } from 'jose';
import { createAdministrators } from '../../../src/commands/administrators.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  buildAccount,
  buildIdentity,
  buildKnownCompany,
  goodPassword,
  newEmail,
  outcomeOf,
} from './build.ts';

let database: TestDatabase;
const { auth, passwordChanges, passwords, sessions, config } = buildIdentity();
const administrators = createAdministrators({ passwords, config });

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const logIn = (email: string, password: string) => auth.login({ email, password }, 'localhost');

/** Appoints somebody without a password. @returns the code of the link */
async function codeFor(email: string): Promise<string> {
  const { password } = await administrators.appoint({ email, role: 'global_admin' });
  if (typeof password === 'string') throw new Error('A link was expected');
  return password.link.replace('http://127.0.0.1:3000/set-password#', '');
}

describe('appointing an administrator', () => {
  it('makes a global administrator of an empty platform, who can sign in', async () => {
    const email = newEmail();

    const first = await administrators.appoint({
      email,
      role: 'global_admin',
      password: goodPassword,
    });
    const again = await administrators.appoint({
      email,
      role: 'global_admin',
      password: 'Other-Green-Otters-7',
    });

    expect(first).toEqual({ isNewAccount: true, isNewRole: true, password: 'set' });
    expect(again).toEqual({ isNewAccount: false, isNewRole: false, password: 'kept' });
    const { account } = await logIn(email, goodPassword);
    expect(account).toMatchObject({ companyId: platformCompanyId, roles: ['global_admin'] });
    const audits = await database.sql(
      `SELECT entity_type, actor_type FROM core.audit_logs
       WHERE company_id = $1 AND action = 'CREATE' AND (entity_id = $2 OR after->>'userId' = $2::text)`,
      [platformCompanyId, account.user.id],
    );
    expect(audits).toHaveLength(2);
  });

  it('makes an existing policyholder administrator of a company, with the password they have', async () => {
    const company = await buildKnownCompany();
    const { email } = await buildAccount({
      companyIds: [company.id],
      passwordHash: await passwords.hash(goodPassword),
    });

    const appointed = await administrators.appoint({
      email,
      role: 'tenant_admin',
      company: company.code,
    });

    expect(appointed).toEqual({ isNewAccount: false, isNewRole: true, password: 'kept' });
    const { account } = await logIn(email, goodPassword);
    expect(account.roles).toEqual(['tenant_admin', 'policyholder']);
  });

  it('lets in again whom the company has deactivated, once', async () => {
    const company = await buildKnownCompany();
    const email = newEmail();
    const wanted = { email, role: 'tenant_admin', company: company.code } as const;
    await administrators.appoint({ ...wanted, password: goodPassword });
    await database.sql('UPDATE platform.memberships SET is_active = false WHERE company_id = $1', [
      company.id,
    ]);

    const appointed = [await administrators.appoint(wanted), await administrators.appoint(wanted)];

    expect(appointed.map(({ isNewRole }) => isNewRole)).toEqual([true, false]);
    const { account } = await logIn(email, goodPassword);
    expect(account.roles).toEqual(['tenant_admin']);
  });

  it.each([
    [{ role: 'tenant_admin' }, 'needs --company'],
    [{ role: 'tenant_admin', company: 'NOSUCH' }, 'no company with the code NOSUCH'],
    [{ role: 'tenant_admin', company: 'PLATFORM' }, 'no company with the code PLATFORM'],
  ] as const)('refuses %o in one sentence', async (wanted, message) => {
    await expect(administrators.appoint({ email: newEmail(), ...wanted })).rejects.toThrow(message);
  });

  it('refuses a weak password and makes nothing', async () => {
    const email = newEmail();

    const appointing = administrators.appoint({ email, role: 'global_admin', password: 'short' });

    await expect(appointing).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    expect(await administrators.hasPassword(email)).toBe(false);
    expect(await database.sql('SELECT 1 FROM platform.users WHERE email = $1', [email])).toEqual(
      [],
    );
  });
});

describe('the one-time link', () => {
  const invalidCode = { status: 422, details: [{ field: 'code', code: 'CODE_INVALID' }] };

  it('sets a password once; a weak one does not use it up', async () => {
    const email = newEmail();
    const code = await codeFor(email);
    expect(await outcomeOf(logIn(email, goodPassword))).toMatchObject({ status: 401 });

    await expect(passwordChanges.confirmReset({ code, password: 'short' })).rejects.toMatchObject({
      details: expect.arrayContaining([expect.objectContaining({ field: 'password' })]),
    });
    await passwordChanges.confirmReset({ code, password: goodPassword });

    await expect(logIn(email, goodPassword)).resolves.toBeDefined();
    const again = passwordChanges.confirmReset({ code, password: 'Other-Green-Otters-7' });
    await expect(again).rejects.toMatchObject(invalidCode);
    await expect(logIn(email, goodPassword)).resolves.toBeDefined();
  });

  it('used five times at once works once', async () => {
    const code = await codeFor(newEmail());

    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () =>
        outcomeOf(passwordChanges.confirmReset({ code, password: goodPassword })),
      ),
    );

    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
  });

  it('is in the audit each time that one is issued', async () => {
    const email = newEmail();
    const issued = () =>
      database.sql(
        `SELECT a.actor_type FROM core.audit_logs a JOIN platform.users u ON u.id = a.entity_id
         WHERE u.email = $1 AND a.company_id = $2 AND a.action = 'PASSWORD_RESET_REQUEST'`,
        [email, platformCompanyId],
      );

    await codeFor(email);
    const once = await issued();
    await codeFor(email);

    expect(once).toHaveLength(1);
    expect(await issued()).toHaveLength(2);
  });

  it('works for 30 minutes, and only the newest one', async () => {
    const email = newEmail();
    const first = await codeFor(email);
    const second = await codeFor(email);
    const use = (code: string) => passwordChanges.confirmReset({ code, password: goodPassword });

    await expect(use(first)).rejects.toMatchObject(invalidCode);
    await database.sql(
      `UPDATE platform.password_reset_tokens SET expires_at = expires_at - interval '30 min'`,
    );
    await expect(use(second)).rejects.toMatchObject(invalidCode);
    await expect(use('guessed')).rejects.toMatchObject(invalidCode);
  });

  it('ends the lock and every session', async () => {
    const email = newEmail();
    await passwordChanges.confirmReset({ code: await codeFor(email), password: goodPassword });
    const { refreshToken, accessToken, account } = await logIn(email, goodPassword);
    await sessions.actorOf(decodeJwt(accessToken));
    const userId = account.user.id;
    const code = 'a-code-that-the-reset-mail-would-carry';
    const { hashSecret } = await import('../../../src/secrets.ts');
    await database.sql(
      `INSERT INTO platform.password_reset_tokens (id, user_id, code_hash, expires_at)
       VALUES (gen_random_uuid(), $1, $2, now() + interval '30 min')`,
      [userId, hashSecret(code)],
    );
    await database.sql(
      `UPDATE platform.users SET failed_logins = 5, locked_until = now() + interval '1 h' WHERE id = $1`,
      [userId],
    );

    await passwordChanges.confirmReset({ code, password: 'Other-Green-Otters-7' });

    const refused = { status: 401 };
    await expect(auth.refresh(refreshToken)).rejects.toMatchObject(refused);
    await expect(sessions.actorOf(decodeJwt(accessToken))).rejects.toMatchObject(refused);
    await expect(logIn(email, goodPassword)).rejects.toMatchObject(refused);
    await expect(logIn(email, 'Other-Green-Otters-7')).resolves.toBeDefined();
  });
});
