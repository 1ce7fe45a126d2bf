import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { baseColumns, businessTable, column } from './columns.ts';

/** Where it happened. A claim has one at most that is not archived. */
export class ClaimLocation extends Model<
  InferAttributes<ClaimLocation>,
  InferCreationAttributes<ClaimLocation>
> {
  static readonly entityType = 'claim_location';

  declare id: string;
  declare companyId: string;
  declare claimId: string;
  declare latitude: string | null;
  declare longitude: string | null;
  declare address: string | null;
  declare description: string | null;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    ClaimLocation.init(
      {
        ...baseColumns,
        claimId: column.uuid,
        latitude: column.latitude,
        longitude: column.longitude,
        address: column.text,
        description: column.text,
      },
      businessTable(sequelize, 'claim_locations'),
    );
  }
}
