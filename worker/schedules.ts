import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleSpec,
} from '@temporalio/client';
import { scheduleWorkflowId } from '../src/rules/workflowIds.ts';

const jobs: readonly { readonly workflow: string; readonly spec: ScheduleSpec; note: string }[] = [
  {
    workflow: 'reconcile',
    spec: { intervals: [{ every: '5 minutes' }] },
    note: 'Starts again from its row whatever should be running and is not',
  },
  {
    workflow: 'maintain',
    spec: { calendars: [{ hour: 3, minute: 10 }], timezone: 'UTC', jitter: '5 minutes' },
    note: 'Audit partitions ahead; expired keys and tokens away',
  },
  {
    workflow: 'remindOfRenewals',
    spec: { calendars: [{ dayOfWeek: 'MONDAY', hour: 7 }], timezone: 'UTC', jitter: '5 minutes' },
    note: 'Tells tenant admins of the renewals to win and those lost',
  },
];

/** Creates the periodic jobs, or brings existing ones up to date. Every worker may call it. */
export async function ensureSchedules(client: Client, taskQueue: string): Promise<void> {
  for (const { workflow, spec, note } of jobs) {
    const options = {
      spec,
      action: {
        type: 'startWorkflow',
        workflowType: workflow,
        workflowId: scheduleWorkflowId(workflow),
        taskQueue: `${taskQueue}-lifecycle`,
        args: [],
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
    } as const;
    try {
      await client.schedule.create({ ...options, scheduleId: workflow, state: { note } });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await client.schedule
        .getHandle(workflow)
        .update(({ state }) => ({ ...options, state: { ...state, note } }));
    }
  }
}
