import type { BookingStatus, Canceller } from './bookings.ts';
import {
  addDays,
  compareDates,
  dateAt,
  daysBefore,
  daysBetween,
  type CalendarDate,
} from './calendar.ts';
import { roundToUnit } from './currencies.ts';
import { compare, multiplyByRatio, subtract, zero, type Money } from './money.ts';
import type { CancellationPolicy } from './properties.ts';
import { checkInAt, nightsOf, type House, type Stay } from './stays.ts';

/** A stay that somebody gives up. */
export interface GivenUp {
  readonly stay: Stay;
  readonly house: House;
  readonly policy: CancellationPolicy;
  readonly total: Money;
  readonly pricePerNight: Money;
  /** Epoch milliseconds. */
  readonly bookedAt: number;
  readonly at: number;
}

/** Why so much goes back. */
export const stayRefundRules = [
  'by_host',
  'not_confirmed',
  'in_time',
  'first_night_kept',
  'nights_begun_kept',
  'half',
  'half_of_nights_left',
  'too_late',
  'just_booked',
] as const;

export type StayRefundRule = (typeof stayRefundRules)[number];

export interface StayRefund {
  readonly amount: Money;
  readonly rule: StayRefundRule;
}

/** What a decision about what goes back needs of a booking. */
export interface Refundable {
  readonly status: BookingStatus;
  readonly startDate: CalendarDate;
  readonly endDate: CalendarDate;
  readonly totalAmount: Money;
  readonly pricePerNight: Money;
  readonly currency: string;
  readonly createdAt: Date;
  readonly config: { readonly house: House; readonly policy: CancellationPolicy };
}

/**
 * What goes back of a charge when somebody or something ends the booking: all of it, unless a guest gives
 * up a stay that was confirmed.
 * @param at epoch milliseconds
 */
export function refundDue(booking: Refundable, by: Canceller, at: number): StayRefund {
  const { status, startDate, endDate, totalAmount: total, pricePerNight, config } = booking;
  if (status !== 'confirmed') return { amount: total, rule: 'not_confirmed' };
  if (by !== 'guest') return { amount: total, rule: 'by_host' };
  const stay = { startDate, endDate };
  const bookedAt = booking.createdAt.getTime();
  const refund = refundOfStay({ ...config, stay, total, pricePerNight, bookedAt, at });
  return { ...refund, amount: roundToUnit(refund.amount, booking.currency) };
}

/**
 * What a guest gets back who gives up a confirmed stay. Times before the check-in are days of the
 * calendar at the house; once it has begun, nights that have begun are kept in any case.
 */
export function refundOfStay(given: GivenUp): StayRefund {
  const { policy, total, bookedAt, at } = given;
  const arrival = checkInAt(given.stay, given.house);
  const begun = begunNights(given);
  const isBefore = (days: number): boolean => at <= daysBefore(arrival, days, given.house.timeZone);
  switch (policy) {
    case 'flexible':
      if (at <= arrival - dayMs) return { amount: total, rule: 'in_time' };
      return begun > 1
        ? { amount: withoutNights(given, begun), rule: 'nights_begun_kept' }
        : { amount: withoutNights(given, 1), rule: 'first_night_kept' };
    case 'moderate':
      if (isBefore(5)) return { amount: total, rule: 'in_time' };
      return begun > 0
        ? { amount: half(withoutNights(given, begun)), rule: 'half_of_nights_left' }
        : { amount: half(total), rule: 'half' };
    case 'strict':
      if (at <= bookedAt + 2 * dayMs && isBefore(14)) return { amount: total, rule: 'just_booked' };
      return isBefore(7)
        ? { amount: half(total), rule: 'half' }
        : { amount: zero, rule: 'too_late' };
    default:
      return policy satisfies never;
  }
}

const dayMs = 86_400_000;

const half = (amount: Money): Money => multiplyByRatio(amount, 1, 2);

/** A night begins with the check-in of its day. */
function begunNights({ stay, house, at }: GivenUp): number {
  const today = dateAt(at, house.timeZone);
  const hasBegun = at >= checkInAt({ ...stay, startDate: today }, house);
  const first = hasBegun ? addDays(today, 1) : today;
  if (compareDates(first, stay.startDate) <= 0) return 0;
  return Math.min(nightsOf(stay), daysBetween(stay.startDate, first));
}

function withoutNights({ total, pricePerNight }: GivenUp, nights: number): Money {
  const rest = subtract(total, multiplyByRatio(pricePerNight, nights, 1));
  return compare(rest, zero) > 0 ? rest : zero;
}
