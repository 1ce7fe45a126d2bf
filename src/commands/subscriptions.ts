import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { cancellationOf, contractOf, renewalOf, type Cancellation } from '../models/contract.ts';
import { afterCommit, withTenant } from '../models/database.ts';
import { madeWithin, sortedBy, type ListAsked } from '../models/list.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { editRow, refuseStale } from '../models/rows.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { isPositive } from '../rules/money.ts';
import { allows } from '../rules/permissions.ts';
import type { SubscriptionStatus } from '../rules/subscriptions.ts';
import { cancel, renew } from '../workflows/subscriptionLifecycle.ts';
import type { Dispatcher } from './dispatch.ts';
import { demandKey, rowsOnce, type Once, type Replay } from './idempotency.ts';
import { matching } from './policies.ts';
import { sell, type Seller, type Subscribe } from './subscribe.ts';
import { carriedOut, refuseUnless } from './subscriptionCommands.ts';
import {
  owns,
  viewOf,
  viewsOf,
  viewsOfHolders,
  viewsWhere,
  visible,
  type SubscriptionView,
} from './subscriptionViews.ts';
import type { WorkflowCommands } from './workflows.ts';

export interface SubscriptionFilters extends ListAsked<keyof typeof sortColumns> {
  readonly status?: SubscriptionStatus | undefined;
  readonly insurancePlanId?: string | undefined;
  readonly userId?: string | undefined;
}

const sortColumns = {
  createdAt: 's.created_at',
  startDate: 's.start_date',
  endDate: 's.end_date',
  status: 's.status',
} as const;

export const createSubscriptions = ({
  dispatcher,
  workflows,
}: {
  readonly dispatcher: Dispatcher;
  readonly workflows: WorkflowCommands;
}) => {
  return {
    /** Sells a plan; everything it takes commits together. */
    subscribe: (
      actor: Actor,
      company: Seller,
      wish: Subscribe,
      once: Once,
    ): Promise<SubscriptionView | Replay> =>
      rowsOnce(once, async () => {
        const { subscription, policy, start } = await sell(signedIn(actor), company, wish);
        afterCommit(() => dispatcher.dispatch(start));
        const workflow = { id: start.workflowId, state: 'starting' } as const;
        return { subscription, policyNumber: policy.policyNumber, workflow };
      }),

    get: (actor: Actor, id: string): Promise<SubscriptionView> =>
      withTenant(actor.companyId, () => viewOf(actor, id)),

    /** Those of `ids` that `get` would answer. */
    several: (actor: Actor, ids: readonly string[]) =>
      withTenant(actor.companyId, () => viewsOf(actor, ids)),

    /** For each person the first that `list` would answer. */
    ofUsers: (actor: Actor, userIds: readonly string[], size: number) =>
      withTenant(actor.companyId, () => {
        const seesOthers = allows(actor, 'subscription:read_all');
        const holders = userIds.filter((userId) => seesOthers || userId === actor.userId);
        return viewsOfHolders(holders, size);
      }),

    list: (actor: Actor, filters: SubscriptionFilters) =>
      withTenant(actor.companyId, async () => {
        const { status, insurancePlanId, userId, search } = filters;
        return viewsWhere(
          [
            ...(allows(actor, 'subscription:read_all')
              ? []
              : [['s.user_id = $', signedIn(actor)] as const]),
            ...(userId ? [['s.user_id = $', userId] as const] : []),
            ...(status ? [['s.status = $', status] as const] : []),
            ...(insurancePlanId ? [['s.insurance_plan_id = $', insurancePlanId] as const] : []),
            ...(search ? [matching(search)] : []),
            ...madeWithin('s', filters),
          ],
          sortedBy(sortColumns, filters, 's.id'),
        );
      }),

    /** What a cancellation on that day would mean; nothing is stored. */
    previewCancel: (
      actor: Actor,
      id: string,
      effectiveDate: CalendarDate | undefined,
    ): Promise<Cancellation> =>
      withTenant(actor.companyId, async () => {
        const subscription = await visible(actor, id);
        refuseUnless(subscription, 'cancel');
        return cancellationOf(await contractOf(subscription), effectiveDate ?? null, Date.now());
      }),

    /** At once or on a later day. Whoever cancels another's needs the right to, and a reason. */
    cancel: (
      actor: Actor,
      id: string,
      wish: {
        readonly effectiveDate?: CalendarDate | undefined;
        readonly reason?: string | undefined;
        readonly expectedVersion?: number | undefined;
      },
      once: Once,
    ): Promise<SubscriptionView | Replay> =>
      carriedOut(workflows, cancel, {
        actor,
        id,
        once,
        prepare: async () => {
          const subscription = await visible(actor, id);
          if (!owns(actor, subscription)) {
            if (!allows(actor, 'subscription:cancel_any')) throw new Forbidden();
            if (!wish.reason) {
              throw invalidField(
                'reason',
                "Cancelling another person's subscription needs a reason",
              );
            }
          }
          refuseUnless(subscription, 'cancel');
          refuseStale(PolicySubscription, subscription, wish.expectedVersion);
          const { effectiveDate = null, reason = null } = wish;
          const contract = await contractOf(subscription);
          const { refund } = await cancellationOf(contract, effectiveDate, Date.now());
          // Also of whoever bills no more, and has been paid before.
          if (isPositive(refund)) demandKey(once);
          return { effectiveDate, reason };
        },
      }),

    /** Another term at the plan's price of today; late renewals are for staff. */
    renew: (
      actor: Actor,
      id: string,
      wish: {
        readonly reason?: string | undefined;
        readonly expectedVersion?: number | undefined;
      },
      once: Once,
    ): Promise<SubscriptionView | Replay> =>
      carriedOut(workflows, renew, {
        actor,
        id,
        once,
        prepare: async () => {
          const subscription = await visible(actor, id);
          const isStaff = allows(actor, 'subscription:renew_any');
          if (!owns(actor, subscription) && !isStaff) throw new Forbidden();
          const isLate = subscription.status === 'expired';
          if (isLate && !isStaff) {
            throw new Forbidden('An expired subscription is renewed by the call centre');
          }
          refuseUnless(subscription, isLate ? 'late_renew' : 'renew');
          refuseStale(PolicySubscription, subscription, wish.expectedVersion);
          await renewalOf(await contractOf(subscription), Date.now());
          return { reason: wish.reason ?? null };
        },
      }),

    /** The workflow reads the wish when the term ends, so this is an ordinary edit. */
    setAutoRenew: (
      actor: Actor,
      id: string,
      autoRenew: boolean,
      expectedVersion: number | undefined,
    ): Promise<SubscriptionView> =>
      withTenant(actor.companyId, async () => {
        const subscription = await visible(actor, id);
        if (!owns(actor, subscription) && !allows(actor, 'subscription:renew_any')) {
          throw new Forbidden();
        }
        refuseUnless(subscription, 'renew');
        if (autoRenew && subscription.source === 'direct') {
          throw new Conflict(
            'NO_PLAN_TO_RENEW',
            `The subscription ${id} has no plan at whose terms it could renew by itself`,
          );
        }
        await editRow(PolicySubscription, subscription, { autoRenew }, expectedVersion);
        return viewOf(actor, id);
      }),
  };
};

export type Subscriptions = ReturnType<typeof createSubscriptions>;

const signedIn = ({ userId }: Actor): string => {
  if (!userId) throw new Forbidden('Only a person can do this');
  return userId;
};
