import type { Actor } from '../context.ts';
import { invalidField } from '../errors.ts';
import { withTenant } from '../models/database.ts';
import { FraudFlag } from '../models/FraudFlag.ts';
import { suspectClaim } from '../models/fraud.ts';
import {
  columnsOf,
  madeWithin,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { editRow, getRow } from '../models/rows.ts';
import type { FraudRule, FraudState } from '../rules/fraud.ts';
import { plainText } from '../rules/plainText.ts';
import { holdClaim, staffClaim } from './claimAccess.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

export interface FraudDecision {
  readonly state: Exclude<FraudState, 'open'>;
  readonly reason: string;
}

export interface FraudFilters extends ListAsked<keyof typeof sortColumns> {
  readonly state?: FraudState | undefined;
  readonly rule?: FraudRule | undefined;
}

const sortColumns = { createdAt: 'f.created_at', score: 'f.score' } as const;
const live: Condition = ['f.archived_at IS NULL'];

/** Suspicions about claims: the rules raise them when a claim is reported, people at any time. */
export const createFraudFlags = () => ({
  list: (actor: Actor, claimId: string, filters: FraudFilters) =>
    withTenant(actor.companyId, async () => {
      await staffClaim(actor, claimId);
      const { state, rule } = filters;
      return selectPage<FraudFlag>(
        columnsOf(FraudFlag, 'f'),
        'fraud_flags f',
        [
          live,
          ['f.claim_id = $', claimId],
          ...(state ? [['f.state = $', state] as const] : []),
          ...(rule ? [['f.rule = $', rule] as const] : []),
          ...madeWithin('f', filters),
        ],
        sortedBy(sortColumns, filters, 'f.id'),
      );
    }),

  raise: (
    actor: Actor,
    claimId: string,
    wish: { readonly score: number; readonly reason: string },
    once: Once,
  ): Promise<FraudFlag | Replay> =>
    rowsOnce(
      once,
      async () => {
        const claim = await staffClaim(actor, claimId);
        await holdClaim(claimId);
        const { score } = wish;
        const id = await suspectClaim(claim, { score, reason: cleaned(wish.reason) });
        return getRow(FraudFlag, id);
      },
      () => staffClaim(actor, claimId),
    ),

  /** Deciding otherwise later is allowed; the audit has both. */
  decide: (
    actor: Actor,
    id: string,
    { state, reason }: FraudDecision,
    expectedVersion: number | undefined,
  ): Promise<FraudFlag> =>
    withTenant(actor.companyId, async () => {
      const flag = await getRow(FraudFlag, id);
      await staffClaim(actor, flag.claimId, { type: FraudFlag.entityType, id });
      const decision = { state, reason: cleaned(reason) };
      const isSame = decision.state === flag.state && decision.reason === flag.reason;
      const by = isSame ? {} : { decidedBy: actor.userId, decidedAt: new Date() };
      return editRow(FraudFlag, flag, { ...decision, ...by }, expectedVersion, 'STATUS_CHANGE');
    }),
});

export type FraudFlags = ReturnType<typeof createFraudFlags>;

function cleaned(written: string): string {
  const reason = plainText(written);
  if (reason === '') throw invalidField('reason', 'has no text', 'REQUIRED');
  return reason;
}
