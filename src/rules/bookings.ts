/**
 * A booking's course, as data. A new status is a row of `statuses`, a new step a row of `transitions`.
 * Loaded by workflows.
 */
const statuses = ['pending', 'confirmed', 'cancelled', 'completed'] as const;

export type BookingStatus = (typeof statuses)[number];

/** Every status, in the order of the requirement. */
export const bookingStatuses: readonly BookingStatus[] = statuses;

/** Those in which somebody counts on the stay. */
export const openBookingStatuses: readonly BookingStatus[] = ['pending', 'confirmed'];

/** `none` is the state before the booking exists. */
const transitions = [
  { from: 'none', event: 'book', to: 'pending' },
  { from: 'pending', event: 'pay', to: 'pending' },
  { from: 'pending', event: 'take_payment', to: 'pending' },
  { from: 'pending', event: 'fail_payment', to: 'pending' },
  { from: 'pending', event: 'accept', to: 'pending' },
  { from: 'pending', event: 'confirm', to: 'confirmed' },
  { from: 'pending', event: 'decline', to: 'cancelled' },
  { from: 'pending', event: 'expire_hold', to: 'cancelled' },
  { from: 'pending', event: 'expire_request', to: 'cancelled' },
  { from: 'pending', event: 'end_returned', to: 'cancelled' },
  { from: 'pending', event: 'cancel', to: 'cancelled' },
  { from: 'confirmed', event: 'cancel', to: 'cancelled' },
  { from: 'confirmed', event: 'complete', to: 'completed' },
  { from: 'cancelled', event: 'revive', to: 'pending' },
  { from: 'cancelled', event: 'revive_confirmed', to: 'confirmed' },
  { from: 'cancelled', event: 'return_payment', to: 'cancelled' },
  { from: 'cancelled', event: 'fail_payment', to: 'cancelled' },
  { from: 'cancelled', event: 'end_refund', to: 'cancelled' },
  { from: 'cancelled', event: 'fail_refund', to: 'cancelled' },
  { from: 'cancelled', event: 'adopt_refund', to: 'cancelled' },
  { from: 'pending', event: 'move_timer', to: 'pending' },
  { from: 'confirmed', event: 'move_timer', to: 'confirmed' },
  { from: 'completed', event: 'move_timer', to: 'completed' },
  { from: 'pending', event: 'apply_settings', to: 'pending' },
  { from: 'confirmed', event: 'apply_settings', to: 'confirmed' },
  { from: 'completed', event: 'apply_settings', to: 'completed' },
  { from: 'cancelled', event: 'apply_settings', to: 'cancelled' },
  { from: 'cancelled', event: 'close', to: 'cancelled' },
  { from: 'completed', event: 'close', to: 'completed' },
] as const satisfies readonly {
  from: BookingStatus | 'none';
  event: string;
  to: BookingStatus;
}[];

export type BookingEvent = (typeof transitions)[number]['event'];

/** The status after the event; undefined when the event is illegal in this status. */
export const nextBookingStatus = (
  status: BookingStatus | 'none',
  event: BookingEvent,
): BookingStatus | undefined =>
  transitions.find((row) => row.from === status && row.event === event)?.to;

/** What people, and not clocks or payments, bring about. */
export const bookingWishes = ['pay', 'accept', 'decline', 'cancel'] as const;

export type BookingWishEvent = (typeof bookingWishes)[number];

/** What somebody may ask for in this status. */
export const allowedBookingEvents = (status: BookingStatus): readonly BookingWishEvent[] =>
  bookingWishes.filter((event) => nextBookingStatus(status, event));

/**
 * Who or what ended it: a person, one of the two clocks of what is not confirmed yet, or that all that was
 * paid had gone back by hand before it was confirmed.
 */
export const cancellers = ['guest', 'host', 'hold', 'request', 'operator', 'refund'] as const;

export type Canceller = (typeof cancellers)[number];

/** Of a pending booking: whether nothing is missing any more. */
export const isReadyToConfirm = ({
  isPaid,
  isAccepted,
  instantBook,
}: {
  readonly isPaid: boolean;
  readonly isAccepted: boolean;
  readonly instantBook: boolean;
}): boolean => isPaid && (isAccepted || instantBook);

/** What was done for a booking, and is undone when it ends before the stay. */
export type Compensation = 'refund_charge' | 'release_nights';

/**
 * The last thing done is undone first. A charge whose outcome is not known is not undone: the gateway is
 * asked on, and what it took after all goes back then.
 */
export const compensationsOf = ({
  isPaid,
}: {
  readonly isPaid: boolean;
}): readonly Compensation[] => (isPaid ? ['refund_charge', 'release_nights'] : ['release_nights']);

/** A payment that arrives too late brings the stay back only where nobody has decided against it. */
export const mayRevive = (cancelledBy: Canceller | null): boolean => cancelledBy === 'hold';

/** Whether a charge that the gateway has not seen yet is still sent to it. */
export const mayBePaid = (status: BookingStatus, cancelledBy: Canceller | null): boolean =>
  status !== 'cancelled' || mayRevive(cancelledBy);
