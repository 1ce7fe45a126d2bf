import type { Actor } from '../context.ts';
import { Conflict, NotFound } from '../errors.ts';
import { expiryMoveOf, contractOf } from '../models/contract.ts';
import { withTenant } from '../models/database.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';
import type { TimerName } from '../rules/termTimers.ts';
import { may } from '../rules/permissions.ts';
import { allowedTransitions, type SubscriptionStatus } from '../rules/subscriptions.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';
import { changeExpiry } from '../workflows/subscriptionLifecycle.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import { visible } from './subscriptionViews.ts';
import type { FailingStep, Temporal } from './temporal.ts';
import { consequenceOf, eventTitles, isNotice, titleOf, whoMay } from './timelineWords.ts';
import type { WorkflowCommands } from './workflows.ts';

/** What happened, in business words. */
export interface PastEvent {
  readonly at: Date;
  readonly kind: 'event' | 'timer';
  readonly name: string;
  readonly title: string;
  readonly actorType: string;
  readonly reason: string | null;
}

/** What will happen by itself. */
export interface FutureTimer {
  readonly name: TimerName;
  readonly title: string;
  readonly dueAt: Date;
  readonly originalDueAt: Date;
  readonly remainingSeconds: number;
  readonly source: string;
}

export interface Timeline {
  readonly workflowId: string;
  /** Where operators see the run. */
  readonly workflowUrl: string;
  readonly status: SubscriptionStatus;
  readonly past: readonly PastEvent[];
  readonly future: readonly FutureTimer[];
}

/** Why it waits, on whom, since when, what would move it, and what happens next. */
export interface Explanation {
  readonly workflowId: string;
  /** Where operators see the run. */
  readonly workflowUrl: string;
  readonly status: SubscriptionStatus;
  readonly summary: string;
  readonly waitsFor: 'nothing' | 'time' | 'repair';
  readonly since: Date;
  readonly moves: readonly { readonly event: string; readonly who: string }[];
  readonly next: FutureTimer | null;
  readonly consequence: string | null;
  readonly failingStep: Pick<FailingStep, 'name' | 'attempt' | 'error'> | null;
}

export interface TimerChange {
  readonly dueAt?: Date | undefined;
  /** Milliseconds, may be negative. */
  readonly extendByMs?: number | undefined;
  readonly reason: string;
  readonly dryRun: boolean;
}

/** What a moved timer does to the others. */
export interface TimerChanged {
  readonly dryRun: boolean;
  readonly scheduled: readonly { readonly name: TimerName; readonly dueAt: Date }[];
  readonly cancelled: readonly TimerName[];
}

export const createTimelines = ({
  temporal,
  workflows,
}: {
  readonly temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>;
  readonly workflows: WorkflowCommands;
}) => ({
  timeline: (actor: Actor, id: string): Promise<Timeline> =>
    withTenant(actor.companyId, async () => {
      const subscription = await observed(actor, id);
      const transitions = await Transition.findAll({
        where: { entityId: id },
        order: [['stateVersion', 'ASC']],
      });
      const timers = await Timer.findAll({
        where: { entityId: id, status: ['fired', 'scheduled'] },
        order: [['dueAt', 'ASC']],
      });
      const events = transitions.map((transition): PastEvent => ({
        at: transition.at,
        kind: 'event',
        name: transition.event,
        title: eventTitles[transition.event] ?? transition.event,
        actorType: transition.actorType,
        reason: transition.reason,
      }));
      const fired = timers.flatMap(({ firedAt, name }): PastEvent[] =>
        firedAt && isNotice(name)
          ? [
              {
                at: firedAt,
                kind: 'timer',
                name,
                title: titleOf(name),
                actorType: 'workflow',
                reason: null,
              },
            ]
          : [],
      );
      const workflowId = subscriptionWorkflowId(actor.companyId, id);
      return {
        workflowId,
        workflowUrl: temporal.uiUrl(workflowId),
        status: subscription.status,
        past: [...events, ...fired].toSorted((a, b) => a.at.getTime() - b.at.getTime()),
        future: timers.filter(({ status }) => status === 'scheduled').map(asFuture),
      };
    }),

  async explain(actor: Actor, id: string): Promise<Explanation> {
    const workflowId = subscriptionWorkflowId(actor.companyId, id);
    const { subscription, latest, timers } = await withTenant(actor.companyId, async () => ({
      subscription: await observed(actor, id),
      latest: await Transition.findOne({
        where: { entityId: id },
        order: [['stateVersion', 'DESC']],
      }),
      timers: await Timer.scheduledFor(id),
    }));
    const isClosed = subscription.workflowClosedAt !== null;
    const failingStep = isClosed ? undefined : await temporal.failingStep(workflowId);
    const [timer] = timers;
    const next = timer && !isClosed ? asFuture(timer) : null;
    return {
      workflowId,
      workflowUrl: temporal.uiUrl(workflowId),
      status: subscription.status,
      ...(failingStep ? repairOf(failingStep, subscription) : standingOf(subscription, next)),
      since: latest?.at ?? subscription.createdAt,
      next,
      consequence: next && consequenceOf(next.name, subscription),
      failingStep: failingStep
        ? { name: failingStep.name, attempt: failingStep.attempt, error: failingStep.error }
        : null,
    };
  },

  /** Moves a running timer; `dryRun` shows what would follow and changes nothing. */
  changeTimer: (
    actor: Actor,
    id: string,
    name: string,
    change: TimerChange,
    once: Once,
  ): Promise<TimerChanged | Replay> =>
    change.dryRun
      ? withTenant(actor.companyId, async () => (await planChange(id, name, change)).plan)
      : commandOnce(once, async (commandId) => {
          let changed: TimerChanged | undefined;
          await workflows.command(changeExpiry, {
            actor,
            entityId: id,
            workflowId: subscriptionWorkflowId(actor.companyId, id),
            commandId,
            prepare: async () => {
              const { plan, expiresAt } = await planChange(id, name, change);
              changed = plan;
              return { expiresAt, reason: change.reason };
            },
          });
          return changed ?? withTenant(actor.companyId, () => runningTimers(id));
        }),
});

