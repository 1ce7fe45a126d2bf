import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import {
  cancellationOf,
  contractFacts,
  lifecycleSettings,
  loadContract,
  loadSale,
  priceOf,
  renewalOf,
  type Cancellation,
} from '../models/contract.ts';
import { afterCommit, append, select, withTenant } from '../models/database.ts';
import { containing, selectPage } from '../models/list.ts';
import { Notification } from '../models/Notification.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import { Policy } from '../models/Policy.ts';
import { illegalTransition, PolicySubscription } from '../models/PolicySubscription.ts';
import { editRow, getRow, noSuch } from '../models/rows.ts';
import { stateOf, subscriptionStart } from '../models/subscriptionStart.ts';
import { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
import { Timer } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';
import { dateAt, startOfDay, type CalendarDate } from '../rules/calendar.ts';
import { resolveLifecycle, timersOfTerm } from '../rules/lifecycle.ts';
import { may } from '../rules/permissions.ts';
import { nextStatus, policyStatus, type SubscriptionStatus } from '../rules/subscriptions.ts';
import { endDate as endOfTerm, startDateProblem } from '../rules/terms.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';
import { cancel, renew } from '../workflows/subscriptionLifecycle.ts';
import type { Dispatcher } from './dispatch.ts';
import { commandOnce, rowsOnce, type Once, type Replay } from './idempotency.ts';
import type { WorkflowCommands } from './workflows.ts';

export interface Subscribe {
  readonly insurancePlanId: string;
  readonly startDate?: CalendarDate | undefined;
  readonly insuredPropertyId?: string | undefined;
  readonly autoRenew: boolean;
}

export interface SubscriptionFilters {
  readonly status?: SubscriptionStatus | undefined;
  readonly insurancePlanId?: string | undefined;
  readonly userId?: string | undefined;
  readonly search?: string | undefined;
  readonly createdAfter?: Date | undefined;
  readonly createdBefore?: Date | undefined;
  readonly sortBy: keyof typeof sortColumns;
  readonly sortOrder: 'asc' | 'desc';
  readonly page: number;
  readonly size: number;
}

/** A subscription as it is shown, whether read from its row or just made. */
export interface SubscriptionView {
  readonly subscription: PolicySubscription;
  readonly policyNumber: string;
  readonly workflow: { readonly id: string; readonly state: 'starting' | 'running' | 'closed' };
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
}) => ({
  /**
   * Sells a plan: subscription, first term, policy, timers, confirmation and the promise of its
   * workflow, in one transaction.
   */
  subscribe: (actor: Actor, wish: Subscribe, once: Once): Promise<SubscriptionView | Replay> =>
    rowsOnce(once, async () => {
      const userId = signedIn(actor);
      const { plan, isForSale, segment, company, holder } = await loadSale(
        wish.insurancePlanId,
        userId,
      );
      if (!isForSale) {
        throw new Conflict('PLAN_NOT_SOLD', `The plan ${plan.id} is not sold at present`);
      }

      const now = Date.now();
      const today = dateAt(now, company.timeZone);
      const startDate = wish.startDate ?? today;
      const problem = startDateProblem(startDate, today);
      if (problem) throw invalidField('start_date', problem.message, problem.code);
      const endDate = endOfTerm(startDate, plan.durationMonths);
      const lifecycle = resolveLifecycle(plan.lifecycleConfig, lifecycleSettings(company));
      const timers = timersOfTerm({
        termNo: 1,
        startDate,
        endDate,
        purchasedAt: now,
        timeZone: company.timeZone,
        lifecycle,
      });

      const id = uuid();
      const policyNumber = await Policy.nextNumber(company.code, today.slice(0, 4));
      const policy = Policy.build({
        id: uuid(),
        companyId: company.id,
        policyNumber,
        policyType: segment === 'residential' ? 'home' : 'business',
        userId,
        policyholderName: holder.name,
        policyholderEmail: holder.email,
        policyholderPhone: holder.phone,
        coverageAmount: plan.coverageAmount,
        premium: plan.premium,
        currency: plan.currency,
        startDate,
        endDate,
        status: policyStatus('active', startDate <= today),
        insuredPropertyId: wish.insuredPropertyId ?? null,
        createdAt: new Date(now),
      });
      const subscription = PolicySubscription.build({
        id,
        companyId: company.id,
        source: 'plan',
        userId,
        insurancePlanId: plan.id,
        policyId: policy.id,
        insuredPropertyId: wish.insuredPropertyId ?? null,
        status: 'active',
        stateVersion: 1,
        startDate,
        endDate,
        expiresAt: new Date(startOfDay(endDate, company.timeZone)),
        termNo: 1,
        priceSnapshot: priceOf(plan),
        autoRenew: wish.autoRenew,
        version: 1,
        createdAt: new Date(now),
        updatedAt: new Date(now),
      });
      const workflowId = subscriptionWorkflowId(company.id, id);
      const about = { type: 'subscription', id };

      append(Policy, policy.get());
      append(PolicySubscription, subscription.get());
      append(SubscriptionTerm, {
        subscriptionId: id,
        termNo: 1,
        startDate,
        endDate,
        premium: plan.premium,
        coverageAmount: plan.coverageAmount,
        origin: 'new',
        createdAt: new Date(now),
      });
      Timer.schedule({ workflowId, entityType: 'subscription', entityId: id }, timers);
      Transition.record({
        entityType: 'subscription',
        entityId: id,
        stateVersion: 1,
        event: 'subscribe',
        fromStatus: null,
        toStatus: 'active',
        commandId: `subscription/${id}/subscribe/1`,
        at: new Date(now),
      });
      const message = {
        template: 'subscription_confirmed',
        payload: contractFacts(subscription, policy),
        key: `subscription/${id}/subscribe/1`,
        about,
      } as const;
      const notificationId = Notification.queue({ to: { channel: 'email', userId }, ...message });
      Notification.queue({ to: { channel: 'in_app', userId }, ...message });
      AuditLog.record('CREATE', about, {
        after: {
          insurancePlanId: plan.id,
          policyId: policy.id,
          startDate,
          endDate,
          status: 'active',
        },
      });
      AuditLog.record('CREATE', { type: 'policy', id: policy.id }, { after: { policyNumber } });

      const start = OutboxEntry.promise(
        subscriptionStart(subscription, await stateOf(subscription, timers), [notificationId]),
      );
      afterCommit(() => dispatcher.dispatch(start));
      return { subscription, policyNumber, workflow: { id: workflowId, state: 'starting' } };
    }),

  get: (actor: Actor, id: string): Promise<SubscriptionView> =>
    withTenant(actor.companyId, async () => viewOf(await visible(actor, id))),

  list: (actor: Actor, filters: SubscriptionFilters) =>
    withTenant(actor.companyId, async () => {
      const { status, insurancePlanId, userId, search, createdAfter, createdBefore } = filters;
      const owner = may(actor.roles, 'subscription:read_all') ? userId : signedIn(actor);
      const { items, total } = await selectPage<{ id: string }>(
        's.id',
        'policy_subscriptions s JOIN policies p ON p.company_id = s.company_id AND p.id = s.policy_id',
        [
          ['s.archived_at IS NULL'],
          ...(owner ? [['s.user_id = $', owner] as const] : []),
          ...(status ? [['s.status = $', status] as const] : []),
          ...(insurancePlanId ? [['s.insurance_plan_id = $', insurancePlanId] as const] : []),
          ...(search ? [['p.policy_number ILIKE $', containing(search)] as const] : []),
          ...(createdAfter ? [['s.created_at >= $', createdAfter] as const] : []),
          ...(createdBefore ? [['s.created_at < $', createdBefore] as const] : []),
        ],
        { ...filters, by: sortColumns[filters.sortBy], order: filters.sortOrder, id: 's.id' },
      );
      const rows = await PolicySubscription.findAll({ where: { id: items.map(({ id }) => id) } });
      const places = new Map(items.map(({ id }, place) => [id, place]));
      const placeOf = ({ id }: PolicySubscription): number => places.get(id) ?? 0;
      return { items: await viewsOf(rows.toSorted((a, b) => placeOf(a) - placeOf(b))), total };
    }),

  /** What a cancellation on that day would mean; nothing is stored. */
  previewCancel: (
    actor: Actor,
    id: string,
    effectiveDate: CalendarDate | undefined,
  ): Promise<Cancellation> =>
    withTenant(actor.companyId, async () => {
      await visible(actor, id);
      const contract = await loadContract(id);
      refuseUnless(contract.subscription, 'cancel');
      return cancellationOf(contract, effectiveDate ?? null, Date.now());
    }),

  /** At once or on a later day. Whoever cancels another's needs the right to, and a reason. */
  cancel: (
    actor: Actor,
    id: string,
    wish: {
      readonly effectiveDate?: CalendarDate | undefined;
      readonly reason?: string | undefined;
    },
    once: Once,
  ): Promise<SubscriptionView | Replay> =>
    commandOnce(once, async (commandId) => {
      await workflows.command(cancel, {
        actor,
        entityId: id,
        workflowId: subscriptionWorkflowId(actor.companyId, id),
        commandId,
        prepare: async () => {
          const subscription = await visible(actor, id);
          if (subscription.userId !== actor.userId) {
            if (!may(actor.roles, 'subscription:cancel_any')) throw new Forbidden();
            if (!wish.reason) {
              throw invalidField(
                'reason',
                "Cancelling another person's subscription needs a reason",
              );
            }
          }
          refuseUnless(subscription, 'cancel');
          const { effectiveDate = null, reason = null } = wish;
          cancellationOf(await loadContract(id), effectiveDate, Date.now());
          return { effectiveDate, reason };
        },
      });
      return withTenant(actor.companyId, async () => viewOf(await visible(actor, id)));
    }),

  /** Another term at the plan's price of today; late renewals are for staff. */
  renew: (
    actor: Actor,
    id: string,
    wish: { readonly reason?: string | undefined },
    once: Once,
  ): Promise<SubscriptionView | Replay> =>
    commandOnce(once, async (commandId) => {
      await workflows.command(renew, {
        actor,
        entityId: id,
        workflowId: subscriptionWorkflowId(actor.companyId, id),
        commandId,
        prepare: async () => {
          const subscription = await visible(actor, id);
          const isStaff = may(actor.roles, 'subscription:renew_any');
          if (subscription.userId !== actor.userId && !isStaff) throw new Forbidden();
          const isLate = subscription.status === 'expired';
          if (isLate && !isStaff) {
            throw new Forbidden('An expired subscription is renewed by the call centre');
          }
          refuseUnless(subscription, isLate ? 'late_renew' : 'renew');
          await renewalOf(await loadContract(id), Date.now());
          return { reason: wish.reason ?? null };
        },
      });
      return withTenant(actor.companyId, async () => viewOf(await visible(actor, id)));
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
      if (subscription.userId !== actor.userId && !may(actor.roles, 'subscription:renew_any')) {
        throw new Forbidden();
      }
      refuseUnless(subscription, 'renew');
      await editRow(PolicySubscription, subscription, { autoRenew }, expectedVersion);
      return viewOf(subscription);
    }),
});

export type Subscriptions = ReturnType<typeof createSubscriptions>;

/** Own ones, or all with the right to; another person's is a 404 like an unknown one. */
export async function visible(actor: Actor, id: string): Promise<PolicySubscription> {
  const subscription = await getRow(PolicySubscription, id);
  const isOwn = subscription.userId !== null && subscription.userId === actor.userId;
  if (!isOwn && !may(actor.roles, 'subscription:read_all')) throw noSuch('subscription', id);
  return subscription;
}

function refuseUnless(
  { status }: PolicySubscription,
  event: 'cancel' | 'renew' | 'late_renew',
): void {
  if (!nextStatus(status, event)) throw illegalTransition(status, event);
}

const signedIn = ({ userId }: Actor): string => {
  if (!userId) throw new Forbidden('Only a person can do this');
  return userId;
};

const viewOf = async (subscription: PolicySubscription): Promise<SubscriptionView> => {
  const [view] = await viewsOf([subscription]);
  if (!view) throw noSuch('subscription', subscription.id);
  return view;
};

/** In the given order, with one query however many they are. */
async function viewsOf(subscriptions: readonly PolicySubscription[]): Promise<SubscriptionView[]> {
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
