import type { ScanStatus } from '../rules/documents.ts';
import { documentWorkflowId } from '../rules/workflowIds.ts';
import type { Document } from './Document.ts';
import { OutboxEntry, type WorkflowStart } from './OutboxEntry.ts';

/** A document as far as its scan is concerned; what was found stands in the row alone. */
export interface DocumentState {
  readonly status: ScanStatus;
  readonly stateVersion: 1;
  /** It was scanned, or is not to be any more. */
  readonly isClosed: boolean;
}

export const scanEndedAt = ({
  scannedAt,
  scanStoppedAt,
}: Pick<Document, 'scannedAt' | 'scanStoppedAt'>): Date | null =>
  scannedAt ?? scanStoppedAt ?? null;

export const documentStateOf = (document: Document): DocumentState => ({
  status: document.scanStatus,
  stateVersion: 1,
  isClosed: scanEndedAt(document) !== null,
});

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
