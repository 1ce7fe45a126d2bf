import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { CalendarDate } from '../rules/calendar.ts';
import type { AuditStatus } from '../rules/compliance.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** That a customer has to comply with something, and its audit; `withProgress` says how far it is. */
export class CustomerCompliance extends Model<
  InferAttributes<CustomerCompliance>,
  InferCreationAttributes<CustomerCompliance>
> {
  static readonly entityType = 'customer_compliance';

  declare id: string;
  declare companyId: string;
  declare customerId: string;
  declare complianceId: string;
  declare auditDate: CreationOptional<CalendarDate | null>;
  declare auditStatus: CreationOptional<AuditStatus>;
  /** When people or documents last changed, so that more has to be read. */
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
        auditDate: column.date,
        auditStatus: column.text,
        complianceUpdated: column.instant,
      },
      businessTable(sequelize, 'customer_compliances'),
    );
  }
}
