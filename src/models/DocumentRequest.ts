import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { baseColumns, businessTable, column } from './columns.ts';

/** Documents that the claimant was asked for. */
export class DocumentRequest extends Model<
  InferAttributes<DocumentRequest>,
  InferCreationAttributes<DocumentRequest>
> {
  static readonly entityType = 'document_request';

  declare id: string;
  declare companyId: string;
  declare claimId: string;
  declare items: readonly string[];
  declare requestedBy: CreationOptional<string | null>;
  declare dueAt: Date;
  /** Later than this the claim is decided without them. */
  declare finalDueAt: Date;
  declare fulfilledAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    DocumentRequest.init(
      {
        ...baseColumns,
        claimId: column.uuid,
        items: column.json,
        requestedBy: column.uuid,
        dueAt: column.instant,
        finalDueAt: column.instant,
        fulfilledAt: column.instant,
      },
      businessTable(sequelize, 'document_requests'),
    );
  }
}
