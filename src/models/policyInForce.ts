import { openStatuses } from '../rules/policyApproval.ts';
import { reviewClocks, reviewDateFor } from '../rules/policyClocks.ts';
import { ApprovalStep } from './ApprovalStep.ts';
import { AuditLog } from './AuditLog.ts';
import { CompliancePolicy } from './CompliancePolicy.ts';
import { CompliancePolicyVersion } from './CompliancePolicyVersion.ts';
import { execute } from './database.ts';
import { askAnew } from './keeperStart.ts';
import type { Step } from './moveRow.ts';
import { addPolicyClocks, tellOwner, type PolicyFile } from './policyFile.ts';
import { getRow } from './rows.ts';
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
    ...(await ApprovalStep.approvalOf(version)),
    reviewDate,
    reviewOverdue: false,
  });
  await addPolicyClocks(version, reviewClocks(reviewDate, facts));
  await noteComplianceUpdate(policy, step.at);
  await askAnew([policy.id]);
  await tellOwner(file, 'compliance_policy_published', step.commandId, { reviewDate });
}

/** A version that is on its way goes out of it; its number stays used. */
export async function giveUp(
  policy: CompliancePolicy,
  version: CompliancePolicyVersion,
  step: Step,
): Promise<void> {
  await version.move('discard', step, { archivedAt: step.at, workflowClosedAt: step.at });
  AuditLog.record('ARCHIVE', { type: CompliancePolicyVersion.entityType, id: version.id });
  await Timer.cancelSet(version.id, 'The version is given up');
  await followWithout(policy, version);
}

/** Where a version on its way is given up, the policy stands by the one in force, if any. */
export async function followWithout(
  policy: CompliancePolicy,
  { templateId }: Pick<CompliancePolicyVersion, 'templateId'>,
): Promise<void> {
  const inForce = await CompliancePolicyVersion.publishedOf(policy.id);
  // An update of the template that it was made for is to be had again.
  const isUpdate = templateId && inForce && inForce.templateId !== templateId;
  await policy.follow({
    approvalStatus: inForce ? 'approved' : 'pending',
    ...(await ApprovalStep.approvalOf(inForce)),
    ...(isUpdate && { templateId: inForce.templateId ?? null, updateAvailable: true }),
  });
  await policy.touch();
}

/** Nobody goes on with its run: where it was on its way it is out of the way of the next one. */
export async function stopVersion(id: string, at: Date): Promise<void> {
  await CompliancePolicy.holdOf(id);
  const version = await getRow(CompliancePolicyVersion, id, { archived: true });
  const isGivenUp = openStatuses.includes(version.status) && !version.archivedAt;
  await version.update({ workflowClosedAt: at, ...(isGivenUp && { archivedAt: at }) });
  if (!isGivenUp) return;
  AuditLog.record('ARCHIVE', { type: CompliancePolicyVersion.entityType, id });
  const policy = await getRow(CompliancePolicy, version.policyId, { archived: true });
  await followWithout(policy, version);
}

/** Its run hears of it from the run of the newer one. */
export async function supersede(before: CompliancePolicyVersion, { at }: Step): Promise<void> {
  await before.move('supersede', stepOf(before, 'supersede', at), {
    endedAt: at,
    workflowClosedAt: at,
  });
  await Timer.cancelSet(before.id, 'A newer version is published');
}

/** What people have to read has changed, for the customer whose compliance the policy belongs to. */
export async function noteComplianceUpdate(policy: CompliancePolicy, at: Date): Promise<void> {
  if (!policy.customerComplianceId) return;
  await execute(
    `UPDATE customer_compliances SET compliance_updated = $2, updated_at = now()
     WHERE id = $1`,
    [policy.customerComplianceId, at],
  );
}

/** A step of one version that follows from a step of another. */
export const stepOf = (
  { id, stateVersion }: CompliancePolicyVersion,
  event: 'supersede' | 'restore' | 'discard',
  at: Date,
): Step => ({
  commandId: `${CompliancePolicyVersion.entityType}/${id}/${event}/${stateVersion}`,
  expectedVersion: stateVersion,
  at,
});
