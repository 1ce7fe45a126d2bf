import type { Actor } from '../context.ts';
import { illegalClaimEvent, standingOf } from '../models/Claim.ts';
import type { ClaimWish } from '../models/claimStart.ts';
import { nextClaimStatus } from '../rules/claims.ts';
import { claimWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/claimProcessing.ts';
import { claimFromOutside } from './claimTimelines.ts';
import { typedText } from './typedText.ts';
import type { WorkflowCommands } from './workflows.ts';

/**
 * Stops every clock of a claim, or lets them go on: the hold and the release of the claim's own course,
 * for operators, who see it by numbers alone.
 * @throws NotFound also for one's own claim; Conflict ILLEGAL_TRANSITION; Unavailable
 */
export const pauseClaim = (
  workflows: WorkflowCommands,
  actor: Actor,
  {
    id,
    event,
    commandId,
    reason,
  }: {
    readonly id: string;
    readonly event: 'hold' | 'release';
    readonly commandId: string;
    readonly reason: string;
  },
): Promise<void> =>
  workflows.command(transition, {
    actor,
    entityId: id,
    workflowId: claimWorkflowId(actor.companyId, id),
    commandId,
    prepare: async (): Promise<ClaimWish> => {
      const claim = await claimFromOutside(actor, id);
      if (!nextClaimStatus(standingOf(claim), event)) throw illegalClaimEvent(claim, event);
      return { event, by: actor.userId, reason: typedText('reason', reason) };
    },
  });
