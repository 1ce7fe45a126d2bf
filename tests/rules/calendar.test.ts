import fc from 'fast-check';
import {
  addDays,
  addMonths,
  compareDates,
  dateAt,
  daysBefore,
  daysBetween,
  isCalendarDate,
  isTimeZone,
  mondayOf,
  startOfDay,
} from '../../src/rules/calendar.ts';
import { calendarDates, timeZones } from './property.ts';

const instant = (text: string): number => Date.parse(text);

describe('mondayOf', () => {
  it.each([
    ['2027-01-04', '2027-01-04'],
    ['2027-01-09', '2027-01-04'],
    ['2027-01-03', '2026-12-28'],
  ])('%s is %s', (date, monday) => {
    expect(mondayOf(date)).toBe(monday);
  });
});

describe('isCalendarDate', () => {
  it.each(['1900-01-01', '2024-02-29', '2000-02-29', '2200-12-31'])('takes %s', (text) => {
    expect(isCalendarDate(text)).toBe(true);
  });

  it.each([
    '2023-02-29',
    '1900-02-29',
    '2025-04-31',
    '2025-13-01',
    '2025-00-10',
    '2025-01-00',
    '1899-12-31',
    '2201-01-01',
    '2025-1-1',
    '20250101',
    '2025-01-01T00:00',
    ' 2025-01-01',
    '2025-01-01\n',
    '',
  ])('takes no %j', (text) => {
    expect(isCalendarDate(text)).toBe(false);
  });
});

describe('isTimeZone', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+3', 'Asia/Calcutta'])(
    'takes %s',
    (text) => {
      expect(isTimeZone(text)).toBe(true);
    },
  );

  it.each([
    '',
    'Z',
    '+01:00',
    'europe/berlin',
    'Mars/Olympus',
    '2020-01-01T00:00[Europe/Berlin]',
    ' UTC',
  ])('takes no %j', (text) => {
    expect(isTimeZone(text)).toBe(false);
  });
});

describe('addMonths', () => {
  it.each([
    ['2025-01-31', 1, '2025-02-28'],
    ['2024-01-31', 1, '2024-02-29'],
    ['2025-01-31', 2, '2025-03-31'],
    ['2025-08-31', 6, '2026-02-28'],
    ['2024-02-29', 12, '2025-02-28'],
    ['2024-02-29', 48, '2028-02-29'],
    ['2025-07-15', -6, '2025-01-15'],
  ])('leads from %s by %i to %s', (date, months, result) => {
    expect(addMonths(date, months)).toBe(result);
  });

  it('loses the 31st when chained, which is why terms count from their anchor', () => {
    expect(addMonths(addMonths('2025-01-31', 1), 1)).toBe('2025-03-28');
  });

  it('never leaves the month it aims at', () => {
    fc.assert(
      fc.property(calendarDates, fc.integer({ min: 0, max: 120 }), (date, months) => {
        const [year = 0, month = 0] = date.split('-').map(Number);
        const aimed = year * 12 + month - 1 + months;

        const [resultYear = 0, resultMonth = 0] = addMonths(date, months).split('-').map(Number);

        expect(resultYear * 12 + resultMonth - 1).toBe(aimed);
      }),
    );
  });
});

describe('days', () => {
  it('are counted across months and leap days', () => {
    expect(addDays('2024-02-28', 2)).toBe('2024-03-01');
    expect(daysBetween('2024-01-01', '2025-01-01')).toBe(366);
    expect(daysBetween('2025-03-01', '2025-02-28')).toBe(-1);
  });

  it('compare in the order of time', () => {
    expect(compareDates('2025-01-31', '2025-02-01')).toBe(-1);
    expect(compareDates('2025-01-31', '2025-01-31')).toBe(0);
    expect(compareDates('2025-02-01', '2025-01-31')).toBe(1);
  });

  it('added are days between', () => {
    fc.assert(
      fc.property(calendarDates, fc.integer({ min: -4000, max: 4000 }), (date, days) => {
        expect(daysBetween(date, addDays(date, days))).toBe(days);
      }),
    );
  });

  it('of no real date are an error', () => {
    expect(() => addDays('2025-02-30', 1)).toThrow(RangeError);
    expect(() => daysBetween('2025-01-01T10:00', '2025-01-02')).toThrow(RangeError);
  });
});

describe('startOfDay', () => {
  it.each([
    ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00Z'], // 00:00 became 01:00
    ['2018-11-03', 'America/Sao_Paulo', '2018-11-03T03:00:00Z'],
    ['2018-02-18', 'America/Sao_Paulo', '2018-02-18T03:00:00Z'], // 23:00 came twice the day before
    ['2019-11-03', 'America/Sao_Paulo', '2019-11-03T03:00:00Z'],
    ['2025-03-30', 'Europe/Berlin', '2025-03-29T23:00:00Z'],
    ['2025-03-31', 'Europe/Berlin', '2025-03-30T22:00:00Z'],
    ['2025-10-26', 'Europe/Berlin', '2025-10-25T22:00:00Z'],
    ['2025-10-27', 'Europe/Berlin', '2025-10-26T23:00:00Z'],
    ['2011-12-29', 'Pacific/Apia', '2011-12-29T10:00:00Z'],
    ['2011-12-30', 'Pacific/Apia', '2011-12-30T10:00:00Z'], // a day Samoa left out
    ['2011-12-31', 'Pacific/Apia', '2011-12-30T10:00:00Z'],
    ['2025-01-01', 'UTC', '2025-01-01T00:00:00Z'],
  ])('of %s in %s is %s', (date, timeZone, expected) => {
    expect(new Date(startOfDay(date, timeZone)).toISOString()).toBe(
      new Date(expected).toISOString(),
    );
  });

  it('is the first moment of its date, and one millisecond earlier is another date', () => {
    fc.assert(
      fc.property(calendarDates, timeZones, (date, timeZone) => {
        fc.pre(!(timeZone === 'Pacific/Apia' && date === '2011-12-30'));
        const start = startOfDay(date, timeZone);

        expect(dateAt(start, timeZone)).toBe(date);
        expect(compareDates(dateAt(start - 1, timeZone), date)).toBe(-1);
      }),
    );
  });
});

describe('dateAt', () => {
  it('shows the wall calendar of the zone', () => {
    const evening = instant('2025-06-30T22:30:00Z');

    expect(dateAt(evening, 'Europe/Berlin')).toBe('2025-07-01');
    expect(dateAt(evening, 'America/New_York')).toBe('2025-06-30');
  });
});

describe('daysBefore', () => {
  it.each([
    ['2025-04-01T12:30:00Z', 7, 'Europe/Berlin', '2025-03-25T13:30:00Z'], // 14:30 both times
    ['2025-03-31T22:00:00Z', 7, 'Europe/Berlin', '2025-03-24T23:00:00Z'],
    ['2018-11-04T03:00:00Z', 1, 'America/Sao_Paulo', '2018-11-03T03:00:00Z'], // 01:00 to 00:00
    ['2018-11-05T02:00:00Z', 1, 'America/Sao_Paulo', '2018-11-04T03:00:00Z'], // 00:00 to 01:00
  ])('of %s by %i in %s is %s', (from, days, timeZone, expected) => {
    const before = daysBefore(instant(from), days, timeZone);

    expect(before).toBe(instant(expected));
  });
});
