import { createActivities } from '../../../src/activities/index.ts';
import { createAdministrators } from '../../../src/commands/administrators.ts';
import type { KnownCompany } from '../../../src/commands/companies.ts';
import { createMemberships } from '../../../src/commands/memberships.ts';
import { createUsers } from '../../../src/commands/users.ts';
import type { Actor } from '../../../src/context.ts';
import { withIdentity } from '../../../src/models/database.ts';
import { Membership } from '../../../src/models/Membership.ts';
import { as, once } from '../../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { noDocuments } from '../../support/documents.ts';
import { noWebhooks } from '../../support/webhooks.ts';
import type { Mail } from '../../support/lifecycle.ts';
import { reportSchedulesInMemory } from '../../support/reportSchedules.ts';
import { noClosedRuns } from '../../support/closedRuns.ts';
import { noTroubledRuns } from '../../support/troubledRuns.ts';
import { buildAccount, buildIdentity, buildKnownCompany, goodPassword, newEmail } from './build.ts';

const identity = buildIdentity();
const { auth, dispatched, links, passwordChanges } = identity;
const memberships = createMemberships(identity);
const users = createUsers(identity);
const otherPassword = 'Other-Green-Otters-7';
const unconfirmed = { status: 409, code: 'EMAIL_UNCONFIRMED' };

let database: TestDatabase;
let company: KnownCompany;
let admin: Actor & { userId: string };
let person: { id: string; email: string };

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => {
  identity.sessions.close();
  await database.close();
});

beforeEach(async () => {
  company = await buildKnownCompany();
  admin = await buildStaff('tenant_admin');
  person = await register();
});

async function buildStaff(role: 'tenant_admin' | 'adjuster') {
  const companyId = company.id;
  const { id: userId } = await buildAccount({ companyIds: [companyId], passwordHash: 'x', role });
  return { type: 'user', userId, companyId, roles: [role], sessionId: null } as const;
}

/** By anybody who knows the address, with a password that they choose. */
async function register(): Promise<{ id: string; email: string }> {
  const email = newEmail();
  const names = { username: email.slice(0, 30), firstName: 'Ada', lastName: 'Lovelace' };
  await auth.register(company, { email, password: goodPassword, ...names });
  const [made] = await database.sql<{ id: string }>(
    'SELECT id FROM platform.users WHERE email = $1',
    [email],
  );
  return { id: made?.id ?? '', email };
}

const grant = (id = person.id) =>
  as(admin, () => memberships.grant(admin, id, { role: 'adjuster' }, once(admin)));
const rolesOf = async (id = person.id) =>
  (await withIdentity(null, () => Membership.placesOf(id))).flatMap(({ roles }) => roles);

/** What the worker would send of everything that was promised since the last time. */
async function newMails(): Promise<Mail[]> {
  const mails: Mail[] = [];
  const activities = createActivities({
    sendMail: async (mail) => void mails.push(mail),
    mailsPerSecond: 1000,
    links,
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
  for (const { companyId, entityId } of dispatched.splice(0)) {
    await activities.deliverNotification({ companyId, notificationId: entityId });
  }
  return mails;
}

describe('an account that was registered under an address', () => {
  it('gets a role only once a password was set by a link that was mailed there', async () => {
    await newMails();

    await expect(grant()).rejects.toMatchObject({ ...unconfirmed, facts: { user_id: person.id } });
    const refusedRoles = await rolesOf();
    const mails = await newMails();
    const code = /set-password#([\w-]+)/.exec(mails[0]?.text ?? '')?.[1] ?? '';
    await passwordChanges.confirmReset({ code, password: otherPassword });
    await grant();

    expect(refusedRoles).toEqual(['policyholder']);
    expect(mails).toMatchObject([
      { to: person.email, subject: expect.stringMatching(/^Confirm your address for /) },
    ]);
    expect(await rolesOf()).toEqual(['adjuster', 'policyholder']);
    const impostor = auth.login({ email: person.email, password: goodPassword }, 'localhost');
    await expect(impostor).rejects.toMatchObject({ status: 401 });
  });

  it('gets none in another way either', async () => {
    const adjuster = await buildStaff('adjuster');
    const delegateUntil = new Date(Date.now() + 86_400_000);
    const delegate = { delegateUserId: person.id, delegateUntil };
    const wish = { email: person.email, role: 'adjuster' } as const;
    const ways: (() => Promise<unknown>)[] = [
      () => memberships.change(admin, person.id, 'policyholder', { role: 'adjuster' }),
      () => memberships.delegate(admin, adjuster.userId, delegate),
      () => users.create(admin, wish, once(admin)),
    ];

    for (const way of ways) await expect(as(admin, way)).rejects.toMatchObject(unconfirmed);

    expect(await rolesOf()).toEqual(['policyholder']);
  });

  it('does not get back what it had before', async () => {
    await database.sql(
      `UPDATE platform.memberships SET role = 'adjuster', archived_at = now() WHERE user_id = $1`,
      [person.id],
    );

    const restored = as(admin, () => users.restore(admin, person.id, undefined));

    await expect(restored).rejects.toMatchObject(unconfirmed);
    expect(await rolesOf()).toEqual([]);
  });

  it('does not get back what ended before', async () => {
    await database.sql(
      `UPDATE platform.memberships SET role = 'adjuster', valid_to = now() WHERE user_id = $1`,
      [person.id],
    );
    const validTo = new Date(Date.now() + 86_400_000);

    const prolonged = as(admin, () =>
      memberships.change(admin, person.id, 'adjuster', { validTo }),
    );

    await expect(prolonged).rejects.toMatchObject(unconfirmed);
    expect(await rolesOf()).toEqual([]);
  });

  it('gets no more than five mails an hour', async () => {
    await newMails();

    for (let n = 0; n < 7; n += 1) await expect(grant()).rejects.toMatchObject(unconfirmed);

    expect(await newMails()).toHaveLength(5);
  });

  it('is made no administrator at the terminal, which says what to do', async () => {
    const administrators = createAdministrators(identity);
    const { email } = person;

    const appointed = administrators.appoint({ email, role: 'global_admin' });

    await expect(appointed).rejects.toThrow('reset the password first');
    expect(await rolesOf()).toEqual(['policyholder']);
  });
});

it('an account that waits for its first password may be given one more role', async () => {
  const added = await as(admin, () =>
    users.create(admin, { email: newEmail(), role: 'hr' }, once(admin)),
  );
  if (!('email' in added)) throw new Error('The answer was a replay');

  await grant(added.id);

  expect(await rolesOf(added.id)).toEqual(['adjuster', 'hr']);
});
