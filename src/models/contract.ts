import { Conflict, invalidField } from '../errors.ts';
import { compareDates, dateAt, startOfDay, type CalendarDate } from '../rules/calendar.ts';
import { resolveLifecycle, type Lifecycle, type LifecycleConfig } from '../rules/lifecycle.ts';
import {
  expiryChangeProblem,
  isBillingTimer,
  timersAfterExpiryChange,
  type TimerPlan,
} from '../rules/termTimers.ts';
import { add, zero, type Money } from '../rules/money.ts';
import { refundOfPaid } from '../rules/billing.ts';
import { coolingOffEnd, refundFor, type RefundRule } from '../rules/refunds.ts';
import {
  agreedEndProblem,
  renewalRefusal,
  renewalTerm,
  wholeMonths,
  type RenewalTerm,
  type TermLength,
} from '../rules/terms.ts';
import { payable } from './amounts.ts';
import { Company } from './Company.ts';
import { currentCompany, select } from './database.ts';
import { InsurancePlan } from './InsurancePlan.ts';
import { Notification, type TemplateCode } from './Notification.ts';
import { Policy } from './Policy.ts';
import { PolicySubscription, type PriceSnapshot } from './PolicySubscription.ts';
import { PremiumInvoice } from './PremiumInvoice.ts';
import { refundablePremium } from './premiums.ts';
import { PropertyCategory } from './PropertyCategory.ts';
import { getRow, noSuch } from './rows.ts';
import { SubscriptionTerm } from './SubscriptionTerm.ts';
import { isTermTimer, Timer } from './Timer.ts';
import { fullNameOf, type User } from './User.ts';

/** A subscription with all that a decision about it needs. */
export interface Contract {
  readonly subscription: PolicySubscription;
  readonly policy: Policy;
  readonly company: Company;
  /** Also when it was archived: running contracts outlive their plan. */
  readonly plan: InsurancePlan | null;
  /** By term and part; those that another one replaced are left out. */
  readonly terms: readonly SubscriptionTerm[];
  /** Of the latest term. */
  readonly lifecycle: Lifecycle;
}

export async function contractOf(subscription: PolicySubscription): Promise<Contract> {
  const policy = await getRow(Policy, subscription.policyId, { archived: true });
  const company = await ownCompany();
  const plan = subscription.insurancePlanId
    ? await getRow(InsurancePlan, subscription.insurancePlanId, { archived: true })
    : null;
  const terms = await SubscriptionTerm.findAll({
    where: { subscriptionId: subscription.id, supersededBy: null },
    order: [
      ['termNo', 'ASC'],
      ['partNo', 'ASC'],
    ],
  });
  const facts = { company, plan };
  return { subscription, policy, ...facts, terms, lifecycle: lifecycleOf(facts, terms.at(-1)) };
}

/**
 * The numbers a term was sold with, which no later edit of plan or settings reaches. What the term
 * does not have, because it is older than the number, is as a sale of today would have it.
 */
const lifecycleOf = (
  contract: Pick<Contract, 'company' | 'plan'>,
  term: SubscriptionTerm | undefined,
): Lifecycle => ({ ...lifecycleToday(contract), ...term?.lifecycle });

/** What a term that is sold now is sold with. */
const lifecycleToday = ({ company, plan }: Pick<Contract, 'company' | 'plan'>): Lifecycle =>
  resolveLifecycle(plan?.lifecycleConfig ?? {}, lifecycleSettings(company));

/** The row of the company whose transaction this is. */
export async function ownCompany(): Promise<Company> {
  const company = await Company.findOne({ where: { id: currentCompany() } });
  if (!company) throw new Error(`There is no company ${currentCompany()}`);
  return company;
}

/** Section `subscription` of a company's settings. */
export const lifecycleSettings = ({ settings }: Pick<Company, 'settings'>): LifecycleConfig =>
  settings.subscription ?? {};

/** What cancelling on a day means; the same for the preview and for the act. */
export interface Cancellation {
  readonly effectiveDate: CalendarDate;
  /** Otherwise a timer cancels on the day. */
  readonly isImmediate: boolean;
  /** By the days that are left, whether or not it was paid. */
  readonly wouldRefund: Money;
  /** What goes back of what was paid here; nothing where premiums are not billed. */
  readonly refund: Money;
  readonly terms: readonly {
    readonly termNo: number;
    readonly amount: Money;
    readonly rule: RefundRule;
    readonly unusedDays: number;
    readonly termDays: number;
  }[];
  readonly coolingOffEndsOn: CalendarDate;
}

