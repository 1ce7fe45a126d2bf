import type { Bounds } from './bounds.ts';
import { addBusinessDays, type BusinessCalendar } from './businessDays.ts';

/**
 * How a company comes to be, as data. A new status is a row of `statuses`, a new step a row of
 * `transitions`. Loaded by workflows.
 */
const statuses = [
  { code: 'pending', isOpen: true },
  { code: 'approved', isOpen: true },
  { code: 'provisioning', isOpen: true },
  { code: 'active', isOpen: false },
  { code: 'rejected', isOpen: false },
  { code: 'expired', isOpen: false },
  { code: 'failed', isOpen: true },
] as const;

/** `by: 'user'` is what a person may ask for. `none` is the state before the request exists. */
const transitions = [
  { from: 'none', event: 'submit', to: 'pending', by: 'user' },
  { from: 'pending', event: 'approve', to: 'approved', by: 'user' },
  { from: 'pending', event: 'reject', to: 'rejected', by: 'user' },
  { from: 'pending', event: 'move_deadline', to: 'pending', by: 'user' },
  { from: 'pending', event: 'expire', to: 'expired', by: 'timer' },
  { from: 'approved', event: 'provision', to: 'provisioning', by: 'timer' },
  { from: 'provisioning', event: 'complete', to: 'active', by: 'timer' },
  { from: 'provisioning', event: 'fail', to: 'failed', by: 'timer' },
  { from: 'failed', event: 'retry', to: 'provisioning', by: 'user' },
  { from: 'failed', event: 'reject', to: 'rejected', by: 'user' },
  { from: 'active', event: 'move_deadline', to: 'active', by: 'user' },
  { from: 'active', event: 'activate', to: 'active', by: 'timer' },
] as const satisfies readonly {
  from: RegistrationStatus | 'none';
  event: string;
  to: RegistrationStatus;
  by: 'user' | 'timer';
}[];

export type RegistrationStatus = (typeof statuses)[number]['code'];

export type RegistrationEvent = (typeof transitions)[number]['event'];

/** Every status, in the order of the requirement. */
export const registrationStatuses: readonly RegistrationStatus[] = statuses.map(({ code }) => code);

/** The status after the event; undefined when the event is illegal in this status. */
export const nextRegistrationStatus = (
  status: RegistrationStatus | 'none',
  event: RegistrationEvent,
): RegistrationStatus | undefined =>
  transitions.find((row) => row.from === status && row.event === event)?.to;

/** The events a person may ask for in this status; a 409 names them. */
export const allowedDecisions = (status: RegistrationStatus): readonly RegistrationEvent[] =>
  transitions.filter((row) => row.from === status && row.by === 'user').map((row) => row.event);

/** Whether it keeps its domain, its name and its administrator's address from others. */
export const isOpenRegistration = (status: RegistrationStatus): boolean =>
  statuses.some((row) => row.code === status && row.isOpen);

/** Whether it came to nothing, for good. */
export const isDeclined = (status: RegistrationStatus): boolean =>
  status === 'rejected' || status === 'expired';

const reviewTimers = [
  'verify_email',
  'review_reminder',
  'review_escalation',
  'review_expiry',
] as const;
const timerNames = [...reviewTimers, 'activation_reminder', 'activation'] as const;

export type ReviewTimerName = (typeof reviewTimers)[number];
export type OnboardingTimerName = (typeof timerNames)[number];

export const isOnboardingTimer = (name: string): name is OnboardingTimerName =>
  timerNames.some((each) => each === name);

/** One deadline; `dueAt` is epoch milliseconds, `occurrence` counts how often the clock was set. */
export interface OnboardingTimer {
  readonly name: OnboardingTimerName;
  readonly occurrence: number;
  readonly dueAt: number;
  readonly source: 'setting' | 'command';
}

/** The platform's own settings, section `onboarding`; `Bd` counts business days. */
export interface OnboardingSettings {
  readonly verifyEmailHours: number;
  readonly reviewReminderBd: number;
  readonly reviewEscalateBd: number;
  readonly reviewExpireDays: number;
  readonly activationDays: number;
  /** For which whoever applied is known after the request came to nothing. */
  readonly keepDeclinedDays: number;
  /** Whether only what was verified by mail can be approved. */
  readonly requireVerifiedEmail: boolean;
  /** Addresses of the global administrators whom escalations go to; none: to all of them. */
  readonly onCall: readonly string[];
}

export const onboardingDefaults: OnboardingSettings = {
  verifyEmailHours: 48,
  reviewReminderBd: 2,
  reviewEscalateBd: 5,
  reviewExpireDays: 30,
  activationDays: 7,
  keepDeclinedDays: 180,
  requireVerifiedEmail: false,
  onCall: [],
};

/** Of its numbers. */
export const onboardingBounds: Readonly<
  Record<Exclude<keyof OnboardingSettings, 'requireVerifiedEmail' | 'onCall'>, Bounds>
