import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { LifecycleConfig } from '../rules/lifecycle.ts';
import type { Money } from '../rules/money.ts';
import { baseColumns, businessTable, column } from './columns.ts';

export const coverageLevels = ['basic', 'standard', 'premium'] as const;

/** What can be bought. Later edits never change what was sold: a subscription keeps a snapshot. */
export class InsurancePlan extends Model<
  InferAttributes<InsurancePlan>,
  InferCreationAttributes<InsurancePlan>
> {
  static readonly entityType = 'plan';

  declare id: string;
  declare companyId: string;
  declare name: string;
  declare propertyCategoryId: string;
  declare coverageLevel: (typeof coverageLevels)[number];
  declare coverageAmount: Money;
  declare premium: Money;
  declare currency: string;
  declare durationMonths: number;
  declare description: CreationOptional<string>;
  declare isActive: CreationOptional<boolean>;
  declare lifecycleConfig: CreationOptional<LifecycleConfig>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    InsurancePlan.init(
      {
        ...baseColumns,
        name: column.text,
        propertyCategoryId: column.uuid,
        coverageLevel: column.text,
        coverageAmount: column.money,
        premium: column.money,
        currency: column.text,
        durationMonths: column.integer,
        description: column.text,
        isActive: column.flag,
        lifecycleConfig: column.json,
      },
      businessTable(sequelize, 'insurance_plans'),
    );
  }
}
