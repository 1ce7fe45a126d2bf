import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ReplayedRun, ReplayOrder } from '../rules/replays.ts';
import { queueOf } from './doing.ts';

/** One replay for whoever asked whether a run is sound; who starts it bounds its time. */
export function replayCheck(order: ReplayOrder): Promise<ReplayedRun> {
  const { replayRun } = proxyActivities<Activities>({
    summary: 'replay',
    taskQueue: queueOf('provisioning'),
    startToCloseTimeout: '1 minute',
  });
  return replayRun(order);
}
