import { decodeJwt } from 'jose';
import type { Actor } from '../../../src/context.ts';
import { createSessions } from '../../../src/commands/sessions.ts';
import { withIdentity } from '../../../src/models/database.ts';
import { RefreshToken } from '../../../src/models/RefreshToken.ts';
import { hashSecret } from '../../../src/secrets.ts';
import { despiteBusy } from '../../support/busy.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  buildAccount,
  buildIdentity,
  buildKnownCompany,
  from,
  goodPassword,
  lastHeldMs,
  outcomeOf,
} from './build.ts';

let database: TestDatabase;
const { auth, passwords, sessions, unlinked } = buildIdentity();
let goodHash: string;
const client = { ip: '192.0.2.1', userAgent: 'browser' };
const thief = { ip: '198.51.100.66', userAgent: 'curl' };
const refused = { status: 401, code: 'UNAUTHENTICATED' };

beforeAll(async () => {
  database = await openTestDatabase({ poolMax: 20, acquireTimeoutMs: 60_000 });
  goodHash = await passwords.hash(goodPassword);
});
afterAll(() => database.close());

async function buildSession() {
  const company = await buildKnownCompany();
  const account = await buildAccount({ companyIds: [company.id], passwordHash: goodHash });
  const signedIn = await from(client, () =>
    auth.login({ email: account.email, password: goodPassword }, 'localhost'),
  );
  const payload = decodeJwt(signedIn.accessToken);
  return { ...signedIn, company, account, payload, sessionId: String(payload['sid']) };
}

const refresh = (token: string, by = client) => from(by, () => auth.refresh(token));
const rowsOf = (sessionId: string) =>
  database.sql<{ rotated_at: Date | null; revoked_at: Date | null }>(
    'SELECT rotated_at, revoked_at FROM platform.refresh_tokens WHERE family_id = $1',
    [sessionId],
  );
const isRevoked = async (sessionId: string): Promise<boolean> =>
  (await rowsOf(sessionId)).some(({ revoked_at }) => revoked_at !== null);
const reuseAudits = (userId: string) =>
  database.sql(`SELECT 1 FROM core.audit_logs WHERE action = 'TOKEN_REUSE' AND entity_id = $1`, [
    userId,
  ]);

describe('refresh', () => {
  it('keeps its session where the employee of the address cannot be looked for', async () => {
    const { refreshToken, sessionId } = await buildSession();
    await database.sql('ALTER TABLE shared.employees RENAME TO employees_elsewhere');

    const next = await refresh(refreshToken).finally(() =>
      database.sql('ALTER TABLE shared.employees_elsewhere RENAME TO employees'),
    );

    expect(unlinked).toHaveLength(1);
    await expect(refresh(next.refreshToken)).resolves.toBeDefined();
    expect(await isRevoked(sessionId)).toBe(false);
  });

  it('gives a new pair of the same session and uses the old token up', async () => {
    const { refreshToken, payload, account } = await buildSession();

    const next = await refresh(refreshToken);

    expect(next.refreshToken).not.toBe(refreshToken);
    expect(next.account.user.id).toBe(account.id);
    expect(decodeJwt(next.accessToken)).toMatchObject({ sub: account.id, sid: payload['sid'] });
    expect(decodeJwt(next.accessToken).jti).not.toBe(payload.jti);
  });

  it('of one token 200 times at once has one winner, and the losers revoke nothing', async () => {
    const { refreshToken, sessionId } = await buildSession();

    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, () => despiteBusy(() => refresh(refreshToken))),
    );

    const won = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value] : [],
    );
    expect(won).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(refused);
    }
    expect(await rowsOf(sessionId)).toHaveLength(2);
    expect(await isRevoked(sessionId)).toBe(false);
    await expect(refresh(won[0]?.refreshToken ?? '')).resolves.toBeDefined();
  });

  it('of the last used token by another client revokes the session', async () => {
    const { refreshToken, sessionId, account } = await buildSession();
    const next = await refresh(refreshToken);

    await expect(refresh(refreshToken, thief)).rejects.toMatchObject(refused);

    expect(await isRevoked(sessionId)).toBe(true);
    expect(await reuseAudits(account.id)).toHaveLength(1);
    await expect(refresh(next.refreshToken)).rejects.toMatchObject(refused);
    expect(await reuseAudits(account.id)).toHaveLength(1);
  });

  it('of the last used token after 10 s revokes the session', async () => {
    const { refreshToken, sessionId } = await buildSession();
    await refresh(refreshToken);
    await database.sql(
      `UPDATE platform.refresh_tokens SET rotated_at = now() - interval '11 s'
       WHERE family_id = $1 AND rotated_at IS NOT NULL`,
      [sessionId],
    );

    await expect(refresh(refreshToken)).rejects.toMatchObject(refused);

    expect(await isRevoked(sessionId)).toBe(true);
  });

  it('of an older ancestor revokes the session, however soon', async () => {
    const { refreshToken, sessionId } = await buildSession();
    const second = await refresh(refreshToken);
    const third = await refresh(second.refreshToken);

    await expect(refresh(refreshToken)).rejects.toMatchObject(refused);

    expect(await isRevoked(sessionId)).toBe(true);
    await expect(refresh(third.refreshToken)).rejects.toMatchObject(refused);
  });

  it.each([
    ['that ran out', 'UPDATE platform.refresh_tokens SET expires_at = now() WHERE user_id = $1'],
    ['of a deactivated person', 'UPDATE platform.users SET is_active = false WHERE id = $1'],
    [
      'of a former member',
      `UPDATE platform.memberships SET valid_from = now() - interval '1 d', valid_to = now() WHERE user_id = $1`,
    ],
  ])('refuses a token %s and leaves it unused', async (_what, change) => {
    const { refreshToken, sessionId, account } = await buildSession();
    await database.sql(change, [account.id]);

    await expect(refresh(refreshToken)).rejects.toMatchObject(refused);

    expect(await rowsOf(sessionId)).toEqual([{ rotated_at: null, revoked_at: null }]);
  });

  it('refuses what we never issued', async () => {
    await expect(refresh('guessed')).rejects.toMatchObject(refused);
  });

  it('that overlaps the end of its session leaves no live token behind', async () => {
    for (let n = 0; n < 20; n += 1) {
      const { refreshToken, sessionId, account, company } = await buildSession();
      const actor: Actor = {
        type: 'user',
        userId: account.id,
        companyId: company.id,
        roles: [],
        sessionId,
      };

      const [next] = await Promise.allSettled([refresh(refreshToken), auth.logout(actor)]);

      if (next.status === 'fulfilled') {
        await expect(refresh(next.value.refreshToken)).rejects.toMatchObject(refused);
      }
    }
  });
});

