import {
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { BulkInput } from '../models/bulkStart.ts';
import { maxSilenceMs, queueOf } from './doing.ts';

const secondMs = 1000;

/** One action on many runs, so many a second, until nothing is left or somebody has stopped it. */
export async function bulkOperation(input: BulkInput): Promise<void> {
  const { companyId, bulkId, perSecond } = input;
  const { carryOutBulk } = proxyActivities<Activities>({
    summary: 'the next runs',
    // Not where the runs have their own steps, which it waits for.
    taskQueue: queueOf('provisioning'),
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  for (;;) {
    const begunAt = Date.now();
    const { left, waitMs = 0 } = await carryOutBulk({ companyId, bulkId, most: perSecond });
    setCurrentDetails(`**${left}** left${waitMs > 0 ? ', which did not answer' : ''}`);
    if (left === 0) return;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof bulkOperation>(input);
    const pauseMs = Math.max(begunAt + secondMs - Date.now(), waitMs);
    if (pauseMs > 0) await sleep(pauseMs, { summary: `not more than ${perSecond} a second` });
  }
}
