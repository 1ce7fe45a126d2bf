import type { UpdateDefinition } from '@temporalio/common';
import { withTenant } from '../models/database.ts';
import { illegalTransition, type PolicySubscription } from '../models/PolicySubscription.ts';
import { nextStatus, type SubscriptionEvent } from '../rules/subscriptions.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import { viewOf, visible, type SubscriptionView } from './subscriptionViews.ts';
import type { WorkflowCommand, WorkflowCommands } from './workflows.ts';

/** A command to one subscription's workflow, and the subscription as it then is. */
export function carriedOut<Result, Wish>(
  workflows: WorkflowCommands,
  update: UpdateDefinition<Result, [Wish]>,
  order: Pick<WorkflowCommand<Wish>, 'actor' | 'prepare'> & {
    readonly id: string;
    readonly once: Once;
  },
): Promise<SubscriptionView | Replay> {
  const { actor, id, once, prepare } = order;
  const workflowId = subscriptionWorkflowId(actor.companyId, id);
  return commandOnce(
    once,
    async (commandId) => {
      await workflows.command(update, { actor, entityId: id, workflowId, commandId, prepare });
      return withTenant(actor.companyId, () => viewOf(actor, id));
    },
    () => visible(actor, id),
  );
}

/** @throws Conflict ILLEGAL_TRANSITION */
export function refuseUnless({ status }: PolicySubscription, event: SubscriptionEvent): void {
  if (!nextStatus(status, event)) throw illegalTransition(status, event);
}
