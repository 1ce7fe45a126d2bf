import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict } from '../errors.ts';
import {
  allowedReportEvents,
  nextReportStatus,
  type ReportEvent,
  type ReportFilters,
  type ReportFormat,
  type ReportSchedule,
  type ReportStatus,
  type ReportType,
} from '../rules/reports.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { moveRow, type Step } from './moveRow.ts';
import { OutboxEntry, type WorkflowStart } from './OutboxEntry.ts';
import type { ReportData } from './reportData.ts';
import { reportStart } from './reportStart.ts';

/** Lifecycle columns that a step may set beside the status. */
type LifecycleChanges = Partial<
  Pick<Report, 'generation' | 'progress' | 'generatedAt' | 'error' | 'workflowClosedAt'>
>;

/** What somebody wants to know of the company's rows, and the answer once it is generated. */
export class Report extends Model<InferAttributes<Report>, InferCreationAttributes<Report>> {
  static readonly entityType = 'report';

  declare id: string;
  declare companyId: string;
  declare name: string;
  declare reportType: ReportType;
  declare filters: ReportFilters;
  declare format: ReportFormat;
  declare schedule: ReportSchedule | null;
  declare status: ReportStatus;
  declare stateVersion: CreationOptional<number>;
  /** Counts how often it was asked for; the latest is the one that the status tells of. */
  declare generation: CreationOptional<number>;
  /** Percent. */
  declare progress: CreationOptional<number>;
  /** Of the last generation that got ready. */
  declare reportData: CreationOptional<ReportData | null>;
  declare generatedAt: CreationOptional<Date | null>;
  /** Why the latest generation failed. */
  declare error: CreationOptional<string | null>;
  declare workflowClosedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Report.init(
      {
        ...baseColumns,
        name: column.text,
        reportType: column.text,
        filters: column.json,
        format: column.text,
        schedule: column.json,
        status: column.text,
        stateVersion: column.integer,
        generation: column.integer,
        progress: column.integer,
        reportData: column.json,
        generatedAt: column.instant,
        error: column.text,
        workflowClosedAt: column.instant,
      },
      businessTable(sequelize, 'reports'),
    );
  }

  /**
   * The only writer of `status` and of what belongs to a generation.
   * @throws Conflict ILLEGAL_TRANSITION or VERSION_CONFLICT
   */
  async move(event: ReportEvent, step: Step, changes: LifecycleChanges = {}): Promise<void> {
    const from = this.status;
    const to = nextReportStatus(from, event);
    if (!to) {
      throw new Conflict('ILLEGAL_TRANSITION', `A ${from} report cannot ${event}`, {
        allowed_transitions: allowedReportEvents(from),
      });
    }
    await moveRow(Report, this, { event, to }, step, changes);
  }

  /**
   * Begins another generation and promises its run; the data stay until the new ones are ready. No run
   * of the one before is open, so that nobody else writes these columns.
   * @throws Conflict ILLEGAL_TRANSITION while one is under way
   */
  async generateAgain(commandId: string, at: Date): Promise<WorkflowStart> {
    const step = { commandId, expectedVersion: this.stateVersion, at };
    const generation = this.generation + 1;
    const begun = { generation, progress: 0, error: null, workflowClosedAt: null };
    await this.move('generate', step, begun);
    return OutboxEntry.promise(reportStart(this));
  }
}
