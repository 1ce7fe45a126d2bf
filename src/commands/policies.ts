import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Forbidden, NotFound } from '../errors.ts';
import { withTenant } from '../models/database.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectFirst,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
  type ListOrder,
} from '../models/list.ts';
import { Policy } from '../models/Policy.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { noSuch } from '../models/rows.ts';
import { compareDates, dateAt, type CalendarDate } from '../rules/calendar.ts';
import { subtract, zero, type Money } from '../rules/money.ts';
import { allows } from '../rules/permissions.ts';
import type { PolicyStatus } from '../rules/subscriptions.ts';
import { seesAll } from './categories.ts';

export interface PolicyFilters extends ListAsked<keyof typeof sortColumns> {
  readonly status?: PolicyStatus | undefined;
  readonly policyType?: string | undefined;
  readonly productType?: string | undefined;
  readonly expiresBefore?: CalendarDate | undefined;
  readonly expiresAfter?: CalendarDate | undefined;
  /** In number, holder's name, e-mail or phone. */
  readonly search?: string | undefined;
  readonly includeArchived: boolean;
}

/** A policy as it is shown. */
export interface PolicyView {
  readonly policy: InferAttributes<Policy>;
  /** It covers today, by the company's calendar. */
  readonly isValid: boolean;
  readonly coverageUsed: Money;
  readonly coverageRemaining: Money;
}

const sortColumns = {
  createdAt: 'p.created_at',
  endDate: 'p.end_date',
  policyNumber: 'p.policy_number',
} as const;

const tables = 'policies p JOIN platform.companies c ON c.id = p.company_id';
const live: Condition = ['p.archived_at IS NULL'];

const columns = (): string => `${columnsOf(Policy, 'p')}, c.time_zone AS "timeZone"`;

/** Policies can be read; they are issued, renewed and ended by their subscription. */
export const createPolicies = () => ({
  get: (actor: Actor, id: string): Promise<PolicyView> =>
    withTenant(actor.companyId, () => viewOf(actor, id)),

  list: (actor: Actor, filters: PolicyFilters) => {
    const includeArchived = filters.includeArchived && seesAll(actor);
    const conditions = [...ownOnly(actor), ...conditionsOf({ ...filters, includeArchived })];
    return viewsWhere(actor.companyId, conditions, orderOf(filters));
  },

  /** All of a company, for whoever was let into it. */
  listAll: (companyId: string, filters: PolicyFilters) =>
    viewsWhere(companyId, conditionsOf(filters), orderOf(filters)),

  /** What contains the word, the closest first. */
  search: (actor: Actor, { keyWord, ...paging }: { keyWord: string; page: number; size: number }) =>
    viewsWhere(actor.companyId, [...ownOnly(actor), live, matching(keyWord)], {
      ...paging,
      by: [closeness, keyWord],
      order: 'desc',
      id: 'p.id',
    }),

  /** The subscription whose course the policy follows. */
  subscriptionOf: (actor: Actor, id: string): Promise<string> =>
    withTenant(actor.companyId, async () => {
      await viewOf(actor, id);
      const subscription = await PolicySubscription.findOne({ where: { policyId: id } });
      if (!subscription) throw new NotFound(`The policy ${id} has no subscription`);
      return subscription.id;
    }),
});

export type Policies = ReturnType<typeof createPolicies>;

interface Row extends InferAttributes<Policy> {
  readonly timeZone: string;
}

/** Of the table `p`: the text is in number, holder's name, e-mail or phone. */
export const matching = (text: string): Condition => [
  'p.id IN (SELECT * FROM search_policy_ids($))',
  containing(text),
];

const closeness = `greatest(${[
  'p.policy_number',
  'p.policyholder_name',
  'p.policyholder_email',
  'p.policyholder_phone',
]
  .map((column) => `word_similarity($, ${column})`)
  .join(', ')})`;

/** Own ones, or all with the right to; another person's is a 404 like an unknown one. */
async function viewOf(actor: Actor, id: string): Promise<PolicyView> {
  const [row] = await selectFirst<Row>(columns(), tables, [live, ['p.id = $', id]], {
    by: 'p.id',
    id: 'p.id',
    order: 'asc',
    size: 1,
  });
  const isVisible =
    row && ((row.userId !== null && row.userId === actor.userId) || allows(actor, 'policy:read'));
  if (!isVisible) throw noSuch('policy', id);
  return asView(row);
}

/** @throws Forbidden for what owns nothing and may not see everybody's */
function ownOnly(actor: Actor): readonly Condition[] {
  if (allows(actor, 'policy:read')) return [];
  if (!actor.userId) throw new Forbidden();
  return [['p.user_id = $', actor.userId]];
}

function conditionsOf(filters: PolicyFilters): readonly Condition[] {
  const { status, policyType, productType, expiresBefore, expiresAfter } = filters;
  const { search, includeArchived } = filters;
  return [
    ...(includeArchived ? [] : [live]),
    ...(status ? [['p.status = $', status] as const] : []),
    ...(policyType ? [['p.policy_type = $', policyType] as const] : []),
    ...(productType ? [['p.policy_type = $', productType] as const] : []),
    ...(expiresBefore ? [['p.end_date < $', expiresBefore] as const] : []),
    ...(expiresAfter ? [['p.end_date > $', expiresAfter] as const] : []),
    ...(search ? [matching(search)] : []),
    ...madeWithin('p', filters),
  ];
}

const orderOf = (filters: PolicyFilters): ListOrder => sortedBy(sortColumns, filters, 'p.id');

const viewsWhere = (
  companyId: string,
  conditions: readonly Condition[],
  order: ListOrder,
): Promise<{ items: PolicyView[]; total: number }> =>
  withTenant(companyId, async () => {
    const page = await selectPage<Row>(columns(), tables, conditions, order);
    return { ...page, items: page.items.map(asView) };
  });

function asView({ timeZone, ...policy }: Row): PolicyView {
  const today = dateAt(Date.now(), timeZone);
  // Nothing is claimed here yet.
  const coverageUsed = zero;
  return {
    policy,
    isValid:
      policy.status === 'active' &&
      policy.archivedAt === null &&
      compareDates(policy.startDate, today) <= 0 &&
      compareDates(today, policy.endDate) < 0,
    coverageUsed,
    coverageRemaining: subtract(policy.coverageAmount, coverageUsed),
  };
}
