import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { principalOf, type Actor } from '../context.ts';
import type { Permission } from '../rules/permissions.ts';
import { baseColumns, column, coreTable } from './columns.ts';

/** What a program of a company shows instead of a person's token. The key itself is not stored. */
export class ApiKey extends Model<InferAttributes<ApiKey>, InferCreationAttributes<ApiKey>> {
  static readonly entityType = 'api_key';

  declare id: string;
  declare companyId: string;
  declare name: string;
  /** The beginning of the key, which is no secret: what it is looked up by. */
  declare prefix: string;
  declare keyHash: string;
  declare scopes: Permission[];
  declare expiresAt: Date;
  declare lastUsedAt: CreationOptional<Date | null>;
  declare revokedAt: CreationOptional<Date | null>;
  /** The key that this one was made for by rotation. */
  declare replacesId: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    ApiKey.init(
      {
        ...baseColumns,
        name: column.text,
        prefix: column.text,
        keyHash: column.text,
        scopes: column.json,
        expiresAt: column.instant,
        lastUsedAt: column.instant,
        revokedAt: column.instant,
        replacesId: column.uuid,
      },
      { ...coreTable<ApiKey>(sequelize, 'api_keys'), timestamps: true },
    );
  }

  /** The person behind an id under which an actor is written down: of a key whoever made it. */
  static async personBehind(principal: string | null): Promise<string | null> {
    if (principal === null) return null;
    const key = await ApiKey.findOne({ where: { id: principal } });
    return key ? (key.createdBy ?? null) : principal;
  }

  /** Whose work it is; what a key does is the work of whoever made it. */
  static async personOf(actor: Actor): Promise<string | null> {
    return actor.userId ?? ApiKey.personBehind(principalOf(actor));
  }
}
