import {
  CancellationScope,
  condition,
  defineQuery,
  isCancellation,
  patched,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { DocumentScanInput, DocumentState } from '../models/documentScan.ts';
import { openAttention } from './attention.ts';
import { doing, maxSilenceMs, queueOf } from './doing.ts';
import { openPost } from './post.ts';
import { answerState } from './rebuilt.ts';

export const documentState = defineQuery<DocumentState | undefined>('state');

/**
 * One uploaded file until it is known what is in it. A scanner that is away is asked until it is back.
 * Whoever cancels the run leaves the file in quarantine for good.
 */
export async function documentScan({ companyId, documentId }: DocumentScanInput): Promise<void> {
  const ref = { companyId, documentId };
  const steps = {
    taskQueue: queueOf('documents'),
    startToCloseTimeout: '3 minutes',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '5 seconds', maximumInterval: '5 minutes' },
  } as const;
  const { scanDocument } = proxyActivities<Activities>({ ...steps, summary: 'scan' });
  const { answerRequest } = proxyActivities<Activities>({ ...steps, summary: 'tell its claim' });
  let isScanned = false;
  const attention = openAttention();
  const post = openPost(companyId);
  answerState(
    documentState,
    () => (isScanned ? undefined : waiting),
    'The document as the workflow sees it; nothing once it was scanned',
  );
  try {
    post.send(await attention.persist('the scan', scan, async () => {}));
    isScanned = true;
    if (patched('document-answers-request')) {
      await attention.persist(
        'the answer to the claim',
        () => answerRequest(ref),
        async () => {},
      );
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() =>
      doing('the end by an operator').stopScan({ ...ref, at: Date.now() }),
    );
    throw error;
  }
  await condition(() => post.isSettled);

  /** Between two tries minutes may pass; `retryStep` has the next one made at once. */
  async function scan(): Promise<readonly string[]> {
    for (;;) {
      const seen = attention.retries;
      const scope = new CancellationScope();
      const scanning = scope.run(() => scanDocument(ref));
      const isAsked = condition(() => attention.retries > seen).then(() => undefined);
      const mails = await Promise.race([scanning, isAsked]);
      if (mails) return mails;
      scope.cancel();
      await scanning.catch(contentWithCancelled);
    }
  }
}

const waiting: DocumentState = { status: 'quarantined', stateVersion: 1, isClosed: false };

function contentWithCancelled(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