> = {
  verifyEmailHours: { kind: 'whole', min: 1, max: 336 },
  reviewReminderBd: { kind: 'whole', min: 1, max: 20 },
  reviewEscalateBd: { kind: 'whole', min: 1, max: 30 },
  reviewExpireDays: { kind: 'whole', min: 7, max: 90 },
  activationDays: { kind: 'whole', min: 1, max: 30 },
  keepDeclinedDays: { kind: 'whole', min: 30, max: 3650 },
};

/** What holds, given what the platform has set. */
export const onboardingSettings = (set: Partial<OnboardingSettings> = {}): OnboardingSettings => ({
  ...onboardingDefaults,
  ...set,
});

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** What a new request waits for. All of it ends with the decision. */
export const timersOfReview = (
  submittedAt: number,
  settings: OnboardingSettings,
  calendar: BusinessCalendar,
): readonly OnboardingTimer[] => [
  timer('verify_email', submittedAt + settings.verifyEmailHours * hourMs),
  timer('review_reminder', addBusinessDays(submittedAt, settings.reviewReminderBd, calendar)),
  timer('review_escalation', addBusinessDays(submittedAt, settings.reviewEscalateBd, calendar)),
  timer('review_expiry', submittedAt + settings.reviewExpireDays * dayMs),
];

/**
 * When a timer of the review would be due, had the request come in under these settings. Undefined for
 * one that was set again since: it goes on from there.
 */
export const dueUnder = (
  { name, occurrence }: Pick<OnboardingTimer, 'name' | 'occurrence'>,
  submittedAt: number,
  settings: OnboardingSettings,
  calendar: BusinessCalendar,
): number | undefined =>
  timersOfReview(submittedAt, settings, calendar).find(
    (each) => each.name === name && each.occurrence === occurrence,
  )?.dueAt;

/** A link that was not used is sent anew so often. */
const mostVerifyLinks = 3;
export const mostActivationLinks = 4;
/** After so many days an administrator who has not signed in is reminded. */
export const reminderDays: readonly number[] = [3, 6];

/** What is repeated daily keeps its hour, however late it came; epoch milliseconds. */
export const lastDaily = (dueAt: number, firedAt: number): number =>
  dueAt + Math.floor((firedAt - dueAt) / dayMs) * dayMs;

/** What follows when one of them has fired without effect: the ladder goes on, or is at its end. */
export function timerAfter(
  { name, occurrence }: Pick<OnboardingTimer, 'name' | 'occurrence'>,
  firedAt: number,
  settings: OnboardingSettings,
): OnboardingTimer | undefined {
  const next = occurrence + 1;
  switch (name) {
    case 'verify_email':
      return next <= mostVerifyLinks
        ? timer(name, firedAt + settings.verifyEmailHours * hourMs, next)
        : undefined;
    case 'review_escalation':
      return timer(name, firedAt + dayMs, next);
    case 'activation':
      return next <= mostActivationLinks
        ? timer(name, firedAt + settings.activationDays * dayMs, next)
        : undefined;
    default:
      return undefined;
  }
}

/** Once the company is there: two reminders of the first sign-in, then a new link. */
export const timersOfActivation = (
  activeAt: number,
  { activationDays }: OnboardingSettings,
): readonly OnboardingTimer[] => [
  ...reminderDays
    .filter((days) => days < activationDays)
    .map((days, index) => timer('activation_reminder', activeAt + days * dayMs, index + 1)),
  timer('activation', activeAt + activationDays * dayMs),
];

/**
 * The latest that a deadline that runs may be moved to: what its setting allows, and a reminder not
 * beyond what it reminds of; epoch milliseconds.
 */
export function latestMove(
  name: OnboardingTimerName,
  {
    now,
    submittedAt,
    dueOf,
  }: {
    readonly now: number;
    readonly submittedAt: number;
    readonly dueOf: (name: OnboardingTimerName) => number | undefined;
  },
): number {
  const { verifyEmailHours, reviewExpireDays, activationDays } = onboardingBounds;
  switch (name) {
    case 'verify_email':
      return now + verifyEmailHours.max * hourMs;
    case 'review_reminder':
    case 'review_escalation':
      return dueOf('review_expiry') ?? now;
    case 'review_expiry':
      return submittedAt + reviewExpireDays.max * dayMs;
    case 'activation_reminder':
      return dueOf('activation') ?? now;
    case 'activation':
      return now + activationDays.max * dayMs;
    default:
      return name satisfies never;
  }
}

const timer = (name: OnboardingTimerName, dueAt: number, occurrence = 1): OnboardingTimer => ({
  name,
  occurrence,
  dueAt,
  source: 'setting',
});

/** A company's short name, made of at most the first twelve letters of its name: `Acme Ltd.` is ACMELTD. */
export const companyCode = (name: string): string => {
  const letters = name
    .normalize('NFKD')
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '');
  return (letters.length >= 2 ? letters : `CO${letters}`).slice(0, 12);
};
