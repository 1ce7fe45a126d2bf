import { MockActivityEnvironment } from '@temporalio/testing';
import { recountCompany } from '../../src/activities/complianceCounts.ts';
import { settleBatch } from '../../src/models/acknowledging.ts';
import { execute, select, withTenant } from '../../src/models/database.ts';
import { watchedPolicy } from '../../src/models/watchedPolicy.ts';
import { hire } from '../support/acknowledgements.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildPolicyRow } from '../support/policyRows.ts';

describe('the nightly recount', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  async function build(people = 4) {
    const { id: companyId } = await buildCompany();
    const author = await buildActor({ companyId, role: 'compliance_manager' });
    await buildActor({ companyId, role: 'operator' });
    const authors = [author.userId];
    const { policyId } = await buildPolicyRow({ companyId, authors, status: 'published' });
    const employees = await hire(companyId, people, { department: 'IT' });
    const tenant = <T>(work: () => Promise<T>) => withTenant(companyId, work);
    const change = (sql: string, ...bind: unknown[]) => tenant(() => execute(sql, bind));
    await tenant(async () =>
      settleBatch(
        await watchedPolicy(policyId, new Date()),
        '00000000-0000-0000-0000-000000000000',
      ),
    );
    return {
      policyId,
      employees,
      change,
      answer: (employeeId: string) =>
        change(
          `UPDATE acknowledgements SET status = 'acknowledged', acknowledged_at = now(),
             evidence_hash = repeat('0', 64) WHERE employee_id = $1`,
          employeeId,
        ),
      recount: (): Promise<number> =>
        new MockActivityEnvironment().run(() => recountCompany(companyId, () => undefined)),
      counts: () =>
        tenant(() =>
          select(
            `SELECT department, sum(pending)::integer AS pending,
               sum(acknowledged)::integer AS acknowledged FROM compliance_counts
             GROUP BY department HAVING sum(pending + acknowledged) <> 0 ORDER BY department`,
          ),
        ),
      alerts: () =>
        tenant(() =>
          select<{ subject: string; detail: string }>(
            `SELECT kind, subject, detail FROM core.alerts`,
          ),
        ),
      told: () =>
        tenant(() =>
          select(
            `SELECT 1 FROM core.notifications
             WHERE template_code = 'alert_raised' AND channel = 'email'`,
          ),
        ),
    };
  }

  it('finds nothing where the counts are right', async () => {
    const { recount, alerts, counts } = await build();
    const before = await counts();

    expect(await recount()).toBe(0);

    expect(await counts()).toEqual(before);
    expect(await alerts()).toEqual([]);
  });

  it('puts wrong counts right, and tells of them once', async () => {
    const { policyId, employees, answer, change, recount, counts, alerts, told } = await build();
    await answer(employees[0] ?? '');
    await change('UPDATE compliance_counts SET pending = pending + 3 WHERE acknowledged = 1');
    await change('UPDATE compliance_counts SET acknowledged = 0 WHERE acknowledged = 1');
    await change(
      `INSERT INTO compliance_counts SELECT company_id, policy_id, customer_id, 'Nowhere', 0, 2, 0, 0, 0
       FROM compliance_counts LIMIT 1`,
    );

    expect(await recount()).toBe(1);
    expect(await recount()).toBe(0);

    expect(await counts()).toEqual([{ department: 'IT', pending: 3, acknowledged: 1 }]);
    expect(await alerts()).toEqual([
      {
        kind: 'drift',
        subject: `compliance-counts/${policyId}`,
        detail: '6 people were counted wrongly, in 2 groups; put right',
      },
    ]);
    expect(await told()).toHaveLength(1);
  });

  it('agrees with the rows while people answer, and when it runs twice at once', async () => {
    const { employees, answer, change, recount, counts } = await build(40);
    await change('UPDATE compliance_counts SET pending = pending + 7');

    const [, first, second] = await Promise.all([
      Promise.all(employees.map(answer)),
      recount(),
      recount(),
    ]);

    expect(first + second).toBe(1);
    expect(await counts()).toEqual([{ department: 'IT', pending: 0, acknowledged: 40 }]);
  });
});
