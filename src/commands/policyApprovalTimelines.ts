import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Conflict, invalidField, NotFound } from '../errors.ts';
import { CompliancePolicyVersion, illegalVersionEvent } from '../models/CompliancePolicyVersion.ts';
import type { PolicyVersionWish } from '../models/policyApprovalStart.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import {
  allowedVersionEvents,
  nextVersionStatus,
  versionPartiesOf,
  type PolicyVersionStatus,
} from '../rules/policyApproval.ts';
import {
  isMovablePolicyTimer,
  isPolicyTimer,
  kindOfPolicyTimer,
  maxPolicyTimerMoveMs,
  type PolicyTimerKind,
  type PolicyTimerName,
} from '../rules/policyClocks.ts';
import { policyApprovalWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/policyApproval.ts';
import type { Temporal } from './temporal.ts';
import {
  createTimelines,
  createTimerChange,
  type PlannedChange,
  type Story,
  type TimerChange,
} from './timelines.ts';
import { typedText } from './typedText.ts';
import type { WorkflowCommands } from './workflows.ts';

const eventTitles: Readonly<Record<string, string>> = {
  create: 'Drafted',
  configure: 'Published with a configuration',
  submit: 'Submitted for approval',
  note_approval: 'Approved by one of several',
  approve: 'Approved',
  reject: 'Rejected',
  edit: 'Edited, a draft again',
  schedule_publish: 'Publication planned',
  publish: 'Published',
  unpublish: 'Taken back',
  retire: 'Retired',
  plan_review: 'Review planned',
  supersede: 'Superseded by a newer version',
  restore: 'In force again',
  discard: 'Discarded',
  move_timer: 'Deadline moved',
  pause: 'Paused by an operator',
  resume: 'Resumed by an operator',
};

const timerTitles: Readonly<Record<PolicyTimerKind, string>> = {
  approval_reminder: 'Those who decide are reminded',
  approval_escalation: 'Approval is overdue: compliance managers',
  approval_admin: 'Approval is overdue: administrators',
  publish: 'Publication',
  review_reminder: 'The owner is reminded of the review',
  review_due: 'Review is due',
};

const consequences: Readonly<Record<PolicyTimerKind, string>> = {
  approval_reminder: 'Whoever has not decided is told, with their delegates',
  approval_escalation: 'Compliance managers are told, and administrators one escalation later',
  approval_admin: 'Administrators are told, and every week until it is decided',
  publish: 'It is in force, and the version before it is superseded',
  review_reminder: 'Its owner is told; without one compliance managers are',
  review_due: 'The policy counts as overdue for review, and its owner is told',
};

export const policyTimerTitle = (name: PolicyTimerName): string =>
  timerTitles[kindOfPolicyTimer(name)];

export const policyTimerConsequence = (name: PolicyTimerName): string =>
  consequences[kindOfPolicyTimer(name)];

/** A version, and whether its clocks stand still. */
interface Watched extends InferAttributes<CompliancePolicyVersion> {
  readonly isPaused: boolean;
}

const story: Story<Watched> = {
  noun: 'version',
  workflowId: policyApprovalWorkflowId,
  find: async (_, id) => watchedVersion(id),
  eventTitles,
  isNotice: (name) => name !== 'publish',
  titleOf: (name) => (isPolicyTimer(name) ? policyTimerTitle(name) : name),
  consequenceOf: (name) => (isPolicyTimer(name) ? policyTimerConsequence(name) : ''),
  movesOf: ({ status, isPaused }) =>
    allowedVersionEvents(status)
      .filter((event) => event !== (isPaused ? 'pause' : 'resume'))
      .map((event) => ({
        event,
        who: versionPartiesOf(status, event)
          .map((party) => party.replaceAll('_', ' '))
          .join(', '),
      })),
  waitsForPerson: (version) => {
    const who = whoActs(version);
    if (!version.isPaused) return who;
    return `${who ? `${who}, or ` : ''}an operator who lets its clocks go on`;
  },
  withoutDate: 'nobody has to do anything',
};

/** Of the versions of compliance policies; they show no names. */
export const createPolicyApprovalTimelines = ({
  temporal,
  workflows,
}: {
  readonly temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>;
  readonly workflows: WorkflowCommands;
}) => ({
  ...createTimelines(temporal, story),

  changeTimer: createTimerChange({
    workflows,
    update: transition,
    workflowIdOf: policyApprovalWorkflowId,
    plan: planMove,
  }),
});

export type PolicyApprovalTimelines = ReturnType<typeof createPolicyApprovalTimelines>;

const watchedVersion = async (id: string): Promise<Watched> => {
  const version = await getRow(CompliancePolicyVersion, id, { archived: true });
  const isPaused = (await Timer.setFor(id)).some(({ status }) => status === 'paused');
  return { ...version.get(), isPaused };
};

/** Whom a version waits for in a status. */
function whoActs({
  status,
  quorum,
  publishAt,
}: Pick<CompliancePolicyVersion, 'status' | 'quorum' | 'publishAt'>): string | undefined {
  switch (status) {
    case 'draft':
      return 'somebody who submits it';
    case 'pending_approval':
      return quorum > 1
        ? `approvals by ${quorum} people who did not write it`
        : 'an approval by somebody who did not write it';
    case 'approved':
      return publishAt ? undefined : 'somebody who publishes it';
    case 'published':
    case 'superseded':
    case 'retired':
      return undefined;
    default:
      return status satisfies never;
  }
}

async function planMove(
  id: string,
  name: string,
  { dueAt, extendByMs = 0, reason, dryRun }: TimerChange,
  actor: Actor,
): Promise<PlannedChange<PolicyVersionWish>> {
  const version = await getRow(CompliancePolicyVersion, id);
  const timer = (await Timer.scheduledFor(id)).find((each) => each.name === name);
  if (!timer || !isPolicyTimer(name)) {
    throw new NotFound(`The version ${id} has no running timer ${name}`);
  }
  if (!isMovablePolicyTimer(name)) {
    throw new Conflict(
      'TIMER_NOT_MOVABLE',
      `The timer ${name} follows the policy's review_date; change that instead`,
    );
  }
  const status: PolicyVersionStatus = version.status;
  if (!nextVersionStatus(status, 'move_timer')) throw illegalVersionEvent(version, 'move_timer');
  const now = Date.now();
  const wanted = dueAt?.getTime() ?? timer.dueAt.getTime() + extendByMs;
  if (wanted < now || wanted > now + maxPolicyTimerMoveMs) {
    throw invalidField(
      'due_at',
      `A deadline of a version may be moved from now to ${maxPolicyTimerMoveMs / 86_400_000} days ahead`,
      'DEADLINE_OUT_OF_RANGE',
    );
  }
  return {
    wish: {
      event: 'move_timer',
      by: actor.userId,
      reason: typedText('reason', reason),
      name,
      dueAt: wanted,
    },
    shown: { dryRun, scheduled: [{ name, dueAt: new Date(wanted) }], cancelled: [] },
  };
}
