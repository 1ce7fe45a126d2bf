import type { Actor } from '../context.ts';
import { CompliancePolicyVersion, illegalVersionEvent } from '../models/CompliancePolicyVersion.ts';
import type { PolicyVersionWish } from '../models/policyApprovalStart.ts';
import { clocksTo } from '../models/policyFile.ts';
import { getRow } from '../models/rows.ts';
import { nextVersionStatus } from '../rules/policyApproval.ts';
import { policyApprovalWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/policyApproval.ts';
import { typedText } from './typedText.ts';
import type { WorkflowCommands } from './workflows.ts';

/**
 * Stops every clock of an approval, or lets them go on; for operators, who decide about nothing.
 * @throws NotFound; Conflict ILLEGAL_TRANSITION; Unavailable
 */
export const pauseVersion = (
  workflows: WorkflowCommands,
  actor: Actor,
  {
    id,
    event,
    commandId,
    reason,
  }: {
    readonly id: string;
    readonly event: 'pause' | 'resume';
    readonly commandId: string;
    readonly reason: string;
  },
): Promise<void> =>
  workflows.command(transition, {
    actor,
    entityId: id,
    workflowId: policyApprovalWorkflowId(actor.companyId, id),
    commandId,
    prepare: async (): Promise<PolicyVersionWish> => {
      const version = await getRow(CompliancePolicyVersion, id);
      if (!nextVersionStatus(version.status, event)) throw illegalVersionEvent(version, event);
      await clocksTo(event, id);
      return { event, by: actor.userId, reason: typedText('reason', reason) };
    },
  });
