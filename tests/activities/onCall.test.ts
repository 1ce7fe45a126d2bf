import { onboardingActivities } from '../../src/activities/onboarding.ts';
import { platformCompanyId } from '../../src/models/database.ts';
import { buildActor } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { aRegistration, registrationsOf, testLinks } from '../support/onboarding.ts';

let database: TestDatabase;

beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database.close());

const buildGlobal = () => buildActor({ companyId: platformCompanyId, role: 'global_admin' });

const setOnCall = (...addresses: string[]) =>
  database.sql('UPDATE platform.companies SET settings = $2 WHERE id = $1', [
    platformCompanyId,
    { onboarding: { onCall: addresses } },
  ]);

/** A registration whose decision is overdue. @returns who was told, by channel */
async function escalate(): Promise<readonly string[]> {
  const { registration } = await registrationsOf({
    dispatcher: { dispatch: () => {}, drained: () => Promise.resolve() },
    workflows: { command: () => Promise.reject(new Error('There is no workflow here')) },
  }).submit(aRegistration());
  const order = {
    companyId: platformCompanyId,
    registrationId: registration.id,
    commandId: `onboarding/${registration.id}/review_escalation/1`,
    expectedVersion: 1,
    at: Date.now(),
    name: 'review_escalation',
    occurrence: 1,
  } as const;
  const { fireOnboardingTimer } = onboardingActivities({ links: testLinks });
  await fireOnboardingTimer(order);
  await fireOnboardingTimer(order);
  const told = await database.sql<{ who: string }>(
    `SELECT channel || ' ' || coalesce(recipient_role, recipient_user_id::text) AS who
     FROM core.notifications WHERE entity_id = $1 AND template_code = 'registration_overdue'
     ORDER BY 1`,
    [registration.id],
  );
  return told.map(({ who }) => who);
}

const asSet = (...told: string[]) => told.toSorted();

describe('the escalation of a registration', () => {
  it('goes to operators and, while nobody is named, to all global administrators', async () => {
    const [one, other] = [await buildGlobal(), await buildGlobal()];

    expect(await escalate()).toEqual(
      asSet(
        'in_app global_admin',
        'in_app operator',
        `email ${one.userId}`,
        `email ${other.userId}`,
      ),
    );
  });

  it('goes to operators and those on call', async () => {
    const [one] = [await buildGlobal(), await buildGlobal()];
    await setOnCall(one.email, 'left@example.com');

    expect(await escalate()).toEqual(
      asSet('in_app operator', `in_app ${one.userId}`, `email ${one.userId}`),
    );
  });

  it('goes to everybody once nobody of the list administers the platform any more', async () => {
    const one = await buildGlobal();
    await setOnCall('left@example.com');

    expect(await escalate()).toEqual(
      asSet('in_app global_admin', 'in_app operator', `email ${one.userId}`),
    );
  });
});
