import { createLinks } from '../../src/models/secretLinks.ts';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../src/activities/index.ts';
import { subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { buildActor, buildCompany, buildSubscription } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { ledgerOf } from '../support/ledger.ts';

describe('the periodic jobs', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  const activitiesWith = (open: readonly string[] = []) =>
    createActivities({
      sendMail: () => Promise.resolve(),
      links: createLinks({
        publicUrl: 'http://127.0.0.1:3000',
        secretKey: 'a secret of the tests',
      }),
      platformDomain: undefined,
      openWorkflows: (ids) => Promise.resolve(new Set(ids.filter((id) => open.includes(id)))),
    });

  const inJob = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);

  /** A sale of some minutes ago whose start was dispatched. */
  async function buildOldSale() {
    const sold = await buildSubscription();
    await database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [
      sold.id,
    ]);
    await database.sql(
      `UPDATE shared.policy_subscriptions SET created_at = now() - interval '5 minutes' WHERE id = $1`,
      [sold.id],
    );
    return sold;
  }

  const owed = (entityId: string) =>
    database.sql<{ is_restart: boolean }>(
      'SELECT is_restart FROM core.outbox WHERE entity_id = $1 AND dispatched_at IS NULL',
      [entityId],
    );

  it('restoreWorkflows promises a missing workflow once, as a restart from the row', async () => {
    const { id, companyId } = await buildOldSale();

    await inJob(() => activitiesWith().restoreWorkflows());
    const afterOnce = await ledgerOf(database, companyId);
    const second = await inJob(() => activitiesWith().restoreWorkflows());

    expect(second).toEqual({ restored: 0 });
    expect(await owed(id)).toEqual([{ is_restart: true }]);
    expect(await ledgerOf(database, companyId)).toEqual(afterOnce);
  });

  it('restoreWorkflows leaves alone what is open, closed, new or still owed', async () => {
    const open = await buildOldSale();
    const closed = await buildOldSale();
    const fresh = await buildSubscription();
    await database.sql(
      'UPDATE shared.policy_subscriptions SET workflow_closed_at = now() WHERE id = $1',
      [closed.id],
    );

    await inJob(() =>
      activitiesWith([subscriptionWorkflowId(open.companyId, open.id)]).restoreWorkflows(),
    );

    expect(await owed(open.id)).toEqual([]);
    expect(await owed(closed.id)).toEqual([]);
    expect(await owed(fresh.id)).toEqual([{ is_restart: false }]);
  });

  it('sendDigests tells each tenant admin once a week', async () => {
    const company = await buildCompany();
    await buildActor({ companyId: company.id, role: 'tenant_admin' });
    const { id } = await buildSubscription({ companyId: company.id });
    await database.sql(
      `UPDATE shared.policy_subscriptions
       SET start_date = '2026-01-01', end_date = '2027-01-10' WHERE id = $1`,
      [id],
    );

    await inJob(() => activitiesWith().sendDigests({ week: '2027-01-04' }));
    const afterOnce = await ledgerOf(database, company.id);
    await inJob(() => activitiesWith().sendDigests({ week: '2027-01-04' }));

    expect(await ledgerOf(database, company.id)).toEqual(afterOnce);
    const digests = await database.sql(
      `SELECT payload FROM core.notifications
       WHERE company_id = $1 AND template_code = 'renewal_digest'`,
      [company.id],
    );
    expect(digests).toEqual([{ payload: { endingSoon: 1, expired: 0 } }]);
  });

  it('keepHouse removes expired keys and keeps the others, however often it runs', async () => {
    const { id: companyId } = await buildCompany();
    await database.sql(
      `INSERT INTO core.idempotency_keys (company_id, scope, body_hash, expires_at)
       VALUES ($1, 'old', 'h', now() - interval '1 second'), ($1, 'young', 'h', now() + interval '1 day')`,
      [companyId],
    );

    await inJob(() => activitiesWith().keepHouse());
    await inJob(() => activitiesWith().keepHouse());

    const kept = await database.sql(
      'SELECT scope FROM core.idempotency_keys WHERE company_id = $1',
      [companyId],
    );
    expect(kept).toEqual([{ scope: 'young' }]);
  });

  it('keepHouse removes what was dispatched 90 days ago, and nothing that is still owed', async () => {
    const { id: companyId } = await buildCompany();
    await database.sql(
      `INSERT INTO core.outbox (company_id, id, entity_type, entity_id, workflow_type, workflow_id,
         input, created_at, not_before, dispatched_at)
       SELECT $1, gen_random_uuid(), 'x', gen_random_uuid(), 'x', coalesce(age, 'owed'), '{}',
         now() - interval '91 days', now(), now() - age::interval
       FROM unnest(ARRAY['91 days', '89 days', NULL]) AS age`,
      [companyId],
    );

    await inJob(() => activitiesWith().keepHouse());

    const kept = await database.sql<{ workflow_id: string }>(
      'SELECT workflow_id FROM core.outbox WHERE company_id = $1 ORDER BY workflow_id',
      [companyId],
    );
    expect(kept.map(({ workflow_id }) => workflow_id)).toEqual(['89 days', 'owed']);
  });
});
