import type { Actor } from '../context.ts';
import { Conflict, NotFound } from '../errors.ts';
import { expiryMoveOf, contractOf } from '../models/contract.ts';
import { withTenant } from '../models/database.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { allows } from '../rules/permissions.ts';
import { allowedTransitions } from '../rules/subscriptions.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';
import { changeExpiry } from '../workflows/subscriptionLifecycle.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import { visible } from './subscriptionViews.ts';
import { consequenceOf, eventTitles, isNotice, titleOf, whoMay } from './subscriptionWords.ts';
import type { Temporal } from './temporal.ts';
import { createTimelines, type Story, type TimerChange, type TimerChanged } from './timelines.ts';
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
  waitsForPerson: () => undefined,
};

export const createSubscriptionTimelines = ({
  temporal,
  workflows,
}: {
  readonly temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>;
  readonly workflows: WorkflowCommands;
}) => ({
  ...createTimelines(temporal, story),

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

export type SubscriptionTimelines = ReturnType<typeof createSubscriptionTimelines>;

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
