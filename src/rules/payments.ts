import { subtract, zero, type Money } from './money.ts';

/**
 * One movement of money, as data. A new status is a row of `statuses`, a new step a row of
 * `transitions`. Loaded by workflows.
 */
const statuses = ['pending', 'completed', 'failed', 'refunded'] as const;

/** `none` is the state before the payment exists. */
const transitions = [
  { from: 'none', event: 'open', to: 'pending' },
  { from: 'pending', event: 'complete', to: 'completed' },
  { from: 'pending', event: 'postpone', to: 'pending' },
  { from: 'pending', event: 'move_retry', to: 'pending' },
  { from: 'pending', event: 'fail', to: 'failed' },
  { from: 'completed', event: 'refund_in_part', to: 'completed' },
  { from: 'completed', event: 'refund', to: 'refunded' },
] as const satisfies readonly {
  from: PaymentStatus | 'none';
  event: string;
  to: PaymentStatus;
}[];

export type PaymentStatus = (typeof statuses)[number];

export type PaymentEvent = (typeof transitions)[number]['event'];

/** Every status, in the order of the requirement. */
export const paymentStatuses: readonly PaymentStatus[] = statuses;

/** The status after the event; undefined when the event is illegal in this status. */
export const nextPaymentStatus = (
  status: PaymentStatus | 'none',
  event: PaymentEvent,
): PaymentStatus | undefined =>
  transitions.find((row) => row.from === status && row.event === event)?.to;

export const paymentPurposes = ['booking', 'premium', 'claim_payout', 'refund'] as const;

export type PaymentPurpose = (typeof paymentPurposes)[number];

export type PaymentTimerName = 'payment_retry';

/** When a payment that was declined is tried again; `dueAt` is epoch milliseconds. */
export interface PaymentTimer {
  readonly name: PaymentTimerName;
  /** The attempt that was declined. */
  readonly occurrence: number;
  readonly dueAt: number;
  readonly source: 'setting' | 'command';
}

/** Hours after a decline that may pass; there is no try after the last. */
const retryHours = [1, 24, 72] as const;

/** The next try after an attempt that was declined; undefined after the last one. */
export const retryAfter = (attempt: number, declinedAt: number): PaymentTimer | undefined => {
  const hours = retryHours[attempt - 1];
  return hours === undefined
    ? undefined
    : {
        name: 'payment_retry',
        occurrence: attempt,
        dueAt: declinedAt + hours * 3_600_000,
        source: 'setting',
      };
};

/** Of a refund: the first decline of those that come a day or more after the first. */
export const isDeclinedForADay = (attempt: number): boolean =>
  hoursBefore(attempt) >= 24 && hoursBefore(attempt - 1) < 24;

const hoursBefore = (attempt: number): number =>
  retryHours.slice(0, Math.max(0, attempt - 1)).reduce<number>((sum, hours) => sum + hours, 0);

/** Milliseconds from now up to which somebody may move the next try. */
export const maxRetryMoveMs = 30 * 86_400_000;

export const ledgerAccounts = [
  'gateway_clearing',
  'claims_paid',
  'premium_income',
  'booking_income',
  'refunds',
] as const;

export type LedgerAccount = (typeof ledgerAccounts)[number];

/** One side of a posting: a debit is above zero, a credit below. */
export interface LedgerLine {
  readonly account: LedgerAccount;
  readonly amount: Money;
}

/** What a completed payment writes in the books; the lines add up to zero. */
export function postingOf(purpose: PaymentPurpose, amount: Money): readonly LedgerLine[] {
  const lines = (debit: LedgerAccount, credit: LedgerAccount): readonly LedgerLine[] => [
    { account: debit, amount },
    { account: credit, amount: subtract(zero, amount) },
  ];
  switch (purpose) {
    case 'booking':
      return lines('gateway_clearing', 'booking_income');
    case 'premium':
      return lines('gateway_clearing', 'premium_income');
    case 'claim_payout':
      return lines('claims_paid', 'gateway_clearing');
    case 'refund':
      return lines('refunds', 'gateway_clearing');
    default:
      return purpose satisfies never;
  }
}

/** Money that came in can go back; money that was paid out is corrected by a recovery. */
export const isRefundable = (purpose: PaymentPurpose): boolean =>
  purpose === 'booking' || purpose === 'premium';
