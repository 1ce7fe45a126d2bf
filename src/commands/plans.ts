import type { Actor } from '../context.ts';
import { Conflict, Invalid, invalidField, type FieldProblem } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { lifecycleSettings } from '../models/contract.ts';
import { append, flush, withTenant } from '../models/database.ts';
import { InsurancePlan } from '../models/InsurancePlan.ts';
import {
  byId,
  containing,
  madeWithin,
  newestFirst,
  selectFirst,
  selectFirstOfEach,
  selectPage,
  selectThose,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { archiveRow, editRow, getRow, noSuch, restoreRow } from '../models/rows.ts';
import { dateAt, type CalendarDate } from '../rules/calendar.ts';
import { fractionProblem } from '../rules/currencies.ts';
import { lifecycleProblems, resolveLifecycle, type LifecycleConfig } from '../rules/lifecycle.ts';
import { compare, type Money } from '../rules/money.ts';
import { quote, type Quote } from '../rules/quotes.ts';
import { durationProblem, startDateProblem } from '../rules/terms.ts';
import { wireName } from '../rules/wireNames.ts';
import { holdCategory, seesAll } from './categories.ts';
import type { KnownCompany } from './companies.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

/** What a person may set; left out, the currency is the company's and the lifecycle its settings. */
export interface PlanWish {
  readonly name: string;
  readonly propertyCategoryId: string;
  readonly coverageLevel: InsurancePlan['coverageLevel'];
  readonly coverageAmount: Money;
  readonly premium: Money;
  readonly currency?: string | undefined;
  readonly durationMonths: number;
  readonly description: string;
  readonly isActive: boolean;
  readonly lifecycleConfig?: object | undefined;
}

/** For a change: what is undefined stays as it is. */
export type PlanChanges = { readonly [Name in keyof PlanWish]?: PlanWish[Name] | undefined };

export interface PlanFilters extends ListAsked<keyof typeof sortColumns> {
  /** Id of the category. */
  readonly propertyCategory?: string | undefined;
  readonly coverageLevel?: InsurancePlan['coverageLevel'] | undefined;
  readonly minPremium?: Money | undefined;
  readonly maxPremium?: Money | undefined;
  readonly isActive?: boolean | undefined;
  readonly includeArchived: boolean;
}

/** A plan as one SELECT finds it, with its category's name. */
export type PlanView = Pick<
  InsurancePlan,
  | 'id'
  | 'name'
  | 'propertyCategoryId'
  | 'coverageLevel'
  | 'coverageAmount'
  | 'premium'
  | 'currency'
  | 'durationMonths'
  | 'description'
  | 'isActive'
  | 'lifecycleConfig'
  | 'createdAt'
  | 'updatedAt'
  | 'archivedAt'
  | 'version'
> & { readonly categoryName: string };

const columns = `p.id, p.name, p.property_category_id AS "propertyCategoryId",
  c.name AS "categoryName", p.coverage_level AS "coverageLevel",
  p.coverage_amount AS "coverageAmount", p.premium, p.currency,
  p.duration_months AS "durationMonths", p.description, p.is_active AS "isActive",
  p.lifecycle_config AS "lifecycleConfig", p.created_at AS "createdAt",
  p.updated_at AS "updatedAt", p.archived_at AS "archivedAt", p.version`;

const tables = `insurance_plans p JOIN property_categories c
  ON c.company_id = p.company_id AND c.id = p.property_category_id`;

const sortColumns = {
  premium: 'p.premium_minor',
  coverageAmount: 'p.coverage_amount',
  name: 'lower(p.name)',
  createdAt: 'p.created_at',
  durationMonths: 'p.duration_months',
} as const;

/** What can be bought. Anybody may read what is for sale; the routes say who may write. */
export const createPlans = () => ({
  list: (companyId: string, visitor: Actor | undefined, filters: PlanFilters) => {
    const { minPremium, maxPremium } = filters;
    if (minPremium && maxPremium && compare(minPremium, maxPremium) > 0) {
      throw invalidField('min_premium', 'The least premium is above the greatest', 'OUT_OF_RANGE');
    }
    return withTenant(companyId, () =>
      selectPage<PlanView>(
        columns,
        tables,
        conditionsOf(filters, visitor),
        sortedBy(sortColumns, filters, 'p.id'),
      ),
    );
  },

  get: (companyId: string, visitor: Actor | undefined, id: string): Promise<PlanView> =>
    withTenant(companyId, () => viewOf(id, visibleTo(visitor))),

  /** Those of `ids` that `get` would answer. */
  several: (companyId: string, visitor: Actor | undefined, ids: readonly string[]) =>
    withTenant(companyId, async () => {
      return byId(await selectThose<PlanView>(columns, tables, ['p.id', ids], visibleTo(visitor)));
    }),

  /** For each category the first that `list` would answer. */
  ofCategories: (
    companyId: string,
    visitor: Actor | undefined,
    ids: readonly string[],
    size: number,
  ) =>
    withTenant(companyId, () =>
      selectFirstOfEach<PlanView>(
        columns,
        tables,
        ['p.property_category_id', ids],
        [...visibleTo(visitor), ['p.archived_at IS NULL']],
        { ...newestFirst('p'), size },
      ),
    ),

  /** What buying it would mean; nothing is stored. */
  quote: async (
    company: KnownCompany,
    visitor: Actor | undefined,
    id: string,
    wishedStart: CalendarDate | undefined,
  ): Promise<Quote & { readonly planId: string }> => {
    const plan = await withTenant(company.id, () => viewOf(id, visibleTo(visitor)));
    if (plan.archivedAt || !plan.isActive) {
      throw new Conflict('PLAN_NOT_SOLD', `The plan ${id} is not sold at present`);
    }
    const today = dateAt(Date.now(), company.timeZone);
    const startDate = wishedStart ?? today;
    const problem = startDateProblem(startDate, today);
    if (problem) throw invalidField('start_date', problem.message, problem.code);
    const lifecycle = resolveLifecycle(plan.lifecycleConfig, lifecycleSettings(company));
    return {
      planId: plan.id,
      ...quote({ plan, startDate, today, timeZone: company.timeZone, lifecycle }),
    };
  },

  /** @throws Conflict PLAN_EXISTS, like every change of a name here */
  create: (company: KnownCompany, wish: PlanWish, once: Once): Promise<PlanView | Replay> =>
    rowsOnce(once, async () => {
      const { currency = company.currency, lifecycleConfig = {} } = wish;
      const values = checked({ ...wish, currency, lifecycleConfig });
      if (!(await holdCategory(values.propertyCategoryId))) throw noCategory();
      const id = append(InsurancePlan, { ...values });
      AuditLog.record('CREATE', { type: InsurancePlan.entityType, id }, { after: values });
      await flush();
      return viewOf(id);
    }),

  replace: (
    company: KnownCompany,
    id: string,
    wish: PlanWish,
    expectedVersion: number | undefined,
  ): Promise<PlanView> => {
    const { currency = company.currency, lifecycleConfig = {} } = wish;
    return edit(company.id, id, { ...wish, currency, lifecycleConfig }, expectedVersion);
  },

  edit,

  /** Running subscriptions keep their terms; from now on nobody can buy it. */
  archive: (
    actor: Actor,
    id: string,
    expectedVersion: number | undefined,
  ): Promise<InsurancePlan> =>
    withTenant(actor.companyId, async () =>
      archiveRow(InsurancePlan, await getRow(InsurancePlan, id), expectedVersion),
    ),

  /** @throws Conflict CATEGORY_ARCHIVED when it would be for sale without its category */
  restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<PlanView> =>
    withTenant(actor.companyId, async () => {
      const plan = await getRow(InsurancePlan, id, { archived: true });
      if (plan.isActive && !(await holdCategory(plan.propertyCategoryId))) {
        throw new Conflict('CATEGORY_ARCHIVED', `The category of plan ${id} is archived`);
      }
      await restoreRow(InsurancePlan, plan, expectedVersion);
      return viewOf(id);
    }),
});

export type Plans = ReturnType<typeof createPlans>;

function edit(
  companyId: string,
  id: string,
  changes: PlanChanges,
  expectedVersion: number | undefined,
): Promise<PlanView> {
  return withTenant(companyId, async () => {
    const plan = await getRow(InsurancePlan, id);
    const values = checked({
      name: changes.name ?? plan.name,
      propertyCategoryId: changes.propertyCategoryId ?? plan.propertyCategoryId,
      coverageLevel: changes.coverageLevel ?? plan.coverageLevel,
      coverageAmount: changes.coverageAmount ?? plan.coverageAmount,
      premium: changes.premium ?? plan.premium,
      currency: changes.currency ?? plan.currency,
      durationMonths: changes.durationMonths ?? plan.durationMonths,
      description: changes.description ?? plan.description,
      isActive: changes.isActive ?? plan.isActive,
      lifecycleConfig: changes.lifecycleConfig ?? plan.lifecycleConfig,
    });
    const isMoved = values.propertyCategoryId !== plan.propertyCategoryId;
    if ((isMoved || values.isActive) && !(await holdCategory(values.propertyCategoryId))) {
      throw noCategory();
    }
    await editRow(InsurancePlan, plan, values, expectedVersion);
    return viewOf(id);
  });
}

/** What the asker may see, and what they asked for. */
function conditionsOf(filters: PlanFilters, visitor: Actor | undefined): Condition[] {
  const { propertyCategory, coverageLevel, minPremium, maxPremium, isActive, search } = filters;
  const { includeArchived } = filters;
  return [
    ...visibleTo(visitor),
    ...(includeArchived ? [] : [['p.archived_at IS NULL'] as const]),
    ...(propertyCategory ? [['p.property_category_id = $', propertyCategory] as const] : []),
    ...(coverageLevel ? [['p.coverage_level = $', coverageLevel] as const] : []),
    ...(minPremium ? [['p.premium_minor >= $', inMinorUnits(minPremium)] as const] : []),
    ...(maxPremium ? [['p.premium_minor <= $', inMinorUnits(maxPremium)] as const] : []),
    ...(isActive === undefined ? [] : [['p.is_active = $', isActive] as const]),
    ...(search ? [['(p.name ILIKE $ OR p.description ILIKE $)', containing(search)] as const] : []),
    ...madeWithin('p', filters),
  ];
}

const visibleTo = (visitor: Actor | undefined): Condition[] =>
  seesAll(visitor) ? [] : [['p.is_active AND p.archived_at IS NULL']];

/** @throws NotFound also for a plan that the conditions hide */
async function viewOf(id: string, conditions: readonly Condition[] = []): Promise<PlanView> {
  const [plan] = await selectFirst<PlanView>(columns, tables, [['p.id = $', id], ...conditions], {
    by: 'p.id',
    id: 'p.id',
    order: 'asc',
    size: 1,
  });
  if (!plan) throw noSuch(InsurancePlan.entityType, id);
  return plan;
}

/** What may be stored. @throws Invalid with all that is wrong */
function checked(wish: PlanWish & { readonly currency: string; readonly lifecycleConfig: object }) {
  const { name, propertyCategoryId, coverageLevel, coverageAmount, premium, currency } = wish;
  const { durationMonths, description, isActive, lifecycleConfig } = wish;
  const problems: FieldProblem[] = [];
  const duration = durationProblem(durationMonths);
  if (duration) problems.push({ field: 'duration_months', ...duration });
  if (compare(premium, mostPremium) > 0) {
    const message = `A premium goes up to ${mostPremium}`;
    problems.push({ field: 'premium', message, code: 'OUT_OF_RANGE' });
  }
  const fraction = fractionProblem(premium, currency);
  if (fraction) problems.push({ field: 'premium', ...fraction });
  if (compare(coverageAmount, premium) <= 0) {
    const message = 'The coverage is more than the premium';
    problems.push({ field: 'coverage_amount', message, code: 'COVERAGE_TOO_LOW' });
  }
  if (!isLifecycleConfig(lifecycleConfig) || problems.length > 0) {
    throw new Invalid([...problems, ...lifecycleFieldProblems(lifecycleConfig)]);
  }
  return {
    name,
    propertyCategoryId,
    coverageLevel,
    coverageAmount,
    premium,
    currency,
    durationMonths,
    description,
    isActive,
    lifecycleConfig,
  };
}

export const isLifecycleConfig = (config: object): config is LifecycleConfig =>
  lifecycleProblems(config).length === 0;

/** What is wrong with it, by the names that the request gave. */
export const lifecycleFieldProblems = (config: object): readonly FieldProblem[] =>
  lifecycleProblems(config).map(({ field, message, code }) => ({
    field: `lifecycle_config.${wireName(field)}`,
    message,
    code,
  }));

/** Also for another company's: the transaction cannot see it. */
const noCategory = (): Invalid =>
  invalidField('property_category_id', 'There is no such category', 'CATEGORY_UNKNOWN');

/** What the column of minor units holds, a bigint. */
const mostPremium: Money = '92233720368547757.99';
const mostMinorUnits = 9_223_372_036_854_775_807n;

function inMinorUnits(amount: Money): string {
  const units = BigInt(amount.replace('.', ''));
  return String(units < mostMinorUnits ? units : mostMinorUnits);
}
