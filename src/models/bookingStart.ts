import { isBookingTimer, type BookingTimerName } from '../rules/bookingClocks.ts';
import type { BookingStatus } from '../rules/bookings.ts';
import { bookingWorkflowId } from '../rules/workflowIds.ts';
import { Booking } from './Booking.ts';
import type { WorkflowStart } from './OutboxEntry.ts';
import { timersAhead, type TimerAhead } from './Timer.ts';

export type BookingTimerAhead = TimerAhead<BookingTimerName>;

/** The booking as its row has it; every step of the workflow returns the row's new state. */
export interface BookingState {
  readonly status: BookingStatus;
  readonly stateVersion: number;
  /** Soonest first. */
  readonly timers: readonly BookingTimerAhead[];
  /** The charge whose end is awaited. */
  readonly paymentId: string | null;
  /** The refund whose end is awaited. */
  readonly refundId: string | null;
  /** Nothing can happen any more. */
  readonly isClosed: boolean;
}

/** What a command answers; the caller reads the row for the rest. */
export type BookingResult = Pick<BookingState, 'status' | 'stateVersion'>;

/** What somebody wants to happen to a booking; `by` is the person. */
export type BookingWish = { readonly by: string | null; readonly reason: string | null } & (
  | { readonly event: 'pay' | 'accept' | 'decline' | 'apply_settings' }
  | { readonly event: 'cancel'; readonly as: 'guest' | 'host' | 'operator' }
  | {
      readonly event: 'move_timer';
      readonly name: BookingTimerName;
      /** Epoch milliseconds. */
      readonly dueAt: number;
    }
);

export interface BookingLifecycleInput {
  readonly v: 1;
  readonly companyId: string;
  readonly bookingId: string;
  readonly state: BookingState;
  /** E-mails that wait to be delivered. */
  readonly notificationIds: readonly string[];
  /** Answers of earlier runs, so that a repeated command gets the same one. */
  readonly answered: readonly { readonly id: string; readonly result: BookingResult }[];
}

/** @param timers those ahead; read from the rows when they are left out */
export async function bookingStateOf(
  booking: Booking,
  timers?: readonly BookingTimerAhead[],
): Promise<BookingState> {
  return {
    status: booking.status,
    stateVersion: booking.stateVersion,
    timers: await timersAhead<BookingTimerName>(booking.id, isBookingTimer, timers),
    paymentId: booking.isCharging ? (booking.paymentId ?? null) : null,
    refundId: booking.isRefunding ? (booking.refundId ?? null) : null,
    isClosed: Boolean(booking.workflowClosedAt),
  };
}

/** How the workflow of a booking begins, when it is made or when it has to be restored. */
export function bookingStart(
  { id, companyId, startDate, nights }: Booking,
  state: BookingState,
  notificationIds: readonly string[],
): Omit<WorkflowStart, 'id' | 'context'> {
  const input: BookingLifecycleInput = {
    v: 1,
    companyId,
    bookingId: id,
    state,
    notificationIds,
    answered: [],
  };
  const [next] = state.timers;
  return {
    companyId,
    entityType: Booking.entityType,
    entityId: id,
    workflowType: 'bookingLifecycle',
    workflowId: bookingWorkflowId(companyId, id),
    input,
    summary: `Stay of ${nights} nights from ${startDate}`,
    attributes: {
      CompanyId: companyId,
      EntityType: Booking.entityType,
      EntityId: id,
      EntityStatus: state.status,
      StateVersion: state.stateVersion,
      ...(next && { DueAt: next.dueAt }),
    },
  };
}
