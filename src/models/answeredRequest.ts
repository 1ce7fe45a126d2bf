import { nextClaimStatus } from '../rules/claims.ts';
import { typesAsked } from '../rules/documents.ts';
import { standingOf, type Claim } from './Claim.ts';
import { documentsOf } from './Document.ts';
import { DocumentRequest } from './DocumentRequest.ts';

/** Why a claim goes on by itself. */
export const allThere = 'All documents that were asked for are there';

/**
 * The open request of a claim that can go on because all it asks for was added, and how many were; undefined
 * while one is missing, or where only people understand the request.
 */
export async function answeredRequest(
  claim: Pick<Claim, 'id' | 'status' | 'onHold' | 'previousStatus'>,
): Promise<{ readonly id: string; readonly added: number } | undefined> {
  if (!nextClaimStatus(standingOf(claim), 'complete_documents')) return undefined;
  const request = await DocumentRequest.findOne({
    where: { claimId: claim.id, fulfilledAt: null },
    order: [['createdAt', 'DESC']],
  });
  const types = request && typesAsked(request.items);
  if (!types) return undefined;
  const added = (await documentsOf(claim.id)).filter(
    ({ uploadedAt }) => uploadedAt >= request.createdAt,
  );
  const isAllThere = types.every((type) => added.some(({ documentType }) => documentType === type));
  return isAllThere ? { id: request.id, added: added.length } : undefined;
}
