import fc from 'fast-check';
import { addDays } from '../../src/rules/calendar.ts';
import {
  fraudHold,
  fraudSigns,
  holdsFrom,
  sharedDocumentSign,
  type FraudFacts,
} from '../../src/rules/fraud.ts';
import { calendarDates } from './property.ts';

const quiet: FraudFacts = {
  incidentDate: '2026-06-15',
  coveredFrom: '2025-01-01',
  claimAmount: '500.00',
  coverageAmount: '10000.00',
  claimsInYear: 1,
  similarClaims: [],
};

const rulesOf = (facts: Partial<FraudFacts>): string[] =>
  fraudSigns({ ...quiet, ...facts }).map(({ rule }) => rule);

describe('fraudSigns', () => {
  it('finds nothing in an ordinary claim', () => {
    expect(fraudSigns(quiet)).toEqual([]);
  });

  it.each([
    ['2025-01-01', true],
    ['2025-01-31', true],
    ['2025-02-01', false],
    ['2024-12-31', false],
  ])('finds a loss on %s early: %s', (incidentDate, isEarly) => {
    expect(rulesOf({ incidentDate })).toEqual(isEarly ? ['early_loss'] : []);
  });

  it.each([
    [2, []],
    [3, ['frequent_claims']],
  ])('finds %d claims in a year: %j', (claimsInYear, found) => {
    expect(rulesOf({ claimsInYear })).toEqual(found);
  });

  it.each([
    ['8999.99', []],
    ['9000.00', ['near_cover']],
    ['20000.00', ['near_cover']],
    [null, []],
  ])('finds an amount of %s of a cover of 10000.00: %j', (claimAmount, found) => {
    expect(rulesOf({ claimAmount })).toEqual(found);
  });

  it('finds a file that other claims hold too', () => {
    expect(sharedDocumentSign([])).toBeUndefined();
    expect(sharedDocumentSign(['a', 'b'])).toEqual({
      rule: 'shared_document',
      score: 40,
      evidence: { claim_ids: ['a', 'b'] },
    });
  });

  it('names the claims that may be for the same loss', () => {
    const found = fraudSigns({ ...quiet, similarClaims: ['a', 'b'] });

    expect(found).toEqual([
      { rule: 'duplicate_claim', score: 60, evidence: { claim_ids: ['a', 'b'] } },
    ]);
  });

  it('tells what it found by, for each rule', () => {
    const found = fraudSigns({
      ...quiet,
      incidentDate: '2025-01-05',
      claimAmount: '9500.00',
      claimsInYear: 4,
    });

    expect(found.map(({ evidence }) => evidence)).toEqual([
      { days_after_start: 4 },
      { claims_in_12_months: 4 },
      { claim_amount: '9500.00', coverage_amount: '10000.00' },
    ]);
  });

  it('finds a loss early on exactly 31 days', () => {
    fc.assert(
      fc.property(calendarDates, fc.integer({ min: -60, max: 60 }), (coveredFrom, days) => {
        const found = rulesOf({ coveredFrom, incidentDate: addDays(coveredFrom, days) });
        expect(found.includes('early_loss')).toBe(days >= 0 && days <= 30);
      }),
    );
  });
});

describe('fraudHold', () => {
  const open = (score: number) => ({ score, state: 'open' }) as const;
  const confirmed = { score: 1, state: 'confirmed' } as const;

  it.each([
    [[], undefined],
    [[open(30)], undefined],
    [[open(30), open(30)], 'undecided'],
    [[open(holdsFrom)], 'undecided'],
    [[open(holdsFrom - 1)], undefined],
    [[open(30), { score: 60, state: 'cleared' }], undefined],
    [[confirmed], 'confirmed'],
    [[confirmed, open(30)], 'confirmed'],
    [[confirmed, open(60)], 'undecided'],
  ] as const)('of %j is %s', (flags, hold) => {
    expect(fraudHold(flags)).toBe(hold);
  });
});
