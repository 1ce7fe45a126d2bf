import {
  addDays,
  dateAt,
  daysBefore,
  daysBetween,
  startOfDay,
  type CalendarDate,
} from './calendar.ts';
import type { Problem } from './problem.ts';

/** The numbers of a lifecycle. Units are in the names; lists hold days, shares are 0 to 1. */
export interface LifecycleValues {
  readonly renewalOfferDays: number;
  readonly renewalReminderDays: readonly number[];
  readonly renewalCallDays: number;
  readonly lateRenewalDays: number;
  readonly coolingOffDays: number;
  readonly shortRate: number;
  readonly paymentWindowHours: number;
  readonly graceDays: number;
  readonly graceReminderDays: readonly number[];
  readonly reinstatementDays: number;
}

/** What a plan (`lifecycle_config`) or a company (settings, section `subscription`) may set. */
export type LifecycleConfig = Partial<LifecycleValues>;

export type LifecycleSource = 'plan' | 'setting' | 'default';

/** A number in force, and who set it. */
export interface Resolved<Value> {
  readonly value: Value;
  readonly source: LifecycleSource;
}

export type Lifecycle = {
  readonly [Key in keyof LifecycleValues]: Resolved<LifecycleValues[Key]>;
};

export interface LifecycleProblem extends Problem {
  readonly field: string;
}

export const lifecycleDefaults: LifecycleValues = {
  renewalOfferDays: 45,
  renewalReminderDays: [30, 14, 7, 1],
  renewalCallDays: 7,
  lateRenewalDays: 30,
  coolingOffDays: 14,
  shortRate: 0,
  paymentWindowHours: 72,
  graceDays: 30,
  graceReminderDays: [1, 10, 20, 27],
  reinstatementDays: 30,
};

/** Bounds, both ends included. A `list` holds up to ten different whole numbers in these bounds. */
export const lifecycleBounds: Readonly<Record<keyof LifecycleValues, LifecycleBounds>> = {
  renewalOfferDays: { kind: 'whole', min: 14, max: 90 },
  renewalReminderDays: { kind: 'list', min: 1, max: 90 },
  renewalCallDays: { kind: 'whole', min: 1, max: 30 },
  lateRenewalDays: { kind: 'whole', min: 0, max: 90 },
  coolingOffDays: { kind: 'whole', min: 0, max: 60 },
  shortRate: { kind: 'share', min: 0, max: 1 },
  paymentWindowHours: { kind: 'whole', min: 1, max: 336 },
  graceDays: { kind: 'whole', min: 0, max: 90 },
  graceReminderDays: { kind: 'list', min: 1, max: 90 },
  reinstatementDays: { kind: 'whole', min: 0, max: 180 },
};

export interface LifecycleBounds {
  readonly kind: 'whole' | 'share' | 'list';
  readonly min: number;
  readonly max: number;
}

/** What is wrong with a config from outside, one problem per key; empty when it may be stored. */
export const lifecycleProblems = (config: unknown): readonly LifecycleProblem[] => {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return [{ field: '', code: 'INVALID_FORMAT', message: 'The lifecycle is an object' }];
  }
  return Object.entries(config).flatMap(([field, value]) => problemOf(field, value) ?? []);
};

/**
 * Every number in force: the plan's, else the company's, else the default. Both configs were checked
 * when they were stored, so a bad one here is a bug: RangeError.
 */
export const resolveLifecycle = (plan: LifecycleConfig, company: LifecycleConfig): Lifecycle => {
  const problems = [...lifecycleProblems(plan), ...lifecycleProblems(company)];
  if (problems.length > 0) {
    throw new RangeError(problems.map(({ field, message }) => `${field}: ${message}`).join('; '));
  }

  const pick = <Key extends keyof LifecycleValues>(key: Key): Resolved<LifecycleValues[Key]> => {
    const ofPlan: LifecycleValues[Key] | undefined = plan[key];
    if (ofPlan !== undefined) return { value: ofPlan, source: 'plan' };
    const ofCompany: LifecycleValues[Key] | undefined = company[key];
    if (ofCompany !== undefined) return { value: ofCompany, source: 'setting' };
    return { value: lifecycleDefaults[key], source: 'default' };
  };
  return {
    renewalOfferDays: pick('renewalOfferDays'),
    renewalReminderDays: pick('renewalReminderDays'),
    renewalCallDays: pick('renewalCallDays'),
    lateRenewalDays: pick('lateRenewalDays'),
    coolingOffDays: pick('coolingOffDays'),
    shortRate: pick('shortRate'),
    paymentWindowHours: pick('paymentWindowHours'),
    graceDays: pick('graceDays'),
    graceReminderDays: pick('graceReminderDays'),
    reinstatementDays: pick('reinstatementDays'),
  };
};

