import type { Actor } from '../context.ts';
import { Refusal } from '../errors.ts';
import { Claim, standingOf } from '../models/Claim.ts';
import { withTenant } from '../models/database.ts';
import { documentsOf } from '../models/Document.ts';
import { DocumentRequest } from '../models/DocumentRequest.ts';
import { getRow } from '../models/rows.ts';
import { nextClaimStatus } from '../rules/claims.ts';
import { typesAsked } from '../rules/documents.ts';
import { claimWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/claimProcessing.ts';
import type { WorkflowCommands } from './workflows.ts';

export const createDocumentRequests = ({
  workflows,
}: {
  readonly workflows: WorkflowCommands;
}) => ({
  /**
   * Lets a claim go on after an upload, once all that its claimant was asked for is there. A claim that
   * cannot go on now, and one whose request only people understand, wait for whoever has it.
   */
  async answer(actor: Actor, claimId: string): Promise<void> {
    const { companyId, userId: by } = actor;
    const commandId = await withTenant(companyId, () => answeredBy(claimId));
    if (!commandId) return;
    try {
      await workflows.command(transition, {
        actor,
        entityId: claimId,
        workflowId: claimWorkflowId(companyId, claimId),
        commandId,
        prepare: () =>
          Promise.resolve({
            event: 'complete_documents',
            by,
            reason: 'All documents that were asked for are there',
          }),
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  },
});

export type DocumentRequests = ReturnType<typeof createDocumentRequests>;

/** The command that the documents of an open request amount to, by their number; undefined while one is missing. */
async function answeredBy(claimId: string): Promise<string | undefined> {
  const claim = await getRow(Claim, claimId);
  if (!nextClaimStatus(standingOf(claim), 'complete_documents')) return undefined;
  const request = await DocumentRequest.findOne({
    where: { claimId, fulfilledAt: null },
    order: [['createdAt', 'DESC']],
  });
  const types = request && typesAsked(request.items);
  if (!types) return undefined;
  const added = (await documentsOf(claimId)).filter(
    ({ uploadedAt }) => uploadedAt >= request.createdAt,
  );
  const isAllThere = types.every((type) => added.some(({ documentType }) => documentType === type));
  return isAllThere ? `claim/${claimId}/documents/${request.id}/${added.length}` : undefined;
}
