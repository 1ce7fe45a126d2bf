import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import {
  ReplayError,
  Worker,
  type InjectedSinks,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import type { ReplayRun } from '../src/activities/replays.ts';
import type { ReplayedRun } from '../src/rules/replays.ts';
import { lastHistory } from '../src/storage/histories.ts';
import type { Storage } from '../src/storage/storage.ts';
import { replayName, type RebuiltSinks } from '../src/workflows/rebuilt.ts';
import { inTimeBy } from './inTime.ts';

/**
 * Replays runs by the workflows of `bundle`: what they do is compared, and nothing is done. A run that
 * Temporal has forgotten is replayed from its exported history.
 */
export const openReplay =
  ({
    client,
    bundle,
    storage,
    mostEvents = 10_000,
  }: {
    readonly client: Client;
    readonly bundle: WorkflowBundleOption;
    /** Where histories lie that Temporal has no more. */
    readonly storage: Storage;
    /** Runs begin anew at about half of it; so much is replayed in a few seconds. */
    readonly mostEvents?: number;
  }): ReplayRun =>
  async (workflowId) => {
    const inTime = inTimeBy(client);
    try {
      const { runId, historyLength, raw } = await inTime(() =>
        client.workflow.getHandle(workflowId).describe(),
      );
      const about = {
        runId,
        events: historyLength,
        isUnderWay: Boolean(raw.pendingActivities?.length || raw.pendingWorkflowTask),
      };
      if (historyLength > mostEvents) return { ...about, outcome: 'too_long' };
      const history = await inTime(() =>
        client.workflow.getHandle(workflowId, runId).fetchHistory(),
      );
      const events = history.events?.length ?? 0;
      return { ...about, events, ...(await replay(bundle, history, workflowId)) };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    const kept = await lastHistory(storage, workflowId);
    if (!kept) return undefined;
    const history: { readonly events: readonly unknown[] } = JSON.parse(kept.history);
    const about = { runId: kept.runId, events: history.events.length, isUnderWay: false };
    if (about.events > mostEvents) return { ...about, outcome: 'too_long' };
    return { ...about, ...(await replay(bundle, history, workflowId)) };
  };

/** In a thread of its own, so that the worker's other work goes on; the option is there, undeclared. */
const inThread = { debugMode: false };

async function replay(
  bundle: WorkflowBundleOption,
  history: Parameters<typeof Worker.runReplayHistory>[1],
  workflowId: string,
): Promise<Pick<ReplayedRun, 'outcome' | 'state'>> {
  let state: ReplayedRun['state'];
  const sinks: InjectedSinks<RebuiltSinks> = {
    rebuilt: { state: { fn: (_info, told) => void (state = told), callDuringReplay: true } },
  };
  const options = { workflowBundle: bundle, replayName, sinks, ...inThread };
  try {
    await Worker.runReplayHistory(options, history, workflowId);
    return { outcome: 'same', state };
  } catch (error) {
    if (error instanceof DeterminismViolationError) return { outcome: 'other_steps' };
    if (error instanceof ReplayError) return { outcome: 'fails' };
    throw error;
  }
}
