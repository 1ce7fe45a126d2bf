import type { Actor } from '../context.ts';
import { Forbidden, invalidField } from '../errors.ts';
import { Claim } from '../models/Claim.ts';
import { ClaimReserve } from '../models/ClaimReserve.ts';
import { flush, withTenant } from '../models/database.ts';
import {
  madeWithin,
  selectFirst,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { getRow } from '../models/rows.ts';
import { authorityLimit } from '../rules/claimSettings.ts';
import { compare, type Money } from '../rules/money.ts';
import { allows } from '../rules/permissions.ts';
import { plainText } from '../rules/plainText.ts';
import { mostFor, type ReserveCategory } from '../rules/reserves.ts';
import { closed, holdClaim, staffClaim } from './claimAccess.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

export interface ReserveWish {
  readonly category: ReserveCategory;
  /** What the category has from now on; 0.00 releases it. */
  readonly amount: Money;
  readonly reason: string;
}

export interface ReserveFilters extends ListAsked<keyof typeof sortColumns> {
  readonly category?: ReserveCategory | undefined;
  /** Only what holds now, or only what held before. */
  readonly isCurrent?: boolean | undefined;
}

/** A reserve as it was set, and whether it still holds. */
export type ReserveView = Pick<
  ClaimReserve,
  'id' | 'claimId' | 'category' | 'amount' | 'reason' | 'createdAt'
> & {
  readonly currency: string;
  readonly createdBy: string | null;
  readonly isCurrent: boolean;
};

const sortColumns = { createdAt: 'r.created_at', amount: 'r.amount' } as const;

const isCurrent = `NOT EXISTS (SELECT 1 FROM claim_reserves l
  WHERE l.company_id = r.company_id AND l.claim_id = r.claim_id AND l.category = r.category
    AND (l.created_at, l.id) > (r.created_at, r.id))`;

const columns = `r.id, r.claim_id AS "claimId", r.category, r.amount, r.reason, c.currency,
  r.created_at AS "createdAt", r.created_by AS "createdBy", ${isCurrent} AS "isCurrent"`;

const tables =
  'claim_reserves r JOIN claims c ON c.company_id = r.company_id AND c.id = r.claim_id';

/**
 * What the company sets aside for a claim. A row sets the reserve of its category; the latest of each
 * category hold, and together they are the claim's reserve. Rows are never changed.
 */
export const createClaimReserves = () => ({
  list: (actor: Actor, claimId: string, filters: ReserveFilters) =>
    withTenant(actor.companyId, async () => {
      await staffClaim(actor, claimId);
      const { category } = filters;
      return selectPage<ReserveView>(
        columns,
        tables,
        [
          ['r.claim_id = $', claimId],
          ...(category ? [['r.category = $', category] as const] : []),
          ...(filters.isCurrent === undefined
            ? []
            : [[`${isCurrent} = $`, filters.isCurrent] as const]),
          ...madeWithin('r', filters),
        ],
        sortedBy(sortColumns, filters, 'r.id'),
      );
    }),

  /**
   * @throws Conflict CLAIM_CLOSED, Forbidden where the claim's reserves together would pass what the
   * role decides alone
   */
  set: (
    actor: Actor,
    claimId: string,
    { category, amount, reason: written }: ReserveWish,
    once: Once,
  ): Promise<ReserveView | Replay> =>
    rowsOnce(
      once,
      async () => {
        await staffClaim(actor, claimId);
        await holdClaim(claimId);
        const claim = await getRow(Claim, claimId);
        if (claim.status === 'closed') throw closed(claimId);
        const reason = plainText(written);
        if (reason === '') throw invalidField('reason', 'has no text', 'REQUIRED');
        const current = await ClaimReserve.currentOf(claimId);
        const limit = authorityLimit(claim.config);
        refuseOverLimit(actor, { amount, most: mostFor(category, current, limit), limit });
        const before = current.find((reserve) => reserve.category === category);
        const id = ClaimReserve.set({ claimId, category, amount, reason }, before);
        await flush();
        return viewOf(id);
      },
      () => staffClaim(actor, claimId),
    ),
});

export type ClaimReserves = ReturnType<typeof createClaimReserves>;

function refuseOverLimit(
  actor: Actor,
  { amount, most, limit }: Readonly<Record<'amount' | 'most' | 'limit', Money>>,
): void {
  if (compare(amount, most) <= 0 || allows(actor, 'reserve:write_over_limit')) return;
  throw new Forbidden(
    `The claim's reserves would pass your limit of ${limit}; a claims_manager or tenant_admin sets them`,
    'OVER_LIMIT',
  );
}

async function viewOf(id: string): Promise<ReserveView> {
  const order = { by: 'r.id', id: 'r.id', order: 'asc', size: 1 } as const;
  const own: Condition = ['r.id = $', id];
  const [row] = await selectFirst<ReserveView>(columns, tables, [own], order);
  if (!row) throw new Error(`The reserve ${id} was not written`);
  return row;
}
