import { v7 as uuid } from 'uuid';
import { Conflict, invalidField, type Invalid } from '../errors.ts';
import { payable } from '../models/amounts.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { lifecycleSettings, loadSale, priceOf, tellHolder, type Sale } from '../models/contract.ts';
import { append, together } from '../models/database.ts';
import { isOfOwnSeries, nextPolicyNumber } from '../models/numbers.ts';
import { OutboxEntry, type WorkflowStart } from '../models/OutboxEntry.ts';
import { Policy } from '../models/Policy.ts';
import { PolicySubscription, type PriceSnapshot } from '../models/PolicySubscription.ts';
import type { PremiumInvoice } from '../models/PremiumInvoice.ts';
import { issueInvoice } from '../models/premiums.ts';
import { Property } from '../models/Property.ts';
import { stateOf, subscriptionStart } from '../models/subscriptionStart.ts';
import { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
import { Timer } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';
import { User } from '../models/User.ts';
import { dateAt, startOfDay, type CalendarDate } from '../rules/calendar.ts';
import { policyTypeTitles, type BusinessType } from '../rules/companies.ts';
import { resolveLifecycle, type Lifecycle } from '../rules/lifecycle.ts';
import { isBilled, paymentWindow } from '../rules/billing.ts';
import { isPositive, type Money } from '../rules/money.ts';
import { timersOfTerm, type TimerPlan } from '../rules/termTimers.ts';
import { policyStatus } from '../rules/subscriptions.ts';
import {
  agreedTermProblem,
  endDate as endOfTerm,
  startDateProblem,
  wholeMonths,
  type TermDates,
} from '../rules/terms.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';
import type { KnownCompany } from './companies.ts';

export interface Subscribe {
  readonly insurancePlanId: string;
  readonly startDate?: CalendarDate | undefined;
  readonly insuredPropertyId?: string | undefined;
  readonly autoRenew: boolean;
}

/** Whose series of numbers a policy gets its own from. */
export type Seller = Pick<KnownCompany, 'code' | 'timeZone'>;

/** A policy that staff write with somebody, without a plan. */
export interface IssuePolicy extends TermDates {
  /** Taken from the company's series unless told. */
  readonly policyNumber?: string | undefined;
  readonly policyType: BusinessType;
  readonly policyholderName: string;
  readonly policyholderEmail: string;
  readonly policyholderPhone?: string | null | undefined;
  /** The holder's account, where there is one. */
  readonly userId?: string | null | undefined;
  readonly coverageAmount: Money;
  readonly premium: Money;
  /** The company's unless told. */
  readonly currency?: string | undefined;
  readonly insuredPropertyId?: string | null | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What a sale makes, before it is written. */
interface Contract {
  readonly company: Sale['company'];
  readonly policy: Policy;
  readonly subscription: PolicySubscription;
  readonly timers: readonly TimerPlan[];
  readonly lifecycle: Lifecycle;
}

/** A contract with the start to dispatch after the commit. */
export type Concluded = Contract & { readonly start: WorkflowStart };

/**
 * Sells a plan to a person within the open transaction.
 * @throws NotFound, Conflict PLAN_NOT_SOLD, Invalid `start_date`, `insured_property_id`, `premium`
 */
export async function sell(userId: string, seller: Seller, wish: Subscribe): Promise<Concluded> {
  const now = Date.now();
  const { insuredPropertyId = null } = wish;
  // The number is given back where the sale is refused.
  const [sale, policyNumber] = await together(
    loadSale(wish.insurancePlanId, userId, insuredPropertyId),
    nextNumberOf(seller, now),
  );
  const { plan, isForSale, isInsurable, segment, company, holder } = sale;
  if (!isForSale) {
    throw new Conflict('PLAN_NOT_SOLD', `The plan ${plan.id} is not sold at present`);
  }
  if (!isInsurable) throw unknownProperty();
  const today = dateAt(now, company.timeZone);
  const startDate = wish.startDate ?? today;
  const problem = startDateProblem(startDate, today);
  if (problem) throw invalidField('start_date', problem.message, problem.code);
  return conclude(
    {
      company,
      insurancePlanId: plan.id,
      userId,
      holder,
      policyNumber,
      policyType: segment === 'residential' ? 'home' : 'business',
      insuredPropertyId,
      startDate,
      endDate: endOfTerm(startDate, plan.durationMonths),
      price: priceOf(plan),
      lifecycle: resolveLifecycle(plan.lifecycleConfig, lifecycleSettings(company)),
      autoRenew: wish.autoRenew,
    },
    now,
  );
}

/**
 * Issues a direct policy within the open transaction. Its cover may have begun already, so that
 * contracts from elsewhere can be taken over while they run.
 * @throws Invalid `policy_number`, `start_date`, `end_date`, `user_id`, `insured_property_id`
 */
export async function issue(company: KnownCompany, wish: IssuePolicy): Promise<Concluded> {
  const now = Date.now();
  const problem = agreedTermProblem(wish, dateAt(now, company.timeZone));
  if (problem) throw invalidField(problem.field, problem.message, problem.code);
  const { policyNumber, policyType, userId = null, coverageAmount } = wish;
  const { insuredPropertyId = null, currency = company.currency } = wish;
  const premium = payable('premium', wish.premium, currency);
  if (policyNumber !== undefined && isOfOwnSeries(policyNumber, company.code)) {
    const message = 'A number of this form comes from the series; leave it out to get the next one';
    throw invalidField('policy_number', message, 'NUMBER_RESERVED');
  }
  if (userId) await refuseUnknownHolder(userId);
  if (insuredPropertyId) await refuseUnknownProperty(insuredPropertyId);
  return conclude(
    {
      company,
      insurancePlanId: null,
      userId,
      holder: {
        name: wish.policyholderName,
        email: wish.policyholderEmail,
        phone: wish.policyholderPhone ?? null,
      },
      policyNumber: policyNumber ?? (await nextNumberOf(company, now)),
      policyType,
      insuredPropertyId,
      startDate: wish.startDate,
      endDate: wish.endDate,
      price: {
        premium,
        coverageAmount,
        currency,
        durationMonths: wholeMonths(wish),
        planName: policyTypeTitles[policyType],
        planVersion: null,
      },
      lifecycle: resolveLifecycle({}, lifecycleSettings(company)),
      autoRenew: false,
      metadata: wish.metadata,
    },
    now,
  );
}

/** In the year that the company has now. */
const nextNumberOf = ({ code, timeZone }: Seller, now: number): Promise<string> =>
  nextPolicyNumber(code, dateAt(now, timeZone).slice(0, 4));

/** @throws Invalid `user_id` for whoever does not belong to the company */
export async function refuseUnknownHolder(userId: string): Promise<void> {
  if (await User.findOne({ where: { id: userId } })) return;
  throw invalidField('user_id', 'There is no such person in the company', 'USER_UNKNOWN');
}

async function refuseUnknownProperty(id: string): Promise<void> {
  if (!(await Property.findOne({ where: { id, archivedAt: null } }))) throw unknownProperty();
}

const unknownProperty = (): Invalid =>
  invalidField(
    'insured_property_id',
    'There is no such property in the company',
    'PROPERTY_UNKNOWN',
  );

/** What was agreed with a holder, by the sale of a plan or directly. */
interface Agreement extends TermDates {
  readonly company: Sale['company'];
  /** Null: agreed directly. */
  readonly insurancePlanId: string | null;
  /** Null for a holder without an account. */
  readonly userId: string | null;
  readonly holder: Sale['holder'];
  readonly policyNumber: string;
  readonly policyType: BusinessType;
  readonly insuredPropertyId: string | null;
  readonly price: PriceSnapshot;
  readonly lifecycle: Lifecycle;
  readonly autoRenew: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * Writes a contract: policy, subscription, first term, timers, confirmation, audit, and the promise of
 * the workflow that carries it from then on.
 */
async function conclude(agreement: Agreement, now: number): Promise<Concluded> {
  const contract = drawUp(agreement, now);
  const { policy, subscription, timers, lifecycle } = contract;
  const { id, createdAt, startDate, endDate, status } = subscription;
  const isPending = status === 'pending_payment';
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
    event: isPending ? 'order' : 'subscribe',
    fromStatus: null,
    toStatus: subscription.status,
    commandId,
    at: createdAt,
  });
  const { insurancePlanId, policyId } = subscription;
  const after = { insurancePlanId, policyId, startDate, endDate, status };
  AuditLog.record('CREATE', about, { after });
  const { policyNumber } = policy;
  AuditLog.record('CREATE', { type: 'policy', id: policy.id }, { after: { policyNumber } });

  const invoice = isPending ? firstInvoice(contract, now) : undefined;
  const notificationId = invoice
    ? tellHolder(contract, 'premium_due', commandId, {
        amount: invoice.amount,
        dueDate: invoice.dueDate,
      })
    : tellHolder(contract, 'subscription_confirmed', commandId);
  const payments = invoice?.paymentId ? [invoice.paymentId] : [];
  const state = await stateOf(subscription, timers, payments);
  const start = OutboxEntry.promise(subscriptionStart(subscription, state, [notificationId]));
  return { ...contract, start };
}

/** Of a contract whose cover waits for its premium, due at the end of the payment window. */
function firstInvoice(contract: Contract, now: number): PremiumInvoice {
  const { policy, subscription, timers } = contract;
  const { startDate: periodStart, endDate: periodEnd } = subscription;
  return issueInvoice(contract, {
    termNo: 1,
    reason: 'term',
    amount: policy.premium,
    periodStart,
    periodEnd,
    dueAt: timers[0]?.dueAt ?? now,
    at: new Date(now),
  });
}

/** The rows and deadlines of the first term. */
function drawUp(agreement: Agreement, now: number): Contract {
  const { company, holder, price, lifecycle, userId, startDate, endDate } = agreement;
  const { timeZone } = company;
  const today = dateAt(now, timeZone);
  const isPending = isBilled(company) && isPositive(price.premium);
  const timers = isPending
    ? [paymentWindow(lifecycle, now)]
    : timersOfTerm({ termNo: 1, startDate, endDate, purchasedAt: now, timeZone, lifecycle });
  const status = isPending ? 'pending_payment' : 'active';

  const shared = {
    companyId: company.id,
    userId,
    insuredPropertyId: agreement.insuredPropertyId,
    startDate,
    endDate,
    createdAt: new Date(now),
    updatedAt: new Date(now),
    archivedAt: null,
    version: 1,
  };
  const policy = Policy.build({
    ...shared,
    id: uuid(),
    policyNumber: agreement.policyNumber,
    policyType: agreement.policyType,
    policyholderName: holder.name,
    policyholderEmail: holder.email,
    policyholderPhone: holder.phone,
    coverageAmount: price.coverageAmount,
    premium: price.premium,
    currency: price.currency,
    status: policyStatus(status, startDate <= today),
    metadata: agreement.metadata ?? {},
  });
  const subscription = PolicySubscription.build({
    ...shared,
    id: uuid(),
    source: agreement.insurancePlanId ? 'plan' : 'direct',
    insurancePlanId: agreement.insurancePlanId,
    policyId: policy.id,
    status,
    stateVersion: 1,
    expiresAt: new Date(startOfDay(endDate, timeZone)),
    termNo: 1,
    priceSnapshot: price,
    autoRenew: agreement.autoRenew,
  });
  return { company, policy, subscription, timers, lifecycle };
}
