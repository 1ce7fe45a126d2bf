import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { ListedRuns, TriedStep, TroubledRuns } from '../src/activities/alerts.ts';
import { codeFailsFrom } from '../src/rules/alerts.ts';
import { attribute } from '../src/workflows/searchAttributes.ts';
import { inTimeBy } from './inTime.ts';

/** A look at more than these would take longer than it is worth. */
const mostListed = 5000;
const pageSize = 500;
const atOnce = 20;

/**
 * Asks Temporal for the runs of one deployment that do not go on.
 * @param taskQueue its prefix, because a namespace may be shared by deployments that differ in nothing
 * else
 */
export function openTroubledRuns(client: Client, taskQueue: string): TroubledRuns {
  const ours = `ExecutionStatus = 'Running' AND TaskQueue = '${taskQueue}-lifecycle'`;
  const inTime = inTimeBy(client);

  /** Undefined where it was not answered, also by a server too old to know an attribute. */
  const listed = (condition: string): Promise<ListedRuns | undefined> =>
    inTime(async () => {
      const query = `${ours} AND ${condition}`;
      const workflowIds: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query, pageSize })) {
        if (workflowIds.push(workflowId) === mostListed) break;
      }
      return { workflowIds, isComplete: workflowIds.length < mostListed };
    }).catch(() => undefined);

  /** Undefined where it was not answered. */
  const tried = async (workflowId: string): Promise<TriedStep | undefined> => {
    try {
      const handle = client.workflow.getHandle(workflowId);
      const { raw, status, typedSearchAttributes } = await inTime(() => handle.describe());
      if (status.name !== 'RUNNING') return inOrder;
      const failures = (raw.pendingActivities ?? []).map(({ attempt }) => (attempt ?? 1) - 1);
      const isGivenUp = typedSearchAttributes.get(attribute.needsAttention) ?? false;
      const isCodeFailing = (raw.pendingWorkflowTask?.attempt ?? 0) >= codeFailsFrom;
      return { failures: Math.max(0, ...failures), isGivenUp, isCodeFailing };
    } catch (error) {
      return error instanceof WorkflowNotFoundError ? inOrder : undefined;
    }
  };

  return {
    givenUp: () => listed(`${attribute.needsAttention.name} = true`),

    // Set by Temporal itself while the tasks of a workflow fail again and again.
    codeFailing: () => listed('TemporalReportedProblems IS NOT NULL'),

    async triedSteps(workflowIds) {
      const answers = new Map<string, TriedStep>();
      for (let from = 0; from < workflowIds.length; from += atOnce) {
        const some = workflowIds.slice(from, from + atOnce);
        const answered = await Promise.all(some.map(tried));
        for (const [place, id] of some.entries()) {
          const answer = answered[place];
          if (answer) answers.set(id, answer);
        }
        // It is away: the others would not be answered either, each after its time.
        if (answered.includes(undefined)) break;
      }
      return answers;
    },
  };
}

const inOrder: TriedStep = { failures: 0, isGivenUp: false, isCodeFailing: false };
