import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { v7 as uuid } from 'uuid';
import { businessTable, column } from './columns.ts';
import { select } from './database.ts';

/** What the gateway told of a payment, once however often it tells it. */
export class PaymentEvent extends Model<
  InferAttributes<PaymentEvent>,
  InferCreationAttributes<PaymentEvent>
> {
  declare id: string;
  declare companyId: string;
  declare provider: string;
  /** Of the gateway. */
  declare eventId: string;
  declare kind: string;
  declare paymentId: string;
  declare createdAt: CreationOptional<Date>;
  /** When the payment's workflow had been told. */
  declare handledAt: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    PaymentEvent.init(
      {
        id: column.id,
        companyId: column.uuid,
        provider: column.text,
        eventId: column.text,
        kind: column.text,
        paymentId: column.uuid,
        createdAt: column.instant,
        handledAt: column.instant,
      },
      { ...businessTable<PaymentEvent>(sequelize, 'payment_events'), timestamps: false },
    );
  }

  /** Notes an event. @returns whether the workflow is still to be told */
  static async note(
    event: Pick<PaymentEvent, 'provider' | 'eventId' | 'kind' | 'paymentId'>,
  ): Promise<boolean> {
    const { provider, eventId, kind, paymentId } = event;
    const noted = await select(
      `INSERT INTO payment_events AS e (company_id, id, provider, event_id, kind, payment_id, handled_at)
       VALUES (app.company_id(), $1, $2, $3, $4, $5, now())
       ON CONFLICT (company_id, provider, event_id) DO UPDATE SET handled_at = now()
         WHERE e.handled_at IS NULL
       RETURNING id`,
      [uuid(), provider, eventId, kind, paymentId],
    );
    return noted.length > 0;
  }
}
