import { ApprovalStep } from '../models/ApprovalStep.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { CompliancePolicy } from '../models/CompliancePolicy.ts';
import {
  approverOf,
  CompliancePolicyVersion,
  refuseIllegal,
  withAuthor,
} from '../models/CompliancePolicyVersion.ts';
import { append, withTenant } from '../models/database.ts';
import type { Step } from '../models/moveRow.ts';
import {
  policyApprovalStateOf,
  type PolicyApprovalState,
  type PolicyVersionWish,
} from '../models/policyApprovalStart.ts';
import { awaitedApprovers } from '../models/policyApprovers.ts';
import {
  addPolicyClocks,
  policyDay,
  policyFileOf,
  tellOwner,
  tellPeople,
  tellRole,
  type PolicyFile,
} from '../models/policyFile.ts';
import { giveUp } from '../models/policyInForce.ts';
import { getRow, versionConflict } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import {
  approvalClocks,
  clocksAfterPolicyTimer,
  kindOfPolicyTimer,
  type PolicyTimerName,
} from '../rules/policyClocks.ts';
import { oneStep, type Outcome } from './oneStep.ts';
import { movePolicyTimer, pauseClocks, resumeClocks } from './policyTimers.ts';
import { planReview, publish, retire, unpublish } from './policyPublication.ts';

export interface PolicyVersionRef {
  readonly companyId: string;
  readonly versionId: string;
}

/** A step as the workflow orders it; `at` (epoch milliseconds) is the workflow's clock. */
export interface PolicyVersionOrder extends PolicyVersionRef {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: number;
}

export type PolicyApprovalStep = Outcome<PolicyApprovalState>;

export const policyApprovalActivities = () => ({
  /** Safe to repeat: it only reads. */
  readPolicyVersion: ({ companyId, versionId }: PolicyVersionRef): Promise<PolicyApprovalState> =>
    withTenant(companyId, async () =>
      policyApprovalStateOf(await getRow(CompliancePolicyVersion, versionId, { archived: true })),
    ),

  /** Safe to repeat: what already happened answers with what is. */
  processPolicyVersion: (
    order: PolicyVersionOrder & { readonly wish: PolicyVersionWish },
  ): Promise<PolicyApprovalStep> =>
    inOneStep({ ...order, reason: order.wish.reason }, (file, step) =>
      carryOut(file, step, order.wish),
    ),

  /** Safe to repeat: a timer fires once, the row keeps that it did. */
  firePolicyTimer: (
    order: PolicyVersionOrder & { readonly name: PolicyTimerName; readonly occurrence: number },
  ): Promise<PolicyApprovalStep> =>
    inOneStep(order, async (file, step) => {
      const { name, occurrence } = order;
      const ref = { entityId: file.version.id, occurrence, name };
      if (!(await Timer.fire(ref, step.at))) return;
      await afterTimer(file, step, name);
    }),
});

/** The policy is held first, so that the versions of one policy take their steps one after another. */
const inOneStep = (
  order: PolicyVersionOrder & { readonly reason?: string | null },
  act: (file: PolicyFile, step: Step) => Promise<void>,
): Promise<PolicyApprovalStep> =>
  withTenant(order.companyId, async () => {
    await CompliancePolicy.holdOf(order.versionId);
    return oneStep(
      {
        ...order,
        model: CompliancePolicyVersion,
        id: order.versionId,
        stateOf: (version) => policyApprovalStateOf(version),
      },
      async (version, step) => act(await policyFileOf(version), step),
    );
  });

/** One event that somebody asked for. */
async function carryOut(file: PolicyFile, step: Step, wish: PolicyVersionWish): Promise<void> {
  const { version } = file;
  switch (wish.event) {
    case 'submit':
      return submit(file, step, wish);
    case 'approve':
      refuseOtherRound(file.version, wish);
      return approve(file, step, wish.by);
    case 'reject':
      refuseOtherRound(file.version, wish);
      return reject(file, step, wish.by);
    case 'edit':
      return reopen(file, step, wish.by);
    case 'publish':
      return publish(file, step, wish.by);
    case 'schedule_publish': {
      const publishAt = new Date(wish.publishAt);
      const facts = { publish_at: publishAt.toISOString() };
      await version.move(
        'schedule_publish',
        { ...step, facts },
        { publishAt, publishedBy: wish.by },
      );
      await Timer.cancelSet(version.id, 'Another time was chosen', ['publish']);
      return addPolicyClocks(version, [{ name: 'publish', dueAt: wish.publishAt }], 'command');
    }
    case 'unpublish':
      return unpublish(file, step);
    case 'retire':
      return retire(file, step);
    case 'plan_review':
      return planReview(file, step, wish.reviewDate);
    case 'discard':
      return discard(file, step, wish.withPolicy);
    case 'move_timer':
      return movePolicyTimer(file, step, wish);
    case 'pause':
      return pauseClocks(file, step);
    case 'resume':
      return resumeClocks(file, step);
    default:
      return wish satisfies never;
  }
}

/** What is decided about is what was submitted when it was looked at. */
function refuseOtherRound(
  version: CompliancePolicyVersion,
  { round }: { readonly round: number },
): void {
  if (round === version.round) return;
  throw versionConflict(CompliancePolicyVersion.entityType, version.id, version.version);
}

