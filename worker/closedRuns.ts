import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { ClosedRuns } from '../src/activities/closedRuns.ts';
import { inTimeBy } from './inTime.ts';

const pageSize = 1000;
const listedWithinMs = 30_000;

/**
 * Asks Temporal for the runs of one deployment that are over.
 * @param taskQueue its prefix, because a namespace may be shared by deployments that differ in nothing
 * else
 */
export function openClosedRuns(client: Client, taskQueue: string): ClosedRuns {
  const inTime = inTimeBy(client);

  return {
    list: (from, to) =>
      inTime(async () => {
        const query = `TaskQueue = '${taskQueue}-lifecycle' AND ExecutionStatus != 'Running'
          AND CloseTime >= '${from.toISOString()}' AND CloseTime < '${to.toISOString()}'`;
        const runs = [];
        for await (const run of client.workflow.list({ query, pageSize })) {
          const { workflowId, runId, closeTime: closedAt } = run;
          if (closedAt) runs.push({ workflowId, runId, closedAt });
        }
        return runs;
      }, listedWithinMs),

    async history({ workflowId, runId }) {
      try {
        const handle = client.workflow.getHandle(workflowId, runId);
        return historyToJSON(await inTime(() => handle.fetchHistory()));
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },
  };
}
