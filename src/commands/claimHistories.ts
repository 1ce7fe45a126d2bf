import type { Actor } from '../context.ts';
import { standingOf } from '../models/Claim.ts';
import { withTenant } from '../models/database.ts';
import { selectPage } from '../models/list.ts';
import {
  allowedClaimEvents,
  mayBringAbout,
  nextClaimStatus,
  partiesOf,
  type ClaimEvent,
  type ClaimStatus,
  type HoldKind,
} from '../rules/claims.ts';
import { hasStage } from '../rules/claimSettings.ts';
import { viewOf, visibleClaim } from './claimViews.ts';

/** One step of a claim's course. */
export interface ClaimHistoryEntry {
  readonly id: string;
  readonly from: ClaimStatus | null;
  readonly to: ClaimStatus;
  readonly event: string;
  readonly actorId: string | null;
  readonly actorType: string;
  readonly reason: string | null;
  /** Of a hold. */
  readonly holdKind: HoldKind | null;
  readonly at: Date;
}

export interface AllowedTransitions {
  readonly status: ClaimStatus;
  readonly transitions: readonly {
    readonly event: ClaimEvent;
    readonly to: ClaimStatus;
    readonly by: readonly string[];
    /** Whether whoever asks may bring it about; limits and four eyes come on top. */
    readonly mine: boolean;
  }[];
}

/** What happened to a claim, and what may. */
export const createClaimHistories = () => ({
  /** A claimant sees the course, without who acted and why. */
  list: (
    actor: Actor,
    id: string,
    { page, size, sortOrder }: { page: number; size: number; sortOrder: 'asc' | 'desc' },
  ): Promise<{ items: ClaimHistoryEntry[]; total: number }> =>
    withTenant(actor.companyId, async () => {
      const { isInternal } = await viewOf(actor, id);
      const found = await selectPage<ClaimHistoryEntry>(
        `t.id, t.from_status AS "from", t.to_status AS "to", t.event, t.actor_id AS "actorId",
         t.actor_type AS "actorType", t.reason, t.facts ->> 'hold_kind' AS "holdKind", t.at`,
        'core.transitions t',
        [["t.entity_type = 'claim'"], ['t.entity_id = $', id]],
        { by: 't.state_version', id: 't.id', order: sortOrder, page, size },
      );
      const shown = (entry: ClaimHistoryEntry): ClaimHistoryEntry =>
        isInternal ? entry : { ...entry, actorId: null, reason: null, holdKind: null };
      return { ...found, items: found.items.map(shown) };
    }),

  allowed: (actor: Actor, id: string): Promise<AllowedTransitions> =>
    withTenant(actor.companyId, async () => {
      const { claim, asker } = await visibleClaim(actor, id);
      const standing = standingOf(claim);
      return {
        status: claim.status,
        transitions: allowedClaimEvents(standing).flatMap((event) => {
          if (!hasStage(claim.config, event)) return [];
          const to = nextClaimStatus(standing, event);
          if (!to) return [];
          const mine = mayBringAbout(claim.status, event, asker);
          return [{ event, to, by: partiesOf(claim.status, event), mine }];
        }),
      };
    }),
});

export type ClaimHistories = ReturnType<typeof createClaimHistories>;
