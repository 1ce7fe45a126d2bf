import type { Bounds } from './bounds.ts';
import type { DocumentType } from './documents.ts';
import { money, type Money } from './money.ts';

/** How a new claim finds its adjuster. */
export const assignmentRules = ['manual', 'round_robin', 'least_loaded', 'by_skill'] as const;

export type AssignmentRule = (typeof assignmentRules)[number];

/** What holds for a claim; `Bd` counts business days. */
export interface ClaimSettings {
  readonly triageHours: number;
  readonly acknowledgementBd: number;
  readonly firstReviewBd: number;
  readonly decisionBd: number;
  readonly investigationDays: number;
  readonly statusLetterDays: number;
  readonly documentsDays: number;
  readonly documentReminderDays: readonly number[];
  readonly documentsFinalDays: number;
  readonly approvalBd: number;
  readonly paymentDays: number;
  readonly paidCloseDays: number;
  readonly deniedCloseDays: number;
  /** Share of a deadline after which it is due soon. */
  readonly dueSoonPercent: number;
  readonly managerBd: number;
  readonly adminBd: number;
  /** Up to this a senior adjuster decides, in whole units of the policy's currency. */
  readonly seniorAdjusterLimit: number;
  readonly assignmentRule: AssignmentRule;
  /** Stages that a company may do without. */
  readonly hasInvestigation: boolean;
  readonly hasDocumentRequests: boolean;
  /** What has to be in the file before an amount is proposed. */
  readonly requiredDocuments: readonly DocumentType[];
}

/** Section `claims` of a company's settings: what holds for all its policies, and for those of one type. */
export type StoredClaimSettings = Partial<ClaimSettings> & {
  readonly byPolicyType?: Readonly<Record<string, Partial<ClaimSettings>>>;
};

export const claimDefaults: ClaimSettings = {
  triageHours: 24,
  acknowledgementBd: 10,
  firstReviewBd: 3,
  decisionBd: 15,
  investigationDays: 30,
  statusLetterDays: 30,
  documentsDays: 14,
  documentReminderDays: [7, 12],
  documentsFinalDays: 7,
  approvalBd: 2,
  paymentDays: 5,
  paidCloseDays: 14,
  deniedCloseDays: 30,
  dueSoonPercent: 75,
  managerBd: 1,
  adminBd: 3,
  seniorAdjusterLimit: 10_000,
  assignmentRule: 'manual',
  hasInvestigation: true,
  hasDocumentRequests: true,
  requiredDocuments: [],
};

type Counted = Exclude<
  keyof ClaimSettings,
  'assignmentRule' | 'hasInvestigation' | 'hasDocumentRequests' | 'requiredDocuments'
>;

/** Of all that is counted. */
export const claimBounds: Readonly<Record<Counted, Bounds>> = {
  triageHours: { kind: 'whole', min: 1, max: 72 },
  acknowledgementBd: { kind: 'whole', min: 1, max: 10 },
  firstReviewBd: { kind: 'whole', min: 1, max: 10 },
  decisionBd: { kind: 'whole', min: 5, max: 60 },
  investigationDays: { kind: 'whole', min: 5, max: 120 },
  statusLetterDays: { kind: 'whole', min: 7, max: 45 },
  documentsDays: { kind: 'whole', min: 3, max: 60 },
  documentReminderDays: { kind: 'list', min: 1, max: 60 },
  documentsFinalDays: { kind: 'whole', min: 1, max: 30 },
  approvalBd: { kind: 'whole', min: 1, max: 10 },
  paymentDays: { kind: 'whole', min: 1, max: 30 },
  paidCloseDays: { kind: 'whole', min: 1, max: 90 },
  deniedCloseDays: { kind: 'whole', min: 7, max: 180 },
  dueSoonPercent: { kind: 'whole', min: 10, max: 95 },
  managerBd: { kind: 'whole', min: 1, max: 10 },
  adminBd: { kind: 'whole', min: 1, max: 20 },
  seniorAdjusterLimit: { kind: 'whole', min: 0, max: 1_000_000_000 },
};

/** What holds for claims under a policy of the type, given what the company has set. */
export const claimSettings = (
  { byPolicyType = {}, ...set }: StoredClaimSettings = {},
  policyType?: string,
): ClaimSettings => ({
  ...claimDefaults,
  ...set,
  ...(policyType !== undefined && byPolicyType[policyType]),
});

/**
 * Whether claims go through the stage that an event begins. One that was reported before companies
 * could do without it does.
 */
export const hasStage = (
  { hasInvestigation, hasDocumentRequests }: Partial<ClaimSettings>,
  event: string,
): boolean =>
  (event !== 'investigate' || hasInvestigation !== false) &&
  (event !== 'request_documents' || hasDocumentRequests !== false);

export const authorityLimit = ({ seniorAdjusterLimit }: ClaimSettings): Money =>
  money(String(seniorAdjusterLimit));
