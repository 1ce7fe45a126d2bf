import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { FraudRule, FraudState } from '../rules/fraud.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** Why a claim may be fraud, and what the claims manager found; each rule flags a claim once. */
export class FraudFlag extends Model<
  InferAttributes<FraudFlag>,
  InferCreationAttributes<FraudFlag>
> {
  static readonly entityType = 'fraud_flag';

  declare id: string;
  declare companyId: string;
  declare claimId: string;
  declare rule: FraudRule;
  declare score: number;
  declare evidence: Readonly<Record<string, unknown>>;
  declare state: FraudState;
  declare reason: CreationOptional<string | null>;
  declare decidedBy: CreationOptional<string | null>;
  declare decidedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    FraudFlag.init(
      {
        ...baseColumns,
        claimId: column.uuid,
        rule: column.text,
        score: column.integer,
        evidence: column.json,
        state: column.text,
        reason: column.text,
        decidedBy: column.uuid,
        decidedAt: column.instant,
      },
      businessTable(sequelize, 'fraud_flags'),
    );
  }
}
