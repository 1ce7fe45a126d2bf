import {
  Model,
  Op,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { InvoiceReason, InvoiceStatus } from '../rules/billing.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { grouped } from '../rules/grouped.ts';
import type { Money } from '../rules/money.ts';
import { AuditLog } from './AuditLog.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** What a holder is to pay for a stretch of cover. */
export class PremiumInvoice extends Model<
  InferAttributes<PremiumInvoice>,
  InferCreationAttributes<PremiumInvoice>
> {
  static readonly entityType = 'premium_invoice';

  declare id: string;
  declare companyId: string;
  declare subscriptionId: string;
  declare termNo: number;
  declare reason: InvoiceReason;
  declare amount: Money;
  declare currency: string;
  declare periodStart: CalendarDate;
  declare periodEnd: CalendarDate;
  /** The company's date of `dueAt`. */
  declare dueDate: CalendarDate;
  declare dueAt: Date;
  declare status: InvoiceStatus;
  declare paidAt: CreationOptional<Date | null>;
  /** The payment that is under way for it. */
  declare paymentId: CreationOptional<string | null>;
  /** The part of the term whose reinstatement made up for it. */
  declare replacedBy: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    PremiumInvoice.init(
      {
        ...baseColumns,
        subscriptionId: column.uuid,
        termNo: column.integer,
        reason: column.text,
        amount: column.money,
        currency: column.text,
        periodStart: column.date,
        periodEnd: column.date,
        dueDate: column.date,
        dueAt: column.instant,
        status: column.text,
        paidAt: column.instant,
        paymentId: column.uuid,
        replacedBy: column.uuid,
      },
      businessTable(sequelize, 'premium_invoices'),
    );
  }

  /** Those of a subscription for which money is awaited, the oldest first; held until the commit. */
  static dueOf(subscriptionId: string): Promise<PremiumInvoice[]> {
    return PremiumInvoice.findAll({
      where: { subscriptionId, status: ['open', 'overdue'] },
      order: [['id', 'ASC']],
      lock: true,
    });
  }

  /** Arrears that have come, which the subscription does not know of yet. */
  static arrearsToNote(subscriptionId: string): Promise<PremiumInvoice | null> {
    return PremiumInvoice.findOne({
      where: {
        subscriptionId,
        reason: 'reinstatement',
        status: 'paid',
        paymentId: { [Op.ne]: null },
      },
    });
  }

  /** Payments under way for invoices of a subscription. */
  static async paymentsOf(subscriptionId: string): Promise<readonly string[]> {
    return (await PremiumInvoice.paymentsOfAll([subscriptionId])).of(subscriptionId);
  }

  /** The same of several subscriptions at once. */
  static async paymentsOfAll(subscriptionIds: readonly string[]) {
    const rows = await PremiumInvoice.findAll({
      attributes: ['subscriptionId', 'paymentId'],
      where: { subscriptionId: [...subscriptionIds], paymentId: { [Op.ne]: null } },
      order: [['id', 'ASC']],
    });
    return grouped(
      rows.flatMap(({ subscriptionId, paymentId }) =>
        paymentId ? [[subscriptionId, paymentId] as const] : [],
      ),
    );
  }

  /** Sets the status of several at once. A payment that comes for what is no longer due goes back. */
  static async settle(
    invoices: readonly PremiumInvoice[],
    status: Exclude<InvoiceStatus, 'open' | 'paid'>,
  ): Promise<void> {
    if (invoices.length === 0) return;
    await PremiumInvoice.update({ status }, { where: { id: invoices.map(({ id }) => id) } });
    for (const { id, status: before } of invoices) {
      AuditLog.record(
        'STATUS_CHANGE',
        { type: PremiumInvoice.entityType, id },
        { before: { status: before }, after: { status } },
      );
    }
  }
}
