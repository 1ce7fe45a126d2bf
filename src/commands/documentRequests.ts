import type { Actor } from '../context.ts';
import { Refusal, Unavailable } from '../errors.ts';
import { allThere, answeredRequest } from '../models/answeredRequest.ts';
import { Claim } from '../models/Claim.ts';
import { withTenant } from '../models/database.ts';
import { getRow } from '../models/rows.ts';
import { claimWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/claimProcessing.ts';
import type { WorkflowCommands } from './workflows.ts';

export const createDocumentRequests = ({
  workflows,
}: {
  readonly workflows: WorkflowCommands;
}) => ({
  /**
   * Lets a claim go on after a scan, once all that its claimant was asked for is there. A claim that
   * cannot go on now looks again when it is released, and whenever it would ask for them; one whose request
   * only people understand waits for whoever has it.
   * @throws Unavailable while its workflow is out of reach
   */
  answer: async (actor: Actor, claimId: string): Promise<void> => {
    const { companyId, userId: by } = actor;
    try {
      const commandId = await withTenant(companyId, () => answeredBy(claimId));
      if (!commandId) return;
      await workflows.command(transition, {
        actor,
        entityId: claimId,
        workflowId: claimWorkflowId(companyId, claimId),
        commandId,
        prepare: () =>
          Promise.resolve({
            event: 'complete_documents',
            by,
            reason: allThere,
          }),
      });
    } catch (error) {
      if (!(error instanceof Refusal) || error instanceof Unavailable) throw error;
    }
  },
});

/** The command that the documents of an open request amount to, by their number; undefined while one is missing. */
async function answeredBy(claimId: string): Promise<string | undefined> {
  const request = await answeredRequest(await getRow(Claim, claimId));
  return request && `claim/${claimId}/documents/${request.id}/${request.added}`;
}
