import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { CalendarDate } from '../rules/calendar.ts';
import type { AuditStatus, ComplianceStatus } from '../rules/compliance.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** That a customer has to comply with something, how far its people are, and its audit. */
export class CustomerCompliance extends Model<
  InferAttributes<CustomerCompliance>,
  InferCreationAttributes<CustomerCompliance>
> {
  static readonly entityType = 'customer_compliance';

  declare id: string;
  declare companyId: string;
  declare customerId: string;
  declare complianceId: string;
  declare status: CreationOptional<ComplianceStatus>;
  declare compliancePercentage: CreationOptional<string>;
  declare auditDate: CreationOptional<CalendarDate | null>;
  declare auditStatus: CreationOptional<AuditStatus>;
  declare acknowledgedCount: CreationOptional<number>;
  declare pendingCount: CreationOptional<number>;
  /** When what has to be read last changed after all had read it. */
  declare complianceUpdated: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    CustomerCompliance.init(
      {
        ...baseColumns,
        customerId: column.uuid,
        complianceId: column.uuid,
        status: column.text,
        compliancePercentage: column.percentage,
        auditDate: column.date,
        auditStatus: column.text,
        acknowledgedCount: column.integer,
        pendingCount: column.integer,
        complianceUpdated: column.instant,
      },
      businessTable(sequelize, 'customer_compliances'),
    );
  }
}
