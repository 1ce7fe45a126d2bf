import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seed } from '../../local/seed.ts';
import type { StaffLogins } from '../../local/seedStaff.ts';
import { createPasswords } from '../../src/commands/passwords.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('the demo data', () => {
  let database: TestDatabase;
  let dataDir: string;
  const said: string[] = [];

  beforeEach(async () => {
    database = await openTestDatabase();
    dataDir = mkdtempSync(path.join(tmpdir(), 'surety-seed-'));
  });

  afterEach(async () => {
    await database.close();
    rmSync(dataDir, { recursive: true });
  });

  /** Until it says so; as if the terminal was interrupted there. */
  const seedUntil = (step?: string): Promise<void> =>
    seed({
      env: { ENVIRONMENT: 'test', DATABASE_URL: database.apiUrl, DEFAULT_COMPANY: 'DEMO' },
      dataDir,
      say(text) {
        said.push(text);
        if (text === step) throw new Error('interrupted');
      },
    });
  const counts = () =>
    database.sql(
      `SELECT (SELECT count(*) FROM platform.companies WHERE code = 'DEMO')::int AS companies,
         (SELECT count(*) FROM shared.insurance_plans)::int AS plans,
         (SELECT count(*) FROM platform.users)::int AS people,
         (SELECT count(*) FROM shared.policy_subscriptions)::int AS subscriptions,
         (SELECT count(*) FROM shared.employees)::int AS staff,
         (SELECT count(*) FROM shared.compliance_policies)::int AS documents,
         (SELECT count(*) FROM shared.acknowledgements)::int AS asked,
         (SELECT count(*) FROM shared.properties)::int AS properties`,
    );
  // 500 work for the company, eleven of them with an account of a role.
  const whole = [
    {
      companies: 1,
      plans: 18,
      people: 13 + 489,
      subscriptions: 3,
      staff: 500,
      documents: 1,
      asked: 7,
      properties: 4,
    },
  ];
  const accounts = path.join('.', 'demo-accounts.json');

  it.each([
    'company and catalogue',
    'one person for each role',
    'staff',
    'a document that is overdue',
    'properties and live subscriptions',
  ])('is completed, with the same passwords, after an interruption at: %s', async (step) => {
    await expect(seedUntil(step)).rejects.toThrow('interrupted');
    const begun: unknown = JSON.parse(readFileSync(path.join(dataDir, 'seed-begun.json'), 'utf8'));
    const isTold = existsSync(path.join(dataDir, accounts));

    await seedUntil();

    // So that the start that completes it shows them.
    expect(isTold).toBe(false);

    expect(await counts()).toEqual(whole);
    expect(JSON.parse(readFileSync(path.join(dataDir, accounts), 'utf8'))).toEqual(begun);
    expect(await passwordOfStaff()).toBe('theirs');
    expect(existsSync(path.join(dataDir, 'seed-begun.json'))).toBe(false);
  });

  /** Whether what is kept opens the accounts of the staff. */
  async function passwordOfStaff(): Promise<string> {
    const { password, emails }: StaffLogins = JSON.parse(
      readFileSync(path.join(dataDir, 'demo-staff.json'), 'utf8'),
    );
    const [kept] = await database.sql<{ hash: string; people: number }>(
      `SELECT DISTINCT u.password_hash AS hash, count(*) OVER ()::int AS people
       FROM platform.users u JOIN platform.memberships m ON m.user_id = u.id
       WHERE u.email = ANY ($1) AND m.role = 'employee' AND u.email_confirmed_at IS NOT NULL`,
      [emails],
    );
    expect(kept).toEqual({ hash: expect.any(String), people: 489 });
    const passwords = createPasswords({ passwordHash: 'argon2id', secretKey: '' });
    return (await passwords.verify(password, kept?.hash ?? null)) ? 'theirs' : 'another';
  }

  it('keeps the one password of the staff for its owner alone', async () => {
    await seedUntil();

    expect(statSync(path.join(dataDir, 'demo-staff.json')).mode & 0o777).toBe(0o600);
    expect(await passwordOfStaff()).toBe('theirs');
  });

  it('has everybody below the executive, each in a department, and in the audit', async () => {
    await seedUntil();

    const departments = await database.sql(
      `SELECT e.department, count(*)::int AS people, max(b.role) AS head
       FROM shared.employees e JOIN shared.employees b ON b.id = e.manager_id
       WHERE e.user_id IS NOT NULL GROUP BY e.department, b.id HAVING count(*) > 5 ORDER BY 1`,
    );
    const [top] = await database.sql('SELECT email FROM shared.employees WHERE manager_id IS NULL');
    const [audited] = await database.sql(
      `SELECT count(*) FILTER (WHERE entity_type = 'employee')::int AS employees,
         count(*) FILTER (WHERE entity_type = 'user')::int AS users,
         count(*) FILTER (WHERE entity_type = 'membership')::int AS memberships
       FROM core.audit_logs WHERE action = 'CREATE'`,
    );

    expect(departments).toEqual([
      { department: 'Claims', people: 169, head: 'Head of Claims' },
      { department: 'Customer service', people: 139, head: 'Head of Customer service' },
      { department: 'Engineering', people: 59, head: 'Head of Engineering' },
      { department: 'Finance', people: 29, head: 'Head of Finance' },
      { department: 'Legal', people: 6, head: 'Head of Legal' },
      { department: 'Sales', people: 92, head: 'Head of Sales' },
    ]);
    expect(top).toEqual({ email: 'executive@demo.example' });
    expect(audited).toEqual({ employees: 500, users: 502, memberships: 502 });
  });

  it('has a document that a department is more than two weeks late with, for its keeper', async () => {
    await seedUntil();

    const late = await database.sql(
      `SELECT DISTINCT a.department, a.status, a.escalation_status AS escalation,
         current_date - a.due_date BETWEEN 15 AND 19 AS late, a.next_action_at < now() AS due
       FROM shared.acknowledgements a`,
    );
    const owed = await database.sql(
      `SELECT workflow_type AS type, attributes ->> 'EntityStatus' AS status FROM core.outbox
       WHERE workflow_type <> 'subscriptionLifecycle' ORDER BY 1`,
    );

    expect(late).toEqual([
      { department: 'Legal', status: 'pending', escalation: 'none', late: true, due: true },
    ]);
    expect(owed).toEqual([
      { type: 'acknowledgement', status: null },
      { type: 'policyApproval', status: 'published' },
    ]);
  });

  it('is made once, and leaves the accounts of other companies alone', async () => {
    const earlier = {
      company: 'ACME',
      role: 'tenant_admin',
      email: 'a@acme.example',
      password: 'x',
    };
    writeFileSync(path.join(dataDir, accounts), JSON.stringify([earlier]));

    await seedUntil();
    await seedUntil();

    expect(await counts()).toEqual(whole);
    const kept: object[] = JSON.parse(readFileSync(path.join(dataDir, accounts), 'utf8'));
    expect(kept).toHaveLength(14);
    expect(kept[0]).toEqual(earlier);
  });
});
