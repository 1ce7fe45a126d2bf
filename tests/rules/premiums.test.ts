import fc from 'fast-check';
import { addDays } from '../../src/rules/calendar.ts';
import { businessTypes } from '../../src/rules/companies.ts';
import { compare } from '../../src/rules/money.ts';
import {
  calculatePremium,
  mostPreviousClaims,
  mostPricedCoverage,
  riskLevels,
  type Risk,
} from '../../src/rules/premiums.ts';
import { calendarDates, premiums } from './property.ts';

const home: Risk = {
  policyType: 'home',
  coverageAmount: '250000.00',
  startDate: '2026-01-01',
  endDate: '2027-01-01',
  riskLevel: 'standard',
  previousClaims: 0,
};

const risks: fc.Arbitrary<Risk> = fc
  .record({
    policyType: fc.constantFrom(...businessTypes),
    coverageAmount: premiums,
    startDate: calendarDates,
    days: fc.integer({ min: 1, max: 18_000 }),
    riskLevel: fc.constantFrom(...riskLevels),
    previousClaims: fc.integer({ min: 0, max: 20 }),
  })
  .map(({ days, ...risk }) => ({ ...risk, endDate: addDays(risk.startDate, days) }));

const priceOf = (risk: Risk): string => calculatePremium(risk).premium;

describe('calculatePremium', () => {
  it('takes the rate of the type for a year, and tells how it came about', () => {
    expect(calculatePremium(home)).toEqual({
      premium: '375.00',
      yearlyPremium: '375.00',
      termDays: 365,
      factors: [
        { name: 'risk', percent: 100 },
        { name: 'previous_claims', percent: 100 },
      ],
      isLeast: false,
    });
  });

  it.each([
    [
      'a short journey',
      { policyType: 'travel', coverageAmount: '25000.00', endDate: '2026-01-15' },
      '47.95',
    ],
    ['a high risk', { riskLevel: 'high' }, '487.50'],
    ['a low risk', { riskLevel: 'low' }, '318.75'],
    ['two claims before', { previousClaims: 2 }, '487.50'],
    ['a high risk with two claims', { riskLevel: 'high', previousClaims: 2 }, '633.75'],
    ['more claims than count', { previousClaims: 9 }, '656.25'],
    ['next to nothing', { coverageAmount: '100.00' }, '30.00'],
  ] as const)('prices %s', (_, changes, premium) => {
    expect(priceOf({ ...home, ...changes })).toBe(premium);
  });

  it('never falls when cover, term, risk or claims grow', () => {
    fc.assert(
      fc.property(risks, premiums, fc.integer({ min: 1, max: 100 }), (risk, more, days) => {
        const price = priceOf(risk);
        const [larger] = [more, risk.coverageAmount].toSorted((a, b) => compare(b, a));
        const dearer: Partial<Risk>[] = [
          { coverageAmount: larger ?? more },
          { endDate: addDays(risk.endDate, days) },
          { riskLevel: 'high' },
          { previousClaims: risk.previousClaims + 1 },
        ];
        for (const change of dearer) {
          expect(compare(priceOf({ ...risk, ...change }), price)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('fits the column with every surcharge at the most', () => {
    for (const policyType of businessTypes) {
      const risk: Risk = {
        policyType,
        coverageAmount: mostPricedCoverage,
        startDate: '2026-01-01',
        endDate: '2076-01-01',
        riskLevel: 'high',
        previousClaims: mostPreviousClaims,
      };

      expect(() => calculatePremium(risk)).not.toThrow();
    }
  });
});
