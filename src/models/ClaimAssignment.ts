import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { baseColumns, businessTable, column } from './columns.ts';

/** Who gave a claim to whom, and why. Append-only. */
export class ClaimAssignment extends Model<
  InferAttributes<ClaimAssignment>,
  InferCreationAttributes<ClaimAssignment>
> {
  static readonly entityType = 'claim_assignment';

  declare id: string;
  declare companyId: string;
  declare claimId: string;
  declare fromUserId: CreationOptional<string | null>;
  declare toUserId: string;
  /** Null where the company's rule chose. */
  declare assignedBy: CreationOptional<string | null>;
  declare reason: CreationOptional<string | null>;
  declare at: Date;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    ClaimAssignment.init(
      {
        ...baseColumns,
        claimId: column.uuid,
        fromUserId: column.uuid,
        toUserId: column.uuid,
        assignedBy: column.uuid,
        reason: column.text,
        at: column.instant,
      },
      businessTable(sequelize, 'claim_assignments'),
    );
  }
}
