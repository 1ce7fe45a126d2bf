import { invalidField } from '../errors.ts';

/** Where a document is, and the SHA-256 of what is there. */
export interface LinkedDocument {
  readonly documentLink: string | null;
  readonly documentSha256: string | null;
}

/** Of another document the hash is another: a new link drops the old one. @throws Invalid for a hash alone */
export function changedDocument(
  before: LinkedDocument,
  changes: { readonly [Name in keyof LinkedDocument]?: LinkedDocument[Name] | undefined },
): LinkedDocument {
  const { documentLink = before.documentLink } = changes;
  const kept = documentLink === before.documentLink ? before.documentSha256 : null;
  const { documentSha256 = kept } = changes;
  if (documentLink === null && documentSha256 !== null) {
    throw invalidField('document_link', 'Say where the document is', 'REQUIRED');
  }
  return { documentLink, documentSha256 };
}
