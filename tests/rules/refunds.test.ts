import fc from 'fast-check';
import { addDays } from '../../src/rules/calendar.ts';
import { compare, zero } from '../../src/rules/money.ts';
import { coolingOffEnd, refundFor, type Cancellation } from '../../src/rules/refunds.ts';
import { calendarDates, premiums } from './property.ts';

const buildCancellation = (overrides: Partial<Cancellation> = {}): Cancellation => ({
  premium: '365.00',
  currency: 'EUR',
  termStart: '2025-01-01',
  termEnd: '2026-01-01',
  purchasedOn: '2025-01-01',
  effectiveOn: '2025-04-11',
  coolingOffDays: 14,
  shortRate: 0,
  claimMade: false,
  claimPaid: false,
  ...overrides,
});

describe('refundFor', () => {
  it('gives back the unused days', () => {
    const refund = refundFor(buildCancellation());

    expect(refund).toEqual({ amount: '265.00', rule: 'pro_rata', unusedDays: 265, termDays: 365 });
  });

  it('keeps the short rate, rounding once at the end', () => {
    const refund = refundFor(buildCancellation({ premium: '100.00', shortRate: 0.1 }));

    expect(refund).toMatchObject({ amount: '65.34', rule: 'pro_rata' }); // 65.3424…
  });

  it('is an amount that can be paid where money has no cents', () => {
    const refund = refundFor(buildCancellation({ premium: '100.00', currency: 'JPY' }));

    expect(refund).toMatchObject({ amount: '73.00', rule: 'pro_rata' }); // 72.60…
  });

  it.each([
    ['2025-01-01', 'cooling_off', '365.00'],
    ['2025-01-14', 'cooling_off', '365.00'],
    ['2025-01-15', 'pro_rata', '351.00'],
  ])('on %s goes by %s', (effectiveOn, rule, amount) => {
    expect(refundFor(buildCancellation({ effectiveOn }))).toMatchObject({ rule, amount });
  });

  it.each([
    ['the start, when bought before', '2024-12-01', '2025-01-14', 'cooling_off'],
    ['the start, when bought before', '2024-12-01', '2025-01-15', 'pro_rata'],
    ['the purchase, when bought after', '2025-02-01', '2025-02-14', 'cooling_off'],
    ['the purchase, when bought after', '2025-02-01', '2025-02-15', 'pro_rata'],
  ])('counts the cooling-off from %s (%s, %s: %s)', (_, purchasedOn, effectiveOn, rule) => {
    expect(refundFor(buildCancellation({ purchasedOn, effectiveOn }))).toMatchObject({ rule });
  });

  it('gives all of it back before the term has begun', () => {
    const refund = refundFor(
      buildCancellation({ purchasedOn: '2024-12-01', effectiveOn: '2024-12-20' }),
    );

    expect(refund).toEqual({
      amount: '365.00',
      rule: 'cooling_off',
      unusedDays: 365,
      termDays: 365,
    });
  });

  it.each(['2024-12-20', '2025-01-01'])(
    'knows no cooling-off of zero days, on %s',
    (effectiveOn) => {
      const refund = refundFor(
        buildCancellation({ coolingOffDays: 0, effectiveOn, shortRate: 0.5 }),
      );

      expect(refund).toMatchObject({ amount: '182.50', rule: 'pro_rata' });
    },
  );

  it('ends the cooling-off with a claim, and pays pro rata until it is paid', () => {
    const effectiveOn = '2025-01-06';

    const made = refundFor(buildCancellation({ effectiveOn, claimMade: true }));
    const paid = refundFor(buildCancellation({ effectiveOn, claimMade: true, claimPaid: true }));

    expect(made).toMatchObject({ amount: '360.00', rule: 'pro_rata' });
    expect(paid).toMatchObject({ amount: '0.00', rule: 'claim_paid' });
  });

  it('gives nothing back at the end of the term', () => {
    expect(refundFor(buildCancellation({ effectiveOn: '2026-01-01' }))).toMatchObject({
      amount: '0.00',
    });
  });

  it('is an error for a short rate that is no share', () => {
    expect(() => refundFor(buildCancellation({ shortRate: 1.1 }))).toThrow(RangeError);
    expect(() => refundFor(buildCancellation({ shortRate: Number.NaN }))).toThrow(RangeError);
  });

  it('is never negative nor above the premium, and never grows with time', () => {
    fc.assert(
      fc.property(cancellations(), fc.integer({ min: 0, max: 60 }), (cancellation, later) => {
        const refund = refundFor(cancellation);
        const afterwards = refundFor({
          ...cancellation,
          effectiveOn: addDays(cancellation.effectiveOn, later),
        });

        expect(compare(refund.amount, zero)).toBeGreaterThanOrEqual(0);
        expect(compare(refund.amount, cancellation.premium)).toBeLessThanOrEqual(0);
        expect(compare(afterwards.amount, refund.amount)).toBeLessThanOrEqual(0);
        expect(refund.unusedDays).toBeGreaterThanOrEqual(0);
        expect(refund.unusedDays).toBeLessThanOrEqual(refund.termDays);
      }),
    );
  });
});

describe('coolingOffEnd', () => {
  it('is the first day without it', () => {
    expect(coolingOffEnd(buildCancellation())).toBe('2025-01-15');
  });
});

function cancellations() {
  return fc
    .record({
      premium: premiums,
      currency: fc.constant('EUR'),
      termStart: calendarDates,
      termDays: fc.integer({ min: 0, max: 800 }),
      bought: fc.integer({ min: -90, max: 30 }),
      effective: fc.integer({ min: -120, max: 900 }),
      coolingOffDays: fc.integer({ min: 0, max: 60 }),
      shortRate: fc.integer({ min: 0, max: 10_000 }).map((parts) => parts / 10_000),
      claimMade: fc.boolean(),
      claimPaid: fc.boolean(),
    })
    .map(({ termDays, bought, effective, ...rest }): Cancellation => ({
      ...rest,
      termEnd: addDays(rest.termStart, termDays),
      purchasedOn: addDays(rest.termStart, bought),
      effectiveOn: addDays(rest.termStart, effective),
    }));
}
