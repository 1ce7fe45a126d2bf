import { daysBetween, type CalendarDate } from './calendar.ts';
import { compare, multiplyByRatio, type Money } from './money.ts';

/** What the rules below look for; `manual` is a person's suspicion. */
export const fraudRules = [
  'early_loss',
  'frequent_claims',
  'near_cover',
  'duplicate_claim',
  'shared_document',
  'manual',
] as const;

export type FraudRule = (typeof fraudRules)[number];

/** `open` and `confirmed` count; `cleared` no longer does. */
export const fraudStates = ['open', 'cleared', 'confirmed'] as const;

export type FraudState = (typeof fraudStates)[number];

/** From this score on nothing is approved until the claims manager has cleared the claim. */
export const holdsFrom = 60;

/** What the rules judge a claim by. */
export interface FraudFacts {
  readonly incidentDate: CalendarDate;
  /** The first day of the policy's first term. */
  readonly coveredFrom: CalendarDate;
  readonly claimAmount: Money | null;
  readonly coverageAmount: Money;
  /** Of the same holder in the twelve months up to this claim, which is one of them. */
  readonly claimsInYear: number;
  /** Ids of other claims on the policy with an incident within `similarDays`. */
  readonly similarClaims: readonly string[];
}

/** One suspicion. `evidence` is what people are shown, so its names are in snake_case. */
export interface FraudSign {
  readonly rule: FraudRule;
  readonly score: number;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Two incidents on a policy that are no further apart may be one. */
export const similarDays = 2;

const earlyDays = 30;
const manyClaims = 3;

/** One of these signs is not enough to hold a claim, two are; a second claim for the same loss is. */
const scores = {
  early_loss: 30,
  frequent_claims: 30,
  near_cover: 30,
  duplicate_claim: 60,
  shared_document: 40,
} as const satisfies Partial<Record<FraudRule, number>>;

/** What is suspicious about a claim; empty for most. */
export function fraudSigns(facts: FraudFacts): readonly FraudSign[] {
  const { incidentDate, coveredFrom, claimAmount, coverageAmount } = facts;
  const { claimsInYear, similarClaims } = facts;
  const daysCovered = daysBetween(coveredFrom, incidentDate);
  // A loss before the cover is not an early one: it is not covered at all.
  const isEarly = daysCovered >= 0 && daysCovered <= earlyDays;
  const nearCover = claimAmount && nearCoverSign('claim_amount', claimAmount, coverageAmount);
  return [
    ...(isEarly ? [sign('early_loss', { days_after_start: daysCovered })] : []),
    ...(claimsInYear >= manyClaims
      ? [sign('frequent_claims', { claims_in_12_months: claimsInYear })]
      : []),
    ...(nearCover ? [nearCover] : []),
    ...(similarClaims.length > 0 ? [sign('duplicate_claim', { claim_ids: similarClaims })] : []),
  ];
}

/** Of an amount that nearly uses up the cover: the one that is claimed, or the one that is proposed to be paid. */
export const nearCoverSign = (
  name: 'claim_amount' | 'proposed_amount',
  amount: Money,
  coverageAmount: Money,
): FraudSign | undefined =>
  compare(amount, multiplyByRatio(coverageAmount, 9, 10)) >= 0
    ? sign('near_cover', { [name]: amount, coverage_amount: coverageAmount })
    : undefined;

/** @param claims ids of other claims that hold the same file, byte for byte */
export const sharedDocumentSign = (claims: readonly string[]): FraudSign | undefined =>
  claims.length > 0 ? sign('shared_document', { claim_ids: claims }) : undefined;

export type FraudHold = 'undecided' | 'confirmed';

type Weighed = readonly { readonly score: number; readonly state: FraudState }[];

/**
 * What holds a claim: open flags whose scores together reach the threshold wait for the claims manager,
 * before it is submitted even; once one was confirmed the claim can still be submitted, to be denied.
 */
export function fraudHold(flags: Weighed): FraudHold | undefined {
  if (openScore(flags) >= holdsFrom) return 'undecided';
  return flags.some(({ state }) => state === 'confirmed') ? 'confirmed' : undefined;
}

const openScore = (
  flags: readonly { readonly score: number; readonly state: FraudState }[],
): number => flags.reduce((sum, { score, state }) => (state === 'open' ? sum + score : sum), 0);

const sign = (rule: keyof typeof scores, evidence: FraudSign['evidence']): FraudSign => ({
  rule,
  score: scores[rule],
  evidence,
});
