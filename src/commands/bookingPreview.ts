import type { Actor } from '../context.ts';
import { invalidField } from '../errors.ts';
import { Booking } from '../models/Booking.ts';
import { timesOf } from '../models/bookingFile.ts';
import { withTenant } from '../models/database.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import {
  clocksOf,
  forecastBookingClocks,
  isBookingTimer,
  type BookingTimer,
  type DueBookingTimer,
} from '../rules/bookingClocks.ts';
import { bookingBounds } from '../rules/bookingSettings.ts';
import { compareDates, type CalendarDate } from '../rules/calendar.ts';
import { workflowIdOf } from '../rules/workflowIds.ts';
import { bookingTimerConsequence, bookingTimerTitle, isBookingNotice } from './bookingWords.ts';
import { dueOf, missingFrom, settingsUnder, type Preview } from './workflowPreviews.ts';
import { workflowClosed } from './workflows.ts';

export interface BookingWhatIf {
  readonly id: string;
  /** The night of the arrival, and the day of the departure. */
  readonly startDate?: CalendarDate | undefined;
  readonly endDate?: CalendarDate | undefined;
  /** Some of `BookingSettings`, as if it had been booked under them. */
  readonly settings?: object | undefined;
}

/** @throws NotFound; Conflict WORKFLOW_CLOSED; Invalid */
export const previewBooking = (
  actor: Actor,
  { id, startDate, endDate, settings }: BookingWhatIf,
): Promise<Preview> =>
  withTenant(actor.companyId, async () => {
    const booking = await getRow(Booking, id);
    if (booking.workflowClosedAt) throw workflowClosed('booking', id);
    const { config } = booking;
    const stay = {
      startDate: startDate ?? booking.startDate,
      endDate: endDate ?? booking.endDate,
    };
    if (compareDates(stay.startDate, stay.endDate) >= 0) {
      throw invalidField('end_date', 'A stay ends after it has begun', 'DATE_BEFORE_START');
    }
    const times = {
      ...timesOf(booking, new Date()),
      stay,
      settings: settingsUnder(config.settings, settings ?? {}, bookingBounds, 'booking_settings'),
    };
    const running = (await Timer.scheduledFor(id)).flatMap(asSet);
    const isChanged = [startDate, endDate, settings].some((change) => change !== undefined);
    const set = isChanged
      ? setAnew(running, clocksOf(standingOf(booking), times), times.at)
      : running;
    return {
      workflowId: workflowIdOf('booking', actor.companyId, id),
      status: booking.status,
      timers: forecastBookingClocks(set, times).map(({ name, dueAt, follows }) => ({
        name,
        title: bookingTimerTitle(name),
        kind: isBookingNotice(name) ? 'notice' : 'deadline',
        dueAt: new Date(dueAt),
        runsUntil: follows === null ? dueOf(running, name) : null,
        consequence: bookingTimerConsequence(name),
        follows,
      })),
      paused: [],
      cancelled: missingFrom(set, running),
    };
  });

type SetTimer = Pick<BookingTimer, 'name' | 'dueAt' | 'source'>;

const asSet = ({ name, dueAt, source }: Timer): SetTimer[] =>
  isBookingTimer(name)
    ? [{ name, dueAt: dueAt.getTime(), source: source === 'command' ? 'command' : 'setting' }]
    : [];

const standingOf = (booking: Booking) => ({
  status: booking.status,
  bookedAt: booking.createdAt.getTime(),
  paidAt: booking.paidAt?.getTime() ?? null,
  confirmedAt: booking.confirmedAt?.getTime() ?? null,
  cancelledAt: booking.cancelledAt?.getTime() ?? null,
  completedAt: booking.completedAt?.getTime() ?? null,
  isRefunding: booking.isRefunding ?? false,
});

/** What somebody moved stays where it is; what has passed does not come again. */
function setAnew(
  running: readonly SetTimer[],
  wished: readonly DueBookingTimer[],
  now: number,
): DueBookingTimer[] {
  const moved = running.filter(({ source }) => source === 'command');
  const runs = ({ name }: DueBookingTimer): boolean => running.some((timer) => timer.name === name);
  const isMoved = ({ name }: DueBookingTimer): boolean =>
    moved.some((timer) => timer.name === name);
  return [
    ...moved,
    ...wished
      .filter((timer) => !isMoved(timer) && (timer.dueAt > now || runs(timer)))
      .map((timer) => ({ ...timer, dueAt: Math.max(timer.dueAt, now) })),
  ];
}
