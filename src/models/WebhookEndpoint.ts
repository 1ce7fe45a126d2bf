import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { TemplateCode } from '../rules/notices.ts';
import { baseColumns, column, coreTable } from './columns.ts';

/** An address of a company's own program that is told of what happens. */
export class WebhookEndpoint extends Model<
  InferAttributes<WebhookEndpoint>,
  InferCreationAttributes<WebhookEndpoint>
> {
  static readonly entityType = 'webhook_endpoint';

  declare id: string;
  declare companyId: string;
  declare url: string;
  declare events: readonly TemplateCode[];
  declare isEnabled: CreationOptional<boolean>;
  /** By a person, or because it answered that it is gone for good. */
  declare disabledBecause: CreationOptional<'asked' | 'gone' | null>;
  declare secretSealed: string;
  /** Signs as well until then, so that the receiver can change over. */
  declare oldSecretSealed: CreationOptional<string | null>;
  declare oldSecretUntil: CreationOptional<Date | null>;
  /** What happened before is not told. */
  declare heardFrom: CreationOptional<Date>;
  /** Up to here what happened has been looked for. */
  declare sweptUntil: CreationOptional<Date>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    WebhookEndpoint.init(
      {
        ...baseColumns,
        url: column.text,
        events: column.json,
        isEnabled: column.flag,
        disabledBecause: column.text,
        secretSealed: column.text,
        oldSecretSealed: column.text,
        oldSecretUntil: column.instant,
        heardFrom: column.instant,
        sweptUntil: column.instant,
      },
      { ...coreTable<WebhookEndpoint>(sequelize, 'webhook_endpoints'), timestamps: true },
    );
  }
}
