import { Conflict, Unavailable } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import type { GatewayOutcome, PaymentGateway, Sent } from '../gateways/paymentGateway.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Booking } from '../models/Booking.ts';
import { ownCompany } from '../models/contract.ts';
import { select, withTenant } from '../models/database.ts';
import { LedgerEntry } from '../models/LedgerEntry.ts';
import type { Step } from '../models/moveRow.ts';
import { Notification, type Recipient, type TemplateCode } from '../models/Notification.ts';
import { Payment } from '../models/Payment.ts';
import {
  paymentStateOf,
  type MovePaymentRetry,
  type PaymentRef,
  type PaymentState,
} from '../models/paymentStart.ts';
import { isNoLongerDue, settleInvoice } from '../models/premiums.ts';
import { getRow } from '../models/rows.ts';
import { isPaymentTimer, Timer } from '../models/Timer.ts';
import { mayBePaid } from '../rules/bookings.ts';
import { dateAt } from '../rules/calendar.ts';
import { subtract, zero } from '../rules/money.ts';
import { isDeclinedForADay, retryAfter } from '../rules/payments.ts';
import { paymentWorkflowId } from '../rules/workflowIds.ts';
import { oneStep, type Outcome } from './oneStep.ts';

/** A step as the workflow orders it; `at` (epoch milliseconds) is the workflow's clock. */
export interface PaymentOrder extends PaymentRef {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: number;
}

/** What the gateway said in the end. */
export type Settlement =
  | { readonly status: 'completed'; readonly transactionId: string }
  | { readonly status: 'declined'; readonly code: string; readonly mayPass: boolean };

/** What became of a payment that was to be sent; an unwanted one was not sent now, but may have been before. */
export type Sending = GatewayOutcome | { readonly status: 'unwanted'; readonly code: Unwanted };

/** The failure code of a payment that was not sent: its invoice or its stay was settled or given up meanwhile. */
export type Unwanted = 'not_due' | 'booking_ended';

export type PaymentStep = Outcome<PaymentState>;

export interface PaymentDependencies {
  /** None where the installation takes and pays no money. */
  readonly gateway?: PaymentGateway | undefined;
}

