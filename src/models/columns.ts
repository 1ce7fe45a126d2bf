import { DataTypes, type InitOptions, type Model, type Sequelize } from 'sequelize';

const { ARRAY, BOOLEAN, DATE, DATEONLY, DECIMAL, INTEGER, JSONB, TEXT, UUID } = DataTypes;

/** Attribute types under the names that the migrations use. */
export const column = {
  id: { type: UUID, primaryKey: true },
  uuid: UUID,
  text: TEXT,
  texts: ARRAY(TEXT),
  integer: INTEGER,
  flag: BOOLEAN,
  json: JSONB,
  money: DECIMAL(20, 2),
  /** With two places, read as text. */
  percentage: DECIMAL(5, 2),
  /** 1 to 5 with two places, read as text. */
  rating: DECIMAL(3, 2),
  /** Degrees, read as text. */
  latitude: DECIMAL(10, 8),
  longitude: DECIMAL(11, 8),
  date: DATEONLY,
  instant: DATE,
} as const;

/** Columns of every entity; `version` counts edits by people. */
export const baseColumns = {
  id: column.id,
  companyId: column.uuid,
  createdAt: column.instant,
  updatedAt: column.instant,
  createdBy: column.uuid,
  updatedBy: column.uuid,
  archivedAt: column.instant,
  version: column.integer,
} as const;

/** A table of the business schema names no schema: the transaction's search_path decides. */
export const businessTable = <M extends Model>(
  sequelize: Sequelize,
  tableName: string,
): InitOptions<M> => ({ sequelize, tableName, timestamps: true });

export const platformTable = <M extends Model>(
  sequelize: Sequelize,
  tableName: string,
): InitOptions<M> => ({ sequelize, schema: 'platform', tableName, timestamps: true });

export const coreTable = <M extends Model>(
  sequelize: Sequelize,
  tableName: string,
): InitOptions<M> => ({ sequelize, schema: 'core', tableName, timestamps: false });
