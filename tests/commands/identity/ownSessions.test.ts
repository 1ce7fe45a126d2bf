import { decodeJwt } from 'jose';
import { v7 as uuid } from 'uuid';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { buildAccount, buildIdentity, buildKnownCompany, from, goodPassword } from './build.ts';

let database: TestDatabase;
const { auth, ownSessions, passwords, sessions } = buildIdentity();
const refused = { status: 401, code: 'UNAUTHENTICATED' };
const firstPage = { page: 1, size: 20 };
let goodHash: string;

beforeAll(async () => {
  database = await openTestDatabase({ poolMax: 5 });
  goodHash = await passwords.hash(goodPassword);
});
afterAll(() => database.close());

/** A person who is signed in by two clients. */
async function buildTwice() {
  const { id: companyId } = await buildKnownCompany();
  const { email } = await buildAccount({ companyIds: [companyId], passwordHash: goodHash });
  const signIn = (userAgent: string) =>
    from({ userAgent }, () => auth.login({ email, password: goodPassword }, 'localhost'));
  const [phone, desk] = [await signIn('phone'), await signIn('desk')];
  const actor = await sessions.actorOf(decodeJwt(desk.accessToken));
  const other = await sessions.actorOf(decodeJwt(phone.accessToken));
  return { actor, other, phone, desk };
}

describe('the own sessions', () => {
  it('are listed, used last first, with the one that asks', async () => {
    const { actor, other, phone } = await buildTwice();
    await from({ userAgent: 'phone' }, () => auth.refresh(phone.refreshToken));

    const { items, total } = await ownSessions.list(actor, firstPage);

    expect(total).toBe(2);
    expect(items).toMatchObject([
      { id: other.sessionId, userAgent: 'phone', isCurrent: false },
      { id: actor.sessionId, userAgent: 'desk', isCurrent: true },
    ]);
    expect(items[0]?.lastUsedAt.getTime()).toBeGreaterThan(items[0]?.startedAt.getTime() ?? 0);
    const beyond = await ownSessions.list(actor, { ...firstPage, page: 9 });
    expect(beyond).toEqual({ items: [], total: 2 });
  });

  it('end one by one, at once in this process', async () => {
    const { actor, other, phone, desk } = await buildTwice();

    await ownSessions.end(actor, String(other.sessionId));

    await expect(sessions.actorOf(decodeJwt(phone.accessToken))).rejects.toMatchObject(refused);
    await expect(auth.refresh(phone.refreshToken)).rejects.toMatchObject(refused);
    await expect(sessions.actorOf(decodeJwt(desk.accessToken))).resolves.toBeDefined();
    expect(await ownSessions.list(actor, firstPage)).toMatchObject({ total: 1 });
  });

  it('of another person are not there', async () => {
    const [{ actor }, { actor: stranger, desk }] = [await buildTwice(), await buildTwice()];

    for (const id of [String(stranger.sessionId), uuid()]) {
      await expect(ownSessions.end(actor, id)).rejects.toMatchObject({ status: 404 });
    }

    await expect(sessions.actorOf(decodeJwt(desk.accessToken))).resolves.toBeDefined();
  });

  it('end all together', async () => {
    const { actor, phone, desk } = await buildTwice();

    await ownSessions.endAll(actor);

    for (const { accessToken, refreshToken } of [phone, desk]) {
      await expect(sessions.actorOf(decodeJwt(accessToken))).rejects.toMatchObject(refused);
      await expect(auth.refresh(refreshToken)).rejects.toMatchObject(refused);
    }
    const audited = await database.sql(
      `SELECT after FROM core.audit_logs WHERE action = 'LOGOUT' AND entity_id = $1`,
      [actor.userId],
    );
    expect(audited).toEqual([{ after: { sessions: 2 } }]);
  });
});