/** Each submission asks anew, under the quorum of the day. */
async function submit(
  file: PolicyFile,
  step: Step,
  { by, approvers }: Extract<PolicyVersionWish, { event: 'submit' }>,
): Promise<void> {
  const { version, policy, settings } = file;
  const quorum = settings.approvalQuorum;
  await version.move(
    'submit',
    { ...step, facts: { quorum, approvers: approvers.length } },
    {
      authors: withAuthor(version, by),
      approvers,
      quorum,
      round: version.round + 1,
      submittedAt: step.at,
    },
  );
  await policy.follow({ approvalStatus: 'pending', approvalRequestedAt: step.at });
  await addPolicyClocks(version, approvalClocks({ ...file, at: step.at.getTime() }));
  const asked = await awaitedApprovers(version, { withDelegates: false });
  tellPeople(file, asked, 'compliance_policy_submitted', step.commandId, {
    quorum,
    several: quorum > 1,
  });
}

/** The one that completes the quorum approves; those before it are noted. */
async function approve(file: PolicyFile, step: Step, by: string | null): Promise<void> {
  const { version, policy } = file;
  refuseIllegal(version, 'approve');
  const approverId = approverOf(version, by);
  const decided = await ApprovalStep.ofRound(version);
  if (decided.some((each) => each.approverId === approverId)) return;
  decide(version, step, approverId, 'approved');
  const approvals = decided.filter(({ state }) => state === 'approved').length + 1;
  const facts = { approvals, quorum: version.quorum };
  if (approvals < version.quorum) return version.move('note_approval', { ...step, facts });

  await version.move('approve', { ...step, facts }, { approvedAt: step.at, isEscalated: false });
  await Timer.cancelSet(version.id, 'The version is approved');
  await policy.follow({ approvalStatus: 'approved', approvedBy: approverId, approvedAt: step.at });
  tellPeople(file, version.authors, 'compliance_policy_approved', step.commandId);
}

async function reject(file: PolicyFile, step: Step, by: string | null): Promise<void> {
  const { version, policy } = file;
  refuseIllegal(version, 'reject');
  decide(version, step, approverOf(version, by), 'rejected');
  await version.move('reject', step, { isEscalated: false });
  await Timer.cancelSet(version.id, 'The version was rejected');
  await policy.follow({ approvalStatus: 'rejected' });
  tellPeople(file, version.authors, 'compliance_policy_rejected', step.commandId, {
    reason: step.reason ?? '',
  });
}

/** What is decided about is to be changed: no decision of the round counts any more. */
async function reopen(file: PolicyFile, step: Step, by: string | null): Promise<void> {
  const { version, policy } = file;
  await version.move('edit', step, {
    authors: withAuthor(version, by),
    approvedAt: null,
    publishAt: null,
    publishedBy: null,
    isEscalated: false,
  });
  await ApprovalStep.voidRound(version);
  await Timer.cancelSet(version.id, 'The version is edited');
  const inForce = await CompliancePolicyVersion.publishedOf(policy.id);
  const approval = await ApprovalStep.approvalOf(inForce);
  await policy.follow({ approvalStatus: 'pending', ...approval });
}

async function discard(file: PolicyFile, step: Step, withPolicy: boolean): Promise<void> {
  const { version, policy } = file;
  await giveUp(policy, version, step);
  if (!withPolicy) return;
  await policy.update({ archivedAt: step.at });
  AuditLog.record(
    'ARCHIVE',
    { type: CompliancePolicy.entityType, id: policy.id },
    { before: { archivedAt: null }, after: { archivedAt: step.at } },
  );
}

/** Whom a deadline concerns, and what happens by itself. */
async function afterTimer(file: PolicyFile, step: Step, name: PolicyTimerName): Promise<void> {
  const { version, policy } = file;
  const { commandId } = step;
  await addPolicyClocks(version, clocksAfterPolicyTimer(name, { ...file, at: step.at.getTime() }));
  const submittedOn = policyDay(file, version.submittedAt ?? null);
  const kind = kindOfPolicyTimer(name);
  switch (kind) {
    case 'approval_reminder': {
      const awaited = await awaitedApprovers(version, { withDelegates: true });
      return tellPeople(file, awaited, 'compliance_policy_reminder', commandId, { submittedOn });
    }
    case 'approval_escalation':
      await version.update({ isEscalated: true });
      return tellRole(file, 'compliance_manager', 'compliance_policy_overdue', commandId, {
        submittedOn,
      });
    case 'approval_admin':
      return tellRole(file, 'tenant_admin', 'compliance_policy_overdue', commandId, {
        submittedOn,
      });
    case 'publish':
      return publish(file, step, null);
    case 'review_due':
      await policy.follow({ reviewOverdue: true });
      return tellOfReview(file, commandId);
    case 'review_reminder':
      return tellOfReview(file, commandId);
    default:
      return kind satisfies never;
  }
}

const tellOfReview = (file: PolicyFile, key: string): Promise<void> =>
  tellOwner(file, 'compliance_policy_review_due', key, { reviewDate: file.policy.reviewDate });

function decide(
  { id, round }: CompliancePolicyVersion,
  step: Step,
  approverId: string,
  state: 'approved' | 'rejected',
): void {
  append(ApprovalStep, {
    versionId: id,
    round,
    approverId,
    state,
    reason: step.reason ?? null,
    decidedAt: step.at,
  });
}
