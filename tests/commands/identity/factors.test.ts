import { setTimeout as pause } from 'node:timers/promises';
import { hash as argon2 } from '@node-rs/argon2';
import { decodeJwt } from 'jose';
import pg from 'pg';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { withIdentity } from '../../../src/models/database.ts';
import { Membership } from '../../../src/models/Membership.ts';
import { createSealer } from '../../../src/secrets.ts';
import { stepAt, totpCode } from '../../../src/totp.ts';
import { buildAccount, buildIdentity, buildKnownCompany, goodPassword } from './build.ts';

let database: TestDatabase;
const { auth, config, factors, passwordChanges, passwords, sessions } = buildIdentity();
const sealer = createSealer(config.secretKey, 'second factor');
const wrongCode = { status: 422, details: [{ field: 'code', code: 'CODE_INVALID' }] };
const missing = { status: 401, code: 'MFA_REQUIRED' };
const refused = { status: 401, code: 'UNAUTHENTICATED' };
let goodHash: string;

beforeAll(async () => {
  database = await openTestDatabase({ poolMax: 25 });
  goodHash = await passwords.hash(goodPassword);
});
afterAll(async () => {
  sessions.close();
  await database.close();
});

const logIn = (email: string, otp?: string, password = goodPassword) =>
  auth.login({ email, password, otp }, 'localhost');
const actorOf = async (email: string, otp?: string) =>
  sessions.actorOf(decodeJwt((await logIn(email, otp)).accessToken));
