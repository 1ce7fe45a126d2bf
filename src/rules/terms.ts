import { addDays, addMonths, compareDates, daysBetween, type CalendarDate } from './calendar.ts';
import type { Problem } from './problem.ts';
import { nextStatus, type SubscriptionStatus } from './subscriptions.ts';

/** Cover runs from 00:00 of `startDate` to 00:00 of `endDate`, which is the first day without it. */
export interface TermDates {
  readonly startDate: CalendarDate;
  readonly endDate: CalendarDate;
}

/** `gapDays` lie between the old end and the new start without cover. */
export interface RenewalTerm extends TermDates {
  readonly gapDays: number;
}

/** How far ahead cover may be bought. */
export const maxDaysAhead = 90;

/** How long before the end a renewal may be asked for. */
export const renewalOpensDays = 90;

/** Keeps every end date inside the calendar we accept. */
export const maxDurationMonths = 600;

/** A term is a positive multiple of six months. */
export const durationProblem = (months: number): Problem | undefined =>
  Number.isInteger(months) && months > 0 && months % 6 === 0 && months <= maxDurationMonths
    ? undefined
    : {
        code: 'INVALID_DURATION',
        message: `The duration is a multiple of 6 months, from 6 to ${maxDurationMonths}`,
      };

export const endDate = (start: CalendarDate, months: number): CalendarDate =>
  addMonths(start, months);

/** Cover starts today or up to 90 days ahead; `today` is the company's. */
export const startDateProblem = (start: CalendarDate, today: CalendarDate): Problem | undefined => {
  const daysAhead = daysBetween(today, start);
  if (daysAhead >= 0 && daysAhead <= maxDaysAhead) return undefined;
  return {
    code: 'START_DATE_OUT_OF_RANGE',
    message: `The start date lies between ${today} and ${addDays(today, maxDaysAhead)}`,
  };
};

/** Why a contract cannot begin with this term where its dates are agreed; `today` is the company's. */
export const agreedTermProblem = (
  { startDate, endDate: end }: TermDates,
  today: CalendarDate,
): (Problem & { readonly field: 'start_date' | 'end_date' }) | undefined => {
  const lastStart = addDays(today, maxDaysAhead);
  if (compareDates(startDate, lastStart) > 0) {
    return {
      field: 'start_date',
      code: 'START_DATE_OUT_OF_RANGE',
      message: `The start date is not after ${lastStart}`,
    };
  }
  const problem =
    agreedEndProblem({ startDate, endDate: end }) ??
    (compareDates(end, today) <= 0
      ? { code: 'TERM_OVER', message: `The cover ends after ${today}` }
      : undefined);
  return problem && { field: 'end_date', ...problem };
};

/** Why a term that starts there cannot end there. */
export const agreedEndProblem = ({ startDate, endDate: end }: TermDates): Problem | undefined => {
  if (compareDates(end, startDate) <= 0) {
    return { code: 'END_NOT_AFTER_START', message: `The end date is after ${startDate}` };
  }
  const furthest = endDate(startDate, maxDurationMonths);
  if (compareDates(end, furthest) <= 0) return undefined;
  return { code: 'END_DATE_TOO_FAR', message: `The end date is not after ${furthest}` };
};

/** How many calendar months a term lasts; null where it is no whole number of them. */
export const wholeMonths = ({ startDate, endDate: end }: TermDates): number | null => {
  const inMonths = (date: CalendarDate): number =>
    Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7));
  const months = inMonths(end) - inMonths(startDate);
  return months > 0 && endDate(startDate, months) === end ? months : null;
};

/** A term's length, or the end that was agreed. */
export type TermLength = { readonly months: number } | { readonly endsOn: CalendarDate };

/** On time, cover goes on at the old end without a gap; late, it begins on the day of renewal. */
export const renewalTerm = ({
  currentEnd,
  today,
  ...length
}: {
  readonly currentEnd: CalendarDate;
  readonly today: CalendarDate;
} & TermLength): RenewalTerm => {
  const gapDays = Math.max(0, daysBetween(currentEnd, today));
  const startDate = addDays(currentEnd, gapDays);
  const end = 'endsOn' in length ? length.endsOn : endDate(startDate, length.months);
  return { startDate, endDate: end, gapDays };
};

/**
 * Why a renewal is refused today; undefined when it may go ahead. Open from 90 days before the end
 * until `lateRenewalDays` after it, that day excluded. RENEWAL_WINDOW_CLOSED before and after that,
 * ILLEGAL_TRANSITION in a status no renewal leads out of.
 */
export const renewalRefusal = ({
  status,
  currentEnd,
  today,
  lateRenewalDays,
}: {
  readonly status: SubscriptionStatus;
  readonly currentEnd: CalendarDate;
  readonly today: CalendarDate;
  readonly lateRenewalDays: number;
}): Problem | undefined => {
  const inTime = nextStatus(status, 'renew') !== undefined;
  if (!inTime && nextStatus(status, 'late_renew') === undefined) {
    return { code: 'ILLEGAL_TRANSITION', message: `A ${status} subscription cannot renew` };
  }

  const opensOn = addDays(currentEnd, -renewalOpensDays);
  const closesOn = addDays(currentEnd, lateRenewalDays);
  // With an end later in the day the last date of cover is still in time, even without a late window.
  const endsToday = inTime && today === currentEnd;
  const isOpen =
    compareDates(today, opensOn) >= 0 && (compareDates(today, closesOn) < 0 || endsToday);
  if (isOpen) return undefined;
  return {
    code: 'RENEWAL_WINDOW_CLOSED',
    message: `Renewal is open from ${opensOn} until before ${closesOn}`,
  };
};
