import { Temporal } from 'temporal-polyfill';
import fc from 'fast-check';
import {
  addBusinessDays,
  isWorkingDay,
  usualCalendar,
  type BusinessCalendar,
} from '../../src/rules/businessDays.ts';
import { dateAt } from '../../src/rules/calendar.ts';
import { timeZones } from './property.ts';

const berlin = usualCalendar('Europe/Berlin');
const at = (local: string, zone = 'Europe/Berlin'): number =>
  Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds;
const due = (local: string, days: number, calendar: BusinessCalendar = berlin): string =>
  Temporal.Instant.fromEpochMilliseconds(
    addBusinessDays(at(local, calendar.timeZone), days, calendar),
  )
    .toZonedDateTimeISO(calendar.timeZone)
    .toPlainDateTime()
    .toString({ smallestUnit: 'minute' });

describe('business days', () => {
  it.each([
    ['within the week', '2026-11-23T10:30', 2, '2026-11-25T10:30'],
    ['over a weekend', '2026-11-20T10:30', 2, '2026-11-24T10:30'],
    ['from a weekend, counted from Monday at nine', '2026-11-21T12:00', 2, '2026-11-25T09:00'],
    ['after hours, counted from the next morning', '2026-11-23T17:00', 1, '2026-11-25T09:00'],
    ['before hours, counted from the opening', '2026-11-23T06:00', 1, '2026-11-24T09:00'],
    ['none: the next working moment', '2026-11-21T12:00', 0, '2026-11-23T09:00'],
    ['none, at work: now', '2026-11-23T16:59', 0, '2026-11-23T16:59'],
    ['where the clocks change', '2026-10-23T12:00', 1, '2026-10-26T12:00'],
  ])('%s', (_, from, days, expected) => {
    expect(due(from, days)).toBe(expected);
  });

  it('leave holidays out, and know other weeks and zones', () => {
    const closed = { ...berlin, holidays: ['2026-12-24', '2026-12-25'] };
    expect(due('2026-12-23T10:00', 1, closed)).toBe('2026-12-28T10:00');

    const gulf = { ...usualCalendar('Asia/Dubai'), workingDays: [7, 1, 2, 3, 4] };
    expect(due('2026-11-19T10:00', 1, gulf)).toBe('2026-11-22T10:00');
  });

  it('need a day to work on', () => {
    expect(() => due('2026-11-23T10:00', 1, { ...berlin, workingDays: [] })).toThrow(RangeError);
  });

  it('lead to a working day, never back, and further the more of them', () => {
    fc.assert(
      fc.property(
        fc.record({
          start: fc.integer({ min: at('2024-01-01T00:00'), max: at('2030-01-01T00:00') }),
          days: fc.integer({ min: 0, max: 30 }),
          timeZone: timeZones,
          workingDays: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
          holidays: fc.array(
            fc.integer({ min: 1, max: 28 }).map((day) => `2026-12-${String(day).padStart(2, '0')}`),
          ),
        }),
        ({ start, days, ...rest }) => {
          const calendar = { ...berlin, ...rest };
          const end = addBusinessDays(start, days, calendar);

          expect(end).toBeGreaterThanOrEqual(start);
          expect(isWorkingDay(dateAt(end, calendar.timeZone), calendar)).toBe(true);
          expect(addBusinessDays(start, days + 1, calendar)).toBeGreaterThan(end);
        },
      ),
    );
  });
});
