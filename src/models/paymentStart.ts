import { v7 as uuid } from 'uuid';
import type { Money } from '../rules/money.ts';
import type { PaymentPurpose, PaymentStatus, PaymentTimerName } from '../rules/payments.ts';
import { paymentWorkflowId } from '../rules/workflowIds.ts';
import { AuditLog } from './AuditLog.ts';
import { append, currentCompany } from './database.ts';
import { OutboxEntry, type WorkflowStart } from './OutboxEntry.ts';
import { Payment } from './Payment.ts';
import { isPaymentTimer, timersAhead, type TimerAhead } from './Timer.ts';
import { Transition } from './Transition.ts';

export interface PaymentRef {
  readonly companyId: string;
  readonly paymentId: string;
}

/** What the workflow `payment` begins with, as a child or by itself. */
export interface PaymentInput extends PaymentRef {
  readonly v: 1;
  /** The gateway has told something of it: a run that is under way asks what. */
  readonly isNews?: true;
}

/** Somebody's wish for the next try. */
export interface MovePaymentRetry {
  /** Epoch milliseconds. */
  readonly dueAt: number;
  readonly reason: string;
}

/** How a payment ended. */
export interface PaymentResult {
  readonly status: 'completed' | 'failed';
  readonly failureCode: string | null;
}

/** The payment as its row has it; every step of the workflow returns the row's new state. */
export interface PaymentState {
  readonly status: PaymentStatus;
  readonly stateVersion: number;
  readonly attempts: number;
  readonly failureCode: string | null;
  /** When a declined one is tried again. */
  readonly timers: readonly TimerAhead<PaymentTimerName>[];
  /** Nothing can happen any more. */
  readonly isClosed: boolean;
}

/** What a payment is for, with the id of that. */
type Subject =
  | { readonly purpose: 'claim_payout'; readonly claimId: string }
  | { readonly purpose: 'premium'; readonly invoiceId: string }
  | { readonly purpose: 'booking'; readonly bookingId: string }
  | { readonly purpose: 'refund'; readonly parentPaymentId: string };

export type OpenPayment = Subject & {
  /** Who pays or is paid, where they have an account; they see the payment and are told of it. */
  readonly userId: string | null;
  readonly payeeName: string;
  /** Told where there is no account. */
  readonly payeeEmail?: string | null;
  readonly amount: Money;
  readonly currency: string;
  /** One movement of money: `claim/<id>/payout/<n>`. Made from the payment's id where it is left out. */
  readonly idempotencyKey?: string;
  readonly reason?: string | null;
  readonly at: Date;
};

/**
 * Opens a payment within the company's transaction. Whoever opens it also has it carried out: by
 * `promisePayment`, or by running the workflow `payment` as a child.
 * @throws Conflict PAYMENT_EXISTS at the commit, for a key that was used
 */
export function openPayment({
  at,
  reason = null,
  payeeEmail = null,
  ...asked
}: OpenPayment): Payment {
  const id = uuid();
  const payment = Payment.build({
    ...asked,
    id,
    companyId: currentCompany(),
    idempotencyKey: asked.idempotencyKey ?? `payment/${id}`,
    payeeEmail: payeeEmail?.toLowerCase() ?? null,
    reason,
    status: 'pending',
    stateVersion: 1,
    attempts: 0,
    refundedAmount: '0.00',
    version: 1,
    createdAt: at,
    updatedAt: at,
  });
  append(Payment, payment.get());
  Transition.record({
    entityType: Payment.entityType,
    entityId: id,
    stateVersion: 1,
    event: 'open',
    fromStatus: null,
    toStatus: 'pending',
    commandId: `payment/${id}/open/1`,
    at,
    reason,
  });
  const { purpose, amount, currency } = payment;
  AuditLog.record(
    'CREATE',
    { type: Payment.entityType, id },
    { after: { ...subjectOf(payment), purpose, amount, currency, reason } },
  );
  return payment;
}

/** Has an opened payment carried out from the commit on. @returns the start to dispatch after it */
export const promisePayment = (payment: Payment): WorkflowStart =>
  OutboxEntry.promise(paymentStart(payment));

/** Has the payment's run ask the gateway from the commit on. @returns what to dispatch after it */
export function promiseNews(payment: Payment): WorkflowStart {
  const start = paymentStart(payment);
  return OutboxEntry.promise({ ...start, input: { ...start.input, isNews: true } });
}

/** The claim, invoice, booking or payment that it is about. */
const subjectOf = ({ claimId, invoiceId, bookingId, parentPaymentId }: Payment) => ({
  ...(claimId && { claimId }),
  ...(invoiceId && { invoiceId }),
  ...(bookingId && { bookingId }),
  ...(parentPaymentId && { parentPaymentId }),
});

export const paymentStateOf = async (payment: Payment): Promise<PaymentState> => ({
  status: payment.status,
  stateVersion: payment.stateVersion,
  attempts: payment.attempts,
  failureCode: payment.failureCode ?? null,
  timers: await timersAhead(payment.id, isPaymentTimer),
  isClosed: Boolean(payment.workflowClosedAt),
});

/** How the workflow of a payment begins, when it is opened or when it has to be restored. */
export function paymentStart(payment: Payment): Omit<WorkflowStart, 'id' | 'context'> {
  const { id, companyId, purpose, amount, currency, status, stateVersion } = payment;
  const input: PaymentInput = { v: 1, companyId, paymentId: id };
  return {
    companyId,
    entityType: Payment.entityType,
    entityId: id,
    workflowType: 'payment',
    workflowId: paymentWorkflowId(companyId, id),
    input,
    summary: paymentSummary({ purpose, amount, currency }),
    attributes: {
      CompanyId: companyId,
      EntityType: Payment.entityType,
      EntityId: id,
      EntityStatus: status,
      StateVersion: stateVersion,
    },
  };
}

/** One line for the Temporal UI. */
const paymentSummary = ({
  purpose,
  amount,
  currency,
}: {
  readonly purpose: PaymentPurpose;
  readonly amount: Money;
  readonly currency: string;
}): string => `${purpose.replaceAll('_', ' ')} of ${amount} ${currency}`;
