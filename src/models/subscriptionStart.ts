import type { TimerName } from '../rules/termTimers.ts';
import type { SubscriptionStatus } from '../rules/subscriptions.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';
import type { WorkflowStart } from './OutboxEntry.ts';
import type { PolicySubscription } from './PolicySubscription.ts';
import { PremiumInvoice } from './PremiumInvoice.ts';
import { isTermTimer, timersAhead, type TimerAhead } from './Timer.ts';

/** A deadline of the term. */
export type DueTimer = TimerAhead<TimerName>;

/** The subscription as its row has it; every step of the workflow returns the row's new state. */
export interface SubscriptionState {
  readonly status: SubscriptionStatus;
  readonly stateVersion: number;
  readonly termNo: number;
  readonly expiresAt: number;
  /** Soonest first. */
  readonly timers: readonly DueTimer[];
  /** Premium payments under way; left out where there is none. */
  readonly payments?: readonly string[];
  /** Nothing can happen any more. */
  readonly isClosed: boolean;
}

/** What a command answers: numbers only, the caller reads the row for the rest. */
export type SubscriptionResult = Pick<SubscriptionState, 'status' | 'stateVersion' | 'termNo'>;

export interface SubscriptionLifecycleInput {
  readonly v: 1;
  readonly companyId: string;
  readonly subscriptionId: string;
  /** For people; runs of older code have none. */
  readonly planName?: string;
  readonly state: SubscriptionState;
  /** E-mails that wait to be delivered. */
  readonly notificationIds: readonly string[];
  /** Answers of earlier runs, so that a repeated command gets the same one. */
  readonly answered: readonly { readonly id: string; readonly result: SubscriptionResult }[];
}

/**
 * @param timers those ahead; read from the rows when they are left out
 * @param payments premium payments under way; read when they are left out
 */
export async function stateOf(
  subscription: PolicySubscription,
  timers?: readonly DueTimer[],
  payments?: readonly string[],
): Promise<SubscriptionState> {
  const underWay = payments ?? (await PremiumInvoice.paymentsOf(subscription.id));
  return {
    status: subscription.status,
    stateVersion: subscription.stateVersion,
    termNo: subscription.termNo,
    expiresAt: subscription.expiresAt.getTime(),
    timers: await timersAhead(subscription.id, isTermTimer, timers),
    ...(underWay.length > 0 && { payments: underWay }),
    isClosed: Boolean(subscription.workflowClosedAt),
  };
}

/** How the workflow of a subscription begins, at its purchase or when it has to be restored. */
export function subscriptionStart(
  { id, companyId, endDate, priceSnapshot }: PolicySubscription,
  state: SubscriptionState,
  notificationIds: readonly string[],
): Omit<WorkflowStart, 'id' | 'context'> {
  const input: SubscriptionLifecycleInput = {
    v: 1,
    companyId,
    subscriptionId: id,
    planName: priceSnapshot.planName,
    state,
    notificationIds,
    answered: [],
  };
  const [next] = state.timers;
  return {
    companyId,
    entityType: 'subscription',
    entityId: id,
    workflowType: 'subscriptionLifecycle',
    workflowId: subscriptionWorkflowId(companyId, id),
    input,
    summary: `${priceSnapshot.planName}, term ${state.termNo}, until ${endDate}`,
    attributes: {
      CompanyId: companyId,
      EntityType: 'subscription',
      EntityId: id,
      EntityStatus: state.status,
      StateVersion: state.stateVersion,
      ExpiresAt: state.expiresAt,
      ...(next && { DueAt: next.dueAt }),
    },
  };
}
