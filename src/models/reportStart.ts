import type { ReportStatus } from '../rules/reports.ts';
import { reportWorkflowId } from '../rules/workflowIds.ts';
import type { WorkflowStart } from './OutboxEntry.ts';
import type { Report } from './Report.ts';

/** The report as its row has it; every step of the workflow returns the row's new state. */
export interface ReportState {
  readonly status: ReportStatus;
  readonly generation: number;
  readonly stateVersion: number;
  /** The generation has ended, one way or the other. */
  readonly isClosed: boolean;
}

export interface ReportInput {
  readonly v: 1;
  readonly companyId: string;
  readonly reportId: string;
  readonly state: ReportState;
}

type Row = Pick<
  Report,
  'id' | 'companyId' | 'reportType' | 'status' | 'generation' | 'stateVersion' | 'workflowClosedAt'
>;

export const reportStateOf = (report: Row): ReportState => ({
  status: report.status,
  generation: report.generation,
  stateVersion: report.stateVersion,
  isClosed: Boolean(report.workflowClosedAt),
});

/** How one generation's run begins, when it is asked for or when it has to be restored. */
export function reportStart(report: Row): Omit<WorkflowStart, 'id' | 'context'> {
  const { id, companyId, reportType } = report;
  const state = reportStateOf(report);
  const input: ReportInput = { v: 1, companyId, reportId: id, state };
  return {
    companyId,
    entityType: 'report',
    entityId: id,
    workflowType: 'report',
    workflowId: reportWorkflowId(companyId, id),
    input,
    summary: `Report: ${reportType.replaceAll('_', ' ')}, generation ${state.generation}`,
    attributes: {
      CompanyId: companyId,
      EntityType: 'report',
      EntityId: id,
      EntityStatus: state.status,
      StateVersion: state.stateVersion,
    },
  };
}
