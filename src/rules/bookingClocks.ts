import type { BookingSettings } from './bookingSettings.ts';
import type { BookingStatus } from './bookings.ts';
import { daysBefore } from './calendar.ts';
import { checkInAt, checkOutAt, type House, type Stay } from './stays.ts';

export type BookingTimerName =
  | 'hold'
  | 'host_reminder'
  | 'host_confirmation'
  | `stay_reminder_${number}`
  | 'check_out'
  | 'review_reminder'
  | 'review_window'
  | 'refund_watch'
  | 'refund_escalation';

/** One deadline; `dueAt` is epoch milliseconds, `occurrence` counts how often clocks were set. */
export interface BookingTimer {
  readonly name: BookingTimerName;
  readonly occurrence: number;
  readonly dueAt: number;
  readonly source: 'setting' | 'command';
}

export type DueBookingTimer = Pick<BookingTimer, 'name' | 'dueAt'>;

/** What the clocks of a booking go by. */
export interface BookingTimes {
  readonly stay: Stay;
  readonly house: House;
  readonly settings: BookingSettings;
  /** Epoch milliseconds. */
  readonly at: number;
}

export const isBookingTimer = (name: string): name is BookingTimerName => bookingTimer.test(name);

const bookingTimer =
  /^(hold|host_reminder|host_confirmation|stay_reminder_\d+|check_out|review_reminder|review_window|refund_watch|refund_escalation)$/;

/** Also of a stay that has begun already, booked in the evening. */
const leastMs = 3_600_000;

/** Share of the host's time after which they are reminded. */
const reminderShare = 0.75;

/** No booking stays open longer than until the guest would arrive, but an hour. */
const latestConfirmation = ({ stay, house, at }: Omit<BookingTimes, 'settings'>): number =>
  Math.max(checkInAt(stay, house), at + leastMs);

/** While nights are held for somebody who has not paid. */
export const holdClocks = ({ settings, at }: BookingTimes): DueBookingTimer[] => [
  { name: 'hold', dueAt: at + settings.holdMinutes * 60_000 },
];

/** While a paid request waits for the host. */
export function requestClocks(times: BookingTimes): DueBookingTimer[] {
  const { settings, at } = times;
  const dueAt = Math.min(
    at + settings.hostConfirmationHours * 3_600_000,
    latestConfirmation(times),
  );
  return [
    { name: 'host_reminder', dueAt: at + Math.round((dueAt - at) * reminderShare) },
    { name: 'host_confirmation', dueAt },
  ];
}

/** Of a confirmed stay: reminders that are still ahead, and its end. */
export function stayClocks({ settings, stay, house, at }: BookingTimes): DueBookingTimer[] {
  const arrival = checkInAt(stay, house);
  const reminders = settings.stayReminderDays
    .map((days): DueBookingTimer => ({
      name: `stay_reminder_${days}`,
      dueAt: daysBefore(arrival, days, house.timeZone),
    }))
    .filter(({ dueAt }) => dueAt > at)
    .toSorted((a, b) => a.dueAt - b.dueAt);
  return [...reminders, { name: 'check_out', dueAt: checkOutAt(stay, house) }];
}

/**
 * After the stay: the guest may review it for so long, from the agreed check-out, or from `at`, when it was
 * completed, where that was later. To the minute, as a timer fires a moment late.
 */
export function reviewClocks({ settings, stay, house, at }: BookingTimes): DueBookingTimer[] {
  const left = Math.max(checkOutAt(stay, house), at - (at % 60_000));
  const after = (days: number): number => daysBefore(left, -days, house.timeZone);
  const { reviewDays, reviewReminderDays } = settings;
  return [
    ...(reviewReminderDays < reviewDays
      ? [{ name: 'review_reminder', dueAt: after(reviewReminderDays) } as const]
      : []),
    { name: 'review_window', dueAt: after(reviewDays) },
  ];
}

/** While money is on its way back. */
export const refundClocks = ({ settings, house, at }: BookingTimes): DueBookingTimer[] => [
  { name: 'refund_watch', dueAt: daysBefore(at, -settings.refundWatchDays, house.timeZone) },
  {
    name: 'refund_escalation',
    dueAt: daysBefore(at, -2 * settings.refundWatchDays, house.timeZone),
  },
];

/** What decides which clocks a booking has. */
export interface BookingStanding {
  readonly status: BookingStatus;
  /** Epoch milliseconds of what brought it there; null where it did not happen. */
  readonly bookedAt: number;
  readonly paidAt: number | null;
  readonly confirmedAt: number | null;
  readonly cancelledAt: number | null;
  readonly completedAt: number | null;
  readonly isRefunding: boolean;
}

/** Those that were set when it came to stand as it does. */
export function clocksOf(
  standing: BookingStanding,
  times: Omit<BookingTimes, 'at'>,
): DueBookingTimer[] {
  const { status, bookedAt, paidAt, confirmedAt, cancelledAt, completedAt, isRefunding } = standing;
  switch (status) {
    case 'pending':
      return paidAt === null
        ? holdClocks({ ...times, at: bookedAt })
        : requestClocks({ ...times, at: paidAt });
    case 'confirmed':
      return stayClocks({ ...times, at: confirmedAt ?? bookedAt });
    case 'completed':
      return reviewClocks({ ...times, at: completedAt ?? bookedAt });
    case 'cancelled':
      return isRefunding ? refundClocks({ ...times, at: cancelledAt ?? bookedAt }) : [];
    default:
      return status satisfies never;
  }
}

