import { Temporal } from 'temporal-polyfill';
import { addDays, dateAt, type CalendarDate } from './calendar.ts';

/** When a company works: what its deadlines in business days are counted by. */
export interface BusinessCalendar {
  /** IANA zone that days and hours are meant in. */
  readonly timeZone: string;
  /** ISO weekdays, 1 is Monday; at least one. */
  readonly workingDays: readonly number[];
  /** Local times, `09:00` to `17:00`; the second is the first minute off. */
  readonly workingHours: { readonly from: string; readonly to: string };
  /** Days off besides; a company's list of them is bounded where it is stored. */
  readonly holidays: readonly CalendarDate[];
}

/** Of a company that has set none: Monday to Friday, nine to five. */
export const usualCalendar = (timeZone: string): BusinessCalendar => ({
  timeZone,
  workingDays: [1, 2, 3, 4, 5],
  workingHours: { from: '09:00', to: '17:00' },
  holidays: [],
});

/**
 * The instant (epoch milliseconds) `days` business days after another: the same time of day on the
 * n-th working day that follows. Outside working hours the count begins at the next opening, so that
 * what comes in on Saturday with two days to go is due on Wednesday at nine.
 */
export function addBusinessDays(
  instantMs: number,
  days: number,
  calendar: BusinessCalendar,
): number {
  const start = nextWorkingMoment(instantMs, calendar);
  let date = start.toPlainDate().toString();
  for (let left = days; left > 0; left -= 1) date = nextWorkingDay(addDays(date, 1), calendar);
  return at(date, start.toPlainTime(), calendar);
}

/** Milliseconds of working hours between two instants; none when the second is not later. */
export function workingTime(fromMs: number, toMs: number, calendar: BusinessCalendar): number {
  let total = 0;
  let moment = nextWorkingMoment(fromMs, calendar).epochMilliseconds;
  while (moment < toMs) {
    const closing = closingOn(moment, calendar);
    total += Math.min(closing, toMs) - moment;
    moment = nextWorkingMoment(closing, calendar).epochMilliseconds;
  }
  return total;
}

/**
 * The instant after so many milliseconds of working hours; at the end of a day it is the next opening,
 * so that eight hours from nine to five are one business day.
 */
export function addWorkingTime(fromMs: number, ms: number, calendar: BusinessCalendar): number {
  let moment = nextWorkingMoment(fromMs, calendar).epochMilliseconds;
  let left = ms;
  for (;;) {
    const closing = closingOn(moment, calendar);
    if (left < closing - moment) return moment + left;
    left -= closing - moment;
    moment = nextWorkingMoment(closing, calendar).epochMilliseconds;
  }
}

/** Whether people work on that day. */
export const isWorkingDay = (date: CalendarDate, calendar: BusinessCalendar): boolean =>
  calendar.workingDays.includes(Temporal.PlainDate.from(date).dayOfWeek) &&
  !calendar.holidays.includes(date);

/** The instant itself within working hours, else the next opening. */
function nextWorkingMoment(instantMs: number, calendar: BusinessCalendar): Temporal.ZonedDateTime {
  const { timeZone, workingHours } = calendar;
  const from = Temporal.PlainTime.from(workingHours.from);
  const moment = Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(timeZone);
  const date = moment.toPlainDate().toString();
  const time = moment.toPlainTime();
  const isOver = Temporal.PlainTime.compare(time, workingHours.to) >= 0;
  const isBefore = Temporal.PlainTime.compare(time, from) < 0;
  const day = nextWorkingDay(isOver ? addDays(date, 1) : date, calendar);
  if (day === date && !isBefore) return moment;
  return Temporal.PlainDate.from(day).toZonedDateTime({ timeZone, plainTime: from });
}

/** When work ends on the day of the instant. */
const closingOn = (instantMs: number, calendar: BusinessCalendar): number =>
  at(
    dateAt(instantMs, calendar.timeZone),
    Temporal.PlainTime.from(calendar.workingHours.to),
    calendar,
  );

function nextWorkingDay(date: CalendarDate, calendar: BusinessCalendar): CalendarDate {
  if (calendar.workingDays.length === 0) throw new RangeError('A calendar needs a working day');
  let day = date;
  while (!isWorkingDay(day, calendar)) day = addDays(day, 1);
  return day;
}

const at = (date: CalendarDate, plainTime: Temporal.PlainTime, { timeZone }: BusinessCalendar) =>
  Temporal.PlainDate.from(date).toZonedDateTime({ timeZone, plainTime }).epochMilliseconds;
