import fc from 'fast-check';
import { policyApprovalActivities } from '../../src/activities/policyApprovals.ts';
import { createPolicyVersions } from '../../src/commands/policyVersions.ts';
import type { PolicyVersionWish } from '../../src/models/policyApprovalStart.ts';
import { unpublishWithinMs } from '../../src/rules/compliancePolicies.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { seed } from '../rules/property.ts';
import { outcomeOf, walkBoth } from '../support/model.ts';
import { acts, PolicyModel, type Act } from '../support/policyModel.ts';
import { buildPolicyRow } from '../support/policyRows.ts';

/** The rules and activities as they are, on real rows; the workflows' loops are played by hand. */
describe('a compliance policy', () => {
  let database: TestDatabase;
  const { processPolicyVersion } = policyApprovalActivities();
  const { create } = createPolicyVersions({
    dispatcher: { dispatch: () => undefined, drained: () => Promise.resolve() },
    workflows: { command: () => Promise.reject(new Error('There is no workflow here')) },
  });

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** A policy whose first version is a draft, and four people: the first one wrote it. */
  async function openTwin() {
    const { id: companyId } = await buildCompany({
      settings: { compliance: { approvalQuorum: 2 } },
    });
    const people = [
      await buildActor({ companyId, role: 'compliance_manager' }),
      await buildActor({ companyId, role: 'compliance_manager' }),
      await buildActor({ companyId, role: 'tenant_admin' }),
      await buildActor({ companyId, role: 'tenant_admin' }),
    ] as const;
    const [author] = people;
    const { policyId } = await buildPolicyRow({ companyId, authors: [author.userId] });
    let now = Date.now();
    let orders = 0;
    let last: Parameters<typeof processPolicyVersion>[0] | undefined;

    const wishOf = (act: Act, round: number): PolicyVersionWish | undefined => {
      const by = people['by' in act ? act.by : 0]?.userId ?? null;
      const who = { by, reason: 'For a reason' };
      switch (act.event) {
        case 'draft':
        case 'repeat':
        case 'pass':
          return undefined;
        case 'submit':
          return { ...who, event: 'submit', approvers: [] };
        case 'discard':
          return { ...who, event: 'discard', withPolicy: false };
        case 'approve':
        case 'reject':
          return { ...who, event: act.event, round };
        default:
          return { ...who, event: act.event };
      }
    };
    return {
      async carryOut(act: Act, number: number | undefined): Promise<string> {
        if (act.event === 'pass') {
          now += unpublishWithinMs + 60_000;
          return 'done';
        }
        if (act.event === 'repeat') {
          if (last) await processPolicyVersion(last);
          return 'done';
        }
        if (act.event === 'draft') {
          const changes = { content: 'Once more', requiresReack: act.requiresReack };
          return outcomeOf(() =>
            as(author, () => create(author, policyId, changes, undefined, once(author))),
          );
        }
        const [version] = await database.sql<{
          id: string;
          expectedVersion: number;
          round: number;
        }>(
          `SELECT id, state_version AS "expectedVersion", round FROM shared.compliance_policy_versions
           WHERE policy_id = $1 AND number = $2`,
          [policyId, number],
        );
        const wish = version && wishOf(act, version.round);
        if (!wish) throw new Error(`Nothing to do for ${act.event}`);
        const { id: versionId, expectedVersion } = version;
        const commandId = `test/${policyId}/${(orders += 1)}`;
        const order = { companyId, versionId, commandId, expectedVersion, at: (now += 1000), wish };
        const outcome = await outcomeOf(() => as(author, () => processPolicyVersion(order)));
        if (outcome === 'done') last = order;
        return outcome;
      },

      async shown() {
        const versions = await database.sql<object>(
          `SELECT v.number, CASE WHEN v.archived_at IS NULL THEN v.status ELSE 'discarded' END AS status,
             v.workflow_closed_at IS NULL AS open, v.requires_reack AS reack, v.round,
             (SELECT count(*)::int FROM shared.approval_steps s WHERE s.version_id = v.id
               AND s.round = v.round AND s.state = 'approved') AS approvals,
             ARRAY(SELECT t.name || CASE t.status WHEN 'paused' THEN ' paused' ELSE '' END
               FROM core.timers t WHERE t.entity_id = v.id
               AND t.status IN ('scheduled', 'paused') ORDER BY t.name) AS timers
           FROM shared.compliance_policy_versions v WHERE v.policy_id = $1 ORDER BY v.number`,
          [policyId],
        );
        const [policy] = await database.sql<object>(
          `SELECT policy_version AS "policyVersion", reack_version AS "reackVersion",
             approval_status AS "approvalStatus" FROM shared.compliance_policies WHERE id = $1`,
          [policyId],
        );
        return { ...policy, versions };
      },
    };
  }

  it('stands after any acts of anybody where the table says, with the clocks of where it stands', async () => {
    await fc.assert(
      fc.asyncProperty(acts, async (chosen) => {
        const model = new PolicyModel();
        const twin = await openTwin();
        await walkBoth(chosen, async (act) => {
          const number = model.subjectOf(act);
          if (number === undefined && !['draft', 'repeat', 'pass'].includes(act.event)) {
            return [undefined, undefined];
          }
          const outcome = await twin.carryOut(act, number);
          const expected = model.carryOut(act, number);
          const shown = await twin.shown();
          return [
            { outcome: expected, shown: model.shown },
            { outcome, shown },
          ];
        });
      }),
      { seed, numRuns: 25, endOnFailure: true },
    );
  }, 120_000);
});
