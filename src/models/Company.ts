import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { LifecycleConfig } from '../rules/lifecycle.ts';
import { column, platformTable } from './columns.ts';

/** What a company may set for itself, by section; bounds are checked when it is stored. */
export interface CompanySettings {
  readonly subscription?: LifecycleConfig;
  /** Whether passwords need characters of every class; they do unless told. */
  readonly password?: { readonly requireClasses?: boolean };
}

/** A tenant. Written through `withGlobal`; a company's own transaction sees only its own row. */
export class Company extends Model<InferAttributes<Company>, InferCreationAttributes<Company>> {
  declare id: string;
  declare name: string;
  declare code: string;
  declare schemaName: CreationOptional<string>;
  declare status: CreationOptional<'active' | 'suspended' | 'closed'>;
  declare businessType: CreationOptional<string>;
  declare contactEmail: CreationOptional<string | null>;
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
        status: column.text,
        businessType: column.text,
        contactEmail: column.text,
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
