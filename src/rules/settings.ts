import { billingModes, type BillingMode } from './billing.ts';
import { bookingBounds, bookingDefaults, type BookingSettings } from './bookingSettings.ts';
import { boundsProblem, type Bounds } from './bounds.ts';
import {
  assignmentRules,
  claimBounds,
  claimDefaults,
  type StoredClaimSettings,
} from './claimSettings.ts';
import { businessTypes } from './companies.ts';
import {
  complianceBounds,
  complianceDefaults,
  type ComplianceSettings,
} from './complianceSettings.ts';
import {
  documentBounds,
  documentDefaults,
  documentTypes,
  type DocumentSettings,
} from './documents.ts';
import { lifecycleBounds, lifecycleDefaults, type LifecycleConfig } from './lifecycle.ts';
import { digestRhythms, mailTimesBounds, mailTimesDefaults, type MailTimes } from './mailTimes.ts';
import { onboardingBounds, onboardingDefaults, type OnboardingSettings } from './onboarding.ts';
import { roleCodes, type Role } from './permissions.ts';
import type { Problem } from './problem.ts';

/** What a company has set for itself, by section; what is missing is as the table below says. */
export interface CompanySettings {
  readonly subscription?: LifecycleConfig;
  readonly billing?: { readonly mode?: BillingMode };
  /** Whether passwords need characters of every class. */
  readonly password?: { readonly requireClasses?: boolean };
  readonly security?: { readonly requireMfaFor?: readonly Role[] };
  readonly audit?: { readonly retentionYears?: number };
  readonly claims?: StoredClaimSettings;
  readonly documents?: Partial<DocumentSettings>;
  readonly compliance?: Partial<ComplianceSettings>;
  readonly booking?: Partial<BookingSettings>;
  readonly notifications?: Partial<MailTimes>;
  /** Of the platform alone. */
  readonly onboarding?: Partial<OnboardingSettings>;
}

export type PlainValue = number | boolean | string | readonly (number | string)[];

/** For policies of one type, by setting. */
export type TypeValues = Readonly<Record<string, Readonly<Record<string, PlainValue>>>>;

export type SettingValue = PlainValue | TypeValues;

/** One thing that can be set. */
export interface Setting {
  readonly section: keyof CompanySettings;
  readonly key: string;
  /**
   * Bounds of a number; `switch` is on or off, `roles` and `emails` are lists of different ones,
   * `choice` is one word of several, `choices` a list of different ones, and `byPolicyType` has values
   * of other settings for policies of one type.
   */
  readonly takes:
    | Bounds
    | { readonly kind: 'switch' | 'roles' | 'emails' }
    | { readonly kind: 'choice' | 'choices'; readonly choices: readonly string[] }
    | { readonly kind: 'byPolicyType'; readonly settings: readonly Setting[] };
  readonly usual: SettingValue;
  /** For the person who sets it. */
  readonly says: string;
}

/** A setting in force, and who set it. */
export interface ResolvedSetting extends Setting {
  readonly value: SettingValue;
  readonly source: 'company' | 'default';
}

export interface SettingProblem extends Problem {
  /** `audit.retentionYears` */
  readonly field: string;
}

/** Wished values by section and key; null puts the default back. */
export type SettingsChange = Readonly<
  Record<string, Readonly<Record<string, unknown>> | undefined>
>;

const onOrOff = { kind: 'switch' } as const;

const subscription = (key: keyof typeof lifecycleBounds, says: string): Setting => ({
  section: 'subscription',
  key,
  takes: lifecycleBounds[key],
  usual: lifecycleDefaults[key],
  says,
});

const claims = (key: keyof typeof claimBounds, says: string): Setting => ({
  section: 'claims',
  key,
  takes: claimBounds[key],
  usual: claimDefaults[key],
  says,
});

const compliance = (key: keyof typeof complianceBounds, says: string): Setting => ({
  section: 'compliance',
  key,
  takes: complianceBounds[key],
  usual: complianceDefaults[key],
  says,
});

const booking = (key: keyof typeof bookingBounds, says: string): Setting => ({
  section: 'booking',
  key,
  takes: bookingBounds[key],
  usual: bookingDefaults[key],
  says,
});

