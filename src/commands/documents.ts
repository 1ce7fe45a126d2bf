import type { Readable } from 'node:stream';
import type { InferAttributes } from 'sequelize';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict, Forbidden, NotFound, Unavailable } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { afterCommit, append, flush, isRolledBack, withTenant } from '../models/database.ts';
import { ownCompany } from '../models/contract.ts';
import { Document } from '../models/Document.ts';
import { documentBytes, takeDocumentBytes } from '../models/documentBytes.ts';
import { promiseScan } from '../models/documentScan.ts';
import { columnsOf, countRows, selectPage, sortedBy, type Condition } from '../models/list.ts';
import { Notification } from '../models/Notification.ts';
import { visibleClaim, type VisibleClaim } from './claimViews.ts';
import { Policy } from '../models/Policy.ts';
import { archiveRow, editRow, getRow, noSuch } from '../models/rows.ts';
import {
  documentQuota,
  isServed,
  uploadLimits,
  type DocumentType,
  type ScanStatus,
} from '../rules/documents.ts';
import { allows } from '../rules/permissions.ts';
import type { Storage } from '../storage/storage.ts';
import type { Dispatcher } from './dispatch.ts';
import type { DocumentLinks, SignedLink } from './documentLinks.ts';
import { ofUpload, Replay, rowsOnce, type Once } from './idempotency.ts';
import type { StagedFile } from './staging.ts';

/** A document as it is shown. */
export interface DocumentView {
  readonly document: InferAttributes<Document>;
  /** Good for five minutes; null while nobody gets the content. */
  readonly contentUrl: string | null;
}

export interface DocumentWish {
  readonly documentType: DocumentType;
  readonly description?: string | undefined;
}

/** A body with files that has arrived. */
export interface Upload {
  readonly body: DocumentWish;
  readonly files: readonly StagedFile[];
}

/** What a document belongs to. */
export interface Owner {
  readonly kind: 'policy' | 'claim';
  readonly id: string;
}

export interface DocumentFilters {
  readonly documentType?: DocumentType | undefined;
  readonly scanStatus?: ScanStatus | undefined;
  readonly sortBy: keyof typeof sortColumns;
  readonly sortOrder: 'asc' | 'desc';
  readonly page: number;
  readonly size: number;
}

/** A file to send, with what its receiver is told. */
export interface Download {
  readonly content: Readable;
  readonly mime: string;
  readonly fileName: string;
  readonly size: number;
}

const sortColumns = { uploadedAt: 'd.uploaded_at', fileName: 'lower(d.file_name)' } as const;