export type Timelines = ReturnType<typeof createTimelines>;

type Standing = Pick<Explanation, 'summary' | 'waitsFor' | 'moves'>;

/** What stands in the way comes before what would be next. */
function repairOf({ name, movedBy }: FailingStep, { status }: PolicySubscription): Standing {
  switch (movedBy) {
    case 'retry':
      return {
        summary: `The step ${name} keeps failing and is tried again`,
        waitsFor: 'repair',
        moves: movesOf(status),
      };
    case 'retryStep':
      return {
        summary: `The step ${name} failed for good; an operator must remove the cause and send retryStep to the workflow. Until then every other command is refused`,
        waitsFor: 'repair',
        moves: [{ event: 'retryStep', who: 'an operator, where operators see the run' }],
      };
    case 'release':
      return {
        summary: 'The code of the workflow fails; it goes on with a release that mends it',
        waitsFor: 'repair',
        moves: [{ event: 'release', who: 'whoever releases the worker' }],
      };
    default:
      return movedBy satisfies never;
  }
}

/** A date that has come is no reason to wait. */
function standingOf(
  { status, workflowClosedAt }: PolicySubscription,
  next: FutureTimer | null,
): Standing {
  if (workflowClosedAt) {
    const summary = `The subscription is ${status}; nothing more will happen`;
    return { summary, waitsFor: 'nothing', moves: [] };
  }
  const moves = movesOf(status);
  if (next && next.dueAt.getTime() <= Date.now()) {
    const summary = `The subscription is ${status}; "${next.title}" is due and being carried out`;
    return { summary, waitsFor: 'nothing', moves };
  }
  const summary = `The subscription is ${status} and waits for its next date`;
  return { summary, waitsFor: 'time', moves };
}

const movesOf = (status: SubscriptionStatus): Explanation['moves'] =>
  allowedTransitions(status).map((event) => ({ event, who: whoMay[event] ?? 'staff' }));

/** Operators watch every run of the company; others see what they may see of subscriptions. */
const observed = (actor: Actor, id: string): Promise<PolicySubscription> =>
  may(actor.roles, 'workflow:read') ? getRow(PolicySubscription, id) : visible(actor, id);

/** What a change that took effect earlier left behind. */
const runningTimers = async (id: string): Promise<TimerChanged> => ({
  dryRun: false,
  scheduled: (await Timer.scheduledFor(id)).map(({ name, dueAt }) => ({ name, dueAt })),
  cancelled: [],
});

async function planChange(
  id: string,
  name: string,
  { dueAt, extendByMs = 0, dryRun }: TimerChange,
): Promise<{ plan: TimerChanged; expiresAt: number }> {
  const subscription = await getRow(PolicySubscription, id);
  const timers = await Timer.scheduledFor(id);
  const timer = timers.find((each) => each.name === name);
  if (!timer) throw new NotFound(`The subscription ${id} has no running timer ${name}`);
  if (timer.name !== 'expiry') {
    throw new Conflict(
      'TIMER_NOT_MOVABLE',
      `The timer ${name} follows the expiry: move the timer expiry instead`,
    );
  }
  const expiresAt = dueAt?.getTime() ?? timer.dueAt.getTime() + extendByMs;
  const { scheduled, cancelled } = await expiryMoveOf(
    await contractOf(subscription),
    expiresAt,
    Date.now(),
  );
  return {
    expiresAt,
    plan: {
      dryRun,
      scheduled: scheduled.map((each) => ({ name: each.name, dueAt: new Date(each.dueAt) })),
      cancelled,
    },
  };
}

const asFuture = ({ name, dueAt, originalDueAt, source }: Timer): FutureTimer => ({
  name,
  title: titleOf(name),
  dueAt,
  originalDueAt,
  remainingSeconds: Math.max(0, Math.round((dueAt.getTime() - Date.now()) / 1000)),
  source,
});
