import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict } from '../errors.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import type { Money } from '../rules/money.ts';
import {
  nextPaymentStatus,
  type PaymentEvent,
  type PaymentPurpose,
  type PaymentStatus,
} from '../rules/payments.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { execute } from './database.ts';
import { moveRow, type Step } from './moveRow.ts';

/** Lifecycle columns that a step may set beside the status. */
type LifecycleChanges = Partial<
  Pick<Payment, 'attempts' | 'failureCode' | 'transactionId' | 'paymentDate' | 'workflowClosedAt'>
>;

/** One movement of money through the gateway: taken, paid out or given back. */
export class Payment extends Model<InferAttributes<Payment>, InferCreationAttributes<Payment>> {
  static readonly entityType = 'payment';

  declare id: string;
  declare companyId: string;
  declare purpose: PaymentPurpose;
  declare claimId: CreationOptional<string | null>;
  declare invoiceId: CreationOptional<string | null>;
  /**
   * As with the other two no foreign key: what is paid for names its payments by one, and tables in a circle
   * could be neither filled nor emptied one after another (`companyTables.ts`).
   */
  declare bookingId: CreationOptional<string | null>;
  /** The payment that a refund gives back. */
  declare parentPaymentId: CreationOptional<string | null>;
  /** Who pays or is paid, where they have an account. */
  declare userId: string | null;
  declare payeeName: string;
  declare payeeEmail: CreationOptional<string | null>;
  declare amount: Money;
  declare currency: string;
  declare status: PaymentStatus;
  declare stateVersion: CreationOptional<number>;
  declare paymentDate: CreationOptional<CalendarDate | null>;
  /** The same for every attempt: the gateway moves the money once under it. */
  declare idempotencyKey: string;
  /** The gateway's own reference. */
  declare transactionId: CreationOptional<string | null>;
  declare failureCode: CreationOptional<string | null>;
  declare attempts: CreationOptional<number>;
  /** Given back, or on its way back; what failed does not count. */
  declare refundedAmount: CreationOptional<Money>;
  declare reason: CreationOptional<string | null>;
  declare workflowClosedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Payment.init(
      {
        ...baseColumns,
        purpose: column.text,
        claimId: column.uuid,
        invoiceId: column.uuid,
        bookingId: column.uuid,
        parentPaymentId: column.uuid,
        userId: column.uuid,
        payeeName: column.text,
        payeeEmail: column.text,
        amount: column.money,
        currency: column.text,
        status: column.text,
        stateVersion: column.integer,
        paymentDate: column.date,
        idempotencyKey: column.text,
        transactionId: column.text,
        failureCode: column.text,
        attempts: column.integer,
        refundedAmount: column.money,
        reason: column.text,
        workflowClosedAt: column.instant,
      },
      businessTable(sequelize, 'payments'),
    );
  }

  /**
   * The only writer of `status` and of what belongs to the lifecycle. The version fence also stops
   * a late attempt that wakes up again.
   * @throws Conflict ILLEGAL_TRANSITION or VERSION_CONFLICT
   */
  async move(event: PaymentEvent, step: Step, changes: LifecycleChanges = {}): Promise<void> {
    const to = nextPaymentStatus(this.status, event);
    if (!to) {
      throw new Conflict(
        'ILLEGAL_TRANSITION',
        `A ${this.status} payment cannot ${event.replaceAll('_', ' ')}`,
      );
    }
    await moveRow(Payment, this, { event, to }, step, changes);
  }

  /**
   * Sets aside what a refund is to give back, or frees it again by a negative amount.
   * @throws Conflict REFUND_TOO_HIGH when less than that is left
   */
  async setAside(amount: Money): Promise<void> {
    const changed = await execute(
      `UPDATE payments SET refunded_amount = refunded_amount + $2::numeric, updated_at = now()
       WHERE id = $1 AND refunded_amount + $2::numeric BETWEEN 0 AND amount`,
      [this.id, amount],
    );
    await this.reload();
    if (changed === 0) {
      throw new Conflict('REFUND_TOO_HIGH', `Of payment ${this.id} less than ${amount} is left`, {
        refunded_amount: this.refundedAmount,
        amount: this.amount,
      });
    }
  }
}
