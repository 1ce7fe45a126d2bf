import type { Actor } from '../context.ts';
import { Forbidden } from '../errors.ts';
import { withTenant } from '../models/database.ts';
import { selectPage, type Condition } from '../models/list.ts';
import { Policy } from '../models/Policy.ts';
import { getRow, noSuch } from '../models/rows.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { may } from '../rules/permissions.ts';
import type { PolicyStatus } from '../rules/subscriptions.ts';

export interface PolicyFilters {
  readonly status?: PolicyStatus | undefined;
  readonly policyType?: string | undefined;
  readonly expiresBefore?: CalendarDate | undefined;
  readonly expiresAfter?: CalendarDate | undefined;
  readonly createdAfter?: Date | undefined;
  readonly createdBefore?: Date | undefined;
  readonly sortBy: keyof typeof sortColumns;
  readonly sortOrder: 'asc' | 'desc';
  readonly page: number;
  readonly size: number;
}

const sortColumns = {
  createdAt: 'p.created_at',
  endDate: 'p.end_date',
  policyNumber: 'p.policy_number',
} as const;

/** Policies can be read; they are issued, renewed and ended by their subscription. */
export const createPolicies = () => ({
  get: (actor: Actor, id: string): Promise<Policy> =>
    withTenant(actor.companyId, async () => {
      const policy = await getRow(Policy, id);
      if (policy.userId !== actor.userId && !may(actor.roles, 'policy:read')) {
        throw noSuch('policy', id);
      }
      return policy;
    }),

  list: (actor: Actor, filters: PolicyFilters) =>
    withTenant(actor.companyId, async () => {
      const { status, policyType, expiresBefore, expiresAfter, createdAfter, createdBefore } =
        filters;
      const isOwnOnly = !may(actor.roles, 'policy:read');
      if (isOwnOnly && !actor.userId) throw new Forbidden();
      const conditions: Condition[] = [
        ['p.archived_at IS NULL'],
        ...(isOwnOnly ? [['p.user_id = $', actor.userId] as const] : []),
        ...(status ? [['p.status = $', status] as const] : []),
        ...(policyType ? [['p.policy_type = $', policyType] as const] : []),
        ...(expiresBefore ? [['p.end_date < $', expiresBefore] as const] : []),
        ...(expiresAfter ? [['p.end_date > $', expiresAfter] as const] : []),
        ...(createdAfter ? [['p.created_at >= $', createdAfter] as const] : []),
        ...(createdBefore ? [['p.created_at < $', createdBefore] as const] : []),
      ];
      const { items, total } = await selectPage<{ id: string }>('p.id', 'policies p', conditions, {
        ...filters,
        by: sortColumns[filters.sortBy],
        order: filters.sortOrder,
        id: 'p.id',
      });
      const ids = items.map(({ id }) => id);
      const rows = new Map(
        (await Policy.findAll({ where: { id: ids } })).map((policy) => [policy.id, policy]),
      );
      return { items: ids.flatMap((id) => rows.get(id) ?? []), total };
    }),
});

export type Policies = ReturnType<typeof createPolicies>;
