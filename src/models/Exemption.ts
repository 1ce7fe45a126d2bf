import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { CalendarDate } from '../rules/calendar.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** Somebody asks not to have to read a document for a while. */
export class Exemption extends Model<
  InferAttributes<Exemption>,
  InferCreationAttributes<Exemption>
> {
  static readonly entityType = 'exemption';

  declare id: string;
  declare companyId: string;
  declare acknowledgementId: string;
  declare reason: string;
  declare validUntil: CalendarDate;
  /** `lapsed` once the acknowledgement was answered or closed before anybody decided. */
  declare status: CreationOptional<'open' | 'granted' | 'refused' | 'lapsed'>;
  declare decidedBy: CreationOptional<string | null>;
  declare decidedAt: CreationOptional<Date | null>;
  declare decisionReason: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Exemption.init(
      {
        ...baseColumns,
        acknowledgementId: column.uuid,
        reason: column.text,
        validUntil: column.date,
        status: column.text,
        decidedBy: column.uuid,
        decidedAt: column.instant,
        decisionReason: column.text,
      },
      businessTable(sequelize, 'exemptions'),
    );
  }
}
