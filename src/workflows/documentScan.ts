import { condition, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { DocumentScanInput } from '../models/documentScan.ts';
import { maxSilenceMs, queueOf } from './doing.ts';
import { openPost } from './post.ts';

/** One uploaded file until it is known what is in it. A scanner that is away is asked until it is back. */
export async function documentScan({ companyId, documentId }: DocumentScanInput): Promise<void> {
  const { scanDocument } = proxyActivities<Activities>({
    summary: 'scan',
    taskQueue: queueOf('documents'),
    startToCloseTimeout: '3 minutes',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '5 seconds', maximumInterval: '5 minutes' },
  });
  const post = openPost(companyId);
  post.send(await scanDocument({ companyId, documentId }));
  await condition(() => post.isSettled);
}