export type TimerName =
  | 'start'
  | 'renewal_offer'
  | `renewal_reminder_${number}`
  | 'renewal_call'
  | 'expiry'
  | 'late_renewal_close'
  | 'cancellation';

/**
 * One deadline of a subscription. `occurrence` is the term's number, `dueAt` epoch milliseconds,
 * `source` whose number set it (`term`: the term's own dates; `command`: somebody's wish).
 */
export interface TimerPlan {
  readonly name: TimerName;
  readonly occurrence: number;
  readonly dueAt: number;
  readonly source: LifecycleSource | 'term' | 'command';
}

/** `purchasedAt`: epoch milliseconds of the purchase or renewal that made the term. */
export interface TermClock {
  readonly termNo: number;
  readonly startDate: CalendarDate;
  readonly endDate: CalendarDate;
  readonly purchasedAt: number;
  readonly timeZone: string;
  readonly lifecycle: Lifecycle;
}

/**
 * The timers of a term, by due time. Left out: `start` unless the first term begins in the future (a
 * renewed policy is active already); what is past at the purchase or not after the term's start,
 * except `expiry`; reminders not after the offer; `late_renewal_close` where there is no late window.
 */
export const timersOfTerm = (term: TermClock): readonly TimerPlan[] => {
  const { termNo, startDate, endDate, purchasedAt, timeZone, lifecycle } = term;
  const startsAt = startOfDay(startDate, timeZone);
  const expiresAt = startOfDay(endDate, timeZone);
  const noticesFrom = Math.max(purchasedAt, startsAt);
  const timers: TimerPlan[] = [];
  const addTimer = (name: TimerName, dueAt: number, source: TimerPlan['source']): void => {
    timers.push({ name, occurrence: termNo, dueAt, source });
  };

  if (termNo === 1 && startsAt > purchasedAt) addTimer('start', startsAt, 'term');
  for (const { name, days, source } of noticesOf(lifecycle)) {
    const dueAt = daysBefore(expiresAt, days, timeZone);
    if (dueAt > noticesFrom) addTimer(name, dueAt, source);
  }
  addTimer('expiry', expiresAt, 'term');

  const { value: lateDays, source } = lifecycle.lateRenewalDays;
  const closesAt = startOfDay(addDays(endDate, lateDays), timeZone);
  if (lateDays > 0 && closesAt > purchasedAt) addTimer('late_renewal_close', closesAt, source);
  return timers.toSorted((a, b) => a.dueAt - b.dueAt);
};

/** How far from now `expiry` may be moved. */
export const maxExpiryMoveMs = 30 * 24 * 60 * 60 * 1000;

/** Why `expiry` may not move there. All three are epoch milliseconds; `startsAt` is the term's. */
export const expiryChangeProblem = ({
  expiresAt,
  now,
  startsAt,
}: {
  readonly expiresAt: number;
  readonly now: number;
  readonly startsAt: number;
}): Problem | undefined => {
  if (expiresAt < now || expiresAt > now + maxExpiryMoveMs) {
    return {
      code: 'EXPIRY_OUT_OF_RANGE',
      message: 'The expiry may be moved to any time from now to 30 days from now',
    };
  }
  if (expiresAt > startsAt) return undefined;
  return { code: 'EXPIRY_BEFORE_START', message: 'The expiry comes after the start of the term' };
};

/**
 * The end date of a term that expires at an instant: that instant's date in the zone. On the first
 * day of the term it is the day after, because a term has at least one day.
 */
export const endDateOfExpiry = (
  expiresAt: number,
  { startDate, timeZone }: { readonly startDate: CalendarDate; readonly timeZone: string },
): CalendarDate => {
  const date = dateAt(expiresAt, timeZone);
  const earliest = addDays(startDate, 1);
  return date < earliest ? earliest : date;
};

/** `timers`: the running term's timers that have neither fired nor been cancelled. */
export interface ExpiryChange {
  readonly timers: readonly TimerPlan[];
  readonly expiresAt: number;
  readonly now: number;
  readonly startDate: CalendarDate;
  readonly timeZone: string;
}

/**
 * The timers once `expiry` has moved. Each notice keeps its distance to the expiry in calendar days,
 * the late window its length. Of the offer and reminders now past, the latest is due now and the rest
 * are cancelled; a call now past is due now, for its work is still to be done. Other timers stay,
 * unless the expiry comes first. RangeError without a running `expiry`.
 */
