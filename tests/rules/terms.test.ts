import fc from 'fast-check';
import { addDays, daysBetween } from '../../src/rules/calendar.ts';
import {
  agreedEndProblem,
  agreedTermProblem,
  durationProblem,
  endDate,
  renewalRefusal,
  renewalTerm,
  startDateProblem,
  wholeMonths,
} from '../../src/rules/terms.ts';
import { calendarDates } from './property.ts';

const durations = fc.integer({ min: 1, max: 20 }).map((halfYears) => halfYears * 6);

describe('a duration', () => {
  it.each([6, 12, 18, 24, 600])('of %i months is taken', (months) => {
    expect(durationProblem(months)).toBeUndefined();
  });

  it.each([0, -6, 1, 5, 7, 6.5, 606, Number.NaN, Number.POSITIVE_INFINITY])(
    'of %d months is refused',
    (months) => {
      expect(durationProblem(months)).toMatchObject({ code: 'INVALID_DURATION' });
    },
  );

  it('is counted in calendar months, clamped to the end of the month', () => {
    expect(endDate('2025-08-31', 6)).toBe('2026-02-28');
    expect(endDate('2025-01-31', 12)).toBe('2026-01-31');
  });
});

describe('a start date', () => {
  it.each([0, 1, 90])('%i days ahead is taken', (days) => {
    expect(startDateProblem(addDays('2025-03-01', days), '2025-03-01')).toBeUndefined();
  });

  it.each([-1, 91])('%i days ahead is refused', (days) => {
    expect(startDateProblem(addDays('2025-03-01', days), '2025-03-01')).toEqual({
      code: 'START_DATE_OUT_OF_RANGE',
      message: 'The start date lies between 2025-03-01 and 2025-05-30',
    });
  });
});

describe('renewalTerm', () => {
  it('starts at the old end when it is in time', () => {
    const term = renewalTerm({ currentEnd: '2025-06-30', today: '2025-05-01', months: 12 });

    expect(term).toEqual({ startDate: '2025-06-30', endDate: '2026-06-30', gapDays: 0 });
  });

  it('leaves no gap on the very day of the end', () => {
    const term = renewalTerm({ currentEnd: '2025-06-30', today: '2025-06-30', months: 6 });

    expect(term).toEqual({ startDate: '2025-06-30', endDate: '2025-12-30', gapDays: 0 });
  });

  it('starts on the day of renewal when it is late, and counts the gap', () => {
    const term = renewalTerm({ currentEnd: '2025-06-30', today: '2025-07-10', months: 12 });

    expect(term).toEqual({ startDate: '2025-07-10', endDate: '2026-07-10', gapDays: 10 });
  });

  it('never overlaps the old term and always says how far it is from it', () => {
    fc.assert(
      fc.property(
        calendarDates,
        fc.integer({ min: -90, max: 90 }),
        durations,
        (end, late, months) => {
          const term = renewalTerm({ currentEnd: end, today: addDays(end, late), months });

          expect(daysBetween(end, term.startDate)).toBe(term.gapDays);
          expect(term.gapDays).toBe(Math.max(0, late));
          expect(daysBetween(term.startDate, term.endDate)).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('renewalRefusal', () => {
  const currentEnd = '2025-06-30';
  const closed = { code: 'RENEWAL_WINDOW_CLOSED' };

  it.each([
    ['active', -91, 30, closed],
    ['active', -90, 30, undefined],
    ['active', -1, 0, undefined],
    ['active', 0, 0, undefined],
    ['active', 1, 0, closed],
    ['expired', 0, 0, closed],
    ['expired', 0, 1, undefined],
    ['expired', 29, 30, undefined],
    ['expired', 30, 30, closed],
    ['cancelled', 0, 30, { code: 'ILLEGAL_TRANSITION' }],
  ] as const)(
    'for %s, %i days after the end, window %i: %j',
    (status, days, lateRenewalDays, refusal) => {
      const today = addDays(currentEnd, days);

      const result = renewalRefusal({ status, currentEnd, today, lateRenewalDays });

      if (refusal) expect(result).toMatchObject(refusal);
      else expect(result).toBeUndefined();
    },
  );
});

describe('an agreed term', () => {
  const today = '2025-03-10';

  it.each([
    ['2025-03-10', '2025-03-11', undefined],
    ['2020-01-01', '2025-03-11', undefined],
    ['2025-06-08', '2026-06-08', undefined],
    ['2025-06-09', '2026-06-09', 'START_DATE_OUT_OF_RANGE'],
    ['2025-03-10', '2025-03-10', 'END_NOT_AFTER_START'],
    ['2025-03-10', '2025-03-01', 'END_NOT_AFTER_START'],
    ['2020-01-01', '2025-03-10', 'TERM_OVER'],
    ['2025-03-10', '2075-03-10', undefined],
    ['2025-03-10', '2075-03-11', 'END_DATE_TOO_FAR'],
  ])('from %s to %s: %s', (startDate, end, code) => {
    expect(agreedTermProblem({ startDate, endDate: end }, today)?.code).toBe(code);
  });

  it('that renews ends after its start', () => {
    expect(agreedEndProblem({ startDate: '2025-06-30', endDate: '2025-06-30' })).toMatchObject({
      code: 'END_NOT_AFTER_START',
    });
    expect(agreedEndProblem({ startDate: '2025-06-30', endDate: '2025-07-01' })).toBeUndefined();
  });

  it('replaces the end that a length would have', () => {
    const term = renewalTerm({
      currentEnd: '2025-06-30',
      today: '2025-07-10',
      endsOn: '2025-12-24',
    });

    expect(term).toEqual({ startDate: '2025-07-10', endDate: '2025-12-24', gapDays: 10 });
  });
});

describe('wholeMonths', () => {
  it.each([
    ['2025-01-01', '2026-01-01', 12],
    ['2025-01-31', '2025-02-28', 1],
    ['2025-01-15', '2025-02-14', null],
    ['2025-01-01', '2025-01-08', null],
  ])('from %s to %s are %s', (startDate, end, months) => {
    expect(wholeMonths({ startDate, endDate: end })).toBe(months);
  });

  it('finds the length of every term by months', () => {
    fc.assert(
      fc.property(calendarDates, durations, (startDate, months) => {
        expect(wholeMonths({ startDate, endDate: endDate(startDate, months) })).toBe(months);
      }),
    );
  });
});
