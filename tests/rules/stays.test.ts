import fc from 'fast-check';
import { addDays, daysBetween } from '../../src/rules/calendar.ts';
import {
  checkInAt,
  checkOutAt,
  freeBetween,
  stayProblem,
  type Stay,
} from '../../src/rules/stays.ts';

const terms = { minNights: 2, maxNights: 28 };
const today = '2026-06-10';

describe('a stay', () => {
  it.each([
    ['2026-06-10', '2026-06-12', undefined],
    ['2026-06-09', '2026-06-12', 'DATE_PAST'],
    ['2026-06-12', '2026-06-12', 'END_BEFORE_START'],
    ['2026-06-12', '2026-06-11', 'END_BEFORE_START'],
    ['2026-06-12', '2026-06-13', 'STAY_TOO_SHORT'],
    ['2026-06-12', '2026-07-10', undefined],
    ['2026-06-12', '2026-07-11', 'STAY_TOO_LONG'],
    ['2028-06-09', '2028-06-11', undefined],
    ['2028-06-10', '2028-06-12', 'DATE_TOO_FAR'],
  ])('from %s to %s is refused with %s', (startDate, endDate, code) => {
    expect(stayProblem({ startDate, endDate }, terms, today)?.code).toBe(code);
  });

  it('begins and ends at the times of the house, also on the days when the clocks change', () => {
    const house = { timeZone: 'Europe/Berlin', checkInTime: '15:00', checkOutTime: '02:30' };
    const stay = { startDate: '2026-03-28', endDate: '2026-03-29' };

    expect(new Date(checkInAt(stay, house)).toISOString()).toBe('2026-03-28T14:00:00.000Z');
    // 02:30 is left out that night.
    expect(new Date(checkOutAt(stay, house)).toISOString()).toBe('2026-03-29T01:30:00.000Z');
  });
});

describe('what is free beside what is taken', () => {
  it('is every day of the window that nothing takes, and none that something takes', () => {
    const window = { startDate: '2026-06-01', endDate: '2026-07-01' };
    const day = fc.integer({ min: 0, max: 30 });
    const days = ({ startDate, endDate }: Stay): string[] =>
      Array.from({ length: daysBetween(startDate, endDate) }, (_, n) => addDays(startDate, n));

    fc.assert(
      fc.property(fc.uniqueArray(day, { maxLength: 12 }), (bounds) => {
        const sorted = bounds.toSorted((a, b) => a - b).map((n) => addDays(window.startDate, n));
        const taken = sorted.flatMap((startDate, index): Stay[] => {
          const endDate = sorted[index + 1];
          return index % 2 === 0 && endDate ? [{ startDate, endDate }] : [];
        });
        const isTaken = new Set(taken.flatMap(days));

        const free = freeBetween(window, taken.toReversed());

        expect(free.flatMap(days)).toEqual(days(window).filter((each) => !isTaken.has(each)));
      }),
    );
  });
});