/** Files of policies and claims: sent in, listed, described, fetched. */
export const createDocuments = ({
  storage,
  links,
  dispatcher: { dispatch },
}: {
  readonly storage: Storage;
  readonly links: Pick<DocumentLinks, 'addressOf' | 'judge'>;
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
}) => {
  const asView = (document: InferAttributes<Document>): DocumentView => ({
    document,
    contentUrl: isServed(document.scanStatus)
      ? links.addressOf(document.companyId, document.id)
      : null,
  });

  /** The rows of an upload, all or none, each with the promise of its scan. */
  const record = (
    actor: Actor,
    owner: Owner,
    { body, files }: Upload,
    keys: ReadonlyMap<StagedFile, Stored>,
    once: Once,
  ): Promise<readonly DocumentView[] | Replay> =>
    rowsOnce(
      ofUpload(once, body, files),
      async () => {
        const reached = await reach(actor, owner);
        refuseUpload(actor, reached);
        const there = await countRows('documents d', [ofOwner(owner), live]);
        if (there + files.length > uploadLimits.documents) {
          throw new Conflict(
            'TOO_MANY_DOCUMENTS',
            `The ${owner.kind} ${owner.id} may have up to ${uploadLimits.documents} documents`,
          );
        }
        const bytes = files.reduce((sum, { size }) => sum + size, 0);
        const quota = await quotaInBytes();
        if (!(await takeDocumentBytes(bytes, quota))) throw quotaReached(quota);
        const { documentType, description = null } = body;
        const made = files.map((file) => {
          const { id, key } = stored(keys, file);
          append(Document, {
            id,
            [owner.kind === 'policy' ? 'policyId' : 'claimId']: owner.id,
            documentType,
            description,
            fileName: file.fileName,
            mime: file.mime,
            size: file.size,
            sha256: file.sha256,
            storageKey: key,
            uploadedBy: actor.userId,
            uploadedAt: new Date(),
          });
          AuditLog.record(
            'CREATE',
            { type: 'document', id },
            {
              after: {
                [`${owner.kind}Id`]: owner.id,
                documentType,
                mime: file.mime,
                size: file.size,
                sha256: file.sha256,
              },
            },
          );
          tellAssignee(actor, reached, file.fileName, id);
          const start = promiseScan(actor.companyId, id);
          afterCommit(() => dispatch(start));
          return id;
        });
        await flush();
        const rows = await Document.findAll({ where: { id: made }, order: [['id', 'ASC']] });
        return rows.map((row) => asView(row.get()));
      },
      () => reach(actor, owner),
    );

  return {
    list: (actor: Actor, owner: Owner, filters: DocumentFilters) =>
      withTenant(actor.companyId, async () => {
        await reach(actor, owner);
        const page = await selectPage<InferAttributes<Document>>(
          columnsOf(Document, 'd'),
          'documents d',
          [live, ofOwner(owner), ...conditionsOf(filters)],
          sortedBy(sortColumns, filters, 'd.id'),
        );
        return { ...page, items: page.items.map(asView) };
      }),

    get: (actor: Actor, id: string): Promise<DocumentView> =>
      withTenant(actor.companyId, async () => asView((await visible(actor, id)).document.get())),

    /**
     * Files are stored before their rows commit, so that a row never names a file that is not there.
     * What certainly has no rows is taken back at once; what a crash leaves, or a commit that was never
     * answered, a nightly job looks at.
     * @param receive reads the request, once it is clear that the actor may
     */
    add: async (
      actor: Actor,
      owner: Owner,
      receive: () => Promise<Upload>,
      once: Once,
    ): Promise<readonly DocumentView[] | Replay> => {
      await withTenant(actor.companyId, async () => {
        refuseUpload(actor, await reach(actor, owner));
        const quota = await quotaInBytes();
        if ((await documentBytes()) >= quota) throw quotaReached(quota);
      });
      const upload = await receive();
      const keys = new Map<StagedFile, Stored>();
      try {
        for (const file of upload.files) {
          const id = uuid();
          const key = `${actor.companyId}/${new Date().toISOString().slice(0, 7)}/${id}`;
          keys.set(file, { id, key });
          await storage.put(key, file).catch((error: unknown) => {
            throw unavailable('stored', error);
          });
        }
        const result = await record(actor, owner, upload, keys, once);
        if (result instanceof Replay) await takeBack(storage, keys);
        return result;
      } catch (error) {
        if (isRolledBack(error)) await takeBack(storage, keys);
        throw error;
      } finally {
        for (const file of upload.files) await file.discard();
      }
    },

    /** Replaces what people say of it; the file stays as it is. */
    describe: (
      actor: Actor,
      id: string,
      {
        documentType,
        description = null,
      }: { readonly documentType: DocumentType } & {
        readonly description?: string | null | undefined;
      },
      expectedVersion: number | undefined,
    ): Promise<DocumentView> =>
      withTenant(actor.companyId, async () => {
        const document = await changeable(actor, id);
        const changes = { documentType, description };
        return asView((await editRow(Document, document, changes, expectedVersion)).get());
      }),

    archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<void> =>
      withTenant(actor.companyId, async () => {
        await archiveRow(Document, await changeable(actor, id), expectedVersion);
      }),

    /**
     * To whoever may read it, or has a link that is still good.
     * @throws NotFound also for a forged link; LINK_EXPIRED for an old one
     */
    content: async (
      visitor: Actor | undefined,
      id: string,
      link: Omit<SignedLink, 'documentId'> | undefined,
    ): Promise<Download> => {
      const document = link ? await linked({ ...link, documentId: id }) : await read(visitor, id);
      refuseUnserved(document);
      const { storageKey, mime, fileName, size } = document;
      const content = await storage.read(storageKey).catch((error: unknown) => {
        throw unavailable('read', error);
      });
      return { content, mime, fileName, size };
    },
  };

  async function linked(link: SignedLink): Promise<Document> {
    const { companyId, documentId } = link;
    const judged = links.judge(link);
    if (judged === 'forged') throw noSuch('document', documentId);
    if (judged === 'expired') {
      throw new NotFound('This link has run out; the document shows a new one', 'LINK_EXPIRED');
    }
    return withTenant(companyId, () => getRow(Document, documentId));
  }

  /** To a stranger without a link there is nothing here. */
  async function read(visitor: Actor | undefined, id: string): Promise<Document> {
    if (!visitor) throw noSuch('document', id);
    return withTenant(visitor.companyId, async () => (await visible(visitor, id)).document);
  }
};

export type Documents = ReturnType<typeof createDocuments>;

interface Stored {
  readonly id: string;
  readonly key: string;
}

const live: Condition = ['d.archived_at IS NULL'];

