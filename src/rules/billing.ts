import {
  addDays,
  compareDates,
  daysBefore,
  daysBetween,
  laterDate,
  type CalendarDate,
} from './calendar.ts';
import { lifecycleBounds, type Lifecycle } from './lifecycle.ts';
import { shareOf } from './currencies.ts';
import { add, compare, isPositive, subtract, zero, type Money } from './money.ts';
import type { Problem } from './problem.ts';
import type { BillingTimerName, TimerPlan } from './termTimers.ts';
import type { TermDates } from './terms.ts';

/** `off`: cover is sold without money. `invoice`: premiums are invoiced and collected. */
export const billingModes = ['off', 'invoice'] as const;

export type BillingMode = (typeof billingModes)[number];

/** Whether what a company sells or renews from now on is paid for. */
export const isBilled = ({ settings }: BillingCompany): boolean =>
  settings.billing?.mode === 'invoice';

interface BillingCompany {
  readonly settings: { readonly billing?: { readonly mode?: BillingMode } };
}

export const invoiceStatuses = ['open', 'paid', 'overdue', 'void', 'written_off'] as const;

export type InvoiceStatus = (typeof invoiceStatuses)[number];

/** What an invoice is for: a term, the dearer rest of one, or what a lapse left owing. */
export const invoiceReasons = ['term', 'endorsement', 'reinstatement'] as const;

export type InvoiceReason = (typeof invoiceReasons)[number];

/** Whether money is still awaited for it. */
export const isDue = (status: InvoiceStatus): boolean => status === 'open' || status === 'overdue';

/** A term whose price changes; premiums are those of the whole term. */
export interface EndorsedTerm extends TermDates {
  readonly effectiveOn: CalendarDate;
  readonly premium: Money;
  readonly newPremium: Money;
  readonly currency: string;
  /** What the stretch that is running was sold for. */
  readonly stretchPremium: Money;
}

/** What a changed price means for the rest of a term, whose first day is the endorsement's. */
export interface EndorsementShares {
  readonly remainingDays: number;
  readonly termDays: number;
  /** For the days that are used. */
  readonly kept: Money;
  /** For those that remain, at the new price. */
  readonly rest: Money;
  /** What is charged on top, or below zero given back: `kept + rest` less what was sold. */
  readonly delta: Money;
}

/** Pro rata by days; each share is rounded to what can be paid, and their sum is exact. */
export const endorsementShares = (term: EndorsedTerm): EndorsementShares => {
  const { startDate, endDate, effectiveOn, premium, newPremium, stretchPremium, currency } = term;
  const termDays = daysBetween(startDate, endDate);
  const remainingDays = Math.min(termDays, daysBetween(effectiveOn, endDate));
  const unused = shareOf(premium, remainingDays, termDays, currency);
  const left = subtract(stretchPremium, unused);
  const kept = isPositive(left) ? left : zero;
  const rest = shareOf(newPremium, remainingDays, termDays, currency);
  const delta = subtract(add(kept, rest), stretchPremium);
  return { remainingDays, termDays, kept, rest, delta };
};

/** What a stretch of cover costs that is cut to its first days. */
export const usedShare = (
  { premium, startDate, endDate }: TermDates & { readonly premium: Money },
  until: CalendarDate,
  currency: string,
): Money => {
  const days = daysBetween(startDate, endDate);
  const used = Math.min(days, Math.max(0, daysBetween(startDate, until)));
  return shareOf(premium, used, days, currency);
};

/** The last day of cover after a lapse is the one before this; a stretch keeps at least one day. */
export const coverEndOfLapse = (
  lapsedOn: CalendarDate,
  stretchStart: CalendarDate,
): CalendarDate => (compareDates(lapsedOn, stretchStart) > 0 ? lapsedOn : addDays(stretchStart, 1));

/** An invoice for the cover of a period. */
export interface BilledPeriod {
  readonly amount: Money;
  readonly periodStart: CalendarDate;
  readonly periodEnd: CalendarDate;
}

/** What is owed of invoices once some of their days were without cover. */
export const arrearsOf = (
  invoices: readonly BilledPeriod[],
  gap: TermDates,
  currency: string,
): Money =>
  invoices.reduce((sum, { amount, periodStart, periodEnd }) => {
    const days = daysBetween(periodStart, periodEnd);
    const from = laterDate(gap.startDate, periodStart);
    const until = compareDates(gap.endDate, periodEnd) < 0 ? gap.endDate : periodEnd;
    const gapDays = Math.max(0, daysBetween(from, until));
    return add(sum, shareOf(amount, days - gapDays, days, currency));
  }, zero);

/**
 * When an invoice is due, epoch milliseconds: a payment window after it was issued, and not before the
 * cover that it is for begins.
 */