export const timersAfterExpiryChange = (
  change: ExpiryChange,
): { readonly scheduled: readonly TimerPlan[]; readonly cancelled: readonly TimerName[] } => {
  const { timers, now, expiresAt } = change;
  const moved = moveWithExpiry(change);
  const pastNotices = moved.filter(({ name, dueAt }) => isNotice(name) && dueAt <= now);
  const latest = pastNotices.toSorted((a, b) => a.dueAt - b.dueAt).at(-1);

  const scheduled = moved
    .filter((timer) => timer === latest || !pastNotices.includes(timer))
    .filter(({ name, dueAt }) => name === 'late_renewal_close' || dueAt <= expiresAt)
    .map((timer) =>
      isBeforeExpiry(timer.name) ? { ...timer, dueAt: Math.max(timer.dueAt, now) } : timer,
    )
    .toSorted((a, b) => a.dueAt - b.dueAt || closing(a.name) - closing(b.name));
  const kept = new Set(scheduled.map(({ name }) => name));
  return { scheduled, cancelled: timers.map(({ name }) => name).filter((name) => !kept.has(name)) };
};

const known = (field: string): field is keyof LifecycleValues =>
  Object.hasOwn(lifecycleBounds, field);

const problemOf = (field: string, value: unknown): LifecycleProblem | undefined => {
  if (!known(field)) return { field, code: 'UNKNOWN_FIELD', message: 'There is no such setting' };
  const { kind, min, max } = lifecycleBounds[field];
  if (fits[kind](value, min, max)) return undefined;
  return { field, code: 'OUT_OF_RANGE', message: `${kinds[kind]} from ${min} to ${max}` };
};

const isWhole = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;

/** Shares have up to four places, so that money is multiplied by whole ten-thousandths. */
const isShare = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' &&
  value >= min &&
  value <= max &&
  Math.round(value * 10_000) / 10_000 === value;

const isList = (value: unknown, min: number, max: number): boolean =>
  Array.isArray(value) &&
  value.length <= 10 &&
  new Set(value).size === value.length &&
  value.every((entry) => isWhole(entry, min, max));

const fits = { whole: isWhole, share: isShare, list: isList };

const kinds = {
  whole: 'A whole number',
  share: 'A number with up to four decimal places',
  list: 'Up to ten different whole numbers',
};

interface Notice {
  readonly name: TimerName;
  readonly days: number;
  readonly source: LifecycleSource;
}

/** What happens before the end, the earliest first. Nobody is reminded of an offer not yet made. */
const noticesOf = (lifecycle: Lifecycle): readonly Notice[] => {
  const { renewalOfferDays, renewalReminderDays, renewalCallDays } = lifecycle;
  const reminders = renewalReminderDays.value
    .filter((days) => days < renewalOfferDays.value)
    .toSorted((a, b) => b - a)
    .map((days): Notice => {
      return { name: `renewal_reminder_${days}`, days, source: renewalReminderDays.source };
    });
  return [
    { name: 'renewal_offer', days: renewalOfferDays.value, source: renewalOfferDays.source },
    ...reminders,
    { name: 'renewal_call', days: renewalCallDays.value, source: renewalCallDays.source },
  ];
};

/** What the holder is sent before the end. */
const isNotice = (name: TimerName): boolean =>
  name === 'renewal_offer' || name.startsWith('renewal_reminder_');

const isBeforeExpiry = (name: TimerName): boolean => isNotice(name) || name === 'renewal_call';

/** At the same instant notices go before the expiry, and the close comes last. */
const closing = (name: TimerName): number => {
  if (name === 'late_renewal_close') return 2;
  return name === 'expiry' ? 1 : 0;
};

const moveWithExpiry = ({ timers, expiresAt, startDate, timeZone }: ExpiryChange): TimerPlan[] => {
  const oldExpiresAt = timers.find(({ name }) => name === 'expiry')?.dueAt;
  if (oldExpiresAt === undefined) throw new RangeError('The term has no running expiry');
  const term = { startDate, timeZone };
  const oldEnd = endDateOfExpiry(oldExpiresAt, term);
  const newEnd = endDateOfExpiry(expiresAt, term);

  return timers.map((timer) => {
    const date = dateAt(timer.dueAt, timeZone);
    if (timer.name === 'expiry') return { ...timer, dueAt: expiresAt };
    if (timer.name === 'late_renewal_close') {
      const lateDays = Math.max(1, daysBetween(oldEnd, date));
      return { ...timer, dueAt: startOfDay(addDays(newEnd, lateDays), timeZone) };
    }
    if (!isBeforeExpiry(timer.name)) return timer;
    const days = daysBetween(date, dateAt(oldExpiresAt, timeZone));
    return { ...timer, dueAt: daysBefore(expiresAt, days, timeZone) };
  });
};