const ofOwner = ({ kind, id }: Owner): Condition => [
  kind === 'policy' ? 'd.policy_id = $' : 'd.claim_id = $',
  id,
];

const conditionsOf = ({ documentType, scanStatus }: DocumentFilters): readonly Condition[] => [
  ...(documentType ? [['d.document_type = $', documentType] as const] : []),
  ...(scanStatus ? [['d.scan_status = $', scanStatus] as const] : []),
];

/** What the actor is to what a document belongs to. */
interface Reached {
  readonly isOwn: boolean;
  readonly claim: VisibleClaim['claim'] | undefined;
}

/**
 * Own policies and their claims, or all with the right to; an adjuster's claims are those that are
 * theirs or nobody's.
 * @throws NotFound for what the actor may not see
 */
async function reach(actor: Actor, { kind, id }: Owner): Promise<Reached> {
  const { isOwn, claim } =
    kind === 'claim' ? await reachClaim(actor, id) : await reachPolicy(actor, id);
  if (!isOwn && !allows(actor, 'document:read')) throw noSuch(kind, id);
  return { isOwn, claim };
}

async function reachClaim(actor: Actor, id: string): Promise<Reached> {
  const { claim, asker } = await visibleClaim(actor, id);
  return { isOwn: asker.isClaimant, claim };
}

async function reachPolicy(actor: Actor, id: string): Promise<Reached> {
  const { userId } = await getRow(Policy, id);
  return { isOwn: userId !== null && userId === actor.userId, claim: undefined };
}

/** @throws NotFound where the actor may not see what it belongs to */
async function visible(
  actor: Actor,
  id: string,
): Promise<{ readonly document: Document; readonly reached: Reached }> {
  const document = await getRow(Document, id);
  const { claimId, policyId } = document;
  const owner: Owner = claimId
    ? { kind: 'claim', id: claimId }
    : { kind: 'policy', id: policyId ?? '' };
  try {
    return { document, reached: await reach(actor, owner) };
  } catch (error) {
    throw error instanceof NotFound ? noSuch('document', id) : error;
  }
}

function refuseUpload(actor: Actor, { isOwn }: Reached): void {
  if (!isOwn && !allows(actor, 'document:upload')) {
    throw new Forbidden('Your role does not allow document:upload');
  }
}

const quotaInBytes = async (): Promise<number> =>
  documentQuota((await ownCompany()).settings.documents);

const quotaReached = (quota: number): Conflict =>
  new Conflict(
    'DOCUMENT_QUOTA_REACHED',
    `The documents of the company may take up to ${quota / 1024 ** 3} GB together`,
  );

/** By who sent it in, and by managers, who do not touch what others added to their own policies and claims. */
async function changeable(actor: Actor, id: string): Promise<Document> {
  const { document, reached } = await visible(actor, id);
  const isOwn = document.uploadedBy !== null && document.uploadedBy === actor.userId;
  if (isOwn || (allows(actor, 'document:change_any') && !reached.isOwn)) return document;
  throw new Forbidden('A document is changed by who uploaded it or by a manager');
}

function refuseUnserved({ id, scanStatus, scanStoppedAt }: Document): void {
  if (scanStatus === 'quarantined') {
    const why = scanStoppedAt ? 'was not scanned: send it in again' : 'is still being scanned';
    throw new Conflict('DOCUMENT_QUARANTINED', `The document ${id} ${why}`);
  }
  if (scanStatus === 'infected') {
    throw new Conflict('DOCUMENT_INFECTED', `The document ${id} holds malicious software`);
  }
}

/** Whoever works on the claim hears of what others add. */
function tellAssignee(actor: Actor, { claim }: Reached, fileName: string, id: string): void {
  if (!claim?.assignedTo || claim.assignedTo === actor.userId) return;
  Notification.queue({
    to: { channel: 'in_app', userId: claim.assignedTo },
    template: 'document_added',
    payload: { fileName, claimNumber: claim.claimNumber },
    key: `document/${id}/added/1`,
    about: { type: 'claim', id: claim.id },
  });
}

function stored(keys: ReadonlyMap<StagedFile, Stored>, file: StagedFile): Stored {
  const found = keys.get(file);
  if (!found) throw new Error(`${file.fileName} was not stored`);
  return found;
}

/** What cannot be removed now belongs to nothing, and goes by night. */
async function takeBack(storage: Storage, keys: ReadonlyMap<unknown, Stored>): Promise<void> {
  await Promise.allSettled([...keys.values()].map(({ key }) => storage.remove(key)));
}

function unavailable(done: string, cause: unknown): Unavailable {
  const refusal = new Unavailable(`Files cannot be ${done} right now`);
  refusal.cause = cause;
  return refusal;
}