/** @throws Invalid when the day is past or not before the end */
export async function cancellationOf(
  contract: Contract,
  wished: CalendarDate | null,
  at: number,
): Promise<Cancellation> {
  const { subscription, company, terms } = contract;
  const today = dateAt(at, company.timeZone);
  const effectiveDate = wished ?? today;
  if (compareDates(effectiveDate, today) < 0) {
    throw invalidField('effective_date', `The day is past; today is ${today}`, 'DATE_PAST');
  }
  if (wished && compareDates(effectiveDate, subscription.endDate) >= 0) {
    throw invalidField(
      'effective_date',
      `The cover ends on ${subscription.endDate} anyway`,
      'DATE_AFTER_END',
    );
  }

  const [purchase] = terms;
  const claims = await claimsByTerm(subscription);
  const refunds = terms
    .filter(({ termNo }) => endsAfter(terms, termNo, effectiveDate))
    .map((term) => {
      const { coolingOffDays, shortRate } = lifecycleOf(contract, term);
      const first = terms.find(({ termNo }) => termNo === term.termNo) ?? term;
      return {
        termNo: term.termNo,
        ...refundFor({
          premium: term.premium,
          currency: subscription.priceSnapshot.currency,
          termStart: term.startDate,
          termEnd: term.endDate,
          coverFrom: first.startDate,
          purchasedOn: dateAt(first.createdAt.getTime(), company.timeZone),
          effectiveOn: effectiveDate,
          coolingOffDays: coolingOffDays.value,
          shortRate: shortRate.value,
          claimMade: claims.has(term.termNo),
          claimPaid: claims.get(term.termNo) ?? false,
        }),
      };
    });
  const wouldRefund = refunds.reduce((sum, { amount }) => add(sum, amount), zero);
  const unpaid = (await PremiumInvoice.dueOf(subscription.id)).reduce(
    (sum, { amount }) => add(sum, amount),
    zero,
  );
  return {
    effectiveDate,
    isImmediate: compareDates(effectiveDate, today) === 0,
    wouldRefund,
    refund: await refundablePremium(subscription.id, refundOfPaid(wouldRefund, unpaid)),
    terms: refunds,
    coolingOffEndsOn: coolingOffEnd({
      purchasedOn: dateAt((purchase ?? subscription).createdAt.getTime(), company.timeZone),
      termStart: subscription.startDate,
      coolingOffDays: lifecycleOf(contract, purchase).coolingOffDays.value,
    }),
  };
}

/** Terms with claims, by number, and whether one of them was paid, or is about to be. */
async function claimsByTerm({ id, policyId }: PolicySubscription): Promise<Map<number, boolean>> {
  const rows = await select<{ termNo: number; isPaid: boolean }>(
    `SELECT t.term_no AS "termNo",
       bool_or(c.paid_amount > 0 OR c.status IN ('approved', 'payment_processing')) AS "isPaid"
     FROM subscription_terms t JOIN claims c ON c.company_id = t.company_id AND c.policy_id = $2
       AND c.incident_date >= t.start_date AND c.incident_date < t.end_date
     WHERE t.subscription_id = $1 AND c.archived_at IS NULL
       AND coalesce(c.closed_outcome, '') NOT IN ('withdrawn', 'duplicate')
     GROUP BY t.term_no`,
    [id, policyId],
  );
  return new Map(rows.map(({ termNo, isPaid }) => [termNo, isPaid]));
}

/** Whether the last part of the term does. */
const endsAfter = (terms: readonly SubscriptionTerm[], termNo: number, date: CalendarDate) =>
  terms.some((term) => term.termNo === termNo && compareDates(term.endDate, date) > 0);

/** The term that a renewal would add, at the plan's price and with its numbers of today. */
export interface Renewal extends RenewalTerm {
  readonly termNo: number;
  readonly isLate: boolean;
  readonly price: PriceSnapshot;
  readonly lifecycle: Lifecycle;
}

/** What staff agreed for a renewal; the rest is the plan's of today, or goes on as it was. */
export interface RenewalWish {
  /** The first day without cover. */
  readonly endDate?: CalendarDate | null | undefined;
  readonly durationMonths?: number | null | undefined;
  readonly premium?: Money | null | undefined;
  readonly coverageAmount?: Money | null | undefined;
}

/**
 * @throws Conflict outside of the window, of an archived policy, or when the plan is no longer sold
 * @throws Invalid `end_date`
 */
