import type { Documents, Owner } from '../../commands/documents.ts';
import type { Stage } from '../../commands/staging.ts';
import { listRoute, rawRoute, route, type Route } from '../route.ts';
import { documentExample } from './examples.ts';
import { presentDocument, presentUpload } from './present.ts';
import {
  contentQuery,
  describeDocument,
  documentAnswer,
  documentForm,
  documentPath,
  documentsQuery,
  uploadAnswer,
} from './schema.ts';

const tag = 'Documents';

export const documentRoutes = ({
  documents,
  stage,
}: {
  readonly documents: Documents;
  readonly stage: Stage;
}): Route[] => {
  const uploadTo = (kind: Owner['kind'], path: string, aliases: readonly string[] = []): Route =>
    route({
      method: 'POST',
      path,
      aliases,
      permission: 'document:upload_own',
      idempotency: 'optional',
      summary: `Add up to ten files to a ${kind}; each is served once it has been scanned`,
      message: 'Documents received',
      status: 201,
      tag,
      businessRules: true,
      params: documentPath,
      upload: documentForm,
      answer: presentUpload,
      answerSchema: uploadAnswer,
      handle: ({ actor, params: { id }, receive, once }) =>
        documents.add(actor, { kind, id }, () => receive(documentForm, stage), once),
      examples: { answer: { documents: [documentExample] } },
    });
  const listOf = (kind: Owner['kind'], path: string): Route =>
    listRoute({
      path,
      permission: 'document:read_own',
      businessRules: true,
      summary: `Documents of a ${kind}, the newest first`,
      tag,
      params: documentPath,
      query: documentsQuery,
      answer: presentDocument,
      answerSchema: documentAnswer,
      handle: ({ actor, params, query }) => documents.list(actor, { kind, id: params.id }, query),
      examples: { answer: documentExample },
    });
  const one = {
    path: '/documents/:id',
    aliases: ['/documents/:id'],
    tag,
    params: documentPath,
  } as const;
  const answersDocument = { answer: presentDocument, answerSchema: documentAnswer } as const;

  return [
    listOf('policy', '/policies/:id/documents'),
    uploadTo('policy', '/policies/:id/documents'),
    listOf('claim', '/claims/:id/documents'),
    uploadTo('claim', '/claims/:id/add-document', ['/claims/:id/add-document']),
    route({
      ...one,
      method: 'GET',
      permission: 'document:read_own',
      summary: 'What is known of a document, and a link to its content',
      ...answersDocument,
      handle: ({ actor, params }) => documents.get(actor, params.id),
      examples: { answer: documentExample },
    }),
    route({
      ...one,
      method: 'PUT',
      permission: 'document:change_own',
      ifMatch: true,
      summary: 'Describe a document anew; its file stays as it is',
      message: 'Document described',
      body: describeDocument,
      ...answersDocument,
      handle: ({ actor, params, body, expectedVersion }) =>
        documents.describe(actor, params.id, body, expectedVersion),
      examples: {
        body: { document_type: 'invoice', description: 'Of the plumber' },
        answer: documentExample,
      },
    }),
    route({
      ...one,
      method: 'DELETE',
      permission: 'document:change_own',
      ifMatch: true,
      summary: 'Archive a document',
      status: 204,
      handle: ({ actor, params, expectedVersion }) =>
        documents.archive(actor, params.id, expectedVersion),
    }),
    rawRoute({
      method: 'GET',
      path: '/documents/:id/content',
      permission: 'public',
      company: 'optional',
      conflicts: true,
      summary: 'The file itself: to who may read it, or by the link that the document shows',
      tag,
      params: documentPath,
      query: contentQuery,
      mediaType: 'application/octet-stream',
      handle: async ({ visitor, params, query: { company, expires, signature } }) => {
        const link =
          company !== undefined && expires !== undefined && signature !== undefined
            ? { companyId: company, expires, signature }
            : undefined;
        const { content, mime, fileName, size } = await documents.content(visitor, params.id, link);
        return { content, mediaType: mime, fileName, size };
      },
    }),
  ];
};
