import { heartbeat } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { currentContext, runInContext, type Actor } from '../context.ts';
import { Unavailable } from '../errors.ts';
import { Document, stopScan, type Verdict } from '../models/Document.ts';
import { retiredUntil } from '../models/auditRetention.ts';
import { promiseScan } from '../models/documentScan.ts';
import { flush, select, withTenant } from '../models/database.ts';
import { flagSharedDocument } from '../models/fraud.ts';
import { Notification } from '../models/Notification.ts';
import { getRow } from '../models/rows.ts';
import { isServed } from '../rules/documents.ts';
import type { Scan } from '../scanner.ts';
import { isHistory } from '../storage/histories.ts';
import type { Storage } from '../storage/storage.ts';
import { companyIds } from './jobs.ts';

export interface DocumentRef {
  readonly companyId: string;
  readonly documentId: string;
}

/** Lets a claim go on whose request for documents is answered, as it would for the one who sent the last. */
export type AnswerRequest = (actor: Actor, claimId: string) => Promise<void>;

export interface DocumentDependencies {
  readonly answerRequest: AnswerRequest;
  readonly documents: {
    readonly storage: Storage;
    /** Undefined where nothing scans: documents are then served and say so. */
    readonly scan: Scan | undefined;
  };
}

/** An upload commits its rows minutes after its files at most; what is older belongs to nothing. */
const orphanAfterMs = 24 * 60 * 60 * 1000;
const scanWithin = '1 hour';
const pageSize = 200;

export const documentActivities = ({
  answerRequest,
  documents: { storage, scan },
}: DocumentDependencies) => ({
  /**
   * Safe to repeat: only a document in quarantine is scanned, and only one try settles it. No
   * transaction is open while it is read.
   * @returns the e-mails that it queued
   */
  async scanDocument({ companyId, documentId }: DocumentRef): Promise<readonly string[]> {
    const waiting = await withTenant(companyId, () =>
      Document.findOne({ where: { id: documentId, scanStatus: 'quarantined' } }),
    );
    if (waiting) {
      const verdict = await verdictOn(waiting, { storage, scan });
      await withTenant(companyId, async () => {
        if (!(await waiting.settle(verdict))) return;
        if (verdict.status === 'infected') warn(waiting);
        else await flagSharedDocument(waiting);
      });
    }
    return withTenant(companyId, () => Notification.unsentAbout(documentId));
  },

  /**
   * Safe to repeat: one number of documents that are there lets the claim go on once. A claim that is out
   * of reach is asked again.
   */
  async answerRequest({ companyId, documentId }: DocumentRef): Promise<void> {
    const { claimId, uploadedBy, scanStatus } = await withTenant(companyId, () =>
      getRow(Document, documentId, { archived: true }),
    );
    if (!claimId || !isServed(scanStatus)) return;
    const type = uploadedBy ? 'user' : 'workflow';
    const actor: Actor = { type, userId: uploadedBy, companyId, roles: [], sessionId: null };
    await runInContext({ ...currentContext(), actorId: uploadedBy, actorType: type }, () =>
      answerRequest(actor, claimId).catch(triedAgain),
    );
  },

  /** Safe to repeat: what was scanned or stopped before is left as it is. */
  stopScan: ({ companyId, documentId, at }: DocumentRef & { readonly at: number }): Promise<void> =>
    withTenant(companyId, () => stopScan(documentId, new Date(at))),

  /**
   * Safe to repeat: it removes files without a row, which an upload that died has left, and histories
   * as old as what is taken out of the audit, and promises anew what should have been scanned long ago.
   */
  async tendDocuments(): Promise<void> {
    const before = new Date(Date.now() - orphanAfterMs);
    for await (const companyId of companyIds()) {
      const audited = new Date(((await withTenant(companyId, retiredUntil)) ?? 0) * 1000);
      for await (const files of storage.list(companyId)) {
        const olderThan = (isMeant: (key: string) => boolean, limit: Date): string[] =>
          files.flatMap(({ key, modifiedAt }) => (isMeant(key) && modifiedAt < limit ? [key] : []));
        const unnamed = olderThan((key) => !isHistory(key), before);
        for (const key of await withoutRow(companyId, unnamed)) await storage.remove(key);
        for (const key of olderThan(isHistory, audited)) await storage.remove(key);
        heartbeat({ companyId });
      }
      await withTenant(companyId, promiseForgotten);
      heartbeat({ companyId });
    }
  },
});

/** Other refusals are not tried again. */
function triedAgain(error: unknown): never {
  if (!(error instanceof Unavailable)) throw error;
  throw ApplicationFailure.create({
    message: error.message,
    type: error.code,
    category: ApplicationFailureCategory.BENIGN,
  });
}

async function verdictOn(
  { storageKey }: Document,
  { storage, scan }: DocumentDependencies['documents'],
): Promise<Verdict> {
  if (!scan) return { status: 'unscanned' };
  const found = await scan(await storage.read(storageKey));
  return found.isInfected ? { status: 'infected', finding: found.name } : { status: 'clean' };
}

/** The one who sent it, who may not know, and those who answer for the company. */
function warn({ id, fileName, uploadedBy }: Document): void {
  const message = {
    template: 'document_infected',
    payload: { fileName, documentId: id },
    key: `document/${id}/infected/1`,
    about: { type: 'document', id },
  } as const;
  Notification.queue({ ...message, to: { channel: 'in_app', role: 'tenant_admin' } });
  if (!uploadedBy) return;
  Notification.queue({ ...message, to: { channel: 'in_app', userId: uploadedBy } });
  Notification.queue({ ...message, to: { channel: 'email', userId: uploadedBy } });
}

/** Archived documents keep their files. */
async function withoutRow(companyId: string, keys: readonly string[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const known = await withTenant(companyId, () =>
    select<{ key: string }>(
      `SELECT storage_key AS key FROM documents WHERE storage_key = ANY ($1::text[])`,
      [keys],
    ),
  );
  const kept = new Set(known.map(({ key }) => key));
  return keys.filter((key) => !kept.has(key));
}

/** Such as after a run that was terminated by hand. One that runs is met and goes on. */
async function promiseForgotten(): Promise<void> {
  const forgotten = await select<{ id: string; companyId: string }>(
    `SELECT d.id, d.company_id AS "companyId" FROM documents d
     WHERE d.scan_status = 'quarantined' AND d.scan_stopped_at IS NULL AND d.created_at < now() - interval '${scanWithin}'
       AND NOT EXISTS (SELECT 1 FROM core.outbox o WHERE o.company_id = d.company_id
         AND o.entity_id = d.id AND o.dispatched_at IS NULL AND o.parked_at IS NULL)
     ORDER BY d.created_at LIMIT ${pageSize}`,
  );
  for (const { id, companyId } of forgotten) promiseScan(companyId, id, { isRestart: true });
  await flush();
}
