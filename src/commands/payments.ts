import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Conflict, Forbidden, Unavailable } from '../errors.ts';
import { payable } from '../models/amounts.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Booking } from '../models/Booking.ts';
import { isStayOver, leftOf } from '../models/bookingFile.ts';
import { afterCommit, flush, select, withTenant } from '../models/database.ts';
import {
  byId,
  columnsOf,
  madeWithin,
  newestFirst,
  selectFirstOfEach,
  selectPage,
  selectThose,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { Payment } from '../models/Payment.ts';
import { openPayment, promisePayment } from '../models/paymentStart.ts';
import { getRow, noSuch } from '../models/rows.ts';
import { isPositive, subtract, zero, type Money } from '../rules/money.ts';
import { allows } from '../rules/permissions.ts';
import {
  isRefundable,
  type LedgerAccount,
  type PaymentPurpose,
  type PaymentStatus,
} from '../rules/payments.ts';
import type { Dispatcher } from './dispatch.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

export interface PaymentFilters extends ListAsked<keyof typeof sortColumns> {
  readonly status?: PaymentStatus | undefined;
  readonly purpose?: PaymentPurpose | undefined;
  readonly claimId?: string | undefined;
  readonly invoiceId?: string | undefined;
  readonly bookingId?: string | undefined;
  readonly parentPaymentId?: string | undefined;
  readonly userId?: string | undefined;
}

export type PaymentView = InferAttributes<Payment>;

/** What was booked on one account in one currency. */
export interface AccountSum {
  readonly account: LedgerAccount;
  readonly currency: string;
  readonly debit: Money;
  readonly credit: Money;
  readonly balance: Money;
}

export interface LedgerSums {
  readonly accounts: readonly AccountSum[];
  /** Debits and credits of every currency are equal. */
  readonly isEven: boolean;
}

const sortColumns = {
  createdAt: 'p.created_at',
  amount: 'p.amount',
  paymentDate: 'p.payment_date',
} as const;

export const createPayments = ({
  dispatcher,
  hasGateway,
}: {
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
  /** False where the installation takes and pays no money. */
  readonly hasGateway: boolean;
}) => ({
  get: (actor: Actor, id: string): Promise<PaymentView> =>
    withTenant(actor.companyId, () => visiblePayment(actor, id)),

  /** Those of `ids` that `get` would answer. */
  several: (actor: Actor, ids: readonly string[]) =>
    withTenant(actor.companyId, async () =>
      byId(
        await selectThose<PaymentView>(
          columnsOf(Payment, 'p'),
          'payments p',
          ['p.id', ids],
          [live, ...ownOnly(actor)],
        ),
      ),
    ),

  /** For each claim the first that `list` would answer. */
  ofClaims: (actor: Actor, claimIds: readonly string[], size: number) =>
    withTenant(actor.companyId, () =>
      selectFirstOfEach<PaymentView>(
        columnsOf(Payment, 'p'),
        'payments p',
        ['p.claim_id', claimIds],
        [live, ...ownOnly(actor)],
        { ...newestFirst('p'), size },
      ),
    ),

  /** Those that one pays or is paid by; staff see all of the company. */
  list: (actor: Actor, filters: PaymentFilters) =>
    withTenant(actor.companyId, () => {
      const { userId, status, purpose, claimId, invoiceId, bookingId, parentPaymentId } = filters;
      const conditions: readonly Condition[] = [
        live,
        ...ownOnly(actor),
        ...(userId ? [['p.user_id = $', userId] as const] : []),
        ...(status ? [['p.status = $', status] as const] : []),
        ...(purpose ? [['p.purpose = $', purpose] as const] : []),
        ...(claimId ? [['p.claim_id = $', claimId] as const] : []),
        ...(invoiceId ? [['p.invoice_id = $', invoiceId] as const] : []),
        ...(bookingId ? [[ofBooking, bookingId] as const] : []),
        ...(parentPaymentId ? [['p.parent_payment_id = $', parentPaymentId] as const] : []),
        ...madeWithin('p', filters),
      ];
      const order = sortedBy(sortColumns, filters, 'p.id');
      return selectPage<PaymentView>(columnsOf(Payment, 'p'), 'payments p', conditions, order);
    }),

  /**
   * Gives money back, in full or in part, as a payment of its own. What is on its way back counts.
   * @throws Conflict NOT_REFUNDABLE, ILLEGAL_TRANSITION, REFUND_TOO_HIGH, BOOKING_RUNNING; Invalid
   * @throws Unavailable PAYMENTS_NOT_CONFIGURED
   */
  refund: (
    actor: Actor,
    id: string,
    wish: { readonly amount: Money; readonly reason: string },
    once: Once,
  ): Promise<PaymentView | Replay> =>
    rowsOnce(once, async () => {
      const payment = await refundablePayment(actor, id);
      const { purpose, status, userId, payeeName, payeeEmail, currency } = payment;
      if (!hasGateway) {
        throw new Unavailable('No payment gateway is configured', 'PAYMENTS_NOT_CONFIGURED', 3600);
      }
      if (!isRefundable(purpose)) {
        throw new Conflict(
          'NOT_REFUNDABLE',
          `A ${purpose.replaceAll('_', ' ')} cannot be refunded: money that was paid out is recovered`,
        );
      }
      if (status !== 'completed') {
        throw new Conflict('ILLEGAL_TRANSITION', `A ${status} payment cannot be refunded`);
      }
      const before = payment.refundedAmount;
      await payment.setAside(payable('amount', wish.amount, currency));
      await refuseUnpaidStay(payment);
      AuditLog.record(
        'UPDATE',
        { type: Payment.entityType, id },
        { before: { refundedAmount: before }, after: { refundedAmount: payment.refundedAmount } },
      );
      const refund = openPayment({
        purpose: 'refund',
        parentPaymentId: id,
        userId,
        payeeName,
        payeeEmail,
        currency,
        ...wish,
        at: new Date(),
      });
      const start = promisePayment(refund);
      afterCommit(() => dispatcher.dispatch(start));
      await flush();
      return refund.reload();
    }),

  /** What is booked on each account, and whether it adds up. */
  ledger: (actor: Actor): Promise<LedgerSums> =>
    withTenant(actor.companyId, async () => {
      const accounts = await select<AccountSum & { readonly rest: Money }>(
        `SELECT account, currency,
           coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::numeric(30,2)::text AS debit,
           coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::numeric(30,2)::text AS credit,
           sum(amount)::numeric(30,2)::text AS balance,
           sum(sum(amount)) OVER (PARTITION BY currency)::numeric(30,2)::text AS rest
         FROM ledger_entries GROUP BY account, currency ORDER BY currency, account`,
      );
      return { accounts, isEven: accounts.every(({ rest }) => rest === zero) };
    }),
});

export type Payments = ReturnType<typeof createPayments>;

/** Own ones, or all with the right to; another person's is a 404 like an unknown one. */
export async function visiblePayment(
  actor: Actor,
  id: string,
  options: { readonly lock?: boolean } = {},
): Promise<Payment> {
  const payment = await getRow(Payment, id, options);
  const isPayer = payment.userId !== null && payment.userId === actor.userId;
  if (isPayer || allows(actor, 'payment:read_all') || (await isHostOf(actor, payment))) {
    return payment;
  }
  throw noSuch(Payment.entityType, id);
}

/** Administrators give back what the company took, a host what was paid for their own stays. */
async function refundablePayment(actor: Actor, id: string): Promise<Payment> {
  const payment = await visiblePayment(actor, id, { lock: true });
  if (allows(actor, 'payment:refund') || (await isHostOf(actor, payment))) return payment;
  throw new Forbidden('Whoever was paid gives money back');
}

/**
 * A confirmed stay is paid for, in part at least; the charge is held, so none is confirmed meanwhile.
 * @throws Conflict BOOKING_RUNNING
 */
async function refuseUnpaidStay(charge: Payment): Promise<void> {
  if (charge.bookingId === null || isPositive(leftOf(charge))) return;
  const booking = await Booking.findOne({ where: { id: charge.bookingId } });
  if (booking?.status !== 'confirmed' || isStayOver(booking, Date.now())) return;
  throw new Conflict(
    'BOOKING_RUNNING',
    `The booking ${booking.id} is confirmed: cancel it to give back all that was paid, or leave part of it`,
    { booking_id: booking.id },
  );
}

async function isHostOf({ userId }: Actor, payment: Payment): Promise<boolean> {
  if (userId === null) return false;
  const { parentPaymentId } = payment;
  const charge = parentPaymentId === null ? payment : await getRow(Payment, parentPaymentId);
  if (charge.bookingId === null) return false;
  return (await Booking.count({ where: { id: charge.bookingId, hostId: userId } })) > 0;
}

const live: Condition = ['p.archived_at IS NULL'];

/** What was paid for a stay, and what of it was given back: only the charge names the booking. */
const ofBooking = `p.id IN (SELECT c.id FROM payments c WHERE c.booking_id = $
  UNION ALL SELECT r.id FROM payments c JOIN payments r ON r.parent_payment_id = c.id
    WHERE c.booking_id = $)`;

/** Each way to a payment goes by an index of its own; an OR of them would read all of the company. */
const ofPersonOrHost = `p.id IN (SELECT m.id FROM payments m WHERE m.user_id = $
  UNION ALL SELECT c.id FROM bookings b JOIN payments c ON c.booking_id = b.id WHERE b.host_id = $
  UNION ALL SELECT r.id FROM bookings b JOIN payments c ON c.booking_id = b.id
    JOIN payments r ON r.parent_payment_id = c.id WHERE b.host_id = $)`;

/** Paid by or to the person, or for a stay with them; staff see all. */
const ownOnly = (actor: Actor): readonly Condition[] =>
  allows(actor, 'payment:read_all') ? [] : [[ofPersonOrHost, signedIn(actor)]];

/** What can still be given back of it. */
export const refundableOf = ({
  purpose,
  status,
  amount,
  refundedAmount,
}: Pick<PaymentView, 'purpose' | 'status' | 'amount' | 'refundedAmount'>): Money =>
  isRefundable(purpose) && status === 'completed' ? subtract(amount, refundedAmount) : zero;

/** @throws Forbidden for what owns nothing and may not see everybody's */
function signedIn({ userId }: Actor): string {
  if (!userId) throw new Forbidden();
  return userId;
}