const notifications = (key: keyof typeof mailTimesBounds, says: string): Setting => ({
  section: 'notifications',
  key,
  takes: mailTimesBounds[key],
  usual: mailTimesDefaults[key],
  says,
});

const onboarding = (key: keyof typeof onboardingBounds, says: string): Setting => ({
  section: 'onboarding',
  key,
  takes: onboardingBounds[key],
  usual: onboardingDefaults[key],
  says,
});

const ofClaims: readonly Setting[] = [
  claims('triageHours', 'Hours in which a reported claim is given to somebody.'),
  claims('acknowledgementBd', 'Business days in which a report must have been acknowledged.'),
  claims('firstReviewBd', 'Business days in which whoever was given a claim begins with it.'),
  claims('decisionBd', 'Business days from the first review to the decision.'),
  claims('investigationDays', 'Days of an investigation.'),
  claims('statusLetterDays', 'Days between two letters to the claimant during an investigation.'),
  claims('documentsDays', 'Days in which the claimant sends the documents that were asked for.'),
  claims('documentReminderDays', 'Days of that time on which the claimant is reminded.'),
  claims('documentsFinalDays', 'Days that are given once more after it.'),
  claims('approvalBd', 'Business days in which a proposal is decided.'),
  claims('paymentDays', 'Days in which an approved amount is paid.'),
  claims('paidCloseDays', 'Days after the payment until the claim closes by itself.'),
  claims('deniedCloseDays', 'Days after a denial until the claim closes by itself.'),
  claims('dueSoonPercent', 'Share of a deadline, in percent, after which it is announced.'),
  claims('managerBd', 'Business days after a missed deadline until claims managers are told.'),
  claims('adminBd', 'Business days after a missed deadline until administrators are told.'),
  claims('seniorAdjusterLimit', 'Amount up to which a senior adjuster decides alone.'),
  {
    section: 'claims',
    key: 'assignmentRule',
    takes: { kind: 'choice', choices: assignmentRules },
    usual: claimDefaults.assignmentRule,
    says: 'How a new claim finds its adjuster.',
  },
  {
    section: 'claims',
    key: 'hasInvestigation',
    takes: onOrOff,
    usual: claimDefaults.hasInvestigation,
    says: 'Whether claims can be investigated after their review.',
  },
  {
    section: 'claims',
    key: 'hasDocumentRequests',
    takes: onOrOff,
    usual: claimDefaults.hasDocumentRequests,
    says: 'Whether a decision can wait for documents of the claimant.',
  },
  {
    section: 'claims',
    key: 'requiredDocuments',
    takes: { kind: 'choices', choices: documentTypes },
    usual: claimDefaults.requiredDocuments,
    says: 'Types of documents that a claim needs before an amount is proposed.',
  },
];