export const paymentActivities = ({ gateway }: PaymentDependencies) => ({
  /** Safe to repeat: it only reads. */
  readPayment: ({ companyId, paymentId }: PaymentRef): Promise<PaymentState> =>
    withTenant(companyId, async () =>
      paymentStateOf(await getRow(Payment, paymentId, { archived: true })),
    ),

  /**
   * Safe to repeat: the gateway is asked by the payment's key before anything is sent, and moves the
   * money once under it. Amount and name are read here, so that no history holds them. What the gateway has
   * not seen is not sent any more where nobody wants it.
   */
  async sendPayment({
    companyId,
    paymentId,
    attempt,
  }: PaymentRef & { readonly attempt: number }): Promise<Sending> {
    const asked = configured(gateway);
    const sending = await sendingOf({ companyId, paymentId }, attempt);
    const known = await asked.lookup(sending);
    const isNew = known === undefined || (known.status === 'declined' && known.attempt < attempt);
    if (!isNew) return known;
    const unwanted = await whyUnwanted({ companyId, paymentId });
    if (unwanted) return { status: 'unwanted', code: unwanted };

    failpoint('gateway.beforeSend');
    const outcome = await send(asked, sending);
    failpoint('gateway.afterSend');
    return outcome;
  },

  /** Safe to repeat: it only asks. Undefined is told as null: the gateway never saw the key. */
  async lookUpPayment({ companyId, paymentId }: PaymentRef): Promise<GatewayOutcome | null> {
    const asked = configured(gateway);
    return (await asked.lookup(await sendingOf({ companyId, paymentId }, 1))) ?? null;
  },

  /** Safe to repeat: what was settled already answers with what is. */
  settlePayment: (
    order: PaymentOrder & { readonly attempt: number; readonly settlement: Settlement },
  ): Promise<PaymentStep> =>
    inOneStep(order, async (payment, step) => {
      const { attempt, settlement } = order;
      if (settlement.status === 'completed') {
        return complete(payment, step, { attempt, transactionId: settlement.transactionId });
      }
      // A guest can try again at once; nights are not held as long as the next try would wait.
      const mayPass = settlement.mayPass && payment.purpose !== 'booking';
      const next = mayPass ? retryAfter(attempt, order.at) : undefined;
      if (!next) return fail(payment, step, { attempt, code: settlement.code });
      await payment.move('postpone', step, { attempts: attempt, failureCode: settlement.code });
      Timer.schedule(
        {
          workflowId: paymentWorkflowId(payment.companyId, payment.id),
          entityType: Payment.entityType,
          entityId: payment.id,
        },
        [next],
      );
      if (payment.purpose === 'refund' && isDeclinedForADay(attempt)) {
        tell(payment, concernedByFailure(payment), 'refund_late', step, {
          failure: settlement.code.replaceAll('_', ' '),
        });
      }
    }),

  /** Safe to repeat: a timer fires once, the row keeps that it did. */
  firePaymentTimer: (order: PaymentOrder & { readonly occurrence: number }): Promise<PaymentStep> =>
    inOneStep(order, async ({ id }, { at }) => {
      const { occurrence } = order;
      await Timer.fire({ entityId: id, occurrence, name: 'payment_retry' }, at);
    }),

  /** Safe to repeat: the command's transition is there after the first time. */
  movePaymentRetry: (order: PaymentOrder & MovePaymentRetry): Promise<PaymentStep> =>
    inOneStep(order, async (payment, step) => {
      const { dueAt, reason } = order;
      const timer = (await Timer.scheduledFor(payment.id)).find(({ name }) => isPaymentTimer(name));
      if (!timer) throw new Conflict('TIMER_NOT_RUNNING', 'The payment waits for no other try');
      const { name, occurrence } = timer;
      const moved = new Date(dueAt);
      await payment.move('move_retry', {
        ...step,
        facts: { timer: name, due_at: moved.toISOString() },
      });
      await Timer.move(payment.id, [{ name, occurrence, dueAt }], reason, 'command');
      AuditLog.record(
        'TIMER_CHANGE',
        { type: Payment.entityType, id: payment.id },
        {
          before: { timer: name, dueAt: timer.dueAt },
          after: { timer: name, dueAt: moved, reason },
        },
      );
    }),
});

const inOneStep = (
  order: PaymentOrder,
  act: (payment: Payment, step: Step) => Promise<void>,
): Promise<PaymentStep> =>
  oneStep({ ...order, model: Payment, id: order.paymentId, stateOf: paymentStateOf }, act);

/** @throws Unavailable, which waits for an operator: no repetition brings a gateway */
function configured(gateway: PaymentGateway | undefined): PaymentGateway {
  if (!gateway) {
    throw new Unavailable('No payment gateway is configured', 'PAYMENTS_NOT_CONFIGURED');
  }
  return gateway;
}

const sendingOf = ({ companyId, paymentId }: PaymentRef, attempt: number): Promise<Sent> =>
  withTenant(companyId, async () => {
    const payment = await getRow(Payment, paymentId, { archived: true });
    const { purpose, amount, currency, idempotencyKey, parentPaymentId } = payment;
    const movement = {
      idempotencyKey,
      attempt,
      companyId,
      paymentId,
      amount,
      currency,
      customerId: payment.userId,
      name: payment.payeeName,
    };
    switch (purpose) {
      case 'booking':
      case 'premium':
        return { kind: 'charge', movement };
      case 'claim_payout':
        return { kind: 'payout', movement };
      case 'refund': {
        const parent =
          parentPaymentId && (await getRow(Payment, parentPaymentId, { archived: true }));
        const transactionId = parent && parent.transactionId;
        if (!transactionId) throw new Error(`The refund ${paymentId} gives nothing back`);
        return { kind: 'refund', movement, transactionId };
      }
      default:
        return purpose satisfies never;
    }
  });

/** A premium that was paid otherwise or given up, or a stay that somebody decided against, meanwhile. */
const whyUnwanted = ({ companyId, paymentId }: PaymentRef): Promise<Unwanted | undefined> =>
  withTenant(companyId, async () => {
    if (await isNoLongerDue(paymentId)) return 'not_due';
    const { bookingId } = await getRow(Payment, paymentId, { archived: true });
    const booking = bookingId && (await Booking.findOne({ where: { id: bookingId } }));
    if (booking && !mayBePaid(booking.status, booking.cancelledBy ?? null)) return 'booking_ended';
    return undefined;
  });

