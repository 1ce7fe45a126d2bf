import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Conflict, invalidField, NotFound } from '../errors.ts';
import { Calendar } from '../models/Calendar.ts';
import { Claim, illegalClaimEvent, standingOf } from '../models/Claim.ts';
import { asSetClaimTimers, missedDecision, rungsOf } from '../models/claimFile.ts';
import type { ClaimWish } from '../models/claimStart.ts';
import { fraudHoldOf } from '../models/fraud.ts';
import { Policy } from '../models/Policy.ts';
import { getRow, noSuch } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { User } from '../models/User.ts';
import {
  clocksAfterDeadlineMove,
  isClaimTimer,
  isMovableClaimTimer,
  maxClaimTimerMoveMs,
} from '../rules/claimClocks.ts';
import { allowedClaimEvents, isDecided, nextClaimStatus, partiesOf } from '../rules/claims.ts';
import { hasStage } from '../rules/claimSettings.ts';
import { allows } from '../rules/permissions.ts';
import { claimWorkflowId, paymentWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/claimProcessing.ts';
import { visibleClaim } from './claimViews.ts';
import {
  claimEventTitles,
  claimTimerConsequence,
  claimTimerTitle,
  whoActs,
  type ClaimStanding,
} from './claimWords.ts';
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

/** A claim, with what whoever has it is called; operators see no names. */
type ToldClaim = InferAttributes<Claim> & { readonly assignee: string | null };

const story: Story<ToldClaim & ClaimStanding> = {
  noun: 'claim',
  workflowId: claimWorkflowId,
  find: explainedClaim,
  eventTitles: claimEventTitles,
  isNotice: (name) => name !== 'auto_close',
  titleOf: (name) => (isClaimTimer(name) ? claimTimerTitle(name) : name),
  consequenceOf: (name) => (isClaimTimer(name) ? claimTimerConsequence(name) : ''),
  movesOf: (claim) =>
    allowedClaimEvents(standingOf(claim))
      .filter((event) => hasStage(claim.config, event))
      .map((event) => ({
        event,
        who: partiesOf(claim.status, event)
          .map((party) => party.replaceAll('_', ' '))
          .join(', '),
      })),
  waitsForPerson: whoActs,
  awaits: ({ companyId, status, paymentId }) =>
    status === 'payment_processing' && paymentId
      ? paymentWorkflowId(companyId, paymentId)
      : undefined,
};

export const createClaimTimelines = ({
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
    workflowIdOf: claimWorkflowId,
    plan: planMove,
  }),
});

export type ClaimTimelines = ReturnType<typeof createClaimTimelines>;

async function explainedClaim(actor: Actor, id: string): Promise<ToldClaim & ClaimStanding> {
  const claim = await watchedClaim(actor, id);
  const { status, paymentId } = claim;
  const [retry] =
    status === 'payment_processing' && paymentId ? await Timer.scheduledFor(paymentId) : [];
  const fraudHold = isDecided(status) ? undefined : await fraudHoldOf(id);
  return { ...claim, fraudHold, retryAt: retry?.dueAt };
}

/** Operators watch every run of the company; to whoever has a claim themselves it stays closed. */
export async function watchedClaim(actor: Actor, id: string): Promise<ToldClaim> {
  if (allows(actor, 'workflow:read') && !allows(actor, 'claim:read')) {
    return { ...(await claimFromOutside(actor, id)).get(), assignee: null };
  }
  const { claim, asker } = await visibleClaim(actor, id);
  if (asker.isClaimant) throw noSuch(Claim.entityType, id);
  const { assignedTo } = claim;
  const person = assignedTo ? await User.findOne({ where: { id: assignedTo } }) : null;
  return { ...claim, assignee: person && person.fullName() };
}

/** A claim by its row alone. @throws NotFound also for whoever has it themselves */
export async function claimFromOutside({ userId: askedBy }: Actor, id: string): Promise<Claim> {
  const claim = await getRow(Claim, id);
  const { userId } = await getRow(Policy, claim.policyId, { archived: true });
  if (userId !== null && userId === askedBy) throw noSuch(Claim.entityType, id);
  return claim;
}

async function planMove(
  id: string,
  name: string,
  { dueAt, extendByMs = 0, reason, dryRun, skips }: TimerChange,
  actor: Actor,
): Promise<PlannedChange<ClaimWish>> {
  const claim = await watchedClaim(actor, id);
  const scheduled = await Timer.scheduledFor(id);
  const running = scheduled.find((each) => each.name === name);
  const timer = running ?? (skips ? undefined : await missedDecision(claim, name));
  if (!timer || !isClaimTimer(name)) {
    throw new NotFound(`The claim ${id} has no running timer ${name}`);
  }
  if (!isMovableClaimTimer(name)) {
    throw new Conflict('TIMER_NOT_MOVABLE', `The timer ${name} follows another one`);
  }
  if (!nextClaimStatus(standingOf(claim), 'move_timer')) {
    throw illegalClaimEvent(claim, 'move_timer');
  }
  const now = Date.now();
  const wanted = dueAt?.getTime() ?? timer.dueAt.getTime() + extendByMs;
  if (wanted < now || wanted > now + maxClaimTimerMoveMs) {
    throw invalidField(
      'due_at',
      `A deadline of a claim may be moved from now to ${maxClaimTimerMoveMs / 86_400_000} days ahead`,
      'DEADLINE_OUT_OF_RANGE',
    );
  }
  const change = { from: timer.dueAt.getTime(), to: wanted };
  const moved = clocksAfterDeadlineMove(name, change, asSetClaimTimers(scheduled), {
    settings: claim.config,
    calendar: await Calendar.ofCompany(),
    at: now,
  });
  const overdue = running ? [] : rungsOf(name, scheduled).map((each) => each.name);
  const shown = {
    dryRun,
    scheduled: moved.due.map((each) => ({ name: each.name, dueAt: new Date(each.dueAt) })),
    cancelled: [...moved.cancelled, ...overdue],
  };
  return {
    wish: {
      event: 'move_timer',
      by: actor.userId,
      reason: typedText('reason', reason),
      name,
      dueAt: wanted,
    },
    shown,
  };
}
