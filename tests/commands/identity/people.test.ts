import { setTimeout as pause } from 'node:timers/promises';
import { createMemberships } from '../../../src/commands/memberships.ts';
import { createSessions, type Sessions } from '../../../src/commands/sessions.ts';
import { createUsers } from '../../../src/commands/users.ts';
import type { Actor } from '../../../src/context.ts';
import { as } from '../../support/build.ts';
import { despiteBusy } from '../../support/busy.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { openSession } from '../../support/api.ts';
import {
  buildAccount,
  buildIdentity,
  buildKnownCompany,
  goodPassword,
  lastHeldMs,
  outcomeOf,
} from './build.ts';

let database: TestDatabase;
const identity = buildIdentity();
/** Two processes on one database, as each knows who is signed in. */
const processes = [identity.sessions, createSessions()] as const;
const memberships = createMemberships(identity);
const users = createUsers(identity);

beforeAll(async () => {
  database = await openTestDatabase({ poolMax: 20, acquireTimeoutMs: 60_000 });
});
afterAll(async () => {
  for (const each of processes) each.close();
  await database.close();
});

async function buildAdmins(count: number): Promise<Actor[]> {
  const { id: companyId } = await buildKnownCompany();
  return Promise.all(
    Array.from({ length: count }, async () => {
      const account = { companyIds: [companyId], passwordHash: 'x', role: 'tenant_admin' } as const;
      const { id: userId } = await buildAccount(account);
      return { type: 'user', userId, companyId, roles: ['tenant_admin'], sessionId: null };
    }),
  );
}

const idOf = ({ userId }: Actor): string => userId ?? '';

const demote = (admin: Actor, whom: string): Promise<unknown> =>
  as(admin, () =>
    outcomeOf(despiteBusy(() => memberships.change(admin, whom, 'tenant_admin', { role: 'hr' }))),
  );

describe('the last administrator', () => {
  it('is left by 200 who are demoted at once, each by another', async () => {
    const admins = await buildAdmins(200);

    // Nobody can write an audit line, so that all have come to their last statement before one commits.
    await database.sql('BEGIN');
    await database.sql('LOCK TABLE core.audit_logs IN SHARE MODE');
    const demotions = Promise.all(
      admins.map((admin, n) => demote(admin, idOf(admins[(n + 1) % admins.length] ?? admin))),
    );
    await pause(700);
    await database.sql('COMMIT');
    const outcomes = await demotions;

    const refused = outcomes.filter((outcome) => outcome instanceof Error);
    expect(refused).toEqual([expect.objectContaining({ status: 409, code: 'LAST_ADMIN' })]);
    const left = await database.sql(
      `SELECT 1 FROM platform.memberships
       WHERE company_id = $1 AND role = 'tenant_admin' AND archived_at IS NULL`,
      [admins[0]?.companyId],
    );
    expect(left).toHaveLength(1);
  });

  it('is nobody who has no password yet or whose time is limited', async () => {
    const [admin] = await buildAdmins(1);
    if (!admin) throw new Error('Nobody was built');
    const { companyId } = admin;
    const role = 'tenant_admin';
    const invited = await buildAccount({ companyIds: [companyId], passwordHash: null, role });
    const passing = await buildAccount({ companyIds: [companyId], passwordHash: 'x', role });
    const validTo = new Date(Date.now() + 86_400_000);
    await as(admin, () => memberships.change(admin, passing.id, role, { validTo }));

    const archived = as(admin, () => outcomeOf(users.archive(admin, idOf(admin), undefined)));

    await expect(archived).resolves.toMatchObject({ code: 'LAST_ADMIN' });
    await expect(
      as(admin, () => users.archive(admin, invited.id, undefined)),
    ).resolves.toBeDefined();
  });
});

describe('what is taken from a person', () => {
  async function buildSeen() {
    const [admin, person] = await buildAdmins(2);
    if (!admin || !person) throw new Error('Nobody was built');
    const { sessionId } = await openSession(identity.tokens, person);
    const payload = { sub: person.userId, company_id: person.companyId, sid: sessionId };
    const seenBy = (sessions: Sessions) =>
      sessions.actorOf(payload).then(
        ({ roles }) => roles.join(),
        () => 'ended',
      );
    for (const each of processes) expect(await seenBy(each)).toBe('tenant_admin');
    return { admin, person, seenBy };
  }

  it.each([
    [
      'deactivation',
      'ended',
      (admin: Actor, id: string) => users.edit(admin, id, { isActive: false }, undefined),
    ],
    ['archiving', 'ended', (admin: Actor, id: string) => users.archive(admin, id, undefined)],
    [
      'another role',
      'hr',
      (admin: Actor, id: string) => memberships.change(admin, id, 'tenant_admin', { role: 'hr' }),
    ],
  ] as const)('by %s is seen by another process within 5 s', async (_, expected, change) => {
    const { admin, person, seenBy } = await buildSeen();

    await as(admin, async () => void (await change(admin, idOf(person))));
    const here = expected === 'ended' ? await seenBy(processes[0]) : expected;
    const ms = await lastHeldMs(async () => (await seenBy(processes[1])) !== expected);

    expect(here).toBe(expected);
    expect(ms).toBeLessThan(5000);
  });
});

describe('somebody of several companies', () => {
  it('is shown to each as it knows them: when they joined it, and last signed in to it', async () => {
    const companies = [await buildKnownCompany(), await buildKnownCompany()] as const;
    const { id, email } = await buildAccount({
      companyIds: companies.map((company) => company.id),
      passwordHash: await identity.passwords.hash(goodPassword),
    });
    await database.sql(
      `UPDATE platform.memberships SET created_at = '2020-01-02' WHERE user_id = $1 AND company_id = $2`,
      [id, companies[1].id],
    );
    const seenBy = async (companyId: string) => {
      const roles = ['tenant_admin'] as const;
      const admin: Actor = { type: 'user', userId: null, companyId, roles, sessionId: null };
      return users.get(admin, id);
    };

    const company = companies[0].code;
    await identity.auth.login({ email, password: goodPassword, company }, 'localhost');
    const [first, second] = [await seenBy(companies[0].id), await seenBy(companies[1].id)];

    expect(first.lastLoginAt).toBeInstanceOf(Date);
    expect(second).toMatchObject({ lastLoginAt: null, dateJoined: new Date('2020-01-02') });
    expect(first.dateJoined.getTime()).toBeGreaterThan(second.dateJoined.getTime());
  });
});
