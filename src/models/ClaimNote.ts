import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { baseColumns, businessTable, column } from './columns.ts';

/** What somebody wrote about a claim: among colleagues, or for the policyholder to read as well. */
export class ClaimNote extends Model<
  InferAttributes<ClaimNote>,
  InferCreationAttributes<ClaimNote>
> {
  static readonly entityType = 'claim_note';

  declare id: string;
  declare companyId: string;
  declare claimId: string;
  declare authorId: string | null;
  declare note: string;
  declare isInternal: boolean;
  declare editedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    ClaimNote.init(
      {
        ...baseColumns,
        claimId: column.uuid,
        authorId: column.uuid,
        note: column.text,
        isInternal: column.flag,
        editedAt: column.instant,
      },
      businessTable(sequelize, 'claim_notes'),
    );
  }
}
