import { Temporal } from 'temporal-polyfill';

/** A day without a time or a zone, `2025-01-31`. */
export type CalendarDate = string;

/** A real day of the years 1900 to 2200, written YYYY-MM-DD. */
export const isCalendarDate = (text: string): boolean => {
  if (!datePattern.test(text)) return false;
  const year = Number(text.slice(0, 4));
  if (year < 1900 || year > 2200) return false;
  const parts = { year, month: Number(text.slice(5, 7)), day: Number(text.slice(8)) };
  return Temporal.PlainDate.from(parts, { overflow: 'constrain' }).toString() === text;
};

/** An IANA zone in its own spelling (`Europe/Berlin`, `UTC`); offsets such as `+01:00` are none. */
export const isTimeZone = (text: string): boolean => {
  if (!zonePattern.test(text)) return false;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text).timeZoneId === text;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
};

/**
 * `months` later, clamped to the last day of the month. Always count from the anchor: 31 Jan + 2 is
 * 31 Mar, while 31 Jan + 1 + 1 is 28 Mar.
 */
export const addMonths = (date: CalendarDate, months: number): CalendarDate =>
  day(date).add({ months }).toString();

export const addDays = (date: CalendarDate, days: number): CalendarDate =>
  day(date).add({ days }).toString();

/** Days from `a` to `b`; negative when `b` is earlier. */
export const daysBetween = (a: CalendarDate, b: CalendarDate): number =>
  day(a).until(day(b), { largestUnit: 'days' }).days;

/** Of the week that a day is in. */
export const mondayOf = (date: CalendarDate): CalendarDate =>
  addDays(date, 1 - day(date).dayOfWeek);

/** -1, 0 or 1: `a` is before, on or after `b`. */
export const compareDates = (a: CalendarDate, b: CalendarDate): -1 | 0 | 1 => {
  if (a === b) return 0;
  return a < b ? -1 : 1;
};

export const laterDate = (a: CalendarDate, b: CalendarDate): CalendarDate =>
  compareDates(a, b) >= 0 ? a : b;

/**
 * Epoch milliseconds of the first moment of the day in the zone: 00:00, or the end of the gap where
 * the clocks skip midnight. A day a zone left out altogether starts with the next one.
 */
export const startOfDay = (date: CalendarDate, timeZone: string): number =>
  day(date).toZonedDateTime(timeZone).epochMilliseconds;

/** The date the calendar on the wall shows in the zone at the instant (epoch milliseconds). */
export const dateAt = (instantMs: number, timeZone: string): CalendarDate =>
  zoned(instantMs, timeZone).toPlainDate().toString();

/** The time of the day, `15:30`, that a clock on the wall shows in the zone. */
export const timeAt = (instantMs: number, timeZone: string): string =>
  zoned(instantMs, timeZone).toPlainTime().toString({ smallestUnit: 'minute' });

/**
 * The instant `days` calendar days earlier (later when negative) at the same time of day. From the
 * first moment of a day it leads to the first moment of a day.
 */
export const daysBefore = (instantMs: number, days: number, timeZone: string): number => {
  const date = dateAt(instantMs, timeZone);
  if (startOfDay(date, timeZone) === instantMs) return startOfDay(addDays(date, -days), timeZone);
  return zoned(instantMs, timeZone).subtract({ days }).epochMilliseconds;
};

/** Epoch milliseconds of a full hour of the day in the zone; the next moment where the clocks skip it. */
export const hourOfDay = (date: CalendarDate, hour: number, timeZone: string): number =>
  day(date).toZonedDateTime({ timeZone, plainTime: { hour } }).epochMilliseconds;

/** Epoch milliseconds of a time of the day, `15:30`, in the zone; the next moment where the clocks skip it. */
export const timeOfDay = (date: CalendarDate, time: string, timeZone: string): number =>
  day(date).toZonedDateTime({ timeZone, plainTime: time }).epochMilliseconds;

const datePattern = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const zonePattern = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/;

/** Temporal itself would also take `2025-01-31T10:00` and drop the time. */
const day = (date: CalendarDate): Temporal.PlainDate => {
  if (!isCalendarDate(date)) throw new RangeError(`Not a calendar date: ${date}`);
  return Temporal.PlainDate.from(date);
};

const zoned = (instantMs: number, timeZone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(timeZone);
