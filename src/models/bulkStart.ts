import { bulkWorkflowId } from '../rules/workflowIds.ts';
import { BulkOperation } from './BulkOperation.ts';
import type { WorkflowStart } from './OutboxEntry.ts';

export interface BulkInput {
  readonly v: 1;
  readonly companyId: string;
  readonly bulkId: string;
  readonly perSecond: number;
}

/** How the run of a bulk operation begins, when it is asked for or when it has to be restored. */
export function bulkStart({
  id,
  companyId,
  action,
  perSecond,
}: Pick<BulkOperation, 'id' | 'companyId' | 'action' | 'perSecond'>): Omit<
  WorkflowStart,
  'id' | 'context'
> {
  const input: BulkInput = { v: 1, companyId, bulkId: id, perSecond };
  return {
    companyId,
    entityType: BulkOperation.entityType,
    entityId: id,
    workflowType: 'bulkOperation',
    workflowId: bulkWorkflowId(companyId, id),
    input,
    summary: `Many runs: ${action.replaceAll('_', ' ')}, ${perSecond} a second`,
    attributes: {
      CompanyId: companyId,
      EntityType: BulkOperation.entityType,
      EntityId: id,
      EntityStatus: 'running',
      StateVersion: 1,
    },
  };
}
