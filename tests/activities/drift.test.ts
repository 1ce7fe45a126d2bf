import { compareRuns } from '../../src/activities/drift.ts';
import { withTenant } from '../../src/models/database.ts';
import { WorkflowDrift, type ShownRun } from '../../src/models/WorkflowDrift.ts';
import { acknowledgementWorkflowId, subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { buildCompany, buildSubscription } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildPolicyRow } from '../support/policyRows.ts';

describe('the nightly comparison of rows and runs', () => {
  let database: TestDatabase;
  let companyId: string;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    companyId = (await buildCompany()).id;
  });

  /** A sale that nothing has touched for a while, and what its run shows. */
  async function buildSettledSale() {
    const { id } = await buildSubscription({ companyId });
    await settle();
    const [row] = await database.sql<{ dueAt: Date }>(
      `SELECT min(due_at) AS "dueAt" FROM core.timers WHERE entity_id = $1`,
      [id],
    );
    const run: ShownRun = { stateVersion: 1, dueAt: row?.dueAt };
    return { id, workflowId: subscriptionWorkflowId(companyId, id), run };
  }

  async function settle(): Promise<void> {
    const old = `updated_at = now() - interval '1 hour' WHERE company_id = $1`;
    await database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE company_id = $1', [
      companyId,
    ]);
    await database.sql(`UPDATE core.timers SET ${old}`, [companyId]);
    await database.sql(`UPDATE shared.policy_subscriptions SET ${old}`, [companyId]);
    await database.sql(`UPDATE shared.claims SET ${old}`, [companyId]);
    await database.sql(`UPDATE shared.compliance_policies SET ${old}`, [companyId]);
  }

  const compare = (runs: readonly (readonly [string, ShownRun])[] = []): Promise<void> =>
    compareRuns(
      companyId,
      async () => new Map(runs),
      () => undefined,
    );

  /** Of keepers, as far as they are still there. */
  const findings = async (): Promise<string[]> =>
    (await drifts())
      .filter(({ kind, resolvedAt }) => kind === 'acknowledgement' && !resolvedAt)
      .map(({ finding, entityId }) => `${finding} ${entityId}`);

  const drifts = () =>
    withTenant(companyId, () => WorkflowDrift.findAll({ order: [['finding', 'ASC']] }));

  it('finds nothing where they agree', async () => {
    const { workflowId, run } = await buildSettledSale();

    await compare([[workflowId, run]]);

    expect(await drifts()).toEqual([]);
  });

  it('finds what has no run, another state or another date, once however often it looks', async () => {
    const { id, workflowId, run } = await buildSettledSale();
    const later = new Date((run.dueAt?.getTime() ?? 0) + 1);

    await compare([[workflowId, { stateVersion: 7, dueAt: later }]]);
    await compare([[workflowId, { stateVersion: 7, dueAt: later }]]);

    expect(await drifts()).toMatchObject([
      {
        kind: 'subscription',
        entityId: id,
        workflowId,
        finding: 'state',
        details: { row: { stateVersion: 1 }, run: { stateVersion: 7, dueAt: later.toISOString() } },
        resolvedAt: null,
      },
      { finding: 'timers', resolvedAt: null },
    ]);
  });

  it('notes that a run is there again', async () => {
    const { workflowId, run } = await buildSettledSale();
    await compare();
    expect(await drifts()).toMatchObject([{ finding: 'missing', resolvedAt: null }]);

    await compare([[workflowId, run]]);

    expect(await drifts()).toMatchObject([{ finding: 'missing', resolvedAt: expect.any(Date) }]);
  });

  it('finds a run that goes on after the end of its object', async () => {
    const { id, workflowId, run } = await buildSettledSale();
    await database.sql(
      `UPDATE shared.policy_subscriptions SET workflow_closed_at = now() - interval '1 hour'
       WHERE id = $1`,
      [id],
    );

    await compare([[workflowId, run]]);
    await compare();

    expect(await drifts()).toMatchObject([{ finding: 'left_open', resolvedAt: expect.any(Date) }]);
  });

  it('compares the keeper of a policy with the version in force, and with no date', async () => {
    const { policyId } = await buildPolicyRow({ companyId, authors: [], status: 'published' });
    await database.sql(
      'UPDATE shared.compliance_policy_versions SET workflow_closed_at = now() WHERE company_id = $1',
      [companyId],
    );
    await settle();
    const workflowId = acknowledgementWorkflowId(companyId, policyId);
    const run: ShownRun = { stateVersion: 1, dueAt: new Date() };

    await compare([[workflowId, run]]);
    expect(await findings()).toEqual([]);
    await compare([[workflowId, { ...run, stateVersion: 2 }]]);
    expect(await findings()).toEqual([`state ${policyId}`]);
    await compare();
    expect(await findings()).toEqual([`missing ${policyId}`]);
    await database.sql(
      `UPDATE shared.compliance_policies SET policy_version = 0, reack_version = 0, clocks = '{}'
       WHERE id = $1`,
      [policyId],
    );
    await compare([[workflowId, run]]);
    expect(await findings()).toEqual([`left_open ${policyId}`]);
    await compare();
    expect(await findings()).toEqual([]);
  });

  it('leaves alone what a step touches, what is about to be due and what is still owed', async () => {
    const touched = await buildSettledSale();
    const due = await buildSettledSale();
    const owed = await buildSettledSale();
    await database.sql('UPDATE shared.policy_subscriptions SET updated_at = now() WHERE id = $1', [
      touched.id,
    ]);
    await database.sql(
      `UPDATE core.timers SET due_at = now() + interval '1 minute'
       WHERE entity_id = $1 AND name = 'renewal_offer'`,
      [due.id],
    );
    await database.sql('UPDATE core.outbox SET dispatched_at = NULL WHERE entity_id = $1', [
      owed.id,
    ]);

    await compare();

    expect(await drifts()).toEqual([]);
  });

  it('asks as often for many as for one', async () => {
    const asked = async (): Promise<number> =>
      (await database.statementsOf(() => compare())).length;
    await buildSettledSale();
    const forOne = await asked();
    await buildSettledSale();
    const { claim } = await buildClaimRow({ companyId });
    await settle();

    expect(await asked()).toBe(forOne);
    expect((await drifts()).map(({ entityId }) => entityId)).toContain(claim.id);
  });
});
