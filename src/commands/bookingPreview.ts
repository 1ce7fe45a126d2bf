import type { Actor } from '../context.ts';
import { invalidField } from '../errors.ts';
import { Booking } from '../models/Booking.ts';
import { bookingStandingOf, setBookingTimers, timesOf } from '../models/bookingFile.ts';
import { withTenant } from '../models/database.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { clocksUnder, forecastBookingClocks } from '../rules/bookingClocks.ts';
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
    const before = timesOf(booking, new Date());
    const times = {
      ...before,
      stay,
      settings: settingsUnder(config.settings, settings ?? {}, bookingBounds, 'booking_settings'),
    };
    const running = setBookingTimers(await Timer.scheduledFor(id));
    const change = clocksUnder(bookingStandingOf(booking), running, before, times);
    const set = [
      ...running
        .filter((timer) => !change.cancelled.includes(timer))
        .map((timer) => ({
          name: timer.name,
          dueAt: change.moved.find((each) => each.timer === timer)?.dueAt ?? timer.dueAt,
        })),
      ...change.added,
    ];
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
