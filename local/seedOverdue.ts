import { v7 as uuid } from 'uuid';
import { policyApprovalActivities } from '../src/activities/policyApprovals.ts';
import { settleBatch } from '../src/models/acknowledging.ts';
import { ApprovalStep } from '../src/models/ApprovalStep.ts';
import { AuditLog } from '../src/models/AuditLog.ts';
import { CompliancePolicy } from '../src/models/CompliancePolicy.ts';
import { CompliancePolicyVersion, contentHash } from '../src/models/CompliancePolicyVersion.ts';
import { Credential } from '../src/models/Credential.ts';
import { Customer } from '../src/models/Customer.ts';
import { append, asIdentity, execute, flush, withTenant } from '../src/models/database.ts';
import { Transition } from '../src/models/Transition.ts';
import { watchedPolicy } from '../src/models/watchedPolicy.ts';
import { promiseStarts } from '../src/models/workflowStarts.ts';
import type { Role } from '../src/rules/permissions.ts';
import { lateDepartment } from './seedStaff.ts';

const title = 'Information security';

const content = `# Information security

Lock your screen. Share no password. Report what looks wrong, at once.`;

/** 30 days to answer, 14 until executives hear of it, and three more. */
const publishedDaysAgo = 47;

/**
 * A document that was published long ago and that nobody of its department has confirmed, as if the product
 * had been off since: its keeper reminds and escalates by itself as soon as a worker is there.
 */
export async function seedOverdue({
  companyId,
  accounts,
}: {
  readonly companyId: string;
  readonly accounts: readonly { readonly role: Role; readonly email: string }[];
}): Promise<void> {
  await withTenant(companyId, async () => {
    if ((await CompliancePolicy.count()) > 0) return;
    const idOf = await asIdentity(() => accountIds(accounts));
    const [author, approver] = [idOf('compliance_manager'), idOf('tenant_admin')];
    const at = new Date(Date.now() - publishedDaysAgo * 86_400_000);
    const { policyId, versionId } = await approvedPolicy({ author, approver, at });
    await policyApprovalActivities().processPolicyVersion({
      companyId,
      versionId,
      commandId: `${CompliancePolicyVersion.entityType}/${versionId}/publish`,
      expectedVersion: courseUntilApproved.length,
      at: at.getTime(),
      wish: { event: 'publish', by: author, reason: null },
    });
    await settleBatch(await watchedPolicy(policyId, at), firstId);
    await execute('UPDATE acknowledgements SET created_at = $2 WHERE policy_id = $1', [
      policyId,
      at,
    ]);
    await promiseStarts([versionId]);
  });
}

async function accountIds(
  accounts: readonly { readonly role: Role; readonly email: string }[],
): Promise<(role: Role) => string> {
  const known = await Credential.findAll({ where: { email: accounts.map(({ email }) => email) } });
  return (role) => {
    const email = accounts.find((account) => account.role === role)?.email;
    const id = known.find((each) => each.email === email)?.id;
    if (id === undefined) throw new Error(`Nobody is ${role}`);
    return id;
  };
}

const firstId = '00000000-0000-0000-0000-000000000000';

const courseUntilApproved = [
  { event: 'create', from: null, to: 'draft' },
  { event: 'submit', from: 'draft', to: 'pending_approval' },
  { event: 'approve', from: 'pending_approval', to: 'approved' },
] as const;

/** As it stood when somebody else had approved it. */
async function approvedPolicy({
  author,
  approver,
  at,
}: {
  readonly author: string;
  readonly approver: string;
  readonly at: Date;
}): Promise<{ readonly policyId: string; readonly versionId: string }> {
  const own = await Customer.findOne({ where: { isSelf: true }, rejectOnEmpty: true });
  const [policyId, versionId] = [uuid(), uuid()];
  const facts = {
    type: 'custom',
    title,
    audienceCustomerId: own.id,
    audienceDepartment: lateDepartment,
  };
  const dates = { createdAt: at, updatedAt: at, createdBy: author, updatedBy: author };
  append(CompliancePolicy, {
    id: policyId,
    ...facts,
    ...dates,
    approvalStatus: 'approved',
    approvalRequestedAt: at,
    approvedBy: approver,
    approvedAt: at,
  });
  AuditLog.record('CREATE', { type: CompliancePolicy.entityType, id: policyId }, { after: facts });
  await flush();
  const version = { policyId, number: 1, contentSha256: contentHash(content) };
  append(CompliancePolicyVersion, {
    id: versionId,
    ...version,
    ...dates,
    major: 1,
    minor: 0,
    content,
    requiresReack: true,
    authors: [author],
    round: 1,
    status: 'approved',
    stateVersion: courseUntilApproved.length,
    submittedAt: at,
    approvedAt: at,
  });
  const entity = { entityType: CompliancePolicyVersion.entityType, entityId: versionId };
  AuditLog.record('CREATE', { type: entity.entityType, id: versionId }, { after: version });
  for (const [index, { event, from, to }] of courseUntilApproved.entries()) {
    const stateVersion = index + 1;
    Transition.record({
      ...entity,
      stateVersion,
      event,
      fromStatus: from,
      toStatus: to,
      commandId: `${entity.entityType}/${versionId}/${event}/${stateVersion}`,
      at,
    });
  }
  await flush();
  append(ApprovalStep, {
    versionId,
    round: 1,
    approverId: approver,
    state: 'approved',
    reason: null,
    decidedAt: at,
  });
  await flush();
  return { policyId, versionId };
}
