import fc from 'fast-check';
import {
  arrearsOf,
  coverEndOfLapse,
  endorsementShares,
  graceTimers,
  invoiceDueAt,
  refundOfPaid,
  reinstatementTimer,
  spreadRefund,
  usedShare,
} from '../../src/rules/billing.ts';
import { addDays, startOfDay } from '../../src/rules/calendar.ts';
import { resolveLifecycle } from '../../src/rules/lifecycle.ts';
import { add, compare, zero } from '../../src/rules/money.ts';
import { retryAfter } from '../../src/rules/payments.ts';
import { seed } from './property.ts';

const lifecycle = resolveLifecycle({}, {});
const timeZone = 'Europe/Berlin';
const year = { startDate: '2026-01-01', endDate: '2027-01-01' };
const currency = 'EUR';
const amounts = fc.integer({ min: 0, max: 10_000_000 }).map((cents) => (cents / 100).toFixed(2));
const days = fc.integer({ min: 0, max: 364 });

describe('endorsementShares', () => {
  const endorsed = (effectiveOn: string, newPremium: string) =>
    endorsementShares({
      ...year,
      effectiveOn,
      premium: '365.00',
      newPremium,
      currency,
      stretchPremium: '365.00',
    });

  it('charges the difference for the days that remain', () => {
    expect(endorsed('2026-04-11', '730.00')).toEqual({
      remainingDays: 265,
      termDays: 365,
      kept: '100.00',
      rest: '530.00',
      delta: '265.00',
    });
  });

  it('gives back what became cheaper, and nothing for the days that are used', () => {
    expect(endorsed('2026-04-11', '0.00')).toMatchObject({ kept: '100.00', delta: '-265.00' });
  });

  it('on the first day is a new price for all of it', () => {
    expect(endorsed('2026-01-01', '400.00')).toMatchObject({
      kept: '0.00',
      rest: '400.00',
      delta: '35.00',
    });
  });

  it('charges an amount that can be paid where money has no cents', () => {
    const wish = { premium: '1000.00', newPremium: '1500.00', stretchPremium: '1000.00' };
    const shares = endorsementShares({
      ...year,
      ...wish,
      effectiveOn: '2026-04-11',
      currency: 'JPY',
    });

    // 273.97, 1089.04 and 363.01
    expect(shares).toMatchObject({ kept: '274.00', rest: '1089.00', delta: '363.00' });
  });

  it('never loses a cent, however often the price changes', () => {
    const changes = fc.array(fc.record({ day: days, newPremium: amounts }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(amounts, changes, (first, wishes) => {
        let premium = first;
        let stretchPremium = first;
        let sold = zero;
        let charged = first;
        for (const { day, newPremium } of wishes.toSorted((a, b) => a.day - b.day)) {
          const effectiveOn = addDays(year.startDate, day);
          const shares = endorsementShares({
            ...year,
            effectiveOn,
            premium,
            newPremium,
            currency,
            stretchPremium,
          });
          sold = add(sold, shares.kept);
          charged = add(charged, shares.delta);
          premium = newPremium;
          stretchPremium = shares.rest;
          expect(compare(shares.kept, zero)).toBeGreaterThanOrEqual(0);
        }
        expect(add(sold, stretchPremium)).toBe(charged);
      }),
      { seed },
    );
  });

  it('of the same price charges nothing', () => {
    fc.assert(
      fc.property(amounts, days, (premium, day) => {
        const effectiveOn = addDays(year.startDate, day);
        const wish = { premium, newPremium: premium, currency, stretchPremium: premium };
        expect(endorsementShares({ ...year, effectiveOn, ...wish }).delta).toBe('0.00');
      }),
      { seed },
    );
  });
});

describe('a lapse and its end', () => {
  const invoice = { amount: '365.00', periodStart: '2026-01-01', periodEnd: '2027-01-01' };

  it('leave the premium of the days with cover owing', () => {
    const gap = { startDate: '2026-02-01', endDate: '2026-02-11' };

    expect(arrearsOf([invoice], gap, currency)).toBe('355.00');
    expect(usedShare({ ...year, premium: '365.00' }, '2026-02-01', currency)).toBe('31.00');
  });

  it('leave amounts owing that can be paid where money has no cents', () => {
    const gap = { startDate: '2026-02-01', endDate: '2026-02-11' };

    expect(arrearsOf([{ ...invoice, amount: '1000.00' }], gap, 'JPY')).toBe('973.00'); // 972.60…
    expect(usedShare({ ...year, premium: '1000.00' }, '2026-02-01', 'JPY')).toBe('85.00'); // 84.93…
  });

  it('count only the days of the gap that were billed', () => {
    const rest = { amount: '100.00', periodStart: '2026-02-06', periodEnd: '2026-05-17' };
    const gap = { startDate: '2026-02-01', endDate: '2026-02-11' };

    expect(arrearsOf([rest], gap, currency)).toBe('95.00');
    expect(arrearsOf([], gap, currency)).toBe('0.00');
  });

  it('never leave more owing than was billed, and less the longer the gap', () => {
    fc.assert(
      fc.property(amounts, days, days, (amount, from, length) => {
        const startDate = addDays('2026-01-01', from);
        const billed = [{ ...invoice, amount }];
        const short = arrearsOf(
          billed,
          { startDate, endDate: addDays(startDate, length) },
          currency,
        );
        const long = arrearsOf(
          billed,
          { startDate, endDate: addDays(startDate, length + 1) },
          currency,
        );

        expect(compare(short, amount)).toBeLessThanOrEqual(0);
        expect(compare(long, short)).toBeLessThanOrEqual(0);
        expect(compare(long, zero)).toBeGreaterThanOrEqual(0);
      }),
      { seed },
    );
  });

  it('keep at least one day of cover', () => {
    expect(coverEndOfLapse('2026-03-01', '2026-01-01')).toBe('2026-03-01');
    expect(coverEndOfLapse('2026-01-01', '2026-01-01')).toBe('2026-01-02');
  });
});

describe('the clocks of an unpaid premium', () => {
  const at = Date.parse('2026-03-20T12:00:00Z');
  const clock = { at, occurrence: 4, timeZone, lifecycle };

  it('remind on days 1, 10, 20 and 27 of the grace, at the same time of day, and end it on day 30', () => {
    expect(
      graceTimers(clock).map(({ name, dueAt }) => [name, new Date(dueAt).toISOString()]),
    ).toEqual([
      ['grace_reminder_1', '2026-03-21T12:00:00.000Z'],
      ['grace_reminder_10', '2026-03-30T11:00:00.000Z'],
      ['grace_reminder_20', '2026-04-09T11:00:00.000Z'],
      ['grace_reminder_27', '2026-04-16T11:00:00.000Z'],
      ['grace_end', '2026-04-19T11:00:00.000Z'],
    ]);
  });

  it('leave out reminders that a shorter grace does not reach', () => {
    const short = resolveLifecycle({ graceDays: 10 }, {});
    const none = resolveLifecycle({ graceDays: 0 }, {});

    expect(graceTimers({ ...clock, lifecycle: short }).map(({ name }) => name)).toEqual([
      'grace_reminder_1',
      'grace_end',
    ]);
    expect(graceTimers({ ...clock, lifecycle: none })).toEqual([
      { name: 'grace_end', occurrence: 4, dueAt: at, source: 'plan' },
    ]);
  });

  it('end a reinstatement with its window, or with the term', () => {
    const expiresAt = startOfDay('2026-04-01', timeZone);
    const far = startOfDay('2027-01-01', timeZone);

    expect(reinstatementTimer({ ...clock, expiresAt }).dueAt).toBe(expiresAt);
    expect(new Date(reinstatementTimer({ ...clock, expiresAt: far }).dueAt).toISOString()).toBe(
      '2026-04-19T11:00:00.000Z',
    );
  });

  it('make an invoice due after the window, and not before its cover begins', () => {
    const hours = 72 * 3_600_000;

    expect(invoiceDueAt({ issuedAt: at, coverStartsAt: at, lifecycle })).toBe(at + hours);
    expect(invoiceDueAt({ issuedAt: at, coverStartsAt: at + 2 * hours, lifecycle })).toBe(
      at + 2 * hours,
    );
  });

  it('try a declined payment again after 1, 24 and 72 hours', () => {
    const hours = [1, 2, 3, 4].map((attempt) => retryAfter(attempt, at)?.dueAt);

    expect(hours).toEqual([at + 3_600_000, at + 24 * 3_600_000, at + 72 * 3_600_000, undefined]);
  });
});

describe('a refund', () => {
  it('is what is due less what was never paid', () => {
    expect(refundOfPaid('345.00', '0.00')).toBe('345.00');
    expect(refundOfPaid('345.00', '50.00')).toBe('295.00');
    expect(refundOfPaid('345.00', '365.00')).toBe('0.00');
  });

  it('takes from each payment no more than is left of it, and no more than is given back', () => {
    fc.assert(
      fc.property(amounts, fc.array(amounts, { maxLength: 5 }), (amount, left) => {
        const spread = spreadRefund(
          amount,
          left.map((refundable) => ({ refundable })),
        );
        const sum = spread.reduce((total, each) => add(total, each.amount), zero);
        const all = left.reduce(add, zero);

        expect(sum).toBe(compare(amount, all) < 0 ? amount : all);
        for (const each of spread) {
          expect(compare(each.amount, each.payment.refundable)).toBeLessThanOrEqual(0);
          expect(compare(each.amount, zero)).toBe(1);
        }
      }),
      { seed },
    );
  });
});
