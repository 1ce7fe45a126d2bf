import type { Actor } from '../context.ts';
import { select } from '../models/database.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { getRow, noSuch } from '../models/rows.ts';
import { may } from '../rules/permissions.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';

/** A subscription as it is shown, whether read from its row or just made. */
export interface SubscriptionView {
  readonly subscription: PolicySubscription;
  readonly policyNumber: string;
  readonly workflow: { readonly id: string; readonly state: 'starting' | 'running' | 'closed' };
}

/** Own ones, or all with the right to; another person's is a 404 like an unknown one. */
export async function visible(actor: Actor, id: string): Promise<PolicySubscription> {
  const subscription = await getRow(PolicySubscription, id);
  const isOwn = subscription.userId !== null && subscription.userId === actor.userId;
  if (!isOwn && !may(actor.roles, 'subscription:read_all')) throw noSuch('subscription', id);
  return subscription;
}

export const viewOf = async (subscription: PolicySubscription): Promise<SubscriptionView> => {
  const [view] = await viewsOf([subscription]);
  if (!view) throw noSuch('subscription', subscription.id);
  return view;
};

/** In the given order, with one query however many they are. */
export async function viewsOf(
  subscriptions: readonly PolicySubscription[],
): Promise<SubscriptionView[]> {
  if (subscriptions.length === 0) return [];
  const facts = await select<{ id: string; policyNumber: string; isStarting: boolean }>(
    `SELECT s.id, p.policy_number AS "policyNumber", EXISTS (
       SELECT 1 FROM core.outbox o
       WHERE o.company_id = s.company_id AND o.entity_id = s.id AND o.dispatched_at IS NULL
     ) AS "isStarting"
     FROM policy_subscriptions s
       JOIN policies p ON p.company_id = s.company_id AND p.id = s.policy_id
     WHERE s.id = ANY ($1::uuid[])`,
    [subscriptions.map(({ id }) => id)],
  );
  const factsOf = new Map(facts.map((each) => [each.id, each]));
  return subscriptions.map((subscription) => {
    const { policyNumber = '', isStarting = false } = factsOf.get(subscription.id) ?? {};
    const ongoing = isStarting ? 'starting' : 'running';
    return {
      subscription,
      policyNumber,
      workflow: {
        id: subscriptionWorkflowId(subscription.companyId, subscription.id),
        state: subscription.workflowClosedAt ? 'closed' : ongoing,
      },
    };
  });
}