const ofCompanies: readonly Setting[] = [
  subscription('renewalOfferDays', 'Days before the end at which a renewal is offered.'),
  subscription('renewalReminderDays', 'Days before the end at which the holder is reminded.'),
  subscription('renewalCallDays', 'Days before the end at which the call centre gets a task.'),
  subscription('lateRenewalDays', 'Days after the end in which staff may still renew.'),
  subscription('coolingOffDays', 'Days in which a holder may withdraw and gets everything back.'),
  subscription('shortRate', 'Share of the unused premium that is kept when a holder cancels.'),
  subscription('paymentWindowHours', 'Hours in which the first premium has to arrive.'),
  subscription('graceDays', 'Days of cover after a premium was missed.'),
  subscription('graceReminderDays', 'Days of grace on which the holder is reminded.'),
  subscription('reinstatementDays', 'Days after a lapse in which the cover can be reinstated.'),
  {
    section: 'billing',
    key: 'mode',
    takes: { kind: 'choice', choices: billingModes },
    usual: 'off',
    says: 'Whether premiums are invoiced and collected, for what is sold or renewed from then on.',
  },
  ...ofClaims,
  {
    section: 'claims',
    key: 'byPolicyType',
    takes: { kind: 'byPolicyType', settings: ofClaims },
    usual: {},
    says: 'What holds instead for claims under policies of one type.',
  },
  {
    section: 'documents',
    key: 'quotaGb',
    takes: documentBounds.quotaGb,
    usual: documentDefaults.quotaGb,
    says: 'Gigabytes that all documents of the company may take together.',
  },
  compliance('approvalReminderBd', 'Business days after which those who decide are reminded.'),
  compliance('approvalEscalateBd', 'Business days after which a decision is escalated.'),
  compliance('approvalQuorum', 'People who have to approve a version of a compliance policy.'),
  compliance('reviewDays', 'Days after its publication on which a compliance policy is reviewed.'),
  compliance('reviewReminderDays', 'Days before a review at which its owner is reminded.'),
  compliance('newJoinerDays', 'Days in which somebody who joined reads a compliance policy.'),
  compliance('periodicDays', 'Days after an acknowledgement until the next one is due.'),
  compliance('periodicLeadDays', 'Days before that on which the next one is asked for.'),
  compliance('manualDays', 'Days in which everybody else reads what they are asked to.'),
  compliance('remindBefore', 'Days before an acknowledgement is due on which people are reminded.'),
  compliance('overdueEveryDays', 'Days between two reminders of an overdue acknowledgement.'),
  compliance('escalateHrDays', 'Days overdue after which HR is told.'),
  compliance('escalateExecDays', 'Days overdue after which executives are told.'),
  booking('holdMinutes', 'Minutes for which nights are held for a guest who has not paid.'),
  booking('hostConfirmationHours', 'Hours in which the host confirms what was paid.'),
  booking('stayReminderDays', 'Days before the check-in on which guests are reminded.'),
  booking('reviewDays', 'Days after the check-out in which guests may review the stay.'),
  booking('reviewReminderDays', 'Days after the check-out on which they are asked once more.'),
  booking('refundWatchDays', 'Days after which a refund that has not arrived is looked into.'),
  notifications(
    'quietFromHour',
    'Hour of the day from which mails that can wait are held; none are where it is also the end.',
  ),
  notifications('quietUntilHour', 'Hour of the day until which they are held.'),
  {
    section: 'notifications',
    key: 'digest',
    takes: { kind: 'choice', choices: digestRhythms },
    usual: mailTimesDefaults.digest,
    says: 'Whether mails that can wait come to a person as one mail a day.',
  },
  notifications('digestHour', 'Hour of the day at which that mail goes out.'),
  notifications(
    'gatherHours',
    'Hours after a mail about documents in which others of its kind wait to go out together.',
  ),
  {
    section: 'password',
    key: 'requireClasses',
    takes: onOrOff,
    usual: true,
    says: 'Whether passwords need upper and lower case letters, digits and symbols.',
  },
  {
    section: 'security',
    key: 'requireMfaFor',
    takes: { kind: 'roles' },
    usual: [],
    says: 'Roles that need a second factor to sign in.',
  },
  {
    section: 'audit',
    key: 'retentionYears',
    takes: { kind: 'whole', min: 1, max: 10 },
    usual: 7,
    says: 'Years for which the audit is kept; fewer hold for what is written from then on.',
  },
];

const ofThePlatform: readonly Setting[] = [
  onboarding('verifyEmailHours', 'Hours for which the link to confirm an address works.'),
  onboarding('reviewReminderBd', 'Business days after which an undecided request is recalled.'),
  onboarding('reviewEscalateBd', 'Business days after which an undecided request is escalated.'),
  onboarding('reviewExpireDays', 'Days after which an undecided request expires.'),
  onboarding('activationDays', 'Days in which the new administrator has to sign in.'),
  onboarding('keepDeclinedDays', 'Days for which the applicant of a declined request is known.'),
  {
    section: 'onboarding',
    key: 'requireVerifiedEmail',
    takes: onOrOff,
    usual: onboardingDefaults.requireVerifiedEmail,
    says: 'Whether only requests with a confirmed address can be approved.',
  },
  {
    section: 'onboarding',
    key: 'onCall',
    takes: { kind: 'emails' },
    usual: onboardingDefaults.onCall,
    says: 'Global administrators whom overdue requests are escalated to; empty for all of them.',
  },
];

/** A list of addresses is no longer. */
export const mostAddresses = 20;

/** Everything a company can set; the platform sets onboarding besides. */
export const settingsOf = ({ isPlatform }: { readonly isPlatform: boolean }): readonly Setting[] =>
  isPlatform ? [...ofCompanies, ...ofThePlatform] : ofCompanies;

