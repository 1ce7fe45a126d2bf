import type { TimerName } from '../models/Timer.ts';
import type { BookingTimerName } from '../rules/bookingClocks.ts';

type FixedName = Exclude<BookingTimerName, `stay_reminder_${number}`>;

const titles: Readonly<Record<FixedName, readonly [title: string, consequence: string]>> = {
  hold: ['Held until paid', 'The booking is cancelled and others can have the nights'],
  host_reminder: ['Host reminded', 'The host is asked once more'],
  host_confirmation: [
    'Confirmed by the host until',
    'The booking is cancelled and the guest gets everything back',
  ],
  check_out: ['Check-out', 'The stay is completed and the payout of the host is due'],
  review_reminder: ['Asked for a review once more', 'The guest is reminded'],
  review_window: ['Reviewed until', 'The stay can no longer be reviewed'],
  refund_watch: ['Refund arrived until', 'Administrators are told that it has not'],
  refund_escalation: ['Refund still under way', 'Operators are told'],
};

const reminder = ['Guest reminded', 'The guest is told of the stay'] as const;

const wordsOf = (name: TimerName): readonly [title: string, consequence: string] =>
  Object.entries(titles).find(([each]) => each === name)?.[1] ?? reminder;

export const bookingTimerTitle = (name: TimerName): string => wordsOf(name)[0];

export const bookingTimerConsequence = (name: TimerName): string => wordsOf(name)[1];

/** Somebody is told; the booking stays as it is. */
export const isBookingNotice = (name: TimerName): boolean =>
  name !== 'hold' && name !== 'host_confirmation' && name !== 'check_out';

/** Of a deadline that nobody moves. */
export function whyFixed(name: BookingTimerName): string {
  switch (name) {
    case 'host_reminder':
      return 'follows host_confirmation';
    case 'review_reminder':
      return 'follows review_window';
    case 'refund_watch':
    case 'refund_escalation':
      return 'counts from the day on which the refund was opened';
    default:
      return 'follows the stay';
  }
}
