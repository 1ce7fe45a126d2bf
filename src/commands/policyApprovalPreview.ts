import type { Actor } from '../context.ts';
import { Conflict, invalidField, NotFound } from '../errors.ts';
import { CompliancePolicyVersion } from '../models/CompliancePolicyVersion.ts';
import { withTenant } from '../models/database.ts';
import { policyFileOf, type PolicyFile } from '../models/policyFile.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { complianceBounds } from '../rules/complianceSettings.ts';
import type { PolicyVersionStatus } from '../rules/policyApproval.ts';
import {
  isMovablePolicyTimer,
  isPolicyTimer,
  isReviewTimer,
  kindOfPolicyTimer,
  reviewClocks,
  type DuePolicyTimer,
  type PolicyTimerName,
} from '../rules/policyClocks.ts';
import {
  forecastPolicyClocks,
  policyClocksIn,
  policyClocksUnder,
  type PolicyForecast,
  type RunningPolicyTimer,
} from '../rules/policyForecast.ts';
import { policyApprovalWorkflowId } from '../rules/workflowIds.ts';
import { policyTimerConsequence, policyTimerTitle } from './policyApprovalTimelines.ts';
import {
  dueOf,
  missingFrom,
  settingsUnder,
  type Preview,
  type PreviewedTimer,
} from './workflowPreviews.ts';
import { workflowClosed } from './workflows.ts';

export interface PolicyApprovalWhatIf {
  readonly id: string;
  /** It goes there now. */
  readonly status?: PolicyVersionStatus | undefined;
  /** Somebody has it published then. */
  readonly publishAt?: Date | undefined;
  /** Somebody plans its review for then. */
  readonly reviewDate?: CalendarDate | undefined;
  /** Some of `approvalBounds`, as if it had been submitted and published under them. */
  readonly settings?: object | undefined;
  /** Deadlines that somebody moves. */
  readonly deadlines?: readonly { readonly name: string; readonly dueAt: Date }[] | undefined;
}

const { approvalReminderBd, approvalEscalateBd, reviewDays, reviewReminderDays } = complianceBounds;

/** What the clocks of a version go by. */
const approvalBounds = { approvalReminderBd, approvalEscalateBd, reviewDays, reviewReminderDays };

/** Alerts that come every week are shown so far ahead. */
const horizonMs = 92 * 86_400_000;

/** @throws NotFound; Conflict WORKFLOW_CLOSED, TIMER_NOT_MOVABLE; Invalid */
export const previewPolicyApproval = (
  actor: Actor,
  { id, ...wish }: PolicyApprovalWhatIf,
): Promise<Preview> =>
  withTenant(actor.companyId, async () => {
    const version = await getRow(CompliancePolicyVersion, id, { archived: true });
    if (version.workflowClosedAt) throw workflowClosed('policy-approval', id);
    const file = await policyFileOf(version);
    const facts = {
      settings: settingsUnder(
        file.settings,
        wish.settings ?? {},
        approvalBounds,
        'compliance_settings',
      ),
      calendar: file.calendar,
      reviewDate: wish.reviewDate ?? file.policy.reviewDate ?? null,
      at: Date.now(),
    };
    const timers = await Timer.setFor(id);
    const running = timers.filter((timer) => timer.status === 'scheduled').flatMap(asRunning);
    const paused = timers.filter((timer) => timer.status === 'paused');
    const status = wish.status ?? version.status;
    const arrived =
      status === version.status
        ? clocksOf(file, running, facts, wish.settings)
        : policyClocksIn(status, facts);
    const dated = withDates(arrived, status, facts, wish);
    const set = withDeadlines(dated, wish.deadlines ?? [], facts.at);
    return {
      workflowId: policyApprovalWorkflowId(actor.companyId, id),
      status,
      timers: forecastPolicyClocks(set, facts, facts.at + horizonMs).map(
        ({ name, dueAt, follows }) => ({
          name,
          title: policyTimerTitle(name),
          kind: kindOf(name),
          dueAt: new Date(dueAt),
          runsUntil: follows === null ? dueOf(running, name) : null,
          consequence: policyTimerConsequence(name),
          follows,
        }),
      ),
      // A step ends what stands still too.
      paused: status === version.status ? paused.map(({ name }) => name) : [],
      cancelled: missingFrom(set, running),
    };
  });

const asRunning = ({ name, dueAt, source }: Timer): RunningPolicyTimer[] =>
  isPolicyTimer(name) ? [{ name, dueAt: dueAt.getTime(), isMoved: source === 'command' }] : [];

/** Of a review whose days are others the day follows from its publication, whatever it was. */
function clocksOf(
  { version }: PolicyFile,
  running: readonly RunningPolicyTimer[],
  facts: PolicyForecast,
  wished: object | undefined,
): readonly DuePolicyTimer[] {
  if (!wished) return running;
  const since = {
    submittedAt: version.submittedAt?.getTime() ?? null,
    publishedAt: version.publishedAt?.getTime() ?? null,
  };
  const hasOtherDays = Object.hasOwn(wished, 'reviewDays');
  return policyClocksUnder(running, since, hasOtherDays ? { ...facts, reviewDate: null } : facts);
}

/** @throws Invalid */
function withDates(
  set: readonly DuePolicyTimer[],
  status: PolicyVersionStatus,
  facts: PolicyForecast,
  { publishAt, reviewDate }: Pick<PolicyApprovalWhatIf, 'publishAt' | 'reviewDate'>,
): readonly DuePolicyTimer[] {
  if (publishAt && status !== 'approved') {
    throw invalidField('publish_at', 'Only an approved version is published', 'INVALID_VALUE');
  }
  const published: readonly DuePolicyTimer[] = publishAt
    ? [
        ...set.filter(({ name }) => name !== 'publish'),
        { name: 'publish', dueAt: publishAt.getTime() },
      ]
    : set;
  return reviewDate && status === 'published'
    ? [...published.filter(({ name }) => !isReviewTimer(name)), ...reviewClocks(reviewDate, facts)]
    : published;
}

/** @throws NotFound; Conflict TIMER_NOT_MOVABLE; Invalid */
const withDeadlines = (
  set: readonly DuePolicyTimer[],
  deadlines: NonNullable<PolicyApprovalWhatIf['deadlines']>,
  now: number,
): readonly DuePolicyTimer[] =>
  deadlines.reduce((timers, { name, dueAt }) => {
    const timer = timers.find((each) => each.name === name);
    if (!timer) throw new NotFound(`There would be no running timer ${name}`);
    if (!isMovablePolicyTimer(timer.name)) {
      throw new Conflict('TIMER_NOT_MOVABLE', `The timer ${name} follows the review's day`);
    }
    if (dueAt.getTime() < now) {
      throw invalidField('deadlines', 'A deadline is moved to a time ahead', 'DEADLINE_PAST');
    }
    return timers.map((each) => (each === timer ? { ...each, dueAt: dueAt.getTime() } : each));
  }, set);

function kindOf(name: PolicyTimerName): PreviewedTimer['kind'] {
  const kind = kindOfPolicyTimer(name);
  switch (kind) {
    case 'approval_reminder':
    case 'review_reminder':
      return 'notice';
    case 'approval_escalation':
    case 'approval_admin':
      return 'escalation';
    case 'publish':
    case 'review_due':
      return 'deadline';
    default:
      return kind satisfies never;
  }
}
