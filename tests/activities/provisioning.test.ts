import { setTimeout } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { onboardingActivities } from '../../src/activities/onboarding.ts';
import { provisioningActivities } from '../../src/activities/provisioning.ts';
import type { Registration } from '../../src/commands/registrationSubmissions.ts';
import { Credential } from '../../src/models/Credential.ts';
import { platformCompanyId, withIdentity } from '../../src/models/database.ts';
import { EmailChange } from '../../src/models/EmailChange.ts';
import { RefreshToken } from '../../src/models/RefreshToken.ts';
import { buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { aRegistration, registrationsOf, testLinks } from '../support/onboarding.ts';

let database: TestDatabase;
const activities = provisioningActivities({
  allowedHosts: ['api.surety.example'],
  platformDomain: 'surety.example',
});

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** A request that waits, and the step that makes its administrator. */
async function buildRequest(changes: Partial<Registration> = {}) {
  const wish = aRegistration(changes);
  const { registration } = await registrationsOf({
    dispatcher: { dispatch: () => {}, drained: () => Promise.resolve() },
    workflows: { command: () => Promise.reject(new Error('There is no workflow here')) },
  }).submit(wish);
  const ref = { companyId: platformCompanyId, registrationId: registration.id };
  const make = async () => {
    await activities.createCompany(ref);
    return activities.createAdministrator(ref);
  };
  return { email: wish.adminEmail, ref, make };
}

const hashOf = async (userId: string) =>
  (
    await database.sql<{ hash: string | null }>(
      'SELECT password_hash AS hash FROM platform.users WHERE id = $1',
      [userId],
    )
  )[0]?.hash;

describe('the address of a new company', () => {
  it('is under the platform, and none of the platform’s own', async () => {
    const { ref } = await buildRequest({ companyName: 'A.P.I.' });

    await activities.createCompany(ref);
    await activities.addDomains(ref);

    const domains = await database.sql(
      `SELECT c.code, d.domain FROM core.registration_requests r
       JOIN platform.companies c ON c.id = r.new_company_id
       JOIN platform.domains d ON d.company_id = c.id
       WHERE r.id = $1 AND d.domain LIKE '%.surety.example'`,
      [ref.registrationId],
    );
    expect(domains).toEqual([{ code: 'API2', domain: 'api2.surety.example' }]);
  });
});

describe('the administrator of a new company', () => {
  it('is not let in by what whoever took the address meanwhile knows, nor kept out by it', async () => {
    const { email, make } = await buildRequest();
    const { id: companyId } = await buildCompany();
    const familyId = uuid();
    const userId = await withIdentity(companyId, async () => {
      const id = await Credential.add({ email, username: familyId.slice(-12), passwordHash: 'x' });
      if (id === undefined) throw new Error('The address is taken');
      RefreshToken.issue({ userId: id, companyId, familyId }, familyId, new Date('2100-01-01'));
      await EmailChange.wish({ id: uuid(), userId: id, newEmail: 'b@c.example', codeHash: 'code' });
      await Credential.setUpMfa(id, 'sealed');
      const account = await Credential.findOne({ where: { id }, rejectOnEmpty: true });
      await account.enableMfa(1, []);
      return id;
    });

    const { adminUserId } = await make();
    await make();

    expect(adminUserId).toBe(userId);
    expect(await hashOf(userId)).toBeNull();
    const [factor] = await database.sql(
      'SELECT mfa_enabled, mfa_secret FROM platform.users WHERE id = $1',
      [userId],
    );
    expect(factor).toEqual({ mfa_enabled: false, mfa_secret: null });
    const open = await database.sql(
      `SELECT 1 FROM platform.refresh_tokens WHERE user_id = $1 AND revoked_at IS NULL
       UNION ALL SELECT 1 FROM platform.email_changes WHERE user_id = $1 AND used_at IS NULL`,
      [userId],
    );
    expect(open).toEqual([]);
  });

  it('keeps the password of the registration, also when it is set up once more', async () => {
    const { ref, make } = await buildRequest();

    const { adminUserId } = await make();
    await activities.disableAdministrator(ref);
    await make();

    expect(await hashOf(adminUserId)).toMatch(/^\$argon2id\$/);
  });

  it('counts as the owner of the address, for which whoever approved the company has vouched', async () => {
    const { make } = await buildRequest();

    const { adminUserId } = await make();

    const [account] = await database.sql<{ at: Date | null }>(
      'SELECT email_confirmed_at AS at FROM platform.users WHERE id = $1',
      [adminUserId],
    );
    expect(account?.at).toBeInstanceOf(Date);
  });

  it('keeps an account that another company takes in while the registration is rejected', async () => {
    const { ref, make } = await buildRequest();
    const { adminUserId } = await make();
    const { id: companyId } = await buildCompany();
    await database.sql(
      `UPDATE core.registration_requests SET status = 'failed', last_error = 'x' WHERE id = $1`,
      [ref.registrationId],
    );
    const order = { ...ref, commandId: uuid(), expectedVersion: 1, at: Date.now() };
    const isWaitedFor = async () =>
      (
        await database.sql(
          'SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid',
        )
      ).length > 0;

    await database.sql('BEGIN');
    await database.sql(
      `INSERT INTO platform.memberships (company_id, id, user_id, role) VALUES ($1, $2, $3, 'hr')`,
      [companyId, uuid(), adminUserId],
    );
    const rejected = onboardingActivities({ links: testLinks }).rejectRegistration({
      ...order,
      reviewedBy: null,
      reason: 'It cannot be set up',
    });
    while (!(await isWaitedFor())) await setTimeout(20);
    await database.sql('COMMIT');
    await rejected;

    expect(await hashOf(adminUserId)).toMatch(/^\$argon2id\$/);
  });
});
