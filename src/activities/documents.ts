import { heartbeat } from '@temporalio/activity';
import { Document, stopScan, type Verdict } from '../models/Document.ts';
import { promiseScan } from '../models/documentScan.ts';
import { flush, select, withTenant } from '../models/database.ts';
import { flagSharedDocument } from '../models/fraud.ts';
import { Notification } from '../models/Notification.ts';
import type { Scan } from '../scanner.ts';
import type { Storage } from '../storage/storage.ts';
import { companyIds } from './jobs.ts';

export interface DocumentRef {
  readonly companyId: string;
  readonly documentId: string;
}

export interface DocumentDependencies {
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

export const documentActivities = ({ documents: { storage, scan } }: DocumentDependencies) => ({
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

  /** Safe to repeat: what was scanned or stopped before is left as it is. */
  stopScan: ({ companyId, documentId, at }: DocumentRef & { readonly at: number }): Promise<void> =>
    withTenant(companyId, () => stopScan(documentId, new Date(at))),

  /**
   * Safe to repeat: it removes files without a row, which an upload that died has left, and promises
   * anew what should have been scanned long ago.
   */
  async tendDocuments(): Promise<void> {
    const before = new Date(Date.now() - orphanAfterMs);
    for await (const companyId of companyIds()) {
      for await (const files of storage.list(companyId)) {
        const old = files.flatMap(({ key, modifiedAt }) => (modifiedAt < before ? [key] : []));
        for (const key of await withoutRow(companyId, old)) await storage.remove(key);
        heartbeat({ companyId });
      }
      await withTenant(companyId, promiseForgotten);
      heartbeat({ companyId });
    }
  },
});

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