const rowOf = async (id: string) => {
  const [row] = await database.sql<{
    mfa_secret: string;
    mfa_enabled: boolean;
    failed_logins: number;
  }>('SELECT mfa_secret, mfa_enabled, failed_logins FROM platform.users WHERE id = $1', [id]);
  return row;
};
/** How many guesses the audit tells of, by why they were refused. */
const failuresOf = async (id: string) => {
  const rows = await database.sql<{ reason: string; count: number }>(
    `SELECT after ->> 'reason' AS reason, count(*)::int AS count FROM core.audit_logs
     WHERE entity_id = $1 AND action = 'MFA_FAILED' GROUP BY 1`,
    [id],
  );
  return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
};
/** Until so many wait for a row. */
const waiting = async (count: number): Promise<void> => {
  const found = () =>
    database.sql(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
  while ((await found()).length < count) await pause(20);
};
/**
 * The next code, which is good for another minute whatever the machine is busy with; with `steps` a
 * later or earlier one. The present one is good until the end of the next half minute.
 */
const codeOf = async (id: string, steps = 0): Promise<string> => {
  const secret = sealer.open((await rowOf(id))?.mfa_secret ?? '', id);
  if (!secret) throw new Error('The secret was sealed with another key');
  return totpCode(secret, stepAt(Date.now()) + 1 + steps);
};

async function buildMember() {
  const company = await buildKnownCompany();
  const account = await buildAccount({ companyIds: [company.id], passwordHash: goodHash });
  return { ...account, companyId: company.id };
}

/** Somebody whose present step is used by enabling. */
async function buildEnrolled() {
  const member = await buildMember();
  const actor = await actorOf(member.email);
  const url = await factors.setUp(actor, goodPassword);
  const codes = await factors.enable(actor, await codeOf(member.id, -1));
  return { ...member, actor, url, codes };
}

describe('a second factor', () => {
  it('that a changed SECRET_KEY made unreadable is a wrong code, and recovery codes still work', async () => {
    const { id, email, codes } = await buildEnrolled();
    const otherKey = createSealer('another secret key', 'second factor');
    await database.sql('UPDATE platform.users SET mfa_secret = $2 WHERE id = $1', [
      id,
      otherKey.seal(Buffer.alloc(20), id),
    ]);

    await expect(logIn(email, '123456')).rejects.toMatchObject({ status: 401 });
    expect((await logIn(email, codes[0])).accessToken).toBeTruthy();
  });

  it('is set up and enabled, and its secrets are stored sealed or hashed', async () => {
    const { id, email, url, codes } = await buildEnrolled();
    const secret = new URL(url).searchParams.get('secret') ?? '';

    const stored = await database.sql<{ found: boolean }>(
      `SELECT bool_or(position($1 IN u::text) > 0 OR position($2 IN u::text) > 0) AS found
       FROM platform.users u WHERE u.id = $3`,
      [secret, codes[0], id],
    );

    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(url).toContain(encodeURIComponent(email));
    expect(new Set(codes).size).toBe(10);
    expect(stored).toEqual([{ found: false }]);
  });

  it('is asked for after the right password only', async () => {
    const { id, email } = await buildEnrolled();

    await expect(logIn(email)).rejects.toMatchObject(missing);
    await expect(logIn(email, undefined, 'wrong')).rejects.toMatchObject(refused);
    await expect(logIn(email, await codeOf(id))).resolves.toBeDefined();
  });

  it('comes before the names of one’s companies', async () => {
    const { id, email } = await buildEnrolled();
    const second = await buildKnownCompany();
    await withIdentity(second.id, () =>
      Membership.grant({ companyId: second.id, userId: id, role: 'policyholder' }),
    );
    const code = await codeOf(id);

    await expect(logIn(email)).rejects.toMatchObject(missing);
    await expect(logIn(email, code)).rejects.toMatchObject({ code: 'COMPANY_REQUIRED' });
    await expect(
      auth.login({ email, password: goodPassword, otp: code, company: second.code }, 'localhost'),
    ).resolves.toMatchObject({ account: { companyId: second.id } });
  });

  it('has codes that are good once, by two logins at once too', async () => {
    const { id, email } = await buildEnrolled();
    const code = await codeOf(id);

    const outcomes = await Promise.allSettled([logIn(email, code), logIn(email, code)]);
    const again = logIn(email, code);

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(again).rejects.toMatchObject(refused);
  });

  it('locks the account after five wrong codes', async () => {
    const { id, email } = await buildEnrolled();

    for (let n = 0; n < 5; n += 1) {
      await expect(logIn(email, await codeOf(id, 99))).rejects.toMatchObject(refused);
    }

    expect((await rowOf(id))?.failed_logins).toBe(5);
    await expect(logIn(email, await codeOf(id))).rejects.toMatchObject(refused);
  });

  it('is replaced by a recovery code, each of which works once', async () => {
    const { email, codes } = await buildEnrolled();
    const [code = ''] = codes;

    await expect(logIn(email, code.toLowerCase())).resolves.toBeDefined();
    await expect(logIn(email, code)).rejects.toMatchObject(refused);
    await expect(logIn(email, codes[1])).resolves.toBeDefined();
  });

  it('cannot be enabled by a wrong code, nor set up again over an enabled one', async () => {
    const member = await buildMember();
    const actor = await actorOf(member.email);

    await expect(factors.enable(actor, '000000')).rejects.toMatchObject({ code: 'MFA_NOT_SET_UP' });
    await factors.setUp(actor, goodPassword);
    await expect(factors.enable(actor, await codeOf(member.id, 9))).rejects.toMatchObject(
      wrongCode,
    );
    await factors.enable(actor, await codeOf(member.id));
    await expect(factors.setUp(actor, goodPassword)).rejects.toMatchObject({ code: 'MFA_ENABLED' });
  });

  it('is given up by password and code', async () => {
    const { id, email, actor } = await buildEnrolled();
    const currentPassword = goodPassword;

    const guess = factors.disable(actor, { currentPassword, code: await codeOf(id, 99) });
    await expect(guess).rejects.toMatchObject(wrongCode);
    const stolen = factors.disable(actor, { currentPassword: 'wrong', code: await codeOf(id) });
    await expect(stolen).rejects.toMatchObject({ details: [{ code: 'PASSWORD_WRONG' }] });
    await factors.disable(actor, { currentPassword, code: await codeOf(id) });

    await expect(logIn(email)).resolves.toBeDefined();
    const audit = await database.sql<{ action: string }>(
      `SELECT action FROM core.audit_logs WHERE entity_id = $1 AND action LIKE 'MFA%'
       ORDER BY timestamp, id`,
      [id],
    );
    expect(audit.map(({ action }) => action)).toEqual([
      'MFA_ENABLE',
      'MFA_FAILED',
      'MFA_FAILED',
      'MFA_DISABLE',
    ]);
  });

  it('is not guessed by whoever gives it up: parallel codes count one by one, and no late one is taken', async () => {
    const guessAtOnce = async () => {
      const { id, actor } = await buildEnrolled();
      const guesses = Array.from({ length: 20 }, (_, n) => `WRONGCODE${n}`);
      const codes = [...guesses, await codeOf(id)];

      // Nobody can go on before all have come with the right password, which is compared quickly here.
      await database.sql('UPDATE platform.users SET password_hash = $2 WHERE id = $1', [
        id,
        await argon2(goodPassword, { memoryCost: 8, timeCost: 1, parallelism: 1 }),
      ]);
      const holder = new pg.Client({ connectionString: database.adminUrl });
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM platform.users WHERE id = $1 FOR UPDATE', [id]);
      const giving = Promise.allSettled(
        codes.map((code) => factors.disable(actor, { currentPassword: goodPassword, code })),
      );
      await waiting(codes.length);
      await holder.query('COMMIT');
      await holder.end();
      return { id, answers: await giving };
    };
    /** Whether the right code had its turn before five wrong ones, and so was no late one. */
    const isInTime = async (id: string): Promise<boolean> => {
      const [taken] = await database.sql<{ wrong: number }>(
        `SELECT (SELECT count(*)::int FROM core.audit_logs f WHERE f.entity_id = d.entity_id
           AND f.action = 'MFA_FAILED' AND f.id < d.id) AS wrong
         FROM core.audit_logs d WHERE d.entity_id = $1 AND d.action = 'MFA_DISABLE'`,
        [id],
      );
      return taken !== undefined && taken.wrong < 5;
    };

    let guessed = await guessAtOnce();
    while (await isInTime(guessed.id)) guessed = await guessAtOnce();

    for (const answer of guessed.answers) {
      expect(answer).toMatchObject({ reason: { status: 422 } });
    }
    expect(await rowOf(guessed.id)).toMatchObject({ failed_logins: 5, mfa_enabled: true });
    expect(await failuresOf(guessed.id)).toEqual({ wrong_code: 5, changed_meanwhile: 16 });
  });

  it('is not guessed more often by whoever changes the password in between', async () => {
    const { id, actor } = await buildEnrolled();
    const next = 'Other-Green-Otters-7';

    for (let n = 0; n < 4; n += 1) {
      const code = await codeOf(id, 99);
      await expect(
        factors.disable(actor, { currentPassword: goodPassword, code }),
      ).rejects.toMatchObject(wrongCode);
    }
    await passwordChanges.change(actor, { current: goodPassword, next });
    const fifth = factors.disable(actor, { currentPassword: next, code: await codeOf(id, 99) });

    await expect(fifth).rejects.toMatchObject(wrongCode);
    expect(await rowOf(id)).toMatchObject({ failed_logins: 5, mfa_enabled: true });
  });

  it('is not guessed by whoever enables it', async () => {
    const { id, email } = await buildMember();
    const actor = await actorOf(email);
    await factors.setUp(actor, goodPassword);

    for (let n = 0; n < 5; n += 1) {
      await expect(factors.enable(actor, await codeOf(id, 99))).rejects.toMatchObject(wrongCode);
    }
    await expect(factors.enable(actor, await codeOf(id))).rejects.toMatchObject(wrongCode);

    expect(await rowOf(id)).toMatchObject({ failed_logins: 5, mfa_enabled: false });
    expect(await failuresOf(id)).toEqual({ wrong_code: 5, locked: 1 });
  });

  it('is demanded of the roles that the company names', async () => {
    const { id, email, companyId } = await buildMember();
    const require = (roles: string[]) =>
      database.sql('UPDATE platform.companies SET settings = $2 WHERE id = $1', [
        companyId,
        { security: { requireMfaFor: roles } },
      ]);

    await require(['tenant_admin']);
    const others = await actorOf(email);
    await require(['tenant_admin', 'policyholder']);
    const limited = await actorOf(email);
    await factors.setUp(limited, goodPassword);
    await factors.enable(limited, await codeOf(id, -1));
    const enrolled = await actorOf(email, await codeOf(id));

    expect([others.mustEnrol, limited.mustEnrol, enrolled.mustEnrol]).toEqual([
      undefined,
      true,
      undefined,
    ]);
  });
});
