import type { ReportSchedules, WishedReportSchedule } from '../../src/activities/reports.ts';
import { scheduleInWords } from '../../src/rules/reports.ts';

/** Schedules that fire never; `kept` is what there is, by id. */
export function reportSchedulesInMemory(): ReportSchedules & {
  readonly kept: Map<string, WishedReportSchedule>;
} {
  const kept = new Map<string, WishedReportSchedule>();
  const idOf: ReportSchedules['idOf'] = ({ reportId }) => reportId;
  return {
    kept,
    idOf,
    async *all() {
      for (const [id, { schedule, timeZone }] of kept) {
        yield { id, note: scheduleInWords(schedule, timeZone) };
      }
    },
    put: async (wished) => void kept.set(idOf(wished), wished),
    remove: async (id) => void kept.delete(id),
  };
}
