import { currentContext } from '../context.ts';
import { contractOf, type Contract } from '../models/contract.ts';
import type { Step } from '../models/moveRow.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { stateOf, type SubscriptionState } from '../models/subscriptionStart.ts';
import { oneStep, type Outcome } from './oneStep.ts';

export interface SubscriptionRef {
  readonly companyId: string;
  readonly subscriptionId: string;
}

/** A step as the workflow orders it; `at` (epoch milliseconds) is the workflow's clock. */
export interface SubscriptionOrder extends SubscriptionRef {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: number;
}

export type SubscriptionStep = Outcome<SubscriptionState>;

/** The contract is read once the row is locked. */
export const inOneStep = (
  order: SubscriptionOrder & { readonly reason?: string | null },
  act: (contract: Contract, step: Step) => Promise<void>,
): Promise<SubscriptionStep> =>
  oneStep(
    { ...order, model: PolicySubscription, id: order.subscriptionId, stateOf },
    async (subscription, step) => act(await contractOf(subscription), step),
  );

/** What its timers belong to. */
export const aboutSubscription = (
  subscription: PolicySubscription,
): { workflowId: string; entityType: string; entityId: string } => ({
  workflowId: currentContext().workflowId ?? '',
  entityType: 'subscription',
  entityId: subscription.id,
});