export const invoiceDueAt = ({
  issuedAt,
  coverStartsAt,
  lifecycle,
}: {
  readonly issuedAt: number;
  readonly coverStartsAt: number;
  readonly lifecycle: Lifecycle;
}): number => Math.max(issuedAt + lifecycle.paymentWindowHours.value * 3_600_000, coverStartsAt);

/** The time for the first premium; `now` is epoch milliseconds. */
export const paymentWindow = (lifecycle: Lifecycle, now: number): TimerPlan => {
  const { value, source } = lifecycle.paymentWindowHours;
  return { name: 'payment_window', occurrence: 1, dueAt: now + value * 3_600_000, source };
};

interface BillingClock {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Tells this clock from earlier ones of the same subscription. */
  readonly occurrence: number;
  readonly timeZone: string;
  readonly lifecycle: Lifecycle;
}

/** Reminders inside of the grace, then its end; by calendar days from the missed payment. */
export const graceTimers = (clock: BillingClock): readonly TimerPlan[] => {
  const { at, occurrence, timeZone, lifecycle } = clock;
  const { graceDays, graceReminderDays } = lifecycle;
  const reminders = graceReminderDays.value
    .filter((days) => days < graceDays.value)
    .toSorted((a, b) => a - b)
    .map((days): TimerPlan => ({
      name: `grace_reminder_${days}`,
      occurrence,
      dueAt: daysBefore(at, -days, timeZone),
      source: graceReminderDays.source,
    }));
  const { value, source } = graceDays;
  const dueAt = daysBefore(at, -value, timeZone);
  return [...reminders, { name: 'grace_end', occurrence, dueAt, source }];
};

/** The end of the time in which a lapsed cover can be reinstated: never after the term's own end. */
export const reinstatementTimer = ({
  at,
  occurrence,
  timeZone,
  lifecycle,
  expiresAt,
}: BillingClock & { readonly expiresAt: number }): TimerPlan => {
  const { value, source } = lifecycle.reinstatementDays;
  return {
    name: 'reinstatement_close',
    occurrence,
    dueAt: Math.min(daysBefore(at, -value, timeZone), expiresAt),
    source,
  };
};

/** The deadlines of premiums that may be moved; the reminders of a grace stay where they are. */
export type MovableDeadline = Exclude<BillingTimerName, `grace_reminder_${number}`>;

const longestMs: Readonly<Record<MovableDeadline, number>> = {
  payment_window: lifecycleBounds.paymentWindowHours.max * 3_600_000,
  invoice_due: lifecycleBounds.paymentWindowHours.max * 3_600_000,
  grace_end: lifecycleBounds.graceDays.max * 86_400_000,
  reinstatement_close: lifecycleBounds.reinstatementDays.max * 86_400_000,
};

export const isMovableDeadline = (name: string): name is MovableDeadline =>
  Object.hasOwn(longestMs, name);

/**
 * Why a deadline may not move there: from now on it keeps to the longest time that a setting could give
 * it, and none goes past the end of the term. All are epoch milliseconds; before `coverStartsAt` nothing
 * is due.
 */
export const deadlineMoveProblem = (
  name: MovableDeadline,
  {
    dueAt,
    now,
    coverStartsAt,
    expiresAt,
  }: {
    readonly dueAt: number;
    readonly now: number;
    readonly coverStartsAt: number;
    readonly expiresAt: number;
  },
): Problem | undefined => {
  const earliest = name === 'invoice_due' ? Math.max(now, coverStartsAt) : now;
  const latest = Math.min(now + longestMs[name], expiresAt);
  if (dueAt >= earliest && dueAt <= latest) return undefined;
  const [from, until] = [new Date(earliest).toISOString(), new Date(latest).toISOString()];
  return {
    code: 'DEADLINE_OUT_OF_RANGE',
    message:
      earliest <= latest
        ? `The deadline may be moved to any time from ${from} to ${until}`
        : 'The deadline can only stay where it is',
  };
};

/** What goes back at a cancellation: what is due, less what was never paid; not below zero. */
export const refundOfPaid = (due: Money, unpaid: Money): Money => {
  const left = subtract(due, unpaid);
  return isPositive(left) ? left : zero;
};

/** How an amount is given back from payments, in their order, each up to what is left of it. */
export const spreadRefund = <P extends { readonly refundable: Money }>(
  amount: Money,
  payments: readonly P[],
): readonly { readonly payment: P; readonly amount: Money }[] => {
  let open = amount;
  return payments.flatMap((payment) => {
    const share = compare(open, payment.refundable) < 0 ? open : payment.refundable;
    if (!isPositive(share)) return [];
    open = subtract(open, share);
    return [{ payment, amount: share }];
  });
};
