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
  selectThose,
  sortedBy,
  type Condition,
  type ListAsked,
  type ListOrder,
} from '../models/list.ts';
import { usedInTerm } from '../models/claimCover.ts';
import { Policy } from '../models/Policy.ts';
import { noSuch } from '../models/rows.ts';
import type { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
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
  /** Of the term that runs today, else of the latest. */
  readonly coverageUsed: Money;
  readonly coverageRemaining: Money;
  /** The first day that is not paid for. */
  readonly premiumPaidTo: CalendarDate;
  /** Carries its course; null for a policy that was never sold here. */
  readonly subscriptionId: string | null;
}

/** A stretch of cover as it was agreed: a term, or what an endorsement made of it. */
export interface PolicyVersion {
  readonly number: number;
  readonly startDate: CalendarDate;
  readonly endDate: CalendarDate;
  readonly premium: Money;
  readonly coverageAmount: Money;
  readonly origin: SubscriptionTerm['origin'];
  readonly gapDays: number;
  /** When it was agreed. */
  readonly madeAt: Date;
  /** Null: by itself, or with a key. */
  readonly madeBy: string | null;
}

const sortColumns = {
  createdAt: 'p.created_at',
  endDate: 'p.end_date',
  policyNumber: 'p.policy_number',
} as const;

const tables = 'policies p JOIN platform.companies c ON c.id = p.company_id';
const live: Condition = ['p.archived_at IS NULL'];

const columns = (): string =>
  `${columnsOf(Policy, 'p')}, c.time_zone AS "timeZone",
   (SELECT s.id FROM policy_subscriptions s
    WHERE s.company_id = p.company_id AND s.policy_id = p.id) AS "subscriptionId",
   (SELECT min(i.period_start)::text FROM premium_invoices i JOIN policy_subscriptions s
      ON s.company_id = i.company_id AND s.id = i.subscription_id
    WHERE s.company_id = p.company_id AND s.policy_id = p.id
      AND (i.status IN ('open', 'overdue')
        OR (i.status = 'written_off' AND i.replaced_by IS NULL))) AS "unpaidFrom",
   (SELECT jsonb_build_object('amount', t.coverage_amount::text, 'used', ${usedInTerm()}::text)
    FROM ${versionTables} WHERE s.company_id = p.company_id AND s.policy_id = p.id
      AND t.superseded_by IS NULL
    ORDER BY (now() AT TIME ZONE c.time_zone)::date BETWEEN t.start_date AND t.end_date - 1 DESC,
      t.term_no DESC, t.part_no DESC LIMIT 1) AS cover`;

const versionColumns = `row_number() OVER (ORDER BY t.term_no, t.part_no)::integer AS number,
  t.start_date AS "startDate", t.end_date AS "endDate",
  t.premium, t.coverage_amount AS "coverageAmount", t.origin, t.gap_days AS "gapDays",
  t.created_at AS "madeAt", t.created_by AS "madeBy"`;

const versionTables = `policy_subscriptions s JOIN subscription_terms t
  ON t.company_id = s.company_id AND t.subscription_id = s.id`;