export async function renewalOf(
  { subscription, policy, company, plan, lifecycle }: Contract,
  at: number,
  wish: RenewalWish = {},
): Promise<Renewal> {
  const today = dateAt(at, company.timeZone);
  const refusal = renewalRefusal({
    status: subscription.status,
    currentEnd: subscription.endDate,
    today,
    lateRenewalDays: lifecycle.lateRenewalDays.value,
  });
  if (refusal) throw new Conflict(refusal.code, refusal.message);
  // The end of the term waits for nobody; ahead of it what is sold already is paid first.
  const isAhead = compareDates(today, subscription.endDate) < 0;
  if (isAhead && (await PremiumInvoice.dueOf(subscription.id)).length > 0) {
    throw new Conflict('INVOICE_OPEN', 'A premium of this subscription has not arrived yet');
  }
  if (policy.archivedAt) {
    throw new Conflict('POLICY_ARCHIVED', `The policy ${policy.id} is archived; restore it first`);
  }
  if (subscription.source === 'plan' && !(plan && (await isSold(plan)))) {
    throw new Conflict('PLAN_NOT_SOLD', 'The plan of this subscription is no longer sold');
  }
  const { term, price } = nextTermOf({ subscription, plan }, today, wish);
  const problem = agreedEndProblem(term);
  if (problem) throw invalidField('end_date', problem.message, problem.code);
  return {
    ...term,
    termNo: subscription.termNo + 1,
    isLate: subscription.status === 'expired',
    price: {
      ...price,
      premium: wish.premium ? payable('premium', wish.premium, price.currency) : price.premium,
      coverageAmount: wish.coverageAmount ?? price.coverageAmount,
      durationMonths: wholeMonths(term),
    },
    lifecycle: lifecycleToday({ company, plan }),
  };
}

/** What a renewal of today would cover, and at what price. */
export const nextTermOf = (
  { subscription, plan }: Pick<Contract, 'subscription' | 'plan'>,
  today: CalendarDate,
  wish: RenewalWish = {},
) => ({
  term: renewalTerm({
    currentEnd: subscription.endDate,
    today,
    ...lengthOf(wish, plan, subscription),
  }),
  price: plan ? priceOf(plan) : subscription.priceSnapshot,
});

/** @throws Conflict for a policy without a plan of which nobody said how long it goes on */
function lengthOf(
  { endDate, durationMonths }: RenewalWish,
  plan: InsurancePlan | null,
  { policyId }: PolicySubscription,
): TermLength {
  if (endDate) return { endsOn: endDate };
  const months = durationMonths ?? plan?.durationMonths;
  if (months) return { months };
  throw new Conflict(
    'RENEWAL_NEEDS_END',
    `The policy ${policyId} has no plan that says how long it goes on: renew it with PUT /policies/${policyId}/renew`,
  );
}

/** What the sale of a plan to a person depends on. */
export interface Sale {
  readonly plan: Pick<InsurancePlan, 'id' | 'lifecycleConfig' | keyof PriceSource>;
  readonly isForSale: boolean;
  /** Nothing is named as insured, or a property of the company that the person can see. */
  readonly isInsurable: boolean;
  readonly segment: PropertyCategory['segment'];
  readonly company: Pick<Company, 'id' | 'timeZone' | 'settings'>;
  readonly holder: { readonly name: string; readonly email: string; readonly phone: string | null };
}

/** In one statement, because a sale waits for its answer. @throws NotFound */
export async function loadSale(
  planId: string,
  userId: string,
  insuredPropertyId: string | null,
): Promise<Sale> {
  const [row] = await select<SaleRow>(
    `SELECT p.id, p.name, p.version, p.premium, p.coverage_amount AS "coverageAmount", p.currency,
       p.duration_months AS "durationMonths", p.lifecycle_config AS "lifecycleConfig",
       p.is_active AND c.archived_at IS NULL AS "isForSale", c.segment,
       o.id AS "companyId", o.time_zone AS "timeZone", o.settings,
       u.email, u.username, u.first_name AS "firstName", u.last_name AS "lastName",
       u.phone_number AS phone,
       $3::uuid IS NULL OR EXISTS (SELECT FROM properties h
         WHERE h.company_id = p.company_id AND h.id = $3 AND h.archived_at IS NULL
           AND (h.status = 'listed' OR h.owner_id = $2)) AS "isInsurable"
     FROM insurance_plans p
       JOIN property_categories c ON c.company_id = p.company_id AND c.id = p.property_category_id
       JOIN platform.companies o ON o.id = p.company_id
       LEFT JOIN platform.users u ON u.id = $2
     WHERE p.id = $1 AND p.archived_at IS NULL`,
    [planId, userId, insuredPropertyId],
  );
  if (!row) throw noSuch(InsurancePlan.entityType, planId);
  const { isForSale, isInsurable, segment, companyId, timeZone, settings, ...rest } = row;
  const { email, username, firstName, lastName, phone, ...plan } = rest;
  if (email === null) throw noSuch('user', userId);
  return {
    plan,
    isForSale,
    isInsurable,
    segment,
    company: { id: companyId, timeZone, settings },
    holder: { name: fullNameOf({ username, firstName, lastName }), email, phone },
  };
}

