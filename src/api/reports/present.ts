import type { ReportDetail, ReportView } from '../../commands/reports.ts';
import type { ReportData } from '../../models/reportData.ts';
import type { ReportSchedule } from '../../rules/reports.ts';

export const presentReport = ({ report, workflow }: ReportView) => ({
  id: report.id,
  name: report.name,
  report_type: report.reportType,
  filters: {
    from: report.filters.from,
    to: report.filters.to,
    policy_type: report.filters.policyType,
  },
  format: report.format,
  schedule: report.schedule && presentSchedule(report.schedule),
  status: report.status,
  progress: report.progress,
  error: report.error,
  generation: report.generation,
  generated_at: report.generatedAt?.toISOString() ?? null,
  workflow: { id: workflow.id, state: workflow.state },
  created_by: report.createdBy,
  updated_by: report.updatedBy,
  created_at: report.createdAt.toISOString(),
  updated_at: report.updatedAt.toISOString(),
  archived_at: report.archivedAt?.toISOString() ?? null,
  version: report.version,
  state_version: report.stateVersion,
});

export const presentReportDetail = (detail: ReportDetail) => ({
  ...presentReport(detail),
  report_data: detail.data && presentReportData(detail.data),
});

export const presentReportData = ({ period, timeZone, tables }: ReportData) => ({
  period: { from: period.from, to: period.to },
  time_zone: timeZone,
  tables: tables.map(({ name, title, columns, rows, isTruncated }) => ({
    name,
    title,
    columns: columns.map(({ name: column, label, kind }) => ({ name: column, label, kind })),
    rows: rows.map((row) => ({ ...row })),
    is_truncated: isTruncated,
  })),
});

function presentSchedule(schedule: ReportSchedule) {
  const { frequency, hour } = schedule;
  return {
    frequency,
    hour,
    day_of_week: frequency === 'weekly' ? schedule.dayOfWeek : undefined,
    day_of_month: frequency === 'monthly' ? schedule.dayOfMonth : undefined,
  };
}
