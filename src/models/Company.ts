import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict } from '../errors.ts';
import {
  mostSchemas,
  type businessTypes,
  type Isolation,
  type subscriptionPlans,
} from '../rules/companies.ts';
import type { CompanySettings } from '../rules/settings.ts';
import { column, platformTable } from './columns.ts';
import { select } from './database.ts';

export type { CompanySettings };

/**
 * A tenant. Written through `withGlobal`; its own transaction sees its own row alone, and may change
 * what the company says about itself and its settings, never its status, code or schema.
 */
export class Company extends Model<InferAttributes<Company>, InferCreationAttributes<Company>> {
  static readonly entityType = 'company';

  declare id: string;
  declare name: string;
  declare code: string;
  declare schemaName: CreationOptional<string>;
  declare isolation: CreationOptional<Isolation>;
  declare status: CreationOptional<'active' | 'suspended' | 'closed'>;
  declare businessType: CreationOptional<(typeof businessTypes)[number]>;
  declare contactEmail: CreationOptional<string | null>;
  declare contactPhone: CreationOptional<string | null>;
  declare address: CreationOptional<string | null>;
  declare linkedin: CreationOptional<string | null>;
  declare logoUrl: CreationOptional<string | null>;
  declare subscriptionPlan: CreationOptional<(typeof subscriptionPlans)[number]>;
  declare defaultCurrency: CreationOptional<string>;
  declare timeZone: CreationOptional<string>;
  declare settings: CreationOptional<CompanySettings>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Company.init(
      {
        id: column.id,
        name: column.text,
        code: column.text,
        schemaName: column.text,
        isolation: column.text,
        status: column.text,
        businessType: column.text,
        contactEmail: column.text,
        contactPhone: column.text,
        address: column.text,
        linkedin: column.text,
        logoUrl: column.text,
        subscriptionPlan: column.text,
        defaultCurrency: column.text,
        timeZone: column.text,
        settings: column.json,
        createdAt: column.instant,
        updatedAt: column.instant,
        createdBy: column.uuid,
        updatedBy: column.uuid,
        archivedAt: column.instant,
        version: column.integer,
      },
      platformTable(sequelize, 'companies'),
    );
  }
}

export const noSchemaLeft = (): Conflict =>
  new Conflict(
    'SCHEMA_LIMIT',
    `${mostSchemas} companies have schemas of their own, and no more can; choose the isolation shared`,
  );

/** @throws Conflict SCHEMA_LIMIT; in any open transaction, for the catalog is the same for all */
export async function refuseSchema(): Promise<void> {
  const [schemas] = await select<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_namespace WHERE nspname ~ '^t_[0-9a-f]{16}$'`,
  );
  if ((schemas?.n ?? 0) >= mostSchemas) throw noSchemaLeft();
}