interface SaleRow
  extends
    PriceSource,
    Pick<InsurancePlan, 'id' | 'lifecycleConfig'>,
    Pick<Company, 'timeZone' | 'settings'>,
    Pick<User, 'username' | 'firstName' | 'lastName'> {
  readonly isForSale: boolean;
  readonly isInsurable: boolean;
  readonly segment: PropertyCategory['segment'];
  readonly companyId: string;
  /** Null where the person does not belong to the company. */
  readonly email: string | null;
  readonly phone: string | null;
}

/** Only active plans of active categories are sold. */
export async function isSold(plan: InsurancePlan): Promise<boolean> {
  if (plan.archivedAt || !plan.isActive) return false;
  const category = await PropertyCategory.findOne({ where: { id: plan.propertyCategoryId } });
  return category !== null && category.archivedAt === null;
}

type PriceSource = Pick<
  InsurancePlan,
  'premium' | 'coverageAmount' | 'currency' | 'durationMonths' | 'name' | 'version'
>;

export const priceOf = (plan: PriceSource): PriceSnapshot => ({
  premium: plan.premium,
  coverageAmount: plan.coverageAmount,
  currency: plan.currency,
  durationMonths: plan.durationMonths,
  planName: plan.name,
  planVersion: plan.version,
});

/** What messages about a contract say; no personal data. */
export const contractFacts = (
  subscription: PolicySubscription,
  policy: Policy,
): Readonly<Record<string, string>> => ({
  policyNumber: policy.policyNumber,
  planName: subscription.priceSnapshot.planName,
  startDate: subscription.startDate,
  endDate: subscription.endDate,
  premium: subscription.priceSnapshot.premium,
  coverageAmount: subscription.priceSnapshot.coverageAmount,
  currency: subscription.priceSnapshot.currency,
  ...(subscription.cancelEffectiveDate && { effectiveDate: subscription.cancelEffectiveDate }),
});

/**
 * Tells the holder by mail and, where there is an account, in the application, once each.
 * @param key `{entity}/{id}/{effect}/{n}`
 * @returns the mail's id; its text is made when it is sent
 */
export function tellHolder(
  { subscription, policy }: Pick<Contract, 'subscription' | 'policy'>,
  template: TemplateCode,
  key: string,
  facts: Readonly<Record<string, string>> = {},
): string {
  const { userId } = subscription;
  const message = {
    template,
    payload: { ...contractFacts(subscription, policy), ...facts },
    key,
    about: { type: PolicySubscription.entityType, id: subscription.id },
  };
  if (!userId) {
    return Notification.queue({
      to: { channel: 'email', address: policy.policyholderEmail },
      ...message,
    });
  }
  const mailId = Notification.queue({ to: { channel: 'email', userId }, ...message });
  Notification.queue({ to: { channel: 'in_app', userId }, ...message });
  return mailId;
}

/** What the policy of a subscription calls its holder, who may have no account. */
export async function holderName(subscriptionId: string): Promise<string | undefined> {
  const [found] = await select<{ name: string }>(
    `SELECT p.policyholder_name AS name FROM policy_subscriptions s
     JOIN policies p ON p.company_id = s.company_id AND p.id = s.policy_id WHERE s.id = $1`,
    [subscriptionId],
  );
  return found?.name;
}

/** Which timers a moved expiry leaves, and which it takes back. */
export type ExpiryMove = ReturnType<typeof timersAfterExpiryChange>;

/** @throws Invalid when the instant is out of bounds */
export async function expiryMoveOf(
  { subscription, company, terms }: Contract,
  expiresAt: number,
  at: number,
): Promise<ExpiryMove> {
  const startDate = terms.at(-1)?.startDate ?? subscription.startDate;
  const startsAt = startOfDay(startDate, company.timeZone);
  const problem = expiryChangeProblem({ expiresAt, now: at, startsAt });
  if (problem) throw invalidField('due_at', problem.message, problem.code);
  const timers = (await Timer.scheduledFor(subscription.id)).flatMap(asPlan);
  return timersAfterExpiryChange({
    timers,
    expiresAt,
    now: at,
    startDate,
    timeZone: company.timeZone,
  });
}

/** Deadlines of premiums do not follow the expiry. */
const asPlan = ({ name, occurrence, dueAt, source }: Timer): TimerPlan[] =>
  isTermTimer(name) && !isBillingTimer(name)
    ? [{ name, occurrence, dueAt: dueAt.getTime(), source }]
    : [];
