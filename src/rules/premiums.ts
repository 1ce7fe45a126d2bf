import { daysBetween } from './calendar.ts';
import type { BusinessType } from './companies.ts';
import { compare, multiplyByRatio, type Money } from './money.ts';
import type { TermDates } from './terms.ts';

export const riskLevels = ['low', 'standard', 'high'] as const;
export type RiskLevel = (typeof riskLevels)[number];

/** More claims than that cost no more. */
export const mostPreviousClaims = 5;

/** The largest cover for which a premium is proposed: with every surcharge it fits the column. */
export const mostPricedCoverage: Money = '100000000000000000.00';

/** What the premium of a contract depends on. */
export interface Risk extends TermDates {
  readonly policyType: BusinessType;
  readonly coverageAmount: Money;
  readonly riskLevel: RiskLevel;
  /** Claims of the holder in the past five years. */
  readonly previousClaims: number;
}

/** A proposal, and how it came about. */
export interface PremiumProposal {
  readonly premium: Money;
  /** Of 365 days at the rate of the type, before any factor. */
  readonly yearlyPremium: Money;
  readonly termDays: number;
  readonly factors: readonly {
    readonly name: 'risk' | 'previous_claims';
    readonly percent: number;
  }[];
  /** The reckoned premium was less than the least one of the type. */
  readonly isLeast: boolean;
}

/** A year's premium in ten-thousandths of the cover, and the least premium of a policy. */
const tariffs: Readonly<Record<BusinessType, { readonly rate: number; readonly least: Money }>> = {
  auto: { rate: 300, least: '50.00' },
  home: { rate: 15, least: '30.00' },
  life: { rate: 25, least: '30.00' },
  health: { rate: 240, least: '50.00' },
  business: { rate: 40, least: '75.00' },
  travel: { rate: 500, least: '10.00' },
  other: { rate: 100, least: '25.00' },
};

const riskPercent: Readonly<Record<RiskLevel, number>> = { low: 85, standard: 100, high: 130 };

const percentOfEachClaim = 15;

const daysOfYear = 365;

/**
 * The standard price of a contract: cover x rate of its type x days of the term / 365, with
 * a factor for the risk (85, 100, 130 %) and 15 % more for each previous claim up to five; rounded
 * once, and at least the least premium of the type.
 */
export const calculatePremium = (risk: Risk): PremiumProposal => {
  const { policyType, coverageAmount, riskLevel, previousClaims } = risk;
  const { rate, least } = tariffs[policyType];
  const termDays = daysBetween(risk.startDate, risk.endDate);
  const ofRisk = riskPercent[riskLevel];
  const ofClaims = 100 + percentOfEachClaim * Math.min(previousClaims, mostPreviousClaims);
  const reckoned = multiplyByRatio(
    coverageAmount,
    rate * termDays * ofRisk * ofClaims,
    10_000 * daysOfYear * 100 * 100,
  );
  const isLeast = compare(reckoned, least) < 0;
  return {
    premium: isLeast ? least : reckoned,
    yearlyPremium: multiplyByRatio(coverageAmount, rate, 10_000),
    termDays,
    factors: [
      { name: 'risk', percent: ofRisk },
      { name: 'previous_claims', percent: ofClaims },
    ],
    isLeast,
  };
};
