import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { mondayOf } from '../rules/calendar.ts';

const activities = proxyActivities<Activities>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '1 minute',
  retry: { initialInterval: '10 seconds', maximumInterval: '1 minute', maximumAttempts: 10 },
});

/** Every five minutes: whatever should be running and is not is started again from its row. */
export const reconcile = (): Promise<{ readonly restored: number }> =>
  activities.restoreWorkflows();

/** Every Monday: tells of the renewals to win and those lost, and of who has not answered in time. */
export const remindOfRenewals = (): Promise<void> =>
  // One that comes late is about the same day.
  activities.sendDigests({ week: mondayOf(new Date().toISOString().slice(0, 10)) });

/** Every night: partitions ahead, expired keys and tokens away, rows compared with runs and counts. */
export const maintain = (): Promise<void> => activities.keepHouse();

/** Every five minutes: the schedules of reports are as their rows say. */
export const alignReports = (): Promise<{ readonly put: number; readonly removed: number }> =>
  activities.alignReportSchedules();

/** Every night: files without a row away, and forgotten scans promised anew. */
export const tendDocuments = (): Promise<void> => activities.tendDocuments();

/** Every minute: raises what somebody has to hear of, and resolves what is over. */
export const watchRuns = (): Promise<void> => activities.raiseAlerts();

/**
 * Every night: histories of closed runs are written to the storage before Temporal forgets them. What this
 * night answers, its schedule gives to the next one.
 */
export const exportHistories = (): Promise<{ readonly exportedUntil: number }> => {
  const last: { exportedUntil?: number } = { ...Object(workflowInfo().lastResult) };
  // What closed just now may not be listed yet.
  return activities.exportHistories({ after: last.exportedUntil, until: Date.now() - 3_600_000 });
};