/** What other settings, or other days, do to the clocks that are set. */
export interface BookingClockChange<T extends SetBookingTimer = SetBookingTimer> {
  readonly moved: readonly { readonly timer: T; readonly dueAt: number }[];
  readonly cancelled: readonly T[];
  readonly added: readonly DueBookingTimer[];
}

export type SetBookingTimer = Pick<BookingTimer, 'name' | 'dueAt' | 'source'>;

/**
 * The clocks of a running booking under other times than those that it was booked under: each is due by as
 * much later or earlier as it would have been set, and at the earliest now. What somebody moved stays, with
 * its reminder. Reminders that there would not be are taken back, others come where their time is ahead.
 */
export function clocksUnder<T extends SetBookingTimer>(
  standing: BookingStanding,
  set: readonly T[],
  before: BookingTimes,
  after: BookingTimes,
): BookingClockChange<T> {
  const was = clocksOf(standing, before);
  const would = clocksOf(standing, after);
  const byHand = set.filter(({ source }) => source === 'command').map(({ name }) => name);
  const reached = set.filter(({ name }) => !byHand.includes(name));
  return {
    moved: reached.flatMap((timer) => {
      const [old, now] = [dueOf(was, timer.name), dueOf(would, timer.name)];
      if (old === undefined || now === undefined || old === now) return [];
      return [{ timer, dueAt: Math.max(timer.dueAt + now - old, after.at) }];
    }),
    cancelled: reached.filter(
      ({ name }) => dueOf(was, name) !== undefined && dueOf(would, name) === undefined,
    ),
    added: would.filter(
      ({ name, dueAt }) =>
        dueAt > after.at &&
        dueAt !== dueOf(was, name) &&
        !set.some((timer) => timer.name === name) &&
        !byHand.some((deadline) => reminderOf(deadline, after.settings)?.name === name),
    ),
  };
}

const dueOf = (clocks: readonly DueBookingTimer[], name: BookingTimerName): number | undefined =>
  clocks.find((clock) => clock.name === name)?.dueAt;

/** All that passes while nobody acts: those that are set, and after the stay the clocks of its review. */
export function forecastBookingClocks(
  set: readonly DueBookingTimer[],
  times: BookingTimes,
): (DueBookingTimer & { readonly follows: BookingTimerName | null })[] {
  const end = set.find(({ name }) => name === 'check_out');
  const after = end ? reviewClocks({ ...times, at: end.dueAt }) : [];
  return [
    ...set.map((timer) => ({ ...timer, follows: null })),
    ...after.map((timer) => ({ ...timer, follows: 'check_out' as const })),
  ].toSorted((a, b) => a.dueAt - b.dueAt);
}

/** What reminds of a deadline, after which share of the time until then. */
function reminderOf(
  name: BookingTimerName,
  { reviewReminderDays, reviewDays }: BookingSettings,
): { readonly name: BookingTimerName; readonly share: number } | undefined {
  if (name === 'host_confirmation') return { name: 'host_reminder', share: reminderShare };
  return name === 'review_window' && reviewReminderDays < reviewDays
    ? { name: 'review_reminder', share: reviewReminderDays / reviewDays }
    : undefined;
}

/**
 * The deadline at its new time, and its reminder after the same share of what is left until then: gone where
 * nothing is left, and again for more time where it had come already.
 * @param running what is set, and what is moved among it
 */
export function clocksAfterMove(
  moved: DueBookingTimer,
  running: readonly DueBookingTimer[],
  { settings, at }: Pick<BookingTimes, 'settings' | 'at'>,
): { readonly due: readonly DueBookingTimer[]; readonly cancelled: readonly BookingTimerName[] } {
  const reminder = reminderOf(moved.name, settings);
  if (!reminder) return { due: [moved], cancelled: [] };
  const { name, share } = reminder;
  const isSet = running.some((timer) => timer.name === name);
  const isLonger = running.some((timer) => timer.name === moved.name && timer.dueAt < moved.dueAt);
  const dueAt = at + Math.round((moved.dueAt - at) * share);
  const comes = dueAt < moved.dueAt && (isSet || isLonger);
  return {
    due: comes ? [{ name, dueAt }, moved] : [moved],
    cancelled: isSet && !comes ? [name] : [],
  };
}

const dayMs = 86_400_000;

/** Between when somebody may move a deadline, in epoch milliseconds. */
export interface MoveBounds {
  readonly earliest: number;
  readonly latest: number;
}

/**
 * Undefined for what follows the stay, a refund or another deadline. Guests who have arrived leave early, or later than they
 * should; but before the stay nothing is decided later than it could be by itself.
 */
export function moveBounds(
  name: BookingTimerName,
  times: Omit<BookingTimes, 'settings'>,
): MoveBounds | undefined {
  const { stay, house, at } = times;
  const beforeStay = (latest: number): MoveBounds => ({
    earliest: at,
    latest: Math.min(latest, latestConfirmation(times)),
  });
  switch (name) {
    case 'hold':
      return beforeStay(at + dayMs);
    case 'host_confirmation':
      return beforeStay(at + 7 * dayMs);
    case 'check_out':
      return {
        earliest: Math.max(at, checkInAt(stay, house)),
        latest: checkOutAt(stay, house) + 30 * dayMs,
      };
    case 'review_window':
      return { earliest: at, latest: at + 60 * dayMs };
    default:
      return undefined;
  }
}