it('a session that has ended does not end again, though a successor came too late', async () => {
  const { account, company, payload, sessionId } = await buildSession();
  const actor = await sessions.actorOf(payload);
  await auth.logout(actor);
  const session = { userId: account.id, companyId: company.id, familyId: sessionId };
  const tomorrow = new Date(Date.now() + 86_400_000);
  await withIdentity(null, async () => RefreshToken.issue(session, hashSecret('late'), tomorrow));

  await auth.logout(actor);

  await expect(refresh('late')).rejects.toMatchObject(refused);
  const logouts = await database.sql(
    `SELECT 1 FROM core.audit_logs WHERE action = 'LOGOUT' AND entity_id = $1`,
    [account.id],
  );
  expect(logouts).toHaveLength(1);
});

describe('an access token', () => {
  it('stands for what the database says now, not for what it says itself', async () => {
    const { payload, account, company, sessionId } = await buildSession();
    await database.sql(
      `INSERT INTO platform.memberships (company_id, id, user_id, role)
       VALUES ($1, gen_random_uuid(), $2, 'call_center')`,
      [company.id, account.id],
    );

    expect(await createSessions().actorOf({ ...payload, roles: ['global_admin'] })).toEqual({
      type: 'user',
      userId: account.id,
      companyId: company.id,
      roles: ['call_center', 'policyholder'],
      sessionId,
    });
  });

  it.each([
    [
      'the session is revoked',
      'UPDATE platform.refresh_tokens SET revoked_at = now() WHERE user_id = $1',
    ],
    ['the person is deactivated', 'UPDATE platform.users SET is_active = false WHERE id = $1'],
    ['the person is archived', 'UPDATE platform.users SET archived_at = now() WHERE id = $1'],
    [
      'the membership ends',
      `UPDATE platform.memberships SET valid_from = now() - interval '1 d', valid_to = now() WHERE user_id = $1`,
    ],
    [
      'the company closes',
      `UPDATE platform.companies SET status = 'closed'
       WHERE id = (SELECT company_id FROM platform.memberships WHERE user_id = $1)`,
    ],
  ])('is refused within 5 s after %s elsewhere', async (_what, change) => {
    const { payload, account } = await buildSession();
    await sessions.actorOf(payload);

    await database.sql(change, [account.id]);
    const isGood = async () => (await outcomeOf(sessions.actorOf(payload))) === 'done';

    expect(await lastHeldMs(isGood)).toBeLessThan(5000);
    await expect(sessions.actorOf(payload)).rejects.toMatchObject(refused);
  });

  it('of one session does not pass with another person or company', async () => {
    const [ours, theirs] = [await buildSession(), await buildSession()];
    await sessions.actorOf(ours.payload);

    for (const swap of [
      { sub: theirs.account.id },
      { company_id: theirs.company.id },
      { sid: theirs.sessionId },
      { sid: 'no id' },
      { sub: undefined },
    ]) {
      const asked = sessions.actorOf({ ...ours.payload, ...swap });
      await expect(asked).rejects.toMatchObject(refused);
    }
  });

  it('ends at once in this process when its owner signs out, and other sessions go on', async () => {
    const { payload, account, sessionId } = await buildSession();
    const other = await auth.login({ email: account.email, password: goodPassword }, 'localhost');
    const actor = await sessions.actorOf(payload);

    await auth.logout(actor);
    await auth.logout(actor);

    await expect(sessions.actorOf(payload)).rejects.toMatchObject(refused);
    expect(await sessions.actorOf(decodeJwt(other.accessToken))).toMatchObject({
      userId: account.id,
    });
    const logouts = await database.sql(
      `SELECT 1 FROM core.audit_logs WHERE action = 'LOGOUT' AND entity_id = $1`,
      [account.id],
    );
    expect(logouts).toHaveLength(1);
    expect(await isRevoked(sessionId)).toBe(true);
  });
});
