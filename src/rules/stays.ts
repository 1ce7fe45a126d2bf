import { addDays, compareDates, daysBetween, timeOfDay, type CalendarDate } from './calendar.ts';
import type { Problem } from './problem.ts';

/** Nights from one day to another; on the last day somebody else may arrive. */
export interface Stay {
  readonly startDate: CalendarDate;
  readonly endDate: CalendarDate;
}

/** What a property says of the stays that it takes. */
export interface StayTerms {
  readonly minNights: number;
  readonly maxNights: number;
}

/** Where and at what times of the day guests come and go, `15:00`. */
export interface House {
  readonly timeZone: string;
  readonly checkInTime: string;
  readonly checkOutTime: string;
}

export interface StayProblem extends Problem {
  readonly field: 'start_date' | 'end_date';
}

export const nightsOf = ({ startDate, endDate }: Stay): number => daysBetween(startDate, endDate);

/** Days ahead on which a stay may begin. */
export const furthestStart = 730;

/** The day of the arrival is over: nobody can book the stay any more. */
export const hasPassed = ({ startDate }: Pick<Stay, 'startDate'>, today: CalendarDate): boolean =>
  compareDates(startDate, today) < 0;

/** What is wrong with the nights as such; undefined for one or more that are not over. */
export function nightsProblem(
  { startDate, endDate }: Stay,
  today: CalendarDate,
): StayProblem | undefined {
  if (hasPassed({ startDate }, today)) {
    return startsWrong('DATE_PAST', `The first night has passed; today is ${today}`);
  }
  if (compareDates(startDate, addDays(today, furthestStart)) > 0) {
    return startsWrong('DATE_TOO_FAR', `Stays begin within ${furthestStart} days`);
  }
  return compareDates(endDate, startDate) > 0
    ? undefined
    : endsWrong('END_BEFORE_START', 'The last day comes after the first');
}

/** The same, and whether the property takes stays of this length. */
export function stayProblem(
  stay: Stay,
  { minNights, maxNights }: StayTerms,
  today: CalendarDate,
): StayProblem | undefined {
  const problem = nightsProblem(stay, today);
  if (problem) return problem;
  const nights = nightsOf(stay);
  if (nights < minNights) return endsWrong('STAY_TOO_SHORT', `At least ${minNights} nights`);
  if (nights > maxNights) return endsWrong('STAY_TOO_LONG', `At most ${maxNights} nights`);
  return undefined;
}

/** Epoch milliseconds. */
export const checkInAt = ({ startDate }: Stay, { checkInTime, timeZone }: House): number =>
  timeOfDay(startDate, checkInTime, timeZone);

/** Epoch milliseconds. */
export const checkOutAt = ({ endDate }: Stay, { checkOutTime, timeZone }: House): number =>
  timeOfDay(endDate, checkOutTime, timeZone);

/**
 * What is left of a time when some of it is taken, in order.
 * @param taken parts of it in any order, none overlapping another
 */
export function freeBetween(time: Stay, taken: readonly Stay[]): Stay[] {
  const free: Stay[] = [];
  let startDate = time.startDate;
  for (const each of taken.toSorted((a, b) => compareDates(a.startDate, b.startDate))) {
    if (compareDates(each.startDate, startDate) > 0) {
      free.push({ startDate, endDate: each.startDate });
    }
    if (compareDates(each.endDate, startDate) > 0) startDate = each.endDate;
  }
  if (compareDates(startDate, time.endDate) < 0) free.push({ startDate, endDate: time.endDate });
  return free;
}

const startsWrong = (code: string, message: string): StayProblem => ({
  field: 'start_date',
  code,
  message,
});

const endsWrong = (code: string, message: string): StayProblem => ({
  field: 'end_date',
  code,
  message,
});
