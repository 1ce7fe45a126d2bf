import { reviewClocks, reviewDateFor } from '../rules/policyClocks.ts';
import type { CompliancePolicy } from './CompliancePolicy.ts';
import { CompliancePolicyVersion } from './CompliancePolicyVersion.ts';
import { execute } from './database.ts';
import type { Step } from './moveRow.ts';
import { addPolicyClocks, tellOwner, type PolicyFile } from './policyFile.ts';
import { Timer } from './Timer.ts';

/** What follows once a version is published: for the policy, its review, whoever complies by it. */
export async function putInForce(file: PolicyFile, step: Step): Promise<void> {
  const { version, policy } = file;
  const facts = { ...file, at: step.at.getTime() };
  const reviewDate = reviewDateFor(policy.reviewDate ?? null, facts);
  await policy.follow({
    policyVersion: version.number,
    reackVersion: version.requiresReack ? version.number : policy.reackVersion,
    approvalStatus: 'approved',
    reviewDate,
    reviewOverdue: false,
  });
  await addPolicyClocks(version, reviewClocks(reviewDate, facts));
  await noteComplianceUpdate(policy, step.at);
  await tellOwner(file, 'compliance_policy_published', step.commandId, { reviewDate });
}

/** Its run hears of it from the run of the newer one. */
export async function supersede(before: CompliancePolicyVersion, { at }: Step): Promise<void> {
  await before.move('supersede', stepOf(before, 'supersede', at), {
    endedAt: at,
    workflowClosedAt: at,
  });
  await Timer.cancelScheduled(before.id, 'A newer version is published');
}

/** What people have to read has changed, for whoever complies with it by this policy. */
export async function noteComplianceUpdate(policy: CompliancePolicy, at: Date): Promise<void> {
  if (!policy.customerComplianceId) return;
  await execute(
    'UPDATE customer_compliances SET compliance_updated = $2, updated_at = now() WHERE id = $1',
    [policy.customerComplianceId, at],
  );
}

/** A step of one version that follows from a step of another. */
export const stepOf = (
  { id, stateVersion }: CompliancePolicyVersion,
  event: 'supersede' | 'restore',
  at: Date,
): Step => ({
  commandId: `${CompliancePolicyVersion.entityType}/${id}/${event}/${stateVersion}`,
  expectedVersion: stateVersion,
  at,
});
