import { documentWorkflowId } from '../rules/workflowIds.ts';
import { OutboxEntry, type WorkflowStart } from './OutboxEntry.ts';

export interface DocumentScanInput {
  readonly v: 1;
  readonly companyId: string;
  readonly documentId: string;
}

/** Promises, with the open transaction, that a document leaves quarantine. */
export function promiseScan(
  companyId: string,
  documentId: string,
  { isRestart = false } = {},
): WorkflowStart {
  const input: DocumentScanInput = { v: 1, companyId, documentId };
  return OutboxEntry.promise({
    companyId,
    entityType: 'document',
    entityId: documentId,
    workflowType: 'documentScan',
    workflowId: documentWorkflowId(companyId, documentId),
    input,
    summary: 'Scan of a document',
    attributes: { CompanyId: companyId, EntityType: 'document', EntityId: documentId },
    isRestart,
  });
}
