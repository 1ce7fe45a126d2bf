import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleSpec,
} from '@temporalio/client';
import { scheduleWorkflowId } from '../src/rules/workflowIds.ts';

interface Job {
  readonly workflow: string;
  readonly spec: ScheduleSpec;
  readonly note: string;
  /** A run that Temporal was away for begins so late at the most; the next one does the same anyway. */
  readonly catchupWindow?: '5 days';
}

const jobs: readonly Job[] = [
  {
    workflow: 'reconcile',
    spec: { intervals: [{ every: '5 minutes' }] },
    note: 'Starts again from its row whatever should be running and is not',
  },
  {
    workflow: 'alignReports',
    spec: { intervals: [{ every: '5 minutes', offset: '2 minutes' }] },
    note: 'Makes the schedules of reports as their rows say, and removes those without a row',
  },
  {
    workflow: 'watchRuns',
    spec: { intervals: [{ every: '1 minute' }] },
    note: 'Raises alerts of what does not go on, and resolves what is over',
  },
  {
    workflow: 'exportHistories',
    spec: { calendars: [{ hour: 2, minute: 40 }], timezone: 'UTC', jitter: '5 minutes' },
    note: 'Histories of closed runs into the storage',
  },
  {
    workflow: 'maintain',
    spec: { calendars: [{ hour: 3, minute: 10 }], timezone: 'UTC', jitter: '5 minutes' },
    note: 'Months of the audit ahead, and those past their years out; expired keys and tokens away',
  },
  {
    workflow: 'tendDocuments',
    spec: { calendars: [{ hour: 3, minute: 40 }], timezone: 'UTC', jitter: '5 minutes' },
    note: 'Files that belong to nothing away; forgotten scans again',
  },
  {
    workflow: 'remindOfRenewals',
    spec: { calendars: [{ dayOfWeek: 'MONDAY', hour: 7 }], timezone: 'UTC', jitter: '5 minutes' },
    note: 'Tells tenant admins of the renewals to win and those lost',
    // Late in the week it is better than none, and the next week's says nothing of this one.
    catchupWindow: '5 days',
  },
];

/**
 * Creates the periodic jobs, or brings existing ones up to date. Every worker may call it. Their ids
 * name the queue, because a namespace may be shared by deployments that differ in nothing else.
 */
export async function ensureSchedules(client: Client, taskQueue: string): Promise<void> {
  const queue = `${taskQueue}-lifecycle`;
  for (const { workflow, spec, note, catchupWindow = '1 hour' } of jobs) {
    const scheduleId = `${taskQueue}/${workflow}`;
    const options = {
      spec,
      action: {
        type: 'startWorkflow',
        workflowType: workflow,
        workflowId: scheduleWorkflowId(scheduleId),
        taskQueue: queue,
        args: [],
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
    } as const;
    try {
      await client.schedule.create({ ...options, scheduleId, state: { note } });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await client.schedule
        .getHandle(scheduleId)
        .update(({ state }) => ({ ...options, state: { ...state, note } }));
    }
    await removeUnprefixed(client, workflow, queue);
  }
}

/** Ids named the job alone before; such a one of this queue would run each job twice. */
async function removeUnprefixed(client: Client, workflow: string, queue: string): Promise<void> {
  const former = client.schedule.getHandle(workflow);
  try {
    const { action } = await former.describe();
    if (action.taskQueue === queue) await former.delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}