function send(gateway: PaymentGateway, sending: Sent): Promise<GatewayOutcome> {
  switch (sending.kind) {
    case 'charge':
      return gateway.charge(sending.movement);
    case 'payout':
      return gateway.payout(sending.movement);
    case 'refund':
      return gateway.refund(sending.movement, sending.transactionId);
    default:
      return sending satisfies never;
  }
}

async function complete(
  payment: Payment,
  step: Step,
  { attempt, transactionId }: { readonly attempt: number; readonly transactionId: string },
): Promise<void> {
  const { timeZone } = await ownCompany();
  await payment.move('complete', step, {
    attempts: attempt,
    failureCode: null,
    transactionId,
    paymentDate: dateAt(step.at.getTime(), timeZone),
    workflowClosedAt: step.at,
  });
  LedgerEntry.post(payment);
  if (payment.invoiceId) await settleInvoice(payment, payment.invoiceId, step.at);
  if (payment.parentPaymentId) await giveBack(payment, payment.parentPaymentId, step);
  const isReceived = payment.purpose === 'booking' || payment.purpose === 'premium';
  tell(payment, personOf(payment), isReceived ? 'payment_received' : 'payment_sent', step);
}

/** The payment that came back is refunded once nothing of it is left. */
async function giveBack(refund: Payment, parentId: string, step: Step): Promise<void> {
  const parent = await getRow(Payment, parentId, { archived: true, lock: true });
  const [given] = await select<{ isAll: boolean }>(
    `SELECT sum(amount) >= $2::numeric AS "isAll" FROM payments
     WHERE parent_payment_id = $1 AND status = 'completed'`,
    [parent.id, parent.amount],
  );
  await parent.move(given?.isAll ? 'refund' : 'refund_in_part', {
    commandId: `payment/${parent.id}/refunded_by/${refund.id}`,
    expectedVersion: parent.stateVersion,
    at: step.at,
    facts: { refund: refund.id, amount: refund.amount },
  });
}

async function fail(
  payment: Payment,
  step: Step,
  { attempt, code }: { readonly attempt: number; readonly code: string },
): Promise<void> {
  await payment.move('fail', step, {
    attempts: attempt,
    failureCode: code.slice(0, 100),
    workflowClosedAt: step.at,
  });
  if (payment.parentPaymentId) {
    const parent = await getRow(Payment, payment.parentPaymentId, { archived: true, lock: true });
    await parent.setAside(subtract(zero, payment.amount));
  }
  // Who was told that nothing is owed any more does not wait for this.
  if (code === ('not_due' satisfies Unwanted)) return;
  tell(payment, concernedByFailure(payment), 'payment_failed', step, {
    failure: code.replaceAll('_', ' '),
  });
}

/** Who pays or is paid: with an account by mail and in-app, else by mail alone. */
function personOf({ userId, payeeEmail }: Payment): readonly Recipient[] {
  if (userId) {
    return [
      { channel: 'email', userId },
      { channel: 'in_app', userId },
    ];
  }
  return payeeEmail ? [{ channel: 'email', address: payeeEmail }] : [];
}

/** Whoever has to mend it: the payer, or for money that we send our own people. */
function concernedByFailure(payment: Payment): readonly Recipient[] {
  switch (payment.purpose) {
    case 'booking':
    case 'premium':
      return personOf(payment);
    case 'claim_payout':
      return [{ channel: 'in_app', role: 'claims_manager' }];
    case 'refund':
      return [{ channel: 'in_app', role: 'tenant_admin' }];
    default:
      return payment.purpose satisfies never;
  }
}

function tell(
  { id, amount, currency, purpose }: Payment,
  recipients: readonly Recipient[],
  template: TemplateCode,
  { commandId }: Step,
  facts: Readonly<Record<string, string>> = {},
): void {
  for (const to of recipients) {
    Notification.queue({
      to,
      template,
      payload: { amount, currency, what: purpose.replaceAll('_', ' '), ...facts },
      key: commandId,
      about: { type: Payment.entityType, id },
    });
  }
}
