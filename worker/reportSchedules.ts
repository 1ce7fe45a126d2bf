import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type CalendarSpec,
  type Client,
  type ScheduleSpec,
} from '@temporalio/client';
import type { ReportSchedules, WishedReportSchedule } from '../src/activities/reports.ts';
import { scheduleInWords, type ReportSchedule, type weekdays } from '../src/rules/reports.ts';
import { scheduledReportWorkflowId } from '../src/rules/workflowIds.ts';
import { searchAttributePairs } from '../src/workflows/searchAttributes.ts';
import { inTimeBy } from './inTime.ts';

/** Ids name the queue, because a namespace may be shared by deployments that differ in nothing else. */
export function openReportSchedules(client: Client, taskQueue: string): ReportSchedules {
  const inTime = inTimeBy(client);
  const prefix = `${taskQueue}/report/`;
  const idOf: ReportSchedules['idOf'] = ({ companyId, reportId }) =>
    `${prefix}${companyId}/${reportId}`;

  return {
    idOf,

    async *all() {
      const listed = client.schedule.list({ pageSize: 200 })[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await inTime(() => listed.next());
        if (done) return;
        const { scheduleId, state } = value;
        if (scheduleId.startsWith(prefix)) yield { id: scheduleId, note: state.note };
      }
    },

    async put(wished) {
      const scheduleId = idOf(wished);
      const { companyId, reportId, schedule, timeZone } = wished;
      const spec: ScheduleSpec = {
        calendars: [calendarOf(schedule)],
        timezone: timeZone,
        jitter: '1 minute',
      };
      const options = {
        spec,
        action: {
          type: 'startWorkflow',
          workflowType: 'scheduledReport',
          workflowId: scheduledReportWorkflowId(companyId, reportId),
          taskQueue: `${taskQueue}-lifecycle`,
          args: [{ companyId, reportId }],
          typedSearchAttributes: attributesOf(wished),
        },
        policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
        state: { note: scheduleInWords(schedule, timeZone) },
      } as const;
      try {
        await inTime(() => client.schedule.create({ ...options, scheduleId }));
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
        await inTime(() =>
          client.schedule
            .getHandle(scheduleId)
            .update(({ state }) => ({ ...options, state: { ...state, ...options.state } })),
        );
      }
    },

    async remove(id) {
      try {
        await inTime(() => client.schedule.getHandle(id).delete());
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
      }
    },
  };
}

const attributesOf = ({ companyId, reportId }: WishedReportSchedule) =>
  searchAttributePairs({ CompanyId: companyId, EntityType: 'report', EntityId: reportId });

function calendarOf(schedule: ReportSchedule): CalendarSpec {
  const { hour } = schedule;
  switch (schedule.frequency) {
    case 'daily':
      return { hour };
    case 'weekly':
      return { hour, dayOfWeek: dayOfWeek[schedule.dayOfWeek] };
    case 'monthly':
      return { hour, dayOfMonth: schedule.dayOfMonth };
    default:
      return schedule satisfies never;
  }
}

const dayOfWeek = {
  monday: 'MONDAY',
  tuesday: 'TUESDAY',
  wednesday: 'WEDNESDAY',
  thursday: 'THURSDAY',
  friday: 'FRIDAY',
  saturday: 'SATURDAY',
  sunday: 'SUNDAY',
} as const satisfies Record<(typeof weekdays)[number], string>;
