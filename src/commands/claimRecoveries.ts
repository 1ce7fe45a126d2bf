import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { ClaimRecovery } from '../models/ClaimRecovery.ts';
import { append, flush, withTenant } from '../models/database.ts';
import {
  madeWithin,
  selectFirst,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { editRow, getRow, noSuch } from '../models/rows.ts';
import { zero, type Money } from '../rules/money.ts';
import { plainText } from '../rules/plainText.ts';
import { recoveryProblem, type RecoveryKind, type RecoveryStatus } from '../rules/recoveries.ts';
import { staffClaim } from './claimAccess.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

export interface RecoveryWish {
  readonly kind: RecoveryKind;
  /** Who pays. */
  readonly party: string;
  readonly estimated: Money;
}

/** What is undefined stays as it is. */
export interface RecoveryChanges {
  /** All that has come in so far. */
  readonly recovered?: Money | undefined;
  readonly status?: RecoveryStatus | undefined;
}

export interface RecoveryFilters extends ListAsked<keyof typeof sortColumns> {
  readonly kind?: RecoveryKind | undefined;
  readonly status?: RecoveryStatus | undefined;
}

export type RecoveryView = Pick<
  ClaimRecovery,
  | 'id'
  | 'claimId'
  | 'kind'
  | 'party'
  | 'estimated'
  | 'createdAt'
  | 'updatedAt'
  | 'createdBy'
  | 'version'
> & {
  readonly recovered: Money;
  readonly status: RecoveryStatus;
  readonly currency: string;
};

const sortColumns = { createdAt: 'r.created_at', estimated: 'r.estimated' } as const;

const columns = `r.id, r.claim_id AS "claimId", r.kind, r.party, r.estimated, r.recovered, r.status,
  c.currency, r.created_at AS "createdAt", r.updated_at AS "updatedAt", r.created_by AS "createdBy",
  r.version`;

const tables =
  'claim_recoveries r JOIN claims c ON c.company_id = r.company_id AND c.id = r.claim_id';
const live: Condition = ['r.archived_at IS NULL'];

/** What comes back of a claim's money, also long after it was paid and closed. */
export const createClaimRecoveries = () => ({
  list: (actor: Actor, claimId: string, filters: RecoveryFilters) =>
    withTenant(actor.companyId, async () => {
      await staffClaim(actor, claimId);
      const { kind, status } = filters;
      return selectPage<RecoveryView>(
        columns,
        tables,
        [
          live,
          ['r.claim_id = $', claimId],
          ...(kind ? [['r.kind = $', kind] as const] : []),
          ...(status ? [['r.status = $', status] as const] : []),
          ...madeWithin('r', filters),
        ],
        sortedBy(sortColumns, filters, 'r.id'),
      );
    }),

  add: (
    actor: Actor,
    claimId: string,
    { kind, estimated, ...wish }: RecoveryWish,
    once: Once,
  ): Promise<RecoveryView | Replay> =>
    rowsOnce(
      once,
      async () => {
        await staffClaim(actor, claimId);
        const party = plainText(wish.party);
        if (party === '') throw invalidField('party', 'has no text', 'REQUIRED');
        const values = { claimId, kind, party, estimated };
        const id = append(ClaimRecovery, {
          id: uuid(),
          ...values,
          recovered: zero,
          status: 'open',
        });
        AuditLog.record('CREATE', { type: ClaimRecovery.entityType, id }, { after: values });
        await flush();
        return viewOf(id);
      },
      () => staffClaim(actor, claimId),
    ),

  /** @throws Conflict RECOVERY_CLOSED, RECOVERED_LESS, NOTHING_RECOVERED */
  edit: (
    actor: Actor,
    id: string,
    changes: RecoveryChanges,
    expectedVersion: number | undefined,
  ): Promise<RecoveryView> =>
    withTenant(actor.companyId, async () => {
      const recovery = await getRow(ClaimRecovery, id);
      await staffClaim(actor, recovery.claimId, { type: ClaimRecovery.entityType, id });
      const { recovered = recovery.recovered, status = recovery.status } = changes;
      const after = { recovered, status };
      const problem = recoveryProblem(recovery, after);
      if (problem) throw new Conflict(problem.code, problem.message);
      await editRow(ClaimRecovery, recovery, after, expectedVersion);
      return viewOf(id);
    }),
});

export type ClaimRecoveries = ReturnType<typeof createClaimRecoveries>;

async function viewOf(id: string): Promise<RecoveryView> {
  const order = { by: 'r.id', id: 'r.id', order: 'asc', size: 1 } as const;
  const [row] = await selectFirst<RecoveryView>(columns, tables, [['r.id = $', id]], order);
  if (!row) throw noSuch(ClaimRecovery.entityType, id);
  return row;
}
