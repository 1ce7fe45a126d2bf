import { MockActivityEnvironment } from '@temporalio/testing';
import { reportActivities } from '../../src/activities/reports.ts';
import { runInContext } from '../../src/context.ts';
import type { ReportState } from '../../src/models/reportStart.ts';
import { reportWorkflowId } from '../../src/rules/workflowIds.ts';
import { reportSchedulesInMemory } from './reportSchedules.ts';

/** What the worker does for reports, without a worker. */
export function reportsWithoutWorker() {
  const schedules = reportSchedulesInMemory();
  const activities = reportActivities({ reportSchedules: schedules });
  const inActivity = <T>(workflowId: string, work: () => Promise<T>): Promise<T> =>
    runInContext({ requestId: '', actorType: 'workflow', workflowId }, () =>
      new MockActivityEnvironment().run(work),
    );
  return {
    schedules,
    activities,
    inActivity,
    /** Generates the report's first generation, or the one that is told. */
    generate: (companyId: string, reportId: string, generation = 1): Promise<ReportState> =>
      inActivity(reportWorkflowId(companyId, reportId), () =>
        activities.generateReport({ companyId, reportId, generation, at: Date.now() }),
      ),
  };
}
