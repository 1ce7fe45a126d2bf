import { Conflict, invalidField } from '../errors.ts';
import { compareDates, dateAt, startOfDay, type CalendarDate } from '../rules/calendar.ts';
import { resolveLifecycle, type Lifecycle, type LifecycleConfig } from '../rules/lifecycle.ts';
import {
  expiryChangeProblem,
  timersAfterExpiryChange,
  type TimerPlan,
} from '../rules/termTimers.ts';
import { add, zero, type Money } from '../rules/money.ts';
import { coolingOffEnd, refundFor, type RefundRule } from '../rules/refunds.ts';
import { renewalRefusal, renewalTerm, type RenewalTerm } from '../rules/terms.ts';
import { Company } from './Company.ts';
import { currentCompany, select } from './database.ts';
import { InsurancePlan } from './InsurancePlan.ts';
import { Policy } from './Policy.ts';
import { PolicySubscription, type PriceSnapshot } from './PolicySubscription.ts';
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
  /** By term number. */
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
    where: { subscriptionId: subscription.id },
    order: [['termNo', 'ASC']],
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
  /** What would go back if premiums were billed here; they are not yet. */
  readonly wouldRefund: Money;
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
export function cancellationOf(
  contract: Contract,
  wished: CalendarDate | null,
  at: number,
): Cancellation {
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
  const refunds = terms
    .filter(({ endDate }) => compareDates(endDate, effectiveDate) > 0)
    .map((term) => {
      const { coolingOffDays, shortRate } = lifecycleOf(contract, term);
      return {
        termNo: term.termNo,
        ...refundFor({
          premium: term.premium,
          termStart: term.startDate,
          termEnd: term.endDate,
          purchasedOn: dateAt(term.createdAt.getTime(), company.timeZone),
          effectiveOn: effectiveDate,
          coolingOffDays: coolingOffDays.value,
          shortRate: shortRate.value,
          claimMade: false,
          claimPaid: false,
        }),
      };
    });
  return {
    effectiveDate,
    isImmediate: compareDates(effectiveDate, today) === 0,
    wouldRefund: refunds.reduce((sum, { amount }) => add(sum, amount), zero),
    terms: refunds,
    coolingOffEndsOn: coolingOffEnd({
      purchasedOn: dateAt((purchase ?? subscription).createdAt.getTime(), company.timeZone),
      termStart: subscription.startDate,
      coolingOffDays: lifecycleOf(contract, purchase).coolingOffDays.value,
    }),
  };
}

/** The term that a renewal would add, at the plan's price and with its numbers of today. */
export interface Renewal extends RenewalTerm {
  readonly termNo: number;
  readonly isLate: boolean;
  readonly price: PriceSnapshot;
  readonly lifecycle: Lifecycle;
}

/** @throws Conflict outside of the window, or when the plan is no longer sold */
export async function renewalOf(
  { subscription, company, plan, lifecycle }: Contract,
  at: number,
): Promise<Renewal> {
  const today = dateAt(at, company.timeZone);
  const refusal = renewalRefusal({
    status: subscription.status,
    currentEnd: subscription.endDate,
    today,
    lateRenewalDays: lifecycle.lateRenewalDays.value,
  });
  if (refusal) throw new Conflict(refusal.code, refusal.message);
  if (!plan || !(await isSold(plan))) {
    throw new Conflict('PLAN_NOT_SOLD', 'The plan of this subscription is no longer sold');
  }
  const term = renewalTerm({
    currentEnd: subscription.endDate,
    today,
    months: plan.durationMonths,
  });
  return {
    ...term,
    termNo: subscription.termNo + 1,
    isLate: subscription.status === 'expired',
    price: priceOf(plan),
    lifecycle: lifecycleToday({ company, plan }),
  };
}

/** What the sale of a plan to a person depends on. */
export interface Sale {
  readonly plan: Pick<InsurancePlan, 'id' | 'lifecycleConfig' | keyof PriceSource>;
  readonly isForSale: boolean;
  readonly segment: PropertyCategory['segment'];
  readonly company: Pick<Company, 'id' | 'code' | 'timeZone' | 'settings'>;
  readonly holder: { readonly name: string; readonly email: string; readonly phone: string | null };
}

/** In one statement, because a sale waits for its answer. @throws NotFound */
export async function loadSale(planId: string, userId: string): Promise<Sale> {
  const [row] = await select<SaleRow>(
    `SELECT p.id, p.name, p.version, p.premium, p.coverage_amount AS "coverageAmount", p.currency,
       p.duration_months AS "durationMonths", p.lifecycle_config AS "lifecycleConfig",
       p.is_active AND c.archived_at IS NULL AS "isForSale", c.segment,
       o.id AS "companyId", o.code, o.time_zone AS "timeZone", o.settings,
       u.email, u.username, u.first_name AS "firstName", u.last_name AS "lastName",
       u.phone_number AS phone
     FROM insurance_plans p
       JOIN property_categories c ON c.company_id = p.company_id AND c.id = p.property_category_id
       JOIN platform.companies o ON o.id = p.company_id
       LEFT JOIN platform.users u ON u.id = $2
     WHERE p.id = $1 AND p.archived_at IS NULL`,
    [planId, userId],
  );
  if (!row) throw noSuch(InsurancePlan.entityType, planId);
  const { isForSale, segment, companyId, code, timeZone, settings, ...rest } = row;
  const { email, username, firstName, lastName, phone, ...plan } = rest;
  if (email === null) throw noSuch('user', userId);
  return {
    plan,
    isForSale,
    segment,
    company: { id: companyId, code, timeZone, settings },
    holder: { name: fullNameOf({ username, firstName, lastName }), email, phone },
  };
}

interface SaleRow
  extends
    PriceSource,
    Pick<InsurancePlan, 'id' | 'lifecycleConfig'>,
    Pick<Company, 'code' | 'timeZone' | 'settings'>,
    Pick<User, 'username' | 'firstName' | 'lastName'> {
  readonly isForSale: boolean;
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

const asPlan = ({ name, occurrence, dueAt, source }: Timer): TimerPlan[] =>
  isTermTimer(name) ? [{ name, occurrence, dueAt: dueAt.getTime(), source }] : [];
