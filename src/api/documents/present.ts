import type { DocumentView } from '../../commands/documents.ts';

export const presentDocument = ({ document, contentUrl }: DocumentView) => ({
  id: document.id,
  policy_id: document.policyId,
  claim_id: document.claimId,
  document_type: document.documentType,
  file_name: document.fileName,
  mime: document.mime,
  size: document.size,
  sha256: document.sha256,
  description: document.description,
  uploaded_by: document.uploadedBy,
  uploaded_at: document.uploadedAt.toISOString(),
  scan_status: document.scanStatus,
  content_url: contentUrl,
  version: document.version,
});

export const presentUpload = (documents: readonly DocumentView[]) => ({
  documents: documents.map(presentDocument),
});
