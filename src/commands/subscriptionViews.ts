import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import {
  columnsOf,
  newestFirst,
  selectFirst,
  selectFirstOfEach,
  selectPage,
  selectThose,
  viewsOfEach,
  type Condition,
  type ListOrder,
} from '../models/list.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { getRow, noSuch } from '../models/rows.ts';
import { allows } from '../rules/permissions.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';

/** A subscription as it is shown, whether read from its row or just made. */
export interface SubscriptionView {
  readonly subscription: InferAttributes<PolicySubscription>;
  readonly policyNumber: string;
  readonly workflow: { readonly id: string; readonly state: 'starting' | 'running' | 'closed' };
}

/** Own ones, or all with the right to; another person's is a 404 like an unknown one. */
export async function visible(actor: Actor, id: string): Promise<PolicySubscription> {
  const subscription = await getRow(PolicySubscription, id);
  if (!isVisible(actor, subscription)) throw noSuch('subscription', id);
  return subscription;
}

export async function viewOf(actor: Actor, id: string): Promise<SubscriptionView> {
  const [row] = await selectFirst<Row>(columns(), tables, [live, ['s.id = $', id]], {
    by: 's.id',
    id: 's.id',
    order: 'asc',
    size: 1,
  });
  if (!row || !isVisible(actor, row)) throw noSuch('subscription', id);
  return asView(row);
}

/** Those of `ids` that the actor may see. */
export async function viewsOf(
  actor: Actor,
  ids: readonly string[],
): Promise<ReadonlyMap<string, SubscriptionView>> {
  const rows = await selectThose<Row>(columns(), tables, ['s.id', ids], [live]);
  const seen = rows.filter((row) => isVisible(actor, row));
  return new Map(seen.map((row) => [row.id, asView(row)]));
}

/** For each holder their newest. */
export async function viewsOfHolders(
  holders: readonly string[],
  size: number,
): Promise<ReadonlyMap<string, readonly SubscriptionView[]>> {
  const order = { ...newestFirst('s'), size };
  return viewsOfEach(
    await selectFirstOfEach<Row>(columns(), tables, ['s.user_id', holders], [live], order),
    asView,
  );
}

/** One page of those that are not archived. */
export async function viewsWhere(
  conditions: readonly Condition[],
  order: ListOrder,
): Promise<{ items: SubscriptionView[]; total: number }> {
  const page = await selectPage<Row>(columns(), tables, [live, ...conditions], order);
  return { ...page, items: page.items.map(asView) };
}

interface Row extends InferAttributes<PolicySubscription> {
  readonly policyNumber: string;
  /** Its start is still owed, or was given up and waits for an operator. */
  readonly isStarting: boolean;
}

const tables =
  'policy_subscriptions s JOIN policies p ON p.company_id = s.company_id AND p.id = s.policy_id';
const live: Condition = ['s.archived_at IS NULL'];

const columns = (): string =>
  `${columnsOf(PolicySubscription, 's')}, p.policy_number AS "policyNumber",
   EXISTS (SELECT 1 FROM core.outbox o WHERE o.company_id = s.company_id
       AND o.entity_id = s.id AND o.dispatched_at IS NULL) AS "isStarting"`;

/** A subscription of nobody's is not owned by whoever is nobody either, such as a key. */
export const owns = (actor: Actor, { userId }: Pick<PolicySubscription, 'userId'>): boolean =>
  userId !== null && userId === actor.userId;

const isVisible = (actor: Actor, subscription: Pick<PolicySubscription, 'userId'>): boolean =>
  owns(actor, subscription) || allows(actor, 'subscription:read_all');

function asView({ policyNumber, isStarting, ...subscription }: Row): SubscriptionView {
  const { companyId, id, workflowClosedAt } = subscription;
  const ongoing = isStarting ? 'starting' : 'running';
  return {
    subscription,
    policyNumber,
    workflow: {
      id: subscriptionWorkflowId(companyId, id),
      state: workflowClosedAt ? 'closed' : ongoing,
    },
  };
}
