import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { column, coreTable } from './columns.ts';

/** What one principal's key on one route did, kept for a week. */
export class IdempotencyKey extends Model<
  InferAttributes<IdempotencyKey>,
  InferCreationAttributes<IdempotencyKey>
> {
  declare companyId: string;
  declare scope: string;
  declare bodyHash: string;
  /** The stored answer; null while a command with this key is under way. */
  declare answer: CreationOptional<{ readonly status: number; readonly data: unknown } | null>;
  declare createdAt: CreationOptional<Date>;
  declare expiresAt: Date;

  static define(sequelize: Sequelize): void {
    IdempotencyKey.init(
      {
        companyId: column.uuid,
        scope: { type: column.text, primaryKey: true },
        bodyHash: column.text,
        answer: column.json,
        createdAt: column.instant,
        expiresAt: column.instant,
      },
      coreTable(sequelize, 'idempotency_keys'),
    );
  }
}
