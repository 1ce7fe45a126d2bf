import { startOfDay } from '../../src/rules/calendar.ts';
import { resolveLifecycle } from '../../src/rules/lifecycle.ts';
import { timersOfTerm } from '../../src/rules/termTimers.ts';
import { quote } from '../../src/rules/quotes.ts';

const plan = { premium: '120.00', coverageAmount: '50000.00', currency: 'EUR', durationMonths: 12 };
const timeZone = 'Europe/Berlin';
const lifecycle = resolveLifecycle({}, {});

describe('quote', () => {
  it('tells price, dates and the premium of a day', () => {
    const quoted = quote({
      plan,
      startDate: '2025-01-31',
      today: '2025-01-15',
      timeZone,
      lifecycle,
    });

    expect(quoted).toMatchObject({
      ...plan,
      startDate: '2025-01-31',
      endDate: '2026-01-31',
      termDays: 365,
      dailyPremium: '0.33',
      coolingOffEndsOn: '2025-02-14',
    });
  });

  it.each(['2025-01-15', '2025-03-29', '2025-04-15'])(
    'previews the timers a purchase later that day gets, for a start on %s',
    (startDate) => {
      const today = '2025-01-15';
      const purchasedAt = startOfDay(today, timeZone) + 17 * 3_600_000;

      const quoted = quote({ plan, startDate, today, timeZone, lifecycle });

      const term = {
        termNo: 1,
        startDate,
        endDate: quoted.endDate,
        purchasedAt,
        timeZone,
        lifecycle,
      };
      expect(quoted.timers).toEqual(timersOfTerm(term));
    },
  );
});
