import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { Money } from '../rules/money.ts';
import type { RecoveryKind, RecoveryStatus } from '../rules/recoveries.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** Money for a claim that comes back from somebody. */
export class ClaimRecovery extends Model<
  InferAttributes<ClaimRecovery>,
  InferCreationAttributes<ClaimRecovery>
> {
  static readonly entityType = 'claim_recovery';

  declare id: string;
  declare companyId: string;
  declare claimId: string;
  declare kind: RecoveryKind;
  declare party: string;
  declare estimated: Money;
  declare recovered: Money;
  declare status: RecoveryStatus;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    ClaimRecovery.init(
      {
        ...baseColumns,
        claimId: column.uuid,
        kind: column.text,
        party: column.text,
        estimated: column.money,
        recovered: column.money,
        status: column.text,
      },
      businessTable(sequelize, 'claim_recoveries'),
    );
  }
}
