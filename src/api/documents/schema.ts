import { documentTypes, scanStatuses } from '../../rules/documents.ts';
import { listQuery } from '../listQuery.ts';
import { array, id, instant, integer, nullable, object, oneOf, optional, text } from '../schema.ts';

export const documentPath = object({ id: id() });

/** Beside the files; holds for each of them. */
export const documentForm = object({
  document_type: oneOf(...documentTypes),
  description: optional(text(200)),
});

export const describeDocument = object({
  document_type: oneOf(...documentTypes),
  description: nullable(text(200)).default(null),
});

export const documentsQuery = listQuery({
  filters: { document_type: oneOf(...documentTypes), scan_status: oneOf(...scanStatuses) },
  sorts: ['uploaded_at', 'file_name'],
  defaultSort: '-uploaded_at',
  takes: [],
});

/** All of a signed link, or nothing for who is signed in. */
export const contentQuery = object({
  company: optional(id().description('Of a signed link, like the next two')),
  expires: optional(integer(0, 99_999_999_999).description('Seconds since 1970')),
  signature: optional(text(100)),
});

export const documentAnswer = object({
  id: id(),
  policy_id: nullable(id()),
  claim_id: nullable(id()),
  document_type: oneOf(...documentTypes),
  file_name: text(255),
  mime: text(100).description('As its content shows'),
  size: integer(1, 2_147_483_647).description('Bytes'),
  sha256: text(64),
  description: nullable(text(200)),
  uploaded_by: nullable(id()),
  uploaded_at: instant(),
  scan_status: oneOf(...scanStatuses).description(
    'Served when clean, or when unscanned because nothing here scans',
  ),
  content_url: nullable(text(2000)).description('Good for five minutes, without signing in'),
  version: integer(1, 2_147_483_647),
});

export const uploadAnswer = object({ documents: array(documentAnswer, { max: 10 }) });
