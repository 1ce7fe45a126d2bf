import { MockActivityEnvironment } from '@temporalio/testing';
import { sendComplianceDigest } from '../../src/activities/complianceDigest.ts';
import { render } from '../../src/activities/templates.ts';
import { settleBatch } from '../../src/models/acknowledging.ts';
import { execute, select, withTenant } from '../../src/models/database.ts';
import { watchedPolicy } from '../../src/models/watchedPolicy.ts';
import { hire } from '../support/acknowledgements.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildPolicyRow } from '../support/policyRows.ts';

describe('the weekly digest of compliance', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  /** Three people who have to read each of the policies by 1 January 2027. */
  async function build(titles: readonly string[], timeZone = 'Europe/Berlin') {
    const { id: companyId } = await buildCompany({ timeZone });
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    await hire(companyId, 3);
    const tenant = <T>(work: () => Promise<T>) => withTenant(companyId, work);
    for (const title of titles) {
      const authors = [admin.userId];
      const { policyId } = await buildPolicyRow({ companyId, authors, title, status: 'published' });
      await tenant(async () =>
        settleBatch(
          await watchedPolicy(policyId, new Date()),
          '00000000-0000-0000-0000-000000000000',
        ),
      );
    }
    const change = (sql: string, ...bind: unknown[]) => tenant(() => execute(sql, bind));
    await change(`UPDATE acknowledgements SET due_date = '2027-01-01'`);
    return {
      companyId,
      admin,
      change,
      send: (week: string) =>
        new MockActivityEnvironment().run(() => sendComplianceDigest(companyId, week)),
      told: () =>
        tenant(() =>
          select<{ to: string; payload: Readonly<Record<string, unknown>> }>(
            `SELECT recipient_user_id AS "to", payload FROM core.notifications
             WHERE template_code = 'compliance_digest' ORDER BY id`,
          ),
        ),
    };
  }

  it('tells each compliance manager once a week, policy by policy, until nobody is late', async () => {
    const { companyId, change, send, told } = await build(['Clean desk', 'Passwords']);
    const first = await buildActor({ companyId, role: 'compliance_manager' });
    const second = await buildActor({ companyId, role: 'compliance_manager' });
    await change(
      `UPDATE acknowledgements SET status = 'acknowledged', acknowledged_at = now(),
         evidence_hash = repeat('0', 64)
       WHERE id = (SELECT a.id FROM acknowledgements a JOIN compliance_policies p ON p.id = a.policy_id
         WHERE p.title = 'Clean desk' LIMIT 1)`,
    );

    await send('2027-01-11');
    await send('2027-01-11');

    const payload = {
      count: 5,
      policies: 'Passwords: 3, the longest for 10 days\nClean desk: 2, the longest for 10 days',
      others: 0,
    };
    const messages = await told();
    expect(messages.map(({ to }) => to).toSorted()).toEqual(
      [first.userId, second.userId].toSorted(),
    );
    expect(messages.map((message) => message.payload)).toEqual([payload, payload]);
    expect(
      render('compliance_digest', { ...payload, name: 'Ada', company: 'Harbour' }).text,
    ).toContain('in time that they have read these documents (5 in all):');

    await send('2027-01-18');
    expect(await told()).toHaveLength(4);
    await change(`UPDATE acknowledgements SET status = 'declined' WHERE status = 'pending'`);
    await send('2027-01-25');
    expect(await told()).toHaveLength(4);
  });

  it('counts nobody as late before the day has passed where the company is', async () => {
    const there = await build(['Passwords'], 'Pacific/Kiritimati');
    const here = await build(['Passwords'], 'Pacific/Honolulu');

    // At seven in the morning, Greenwich time, of 2 January.
    await there.send('2027-01-02');
    await here.send('2027-01-02');

    expect(await there.told()).toHaveLength(1);
    expect(await here.told()).toEqual([]);
  });

  it('names the worst, counts the others, and goes to administrators where nobody else is', async () => {
    const { admin, send, told } = await build(
      Array.from({ length: 22 }, (_, place) => `Policy ${place}`),
    );

    await send('2027-01-11');

    const [message] = await told();
    expect(message).toMatchObject({ to: admin.userId, payload: { count: 66, others: 2 } });
    expect(String(message?.payload['policies']).split('\n')).toHaveLength(20);
  });
});
