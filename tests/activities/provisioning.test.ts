import { setTimeout } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { onboardingActivities } from '../../src/activities/onboarding.ts';
import { provisioningActivities } from '../../src/activities/provisioning.ts';
import type { Registration } from '../../src/commands/registrationSubmissions.ts';
import { Credential } from '../../src/models/Credential.ts';
import { platformCompanyId, withIdentity } from '../../src/models/database.ts';
import { EmailChange } from '../../src/models/EmailChange.ts';
import { RefreshToken } from '../../src/models/RefreshToken.ts';
import { buildActor, buildCompany } from '../support/build.ts';
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

    const domains = await database.sql<{ code: string }>(
      `SELECT c.code, d.domain FROM core.registration_requests r
       JOIN platform.companies c ON c.id = r.new_company_id
       JOIN platform.domains d ON d.company_id = c.id
       WHERE r.id = $1 AND d.domain LIKE '%.surety.example'`,
      [ref.registrationId],
    );
    const code = domains[0]?.code ?? '';
    expect(code).toMatch(/^API\d{4,6}$/);
    expect(domains).toEqual([{ code, domain: `${code.toLowerCase()}.surety.example` }]);
  });
});

describe('the code of a new company', () => {
  it('does not tell how many have begun alike', async () => {
    const codes: string[] = [];
    for (const companyName of ['Counted Ltd.', 'Counted (Ltd)', 'Counted, Ltd']) {
      const { ref } = await buildRequest({ companyName });
      await activities.createCompany(ref);
      const [made] = await database.sql<{ code: string }>(
        `SELECT c.code FROM platform.companies c
         JOIN core.registration_requests r ON r.new_company_id = c.id WHERE r.id = $1`,
        [ref.registrationId],
      );
      codes.push(made?.code ?? '');
    }

    expect(codes).toEqual([
      'COUNTEDLTD',
      expect.stringMatching(/^COUNTEDLTD\d{4,6}$/),
      expect.stringMatching(/^COUNTEDLTD\d{4,6}$/),
    ]);
    expect(new Set(codes).size).toBe(3);
  });
});

describe('the audit of a new company', () => {
  it('tells once of what is made, taken back and made again', async () => {
    const { ref } = await buildRequest();
    const [request] = await database.sql<{ id: string }>(
      'SELECT new_company_id AS id FROM core.registration_requests WHERE id = $1',
      [ref.registrationId],
    );
    const companyId = request?.id;
    const told = async () => {
      const lines = await database.sql<{ what: string; n: number }>(
        `SELECT concat_ws(' ', entity_type, action, after ->> 'status') AS what, count(*)::int AS n
         FROM core.audit_logs WHERE company_id = $1 GROUP BY 1`,
        [companyId],
      );
      return Object.fromEntries(lines.map(({ what, n }) => [what, n]));
    };
    const twice = async (...steps: readonly ((of: typeof ref) => Promise<unknown>)[]) => {
      for (const step of steps.flatMap((each) => [each, each])) await step(ref);
    };
    const { createCompany, addDomains, seedCompany, createAdministrator, openCompany } = activities;
    const setUp = [createCompany, addDomains, seedCompany, createAdministrator, openCompany];
    const { closeCompany, disableAdministrator, archiveSeed, releaseDomains, archiveCompany } =
      activities;

    await twice(...setUp);
    const made = await told();
    await twice(closeCompany, disableAdministrator, archiveSeed, releaseDomains, archiveCompany);
    const undone = await told();
    await twice(...setUp);
    const again = await told();

    expect(made).toEqual({
      'company CREATE': 1,
      'domain CREATE': 2,
      'calendar CREATE': 1,
      'customer CREATE': 1,
      'category CREATE': 6,
      'user CREATE': 1,
      'membership CREATE': 1,
      'company STATUS_CHANGE active': 1,
    });
    expect(undone).toEqual({
      ...made,
      'company STATUS_CHANGE closed': 1,
      'membership ARCHIVE': 1,
      'calendar ARCHIVE': 1,
      'customer ARCHIVE': 1,
      'category ARCHIVE': 6,
      'domain DELETE': 2,
      'company ARCHIVE': 1,
    });
    expect(again).toEqual({
      ...undone,
      'company RESTORE': 1,
      'domain CREATE': 4,
      'calendar RESTORE': 1,
      'customer RESTORE': 1,
      'category RESTORE': 6,
      'membership CREATE': 2,
      'company STATUS_CHANGE active': 2,
    });
    const memberships = await database.sql(
      `SELECT DISTINCT entity_id FROM core.audit_logs
       WHERE company_id = $1 AND entity_type = 'membership'`,
      [companyId],
    );
    expect(memberships).toHaveLength(1);
    const [gone] = await database.sql<{ before: unknown }>(
      `SELECT before FROM core.audit_logs
       WHERE company_id = $1 AND entity_type = 'domain' AND action = 'DELETE' LIMIT 1`,
      [companyId],
    );
    expect(gone?.before).toEqual({ domain: expect.any(String), verifiedAt: expect.any(String) });
    const changes = await database.sql(
      `SELECT action, before, after FROM core.audit_logs
       WHERE company_id = $1 AND entity_type = 'calendar' AND action <> 'CREATE' ORDER BY id`,
      [companyId],
    );
    const at = { archivedAt: expect.any(String) };
    expect(changes).toEqual([
      { action: 'ARCHIVE', before: { archivedAt: null }, after: at },
      { action: 'RESTORE', before: at, after: { archivedAt: null } },
    ]);
  });
});

describe('the administrator of a new company', () => {
  it('does without a phone number that another account has, and the audit tells why', async () => {
    const adminPhone = `+49${Date.now()}`.slice(0, 15);
    const { make } = await buildRequest({ adminPhone });
    const { userId } = await buildActor({ companyId: platformCompanyId });
    await database.sql('UPDATE platform.users SET phone_number = $2 WHERE id = $1', [
      userId,
      adminPhone,
    ]);

    const { adminUserId } = await make();
    await make();

    const [account] = await database.sql('SELECT phone_number FROM platform.users WHERE id = $1', [
      adminUserId,
    ]);
    expect(account).toEqual({ phone_number: null });
    const lines = await database.sql(
      `SELECT action, after FROM core.audit_logs WHERE entity_type = 'user' AND entity_id = $1`,
      [adminUserId],
    );
    expect(lines).toEqual([
      { action: 'CREATE', after: { phoneNumber: null, reason: 'PHONE_TAKEN' } },
    ]);
  });

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
