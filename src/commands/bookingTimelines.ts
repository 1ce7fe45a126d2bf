import type { Actor } from '../context.ts';
import { Conflict, invalidField, NotFound } from '../errors.ts';
import { Booking, illegalBookingEvent } from '../models/Booking.ts';
import { setBookingTimers, timesOf } from '../models/bookingFile.ts';
import type { BookingWish } from '../models/bookingStart.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { clocksAfterMove, isBookingTimer, moveBounds } from '../rules/bookingClocks.ts';
import {
  allowedBookingEvents,
  nextBookingStatus,
  type BookingWishEvent,
} from '../rules/bookings.ts';
import { allows } from '../rules/permissions.ts';
import { bookingWorkflowId } from '../rules/workflowIds.ts';
import { bookingTransition } from '../workflows/bookingLifecycle.ts';
import { visibleBooking } from './bookingViews.ts';
import {
  bookingTimerConsequence,
  bookingTimerTitle,
  isBookingNotice,
  whyFixed,
} from './bookingWords.ts';
import type { Temporal } from './temporal.ts';
import {
  createTimelines,
  createTimerChange,
  type PlannedChange,
  type Story,
  type TimerChange,
} from './timelines.ts';
import { typedText } from './typedText.ts';
import type { WorkflowCommands } from './workflows.ts';

const whoMay: Readonly<Record<BookingWishEvent, string>> = {
  pay: 'the guest',
  accept: 'the host',
  decline: 'the host',
  cancel: 'the guest or the host',
};

const story: Story<Booking> = {
  noun: 'booking',
  workflowId: bookingWorkflowId,
  /** Operators watch every run of the company; others see what they may see of bookings. */
  find: (actor, id) =>
    allows(actor, 'workflow:read') ? getRow(Booking, id) : visibleBooking(actor, id),
  eventTitles: {
    book: 'Booked',
    pay: 'Payment begun',
    take_payment: 'Paid',
    fail_payment: 'Payment failed',
    accept: 'Accepted by the host',
    confirm: 'Confirmed',
    decline: 'Declined by the host',
    expire_hold: 'Not paid in time',
    expire_request: 'Not confirmed in time',
    end_returned: 'Ended, as all that was paid had gone back',
    cancel: 'Cancelled',
    complete: 'Completed',
    revive: 'Paid late, and held again',
    revive_confirmed: 'Paid late, and confirmed',
    return_payment: 'Paid too late; the money goes back',
    end_refund: 'Refunded',
    fail_refund: 'Refund failed',
    adopt_refund: 'A refund by hand took its place',
    move_timer: 'Deadline moved',
    apply_settings: 'Changed settings applied',
    close: 'Closed',
  },
  isNotice: isBookingNotice,
  titleOf: bookingTimerTitle,
  consequenceOf: bookingTimerConsequence,
  movesOf: ({ status }) =>
    allowedBookingEvents(status).map((event) => ({ event, who: whoMay[event] })),
  waitsForPerson: ({ status, paidAt, isCharging }) => {
    if (status !== 'pending' || isCharging) return undefined;
    return paidAt ? 'the host, who confirms or declines' : 'the guest, who has to pay';
  },
  withoutDate: 'the gateway is asked until it says what became of the money',
};

export const createBookingTimelines = ({
  temporal,
  workflows,
}: {
  readonly temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>;
  readonly workflows: WorkflowCommands;
}) => ({
  ...createTimelines(temporal, story),

  changeTimer: createTimerChange({
    workflows,
    update: bookingTransition,
    workflowIdOf: bookingWorkflowId,
    plan: planMove,
  }),
});

export type BookingTimelines = ReturnType<typeof createBookingTimelines>;

async function planMove(
  id: string,
  name: string,
  { dueAt, extendByMs = 0, reason, dryRun }: TimerChange,
  actor: Actor,
): Promise<PlannedChange<BookingWish>> {
  const booking = await getRow(Booking, id);
  const running = await Timer.scheduledFor(id);
  const timer = running.find((each) => each.name === name);
  if (!timer || !isBookingTimer(name)) {
    throw new NotFound(`The booking ${id} has no running timer ${name}`);
  }
  const times = timesOf(booking, new Date(Date.now()));
  const bounds = moveBounds(name, times);
  if (!bounds) {
    throw new Conflict('TIMER_NOT_MOVABLE', `The timer ${name} ${whyFixed(name)}`);
  }
  if (!nextBookingStatus(booking.status, 'move_timer')) {
    throw illegalBookingEvent(booking, 'move_timer');
  }
  const wanted = dueAt?.getTime() ?? timer.dueAt.getTime() + extendByMs;
  if (wanted < bounds.earliest || wanted > bounds.latest) {
    const [from, to] = [bounds.earliest, bounds.latest].map((at) => new Date(at).toISOString());
    throw invalidField(
      'due_at',
      `It may be moved to between ${from} and ${to}`,
      'DEADLINE_OUT_OF_RANGE',
    );
  }
  const moved = clocksAfterMove({ name, dueAt: wanted }, setBookingTimers(running), times);
  return {
    wish: {
      event: 'move_timer',
      by: actor.userId,
      reason: typedText('reason', reason),
      name,
      dueAt: wanted,
    },
    shown: {
      dryRun,
      scheduled: moved.due.map((each) => ({ name: each.name, dueAt: new Date(each.dueAt) })),
      cancelled: moved.cancelled,
    },
  };
}
