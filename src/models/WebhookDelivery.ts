import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { TemplateCode } from '../rules/notices.ts';
import type { WebhookStatus } from '../rules/webhooks.ts';
import { column, coreTable } from './columns.ts';

/** One event for one endpoint, until it is told or given up. Its id is the message's: once for all tries. */
export class WebhookDelivery extends Model<
  InferAttributes<WebhookDelivery>,
  InferCreationAttributes<WebhookDelivery>
> {
  static readonly entityType = 'webhook_delivery';

  declare id: string;
  declare companyId: string;
  declare endpointId: string;
  declare event: TemplateCode;
  /** Tells the event from others of its kind. */
  declare eventKey: string;
  declare entityType: CreationOptional<string | null>;
  declare entityId: CreationOptional<string | null>;
  declare occurredAt: Date;
  declare status: WebhookStatus;
  /** Counts the times that it was asked for; only the latest is carried out. */
  declare round: CreationOptional<number>;
  /** Of this round. */
  declare attempts: CreationOptional<number>;
  /** What the endpoint answered last; NULL where it did not. */
  declare lastStatus: CreationOptional<number | null>;
  /** A code; never the answer itself. */
  declare lastError: CreationOptional<string | null>;
  declare lastAttemptAt: CreationOptional<Date | null>;
  declare nextAttemptAt: CreationOptional<Date | null>;
  declare deliveredAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;

  static define(sequelize: Sequelize): void {
    WebhookDelivery.init(
      {
        id: column.id,
        companyId: column.uuid,
        endpointId: column.uuid,
        event: column.text,
        eventKey: column.text,
        entityType: column.text,
        entityId: column.uuid,
        occurredAt: column.instant,
        status: column.text,
        round: column.integer,
        attempts: column.integer,
        lastStatus: column.integer,
        lastError: column.text,
        lastAttemptAt: column.instant,
        nextAttemptAt: column.instant,
        deliveredAt: column.instant,
        createdAt: column.instant,
      },
      coreTable(sequelize, 'webhook_deliveries'),
    );
  }
}
