import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type {
  AcknowledgementAction,
  AcknowledgementStatus,
  AcknowledgementType,
  AlertLevel,
  EscalationStatus,
} from '../rules/acknowledgements.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import type { Evidence } from './evidence.ts';

/** One person is asked to read one document, until they have answered or need not any more. */
export class Acknowledgement extends Model<
  InferAttributes<Acknowledgement>,
  InferCreationAttributes<Acknowledgement>
> {
  static readonly entityType = 'acknowledgement';

  declare id: string;
  declare companyId: string;
  declare policyId: string;
  /** The number of the version that they are asked about. */
  declare policyVersion: number;
  declare employeeId: string;
  declare cycle: number;
  declare acknowledgementType: AcknowledgementType;
  declare status: AcknowledgementStatus;
  declare escalationStatus: EscalationStatus;
  /** Says how they stand with the policy; of each person and policy at most one does. */
  declare isCurrent: boolean;
  declare customerId: string;
  declare department: string;
  declare dueDate: CalendarDate;
  declare originalDueDate: CalendarDate;
  declare campaignId: CreationOptional<string | null>;
  /** So many days of the campaign's pauses are in the due date. */
  declare pausedDays: CreationOptional<number>;
  /** So many days by which the campaign gives more time than when it was launched are in it. */
  declare movedDays: CreationOptional<number>;
  declare nextAction: AcknowledgementAction | null;
  declare nextActionAt: Date | null;
  declare owedAlerts: readonly AlertLevel[];
  /** That it is late; null where it was asked before that was written down. */
  declare managerTold: CreationOptional<boolean | null>;
  declare acknowledgedAt: CreationOptional<Date | null>;
  declare onTime: CreationOptional<boolean | null>;
  /** Why they declined, or why it was cancelled. */
  declare reason: CreationOptional<string | null>;
  declare exemptedUntil: CreationOptional<CalendarDate | null>;
  declare evidence: CreationOptional<Evidence | null>;
  declare evidenceHash: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Acknowledgement.init(
      {
        ...baseColumns,
        policyId: column.uuid,
        policyVersion: column.integer,
        employeeId: column.uuid,
        cycle: column.integer,
        acknowledgementType: column.text,
        status: column.text,
        escalationStatus: column.text,
        isCurrent: column.flag,
        customerId: column.uuid,
        department: column.text,
        dueDate: column.date,
        originalDueDate: column.date,
        campaignId: column.uuid,
        pausedDays: column.integer,
        movedDays: column.integer,
        nextAction: column.text,
        nextActionAt: column.instant,
        owedAlerts: column.texts,
        managerTold: column.flag,
        acknowledgedAt: column.instant,
        onTime: column.flag,
        reason: column.text,
        exemptedUntil: column.date,
        evidence: column.json,
        evidenceHash: column.text,
      },
      businessTable(sequelize, 'acknowledgements'),
    );
  }
}
