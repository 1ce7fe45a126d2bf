import { Conflict, NotFound } from '../errors.ts';
import { expiryMoveOf, contractOf } from '../models/contract.ts';
import { deadlineMoveOf, type MoveBillingDeadline } from '../models/deadlineMove.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { isMovableDeadline } from '../rules/billing.ts';
import { allows } from '../rules/permissions.ts';
import { allowedTransitions } from '../rules/subscriptions.ts';
import { isBillingTimer } from '../rules/termTimers.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';
import { changeExpiry, moveDeadline } from '../workflows/subscriptionLifecycle.ts';
import { refuseUnless } from './subscriptionCommands.ts';
import { visible } from './subscriptionViews.ts';
import {
  consequenceOf,
  eventTitles,
  isNotice,
  titleOf,
  waitsFor,
  whoMay,
} from './subscriptionWords.ts';
import type { Temporal } from './temporal.ts';
import {
  createTimelines,
  createTimerChange,
  type PlannedChange,
  type Story,
  type TimerChange,
} from './timelines.ts';
import type { WorkflowCommands } from './workflows.ts';

const story: Story<PolicySubscription> = {
  noun: 'subscription',
  workflowId: subscriptionWorkflowId,
  /** Operators watch every run of the company; others see what they may see of subscriptions. */
  find: (actor, id) =>
    allows(actor, 'workflow:read') ? getRow(PolicySubscription, id) : visible(actor, id),
  eventTitles,
  isNotice,
  titleOf,
  consequenceOf,
  movesOf: ({ status }) =>
    allowedTransitions(status).map((event) => ({ event, who: whoMay[event] ?? 'staff' })),
  waitsForPerson: ({ status }) => waitsFor[status],
};

export const createSubscriptionTimelines = ({
  temporal,
  workflows,
}: {
  readonly temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>;
  readonly workflows: WorkflowCommands;
}) => ({
  ...createTimelines(temporal, story),

  changeTimer: byTimer({
    ofTerm: createTimerChange({
      workflows,
      update: changeExpiry,
      workflowIdOf: subscriptionWorkflowId,
      plan: planChange,
    }),
    ofPremium: createTimerChange({
      workflows,
      update: moveDeadline,
      workflowIdOf: subscriptionWorkflowId,
      plan: planMove,
    }),
  }),
});

type ChangeTimer = ReturnType<typeof createTimerChange>;

/** The expiry takes its term along; a premium's deadline moves alone. */
const byTimer =
  (change: { readonly ofTerm: ChangeTimer; readonly ofPremium: ChangeTimer }): ChangeTimer =>
  (actor, id, name, ...rest) =>
    (isBillingTimer(name) ? change.ofPremium : change.ofTerm)(actor, id, name, ...rest);

export type SubscriptionTimelines = ReturnType<typeof createSubscriptionTimelines>;

async function planChange(
  id: string,
  name: string,
  { dueAt, extendByMs = 0, reason, dryRun }: TimerChange,
): Promise<PlannedChange<{ expiresAt: number; reason: string }>> {
  const subscription = await getRow(PolicySubscription, id);
  if (name === 'expiry') refuseUnless(subscription, 'change_expiry');
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
    wish: { expiresAt, reason },
    shown: {
      dryRun,
      scheduled: scheduled.map((each) => ({ name: each.name, dueAt: new Date(each.dueAt) })),
      cancelled,
    },
  };
}

async function planMove(
  id: string,
  name: string,
  { dueAt, extendByMs = 0, reason, dryRun }: TimerChange,
): Promise<PlannedChange<MoveBillingDeadline>> {
  const subscription = await getRow(PolicySubscription, id);
  const timer = (await Timer.scheduledFor(id)).find((each) => each.name === name);
  if (!timer) throw new NotFound(`The subscription ${id} has no running timer ${name}`);
  if (!isMovableDeadline(name)) {
    throw new Conflict(
      'TIMER_NOT_MOVABLE',
      `The timer ${name} follows the missed payment: move the timer grace_end instead`,
    );
  }
  const wanted = dueAt?.getTime() ?? timer.dueAt.getTime() + extendByMs;
  const contract = await contractOf(subscription);
  const { cancelled } = await deadlineMoveOf(contract, { name, dueAt: wanted, at: Date.now() });
  return {
    wish: { name, dueAt: wanted, reason },
    shown: {
      dryRun,
      scheduled: [{ name, dueAt: new Date(wanted) }],
      cancelled: cancelled.map((each) => each.name),
    },
  };
}
