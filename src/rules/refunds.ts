import { addDays, compareDates, daysBetween, laterDate, type CalendarDate } from './calendar.ts';
import { shareOf } from './currencies.ts';
import { zero, type Money } from './money.ts';

/** `shortRate` is the share (0 to 1, four decimal places) kept of what would go back. */
export interface Cancellation {
  readonly premium: Money;
  readonly currency: string;
  readonly termStart: CalendarDate;
  readonly termEnd: CalendarDate;
  /** Where the term began, if this is a later part of it. */
  readonly coverFrom?: CalendarDate;
  readonly purchasedOn: CalendarDate;
  readonly effectiveOn: CalendarDate;
  readonly coolingOffDays: number;
  readonly shortRate: number;
  readonly claimMade: boolean;
  readonly claimPaid: boolean;
}

export type RefundRule = 'claim_paid' | 'cooling_off' | 'pro_rata';

/** Days are those of the term; the day the cancellation takes effect is the first unused one. */
export interface RefundDue {
  readonly amount: Money;
  readonly rule: RefundRule;
  readonly unusedDays: number;
  readonly termDays: number;
}

/**
 * What goes back when a term is cancelled, never below zero nor above the premium. Nothing once a
 * claim of the term was paid, or approved and not paid yet; all of it within the cooling-off without a
 * claim; else the premium by unused days, less the short rate.
 */
export const refundFor = (cancellation: Cancellation): RefundDue => {
  const { premium, termStart, termEnd, effectiveOn } = cancellation;
  const termDays = Math.max(0, daysBetween(termStart, termEnd));
  const unusedDays = Math.min(termDays, Math.max(0, daysBetween(effectiveOn, termEnd)));
  const due = (rule: RefundRule, amount: Money): RefundDue => {
    return { amount, rule, unusedDays, termDays };
  };

  if (cancellation.claimPaid) return due('claim_paid', zero);
  if (!cancellation.claimMade && isCoolingOff(cancellation)) return due('cooling_off', premium);
  if (unusedDays === 0) return due('pro_rata', zero);
  return due('pro_rata', unusedShare(cancellation, unusedDays, termDays));
};

/**
 * The first day after the cooling-off, which counts from the later of purchase and start; the same
 * day when there is none.
 */
export const coolingOffEnd = ({
  purchasedOn,
  termStart,
  coolingOffDays,
}: Pick<Cancellation, 'purchasedOn' | 'termStart' | 'coolingOffDays'>): CalendarDate => {
  const from = laterDate(purchasedOn, termStart);
  return addDays(from, coolingOffDays);
};

/** Before the start it holds as well: whoever may leave after the first day may leave before it. */
const isCoolingOff = (cancellation: Cancellation): boolean =>
  cancellation.coolingOffDays > 0 &&
  compareDates(
    cancellation.effectiveOn,
    coolingOffEnd({
      ...cancellation,
      termStart: cancellation.coverFrom ?? cancellation.termStart,
    }),
  ) < 0;

const unusedShare = (
  { premium, currency, shortRate }: Pick<Cancellation, 'premium' | 'currency' | 'shortRate'>,
  unusedDays: number,
  termDays: number,
): Money => {
  if (!(shortRate >= 0 && shortRate <= 1)) throw new RangeError(`Not a share: ${shortRate}`);
  const returnedShare = 10_000 - Math.round(shortRate * 10_000);
  return shareOf(premium, unusedDays * returnedShare, termDays * 10_000, currency);
};