/** How policies are read. */
export const createPolicies = () => ({
  get: (actor: Actor, id: string): Promise<PolicyView> =>
    withTenant(actor.companyId, () => visibleView(actor, id)),

  list: (actor: Actor, filters: PolicyFilters) => {
    const includeArchived = filters.includeArchived && seesAll(actor);
    const conditions = [...ownOnly(actor), ...conditionsOf({ ...filters, includeArchived })];
    return viewsWhere(actor.companyId, conditions, orderOf(filters));
  },

  /** Those of `ids` that `get` would answer. */
  several: (actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, PolicyView>> =>
    withTenant(actor.companyId, async () => {
      const conditions = [live, ...ownOnly(actor)];
      const rows = await selectThose<Row>(columns(), tables, ['p.id', ids], conditions);
      return new Map(rows.map((row) => [row.id, asView(row)]));
    }),

  /** All of a company, for whoever was let into it. */
  listAll: (companyId: string, filters: PolicyFilters) =>
    viewsWhere(companyId, conditionsOf(filters), orderOf(filters)),

  /** What contains the word, the closest first: of one's own, or of the newest of a company. */
  search: (
    actor: Actor,
    { keyWord, ...paging }: { keyWord: string; page: number; size: number },
  ) => {
    const own = ownOnly(actor);
    const found = own.length > 0 ? anyContaining(keyWord) : newestMatching(keyWord);
    return viewsWhere(actor.companyId, [...own, live, found], {
      ...paging,
      by: [closeness, keyWord],
      order: 'desc',
      id: 'p.id',
    });
  },

  /** The subscription whose course the policy follows. */
  subscriptionOf: (actor: Actor, id: string): Promise<string> =>
    withTenant(actor.companyId, async () => {
      const { subscriptionId } = await visibleView(actor, id);
      if (!subscriptionId) throw withoutSubscription(id);
      return subscriptionId;
    }),

  /** The stretches of cover that were agreed, the latest first. */
  versions: (actor: Actor, id: string, paging: { readonly page: number; readonly size: number }) =>
    withTenant(actor.companyId, async () => {
      await visibleView(actor, id);
      return selectPage<PolicyVersion>(versionColumns, versionTables, [['s.policy_id = $', id]], {
        ...paging,
        by: '(t.term_no, t.part_no)',
        id: 't.id',
        order: 'desc',
      });
    }),
});

export type Policies = ReturnType<typeof createPolicies>;

interface Row extends InferAttributes<Policy> {
  readonly timeZone: string;
  readonly subscriptionId: string | null;
  /** Of the term that runs today, else of the latest; null for a policy that was never sold here. */
  readonly cover: { readonly amount: Money; readonly used: Money } | null;
  /** The first day of what is billed and not paid. */
  readonly unpaidFrom: CalendarDate | null;
}

/** Of the table `p`: the text is in number, holder's name, e-mail or phone. */
export const matching = (text: string): Condition => [
  'p.id IN (SELECT * FROM search_policy_ids($))',
  containing(text),
];

/** The newest 500, of which the closest are shown; whoever finds more says a longer word. */
const newestMatching = (text: string): Condition => [
  'p.id IN (SELECT * FROM search_newest_policy_ids($))',
  containing(text),
];

const searched = [
  'p.policy_number',
  'p.policyholder_name',
  'p.policyholder_email',
  'p.policyholder_phone',
];

/** Without an index: only of a few rows. */
const anyContaining = (text: string): Condition => [
  `(${searched.map((column) => `${column} ILIKE $`).join(' OR ')})`,
  containing(text),
];

const closeness = `greatest(${searched.map((column) => `word_similarity($, ${column})`).join(', ')})`;

/** As it is shown to whoever may change it. @throws NotFound also when it is archived */
export async function viewOf(id: string): Promise<PolicyView> {
  const [row] = await selectFirst<Row>(columns(), tables, [live, ['p.id = $', id]], {
    by: 'p.id',
    id: 'p.id',
    order: 'asc',
    size: 1,
  });
  if (!row) throw noSuch('policy', id);
  return asView(row);
}

export const withoutSubscription = (id: string): NotFound =>
  new NotFound(`The policy ${id} has no subscription`);

/** Own ones, or all with the right to; another person's is a 404 like an unknown one. */
async function visibleView(actor: Actor, id: string): Promise<PolicyView> {
  const view = await viewOf(id);
  const { userId } = view.policy;
  const isOwn = userId !== null && userId === actor.userId;
  if (!isOwn && !allows(actor, 'policy:read')) throw noSuch('policy', id);
  return view;
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

export function asView({
  timeZone,
  subscriptionId,
  cover,
  unpaidFrom,
  ...policy
}: Row): PolicyView {
  const { amount, used } = cover ?? { amount: policy.coverageAmount, used: zero };
  const today = dateAt(Date.now(), timeZone);
  return {
    policy,
    isValid:
      (policy.status === 'active' || policy.status === 'grace') &&
      policy.archivedAt === null &&
      compareDates(policy.startDate, today) <= 0 &&
      compareDates(today, policy.endDate) < 0,
    coverageUsed: used,
    coverageRemaining: subtract(amount, used),
    // Where nothing is billed, what was sold counts as paid.
    premiumPaidTo: unpaidFrom ?? policy.endDate,
    subscriptionId,
  };
}
