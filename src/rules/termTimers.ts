import {
  addDays,
  dateAt,
  daysBefore,
  daysBetween,
  startOfDay,
  type CalendarDate,
} from './calendar.ts';
import type { Lifecycle, LifecycleSource } from './lifecycle.ts';
import type { Problem } from './problem.ts';

export type TimerName =
  | 'start'
  | 'renewal_offer'
  | `renewal_reminder_${number}`
  | 'renewal_call'
  | 'expiry'
  | 'late_renewal_close'
  | 'cancellation'
  | BillingTimerName;

/** Deadlines of premiums that are invoiced. */
export type BillingTimerName =
  | 'payment_window'
  | 'invoice_due'
  | `grace_reminder_${number}`
  | 'grace_end'
  | 'reinstatement_close';

export const isBillingTimer = (name: string): name is BillingTimerName =>
  name === 'payment_window' ||
  name === 'invoice_due' ||
  name === 'grace_end' ||
  name === 'reinstatement_close' ||
  name.startsWith('grace_reminder_');

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
