import { ApprovalStep } from '../models/ApprovalStep.ts';
import {
  CompliancePolicyVersion,
  refuseIllegal,
  refuseLateUnpublish,
  type PolicyVersionChanges,
} from '../models/CompliancePolicyVersion.ts';
import type { Step } from '../models/moveRow.ts';
import { flush } from '../models/database.ts';
import { askAnew } from '../models/keeperStart.ts';
import { Notification } from '../models/Notification.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import { policyApprovalStart, policyApprovalStateOf } from '../models/policyApprovalStart.ts';
import { PolicyConfiguration } from '../models/PolicyConfiguration.ts';
import { addPolicyClocks, type PolicyFile } from '../models/policyFile.ts';
import {
  giveUp,
  noteComplianceUpdate,
  putInForce,
  stepOf,
  supersede,
} from '../models/policyInForce.ts';
import { getRow } from '../models/rows.ts';
import { Timer, type TimerName } from '../models/Timer.ts';
import { compareDates, dateAt, type CalendarDate } from '../rules/calendar.ts';
import { isPolicyTimer, isReviewTimer, reviewClocks } from '../rules/policyClocks.ts';

/** The version before it steps back in the same transaction, so that always one is in force. */
export async function publish(file: PolicyFile, step: Step, by: string | null): Promise<void> {
  const { version } = file;
  refuseIllegal(version, 'publish');
  const before = await CompliancePolicyVersion.publishedOf(version.policyId);
  if (before) await supersede(before, step);
  await version.move('publish', step, {
    ...forEverybody(version, before),
    publishAt: null,
    publishedAt: step.at,
    publishedBy: by ?? version.publishedBy ?? null,
  });
  await Timer.cancelSet(version.id, 'The version is published');
  await putInForce(file, step);
}

/** Where none is in force nobody has read it, whatever its draft said. */
function forEverybody(
  { requiresReack }: CompliancePolicyVersion,
  before: CompliancePolicyVersion | null,
): PolicyVersionChanges {
  return before || requiresReack ? {} : { requiresReack: true };
}

/**
 * Within a day; the version before it is in force again, and its workflow begins anew. What was drafted after
 * it is given up, since it would be beside it; its run hears of it from this one.
 */
export async function unpublish(file: PolicyFile, step: Step): Promise<void> {
  const { version, policy } = file;
  refuseIllegal(version, 'unpublish');
  refuseLateUnpublish(version, step.at);
  await PolicyConfiguration.refuseConfigured(version);
  const beforeId = await CompliancePolicyVersion.supersededBy(version.id);
  const next = await CompliancePolicyVersion.openOf(version.policyId);
  if (next) await giveUp(policy, next, stepOf(next, 'discard', step.at));
  await version.move(
    'unpublish',
    { ...step, ...(next && { facts: { set_aside: next.id } }) },
    { publishedAt: null, publishedBy: null },
  );
  await Timer.cancelSet(version.id, 'The version is taken back');
  const before = beforeId ? await getRow(CompliancePolicyVersion, beforeId) : null;
  if (before) {
    await before.move('restore', stepOf(before, 'restore', step.at), {
      endedAt: null,
      workflowClosedAt: null,
    });
  }
  await policy.follow({
    policyVersion: before?.number ?? 0,
    reackVersion: before ? await CompliancePolicyVersion.reackVersionAt(before) : 0,
    ...(before && (await ApprovalStep.approvalOf(before))),
  });
  await noteComplianceUpdate(policy, step.at);
  await askAnew([policy.id]);
  if (!before) return;
  const facts = { ...file, at: step.at.getTime() };
  if (policy.reviewDate) await addPolicyClocks(before, reviewClocks(policy.reviewDate, facts));
  await flush();
  const state = await policyApprovalStateOf(before);
  const start = policyApprovalStart(before, state, await Notification.unsentAbout(before.id));
  OutboxEntry.promise({ ...start, isRestart: true });
}

/** Nothing takes its place. */
export async function retire({ version, policy }: PolicyFile, step: Step): Promise<void> {
  await version.move('retire', step, { endedAt: step.at, workflowClosedAt: step.at });
  await policy.follow({ policyVersion: 0, reackVersion: 0, reviewOverdue: false });
  await noteComplianceUpdate(policy, step.at);
  await askAnew([policy.id]);
}

/** The reminders follow the date. */
export async function planReview(
  file: PolicyFile,
  step: Step,
  reviewDate: CalendarDate,
): Promise<void> {
  const { version, policy, calendar } = file;
  const at = step.at.getTime();
  await version.move('plan_review', { ...step, facts: { review_date: reviewDate } });
  const isAhead = compareDates(reviewDate, dateAt(at, calendar.timeZone)) > 0;
  await policy.follow({ reviewDate, reviewOverdue: policy.reviewOverdue && !isAhead });
  const running = (await Timer.scheduledFor(version.id)).map(({ name }) => name);
  const names = running.filter((name): name is TimerName => isReview(name));
  await Timer.cancelSet(version.id, 'The review has another date', names);
  await addPolicyClocks(version, reviewClocks(reviewDate, { ...file, at }), 'command');
}

const isReview = (name: TimerName): boolean => isPolicyTimer(name) && isReviewTimer(name);
