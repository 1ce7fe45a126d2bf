import { v7 as uuid } from 'uuid';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import {
  contractFacts,
  lifecycleSettings,
  loadSale,
  priceOf,
  type Sale,
} from '../models/contract.ts';
import { append } from '../models/database.ts';
import { Notification } from '../models/Notification.ts';
import { OutboxEntry, type WorkflowStart } from '../models/OutboxEntry.ts';
import { Policy } from '../models/Policy.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { stateOf, subscriptionStart } from '../models/subscriptionStart.ts';
import { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
import { Timer } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';
import { dateAt, startOfDay, type CalendarDate } from '../rules/calendar.ts';
import { resolveLifecycle, type Lifecycle } from '../rules/lifecycle.ts';
import { timersOfTerm, type TimerPlan } from '../rules/termTimers.ts';
import { policyStatus } from '../rules/subscriptions.ts';
import { endDate as endOfTerm, startDateProblem } from '../rules/terms.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';

export interface Subscribe {
  readonly insurancePlanId: string;
  readonly startDate?: CalendarDate | undefined;
  readonly insuredPropertyId?: string | undefined;
  readonly autoRenew: boolean;
}

/** What a sale makes, before it is written. */
interface Contract {
  readonly policy: Policy;
  readonly subscription: PolicySubscription;
  readonly timers: readonly TimerPlan[];
  readonly lifecycle: Lifecycle;
}

/**
 * Sells a plan to a person within the open transaction: policy, subscription, first term, timers,
 * confirmation, audit, and the promise of the workflow that carries it from then on.
 * @returns the rows, and the start to dispatch after the commit
 * @throws NotFound, Conflict PLAN_NOT_SOLD, Invalid `start_date`
 */
export async function sell(
  userId: string,
  wish: Subscribe,
): Promise<Contract & { readonly start: WorkflowStart }> {
  const sale = await loadSale(wish.insurancePlanId, userId);
  if (!sale.isForSale) {
    throw new Conflict('PLAN_NOT_SOLD', `The plan ${sale.plan.id} is not sold at present`);
  }
  const contract = await drawUp(sale, userId, wish, Date.now());
  const { policy, subscription, timers, lifecycle } = contract;
  const { id, createdAt } = subscription;
  const about = { type: 'subscription', id };
  const commandId = `subscription/${id}/subscribe/1`;

  append(Policy, policy.get());
  append(PolicySubscription, subscription.get());
  append(SubscriptionTerm, {
    subscriptionId: id,
    termNo: 1,
    startDate: subscription.startDate,
    endDate: subscription.endDate,
    premium: policy.premium,
    coverageAmount: policy.coverageAmount,
    origin: 'new',
    lifecycle,
    createdAt,
  });
  const workflowId = subscriptionWorkflowId(subscription.companyId, id);
  Timer.schedule({ workflowId, entityType: 'subscription', entityId: id }, timers);
  Transition.record({
    entityType: 'subscription',
    entityId: id,
    stateVersion: 1,
    event: 'subscribe',
    fromStatus: null,
    toStatus: subscription.status,
    commandId,
    at: createdAt,
  });
  const { insurancePlanId, policyId, startDate, endDate, status } = subscription;
  const after = { insurancePlanId, policyId, startDate, endDate, status };
  AuditLog.record('CREATE', about, { after });
  const { policyNumber } = policy;
  AuditLog.record('CREATE', { type: 'policy', id: policy.id }, { after: { policyNumber } });

  const message = {
    template: 'subscription_confirmed',
    payload: contractFacts(subscription, policy),
    key: commandId,
    about,
  } as const;
  const notificationId = Notification.queue({ to: { channel: 'email', userId }, ...message });
  Notification.queue({ to: { channel: 'in_app', userId }, ...message });
  const state = await stateOf(subscription, timers);
  const start = OutboxEntry.promise(subscriptionStart(subscription, state, [notificationId]));
  return { ...contract, start };
}

/** Dates, price and deadlines of the first term; takes the policy's number last. */
async function drawUp(
  { plan, segment, company, holder }: Sale,
  userId: string,
  wish: Subscribe,
  now: number,
): Promise<Contract> {
  const { timeZone } = company;
  const today = dateAt(now, timeZone);
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
    timeZone,
    lifecycle,
  });

  const shared = {
    companyId: company.id,
    userId,
    insuredPropertyId: wish.insuredPropertyId ?? null,
    startDate,
    endDate,
    createdAt: new Date(now),
    updatedAt: new Date(now),
  };
  const policy = Policy.build({
    ...shared,
    id: uuid(),
    policyNumber: await Policy.nextNumber(company.code, today.slice(0, 4)),
    policyType: segment === 'residential' ? 'home' : 'business',
    policyholderName: holder.name,
    policyholderEmail: holder.email,
    policyholderPhone: holder.phone,
    coverageAmount: plan.coverageAmount,
    premium: plan.premium,
    currency: plan.currency,
    status: policyStatus('active', startDate <= today),
  });
  const subscription = PolicySubscription.build({
    ...shared,
    id: uuid(),
    source: 'plan',
    insurancePlanId: plan.id,
    policyId: policy.id,
    status: 'active',
    stateVersion: 1,
    expiresAt: new Date(startOfDay(endDate, timeZone)),
    termNo: 1,
    priceSnapshot: priceOf(plan),
    autoRenew: wish.autoRenew,
    version: 1,
  });
  return { policy, subscription, timers, lifecycle };
}
