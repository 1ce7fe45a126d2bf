import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { DocumentDependencies } from '../../src/activities/documents.ts';
import { createDocumentLinks } from '../../src/commands/documentLinks.ts';
import {
  createDocuments,
  type DocumentWish,
  type Owner,
  type Upload,
} from '../../src/commands/documents.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import type { StagedFile } from '../../src/commands/staging.ts';
import { documentWorkflowId } from '../../src/rules/workflowIds.ts';
import type { Storage, StoredFile } from '../../src/storage/storage.ts';
import { as, once } from './build.ts';
import type { Journey, Journeys } from './journey.ts';

/** Files in memory, which a test can look into. */
export interface MemoryStorage extends Storage {
  readonly files: Map<string, { content: Buffer; modifiedAt: Date }>;
}

export function memoryStorage(): MemoryStorage {
  const files: MemoryStorage['files'] = new Map();
  return {
    files,
    async put(key, file) {
      files.set(key, { content: await buffer(file.open()), modifiedAt: new Date() });
    },
    async read(key) {
      const file = files.get(key);
      if (!file) throw new Error(`There is no ${key}`);
      return Readable.from([file.content]);
    },
    async remove(key) {
      files.delete(key);
    },
    async *list(companyId): AsyncGenerator<StoredFile[]> {
      yield [...files]
        .filter(([key]) => key.startsWith(`${companyId}/`))
        .map(([key, { modifiedAt }]) => ({ key, modifiedAt }));
    },
  };
}

/** For suites that are not about documents. */
export const noDocuments = (): DocumentDependencies['documents'] => ({
  storage: memoryStorage(),
  scan: undefined,
});

/** A text that has arrived as a file. */
export function stagedText(text: string): StagedFile {
  const content = Buffer.from(text);
  return {
    fileName: 'note.txt',
    size: content.length,
    mime: 'text/plain',
    sha256: createHash('sha256').update(content).digest('hex'),
    open: () => Readable.from([content]),
    async *chunks() {
      yield content;
    },
    discard: () => Promise.resolve(),
  };
}

/** Sends a file in for the policy of a subscription that was just sold, by its holder. */
export async function sendDocument(
  journeys: Pick<Journeys, 'begin' | 'dispatcher' | 'track'>,
  storage: Storage,
  text: string,
) {
  const { holder, policy } = await journeys.begin();
  const owner = { kind: 'policy', id: String((await policy())['id']) } as const;
  return sendDocumentOf(journeys, storage, { holder, owner, documentType: 'other', text });
}

/** Sends a file in, by whoever holds the policy. */
export async function sendDocumentOf(
  { dispatcher, track }: Pick<Journeys, 'dispatcher' | 'track'>,
  storage: Storage,
  {
    holder,
    owner,
    documentType,
    text,
  }: { readonly holder: Journey['holder']; readonly owner: Owner; readonly text: string } & Pick<
    DocumentWish,
    'documentType'
  >,
) {
  const documents = createDocuments({
    storage,
    links: createDocumentLinks({
      publicUrl: 'http://127.0.0.1:3000',
      apiPrefix: '/api/v1',
      secretKey: 'a secret of the tests',
    }),
    dispatcher,
  });
  const upload: Upload = { body: { documentType }, files: [stagedText(text)] };
  const added = await as(holder, () =>
    documents.add(holder, owner, () => Promise.resolve(upload), once(holder)),
  );
  const [made] = added instanceof Replay ? [] : added;
  if (!made) throw new Error('Nothing was sent in');
  await dispatcher.drained();
  const { id, companyId } = made.document;
  const workflowId = documentWorkflowId(companyId, id);
  track(workflowId);
  return { id, companyId, holder, workflowId, documents };
}