/** What is wrong with wished values, one problem a field; empty when they may be stored. */
export const settingsProblems = (
  change: SettingsChange,
  place: { readonly isPlatform: boolean },
): readonly SettingProblem[] => {
  const known = settingsOf(place);
  return Object.entries(change).flatMap(([section, values]) =>
    problemsOf(
      known.filter((each) => each.section === section),
      section,
      values ?? {},
    ),
  );
};

function problemsOf(
  known: readonly Setting[],
  place: string,
  values: Readonly<Record<string, unknown>>,
): SettingProblem[] {
  return Object.entries(values).flatMap(([key, value]): SettingProblem[] => {
    const field = `${place}.${key}`;
    const setting = known.find((each) => each.key === key);
    if (!setting) return [{ field, code: 'UNKNOWN_FIELD', message: 'There is no such setting' }];
    if (value === null) return [];
    if (setting.takes.kind === 'byPolicyType') {
      const { settings } = setting.takes;
      return Object.entries(Object(value)).flatMap(([type, own]) =>
        businessTypes.some((each) => each === type)
          ? problemsOf(settings, `${field}.${type}`, Object(own))
          : [{ field: `${field}.${type}`, code: 'UNKNOWN_FIELD', message: 'No type of policy' }],
      );
    }
    const problem = valueProblem(setting.takes, value);
    return problem ? [{ field, ...problem }] : [];
  });
}

/** The settings with the wished values in them; null takes a value out. Check the wish first. */
export function withSettings(settings: CompanySettings, change: SettingsChange): CompanySettings {
  const sections = new Set([...Object.keys(settings), ...Object.keys(change)]);
  return Object.fromEntries(
    [...sections].map((section) => {
      const values = { ...sectionOf(settings, section), ...change[section] };
      const set = Object.entries(values).filter(([, value]) => value != null);
      return [section, Object.fromEntries(set)];
    }),
  );
}

/** Every setting with what holds in this company. */
export const resolved = (
  settings: CompanySettings,
  place: { readonly isPlatform: boolean },
): readonly ResolvedSetting[] =>
  settingsOf(place).map((setting) => {
    const value = sectionOf(settings, setting.section)[setting.key];
    return isValue(value)
      ? { ...setting, value, source: 'company' }
      : { ...setting, value: setting.usual, source: 'default' };
  });

const sectionOf = (settings: CompanySettings, section: string): Record<string, unknown> => ({
  ...Object(Object.entries(settings).find(([name]) => name === section)?.[1]),
});

const isValue = (value: unknown): value is SettingValue =>
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  typeof value === 'string' ||
  (typeof value === 'object' && value !== null);

function valueProblem(
  takes: Exclude<Setting['takes'], { kind: 'byPolicyType' }>,
  value: unknown,
): Problem | undefined {
  switch (takes.kind) {
    case 'switch':
      return typeof value === 'boolean'
        ? undefined
        : { code: 'INVALID_TYPE', message: 'true or false' };
    case 'roles':
      return isRoles(value)
        ? undefined
        : { code: 'INVALID_CHOICE', message: `A list of different roles of ${roleCodes.join()}` };
    case 'emails':
      return isEmails(value)
        ? undefined
        : {
            code: 'INVALID_FORMAT',
            message: `Up to ${mostAddresses} different e-mail addresses, in lower case`,
          };
    case 'choice':
      return takes.choices.some((choice) => choice === value)
        ? undefined
        : { code: 'INVALID_CHOICE', message: `One of ${takes.choices.join()}` };
    case 'choices':
      return isSet(value) && value.every((entry) => takes.choices.some((each) => each === entry))
        ? undefined
        : {
            code: 'INVALID_CHOICE',
            message: `A list of different ones of ${takes.choices.join()}`,
          };
    default:
      return boundsProblem(takes, value);
  }
}

const isRoles = (value: unknown): boolean =>
  isSet(value) && value.every((entry) => roleCodes.some((role) => role === entry));

const isEmails = (value: unknown): boolean =>
  isSet(value) &&
  value.length <= mostAddresses &&
  value.every((entry) => typeof entry === 'string' && /^[^\s@A-Z]+@[^\s@A-Z]+$/.test(entry));

const isSet = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) && new Set(value).size === value.length;
