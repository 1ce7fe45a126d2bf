import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { Requirement } from '../rules/compliance.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** What customers have to comply with: a standard, a law, a set of rules, and what it demands. */
export class Compliance extends Model<
  InferAttributes<Compliance>,
  InferCreationAttributes<Compliance>
> {
  static readonly entityType = 'compliance';

  declare id: string;
  declare companyId: string;
  declare complianceType: string;
  declare complianceTitle: string;
  declare requirements: CreationOptional<readonly Requirement[]>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Compliance.init(
      {
        ...baseColumns,
        complianceType: column.text,
        complianceTitle: column.text,
        requirements: column.json,
      },
      businessTable(sequelize, 'compliances'),
    );
  }
}
