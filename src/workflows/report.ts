import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  defineQuery,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  TimeoutFailure,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ReportRef } from '../activities/reports.ts';
import type { ReportInput, ReportState } from '../models/reportStart.ts';
import { openAttention } from './attention.ts';
import { doing, maxSilenceMs } from './doing.ts';
import { answerState } from './rebuilt.ts';
import { attribute } from './searchAttributes.ts';

const { generateReport } = proxyActivities<Activities>({
  summary: 'generate',
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: maxSilenceMs,
  retry: { initialInterval: '1 second', maximumInterval: '1 minute', maximumAttempts: 4 },
});

export const reportState = defineQuery<ReportState>('state');

/**
 * One generation of a report, or a later one that was asked for while this run had not ended yet.
 * What cannot be generated says why, in words for whoever asked.
 */
export async function report({ companyId, reportId, state }: ReportInput): Promise<void> {
  let current = state;
  const attention = openAttention();
  answerState(reportState, () => current, 'The report as the workflow sees it');

  while (!current.isClosed) {
    try {
      show(await generateReport(order()));
    } catch (error) {
      if (isCancellation(error)) {
        await CancellationScope.nonCancellable(() => fail('It was stopped by an operator'));
        throw error;
      }
      if (!(error instanceof ActivityFailure)) throw error;
      await fail(reasonOf(error));
    }
  }

  function order() {
    return { companyId, reportId, generation: current.generation, at: Date.now() };
  }

  async function fail(error: string): Promise<void> {
    const step = () => doing('tell of the failure').failReport({ ...order(), error });
    show(await attention.persist('telling of the failure', step, async () => {}));
  }

  function show(next: ReportState): void {
    current = next;
    setCurrentDetails(`**${current.status}**, generation ${current.generation}`);
    upsertSearchAttributes([
      { key: attribute.entityStatus, value: current.status },
      { key: attribute.stateVersion, value: current.stateVersion },
    ]);
  }
}

/** Of what went wrong only what we said ourselves is for people. */
function reasonOf({ cause }: ActivityFailure): string {
  if (cause instanceof TimeoutFailure) return 'It was begun four times and never came to its end';
  if (cause instanceof ApplicationFailure && cause.nonRetryable) return cause.message;
  return 'It failed four times for a technical reason; the log of the worker has it';
}

/** Each time that a report's schedule is due. */
export const scheduledReport = (ref: ReportRef): Promise<void> =>
  doing('ask for the report').requestReport({ ...ref, at: Date.now() });
