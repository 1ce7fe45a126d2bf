import { Conflict } from '../errors.ts';
import {
  clocksUnder,
  isBookingTimer,
  type BookingClockChange,
  type BookingStanding,
  type BookingTimer,
  type BookingTimes,
  type DueBookingTimer,
  type SetBookingTimer,
} from '../rules/bookingClocks.ts';
import { refundDue, type StayRefund } from '../rules/bookingRefunds.ts';
import { bookingSettings, type BookingSettings } from '../rules/bookingSettings.ts';
import type { Canceller } from '../rules/bookings.ts';
import { compareDates, dateAt, type CalendarDate } from '../rules/calendar.ts';
import { compare, subtract, zero, type Money } from '../rules/money.ts';
import { checkOutAt, hasPassed, type Stay } from '../rules/stays.ts';
import { bookingWorkflowId } from '../rules/workflowIds.ts';
import { Booking } from './Booking.ts';
import type { Company } from './Company.ts';
import { execute, flush, select } from './database.ts';
import { Notification, type TemplateCode } from './Notification.ts';
import { Payment } from './Payment.ts';
import { Property } from './Property.ts';
import { getRow } from './rows.ts';
import { Timer } from './Timer.ts';

/** A booking with all that a step needs. */
export interface BookingFile {
  readonly booking: Booking;
  readonly property: Property;
}

export const bookingFileOf = async (booking: Booking): Promise<BookingFile> => ({
  booking,
  property: await getRow(Property, booking.propertyId, { archived: true }),
});

export const timesOf = (
  { config: { settings, house }, startDate, endDate }: Booking,
  at: Date,
): BookingTimes => ({ stay: { startDate, endDate }, house, settings, at: at.getTime() });

export const aboutBooking = ({ companyId, id }: Pick<Booking, 'companyId' | 'id'>) => ({
  workflowId: bookingWorkflowId(companyId, id),
  entityType: Booking.entityType,
  entityId: id,
});

/** What went before is over; these are set instead, all under one number. */
export async function setClocks(
  { booking }: Pick<BookingFile, 'booking'>,
  clocks: readonly DueBookingTimer[],
  reason: string,
): Promise<void> {
  await Timer.cancelScheduled(booking.id, reason);
  if (clocks.length > 0) await addClocks(booking, clocks, 'setting');
}

/** Beside what is set, under one number of their own. */
export async function addClocks(
  booking: Booking,
  clocks: readonly DueBookingTimer[],
  source: BookingTimer['source'],
): Promise<void> {
  const occurrence = await Timer.nextOccurrence(booking.id);
  Timer.schedule(
    aboutBooking(booking),
    clocks.map(({ name, dueAt }) => ({ name, dueAt, occurrence, source })),
  );
  await flush();
}

/** A timer that is set, with its row. */
export interface RunningBookingTimer extends SetBookingTimer {
  readonly row: Timer;
}

export const setBookingTimers = (rows: readonly Timer[]): RunningBookingTimer[] =>
  rows.flatMap((row) => {
    const { name, dueAt, source } = row;
    if (!isBookingTimer(name)) return [];
    const set = source === 'command' ? source : 'setting';
    return [{ name, dueAt: dueAt.getTime(), source: set, row }];
  });

/** What decides which clocks a booking has. */
export const bookingStandingOf = (booking: Booking): BookingStanding => ({
  status: booking.status,
  bookedAt: booking.createdAt.getTime(),
  paidAt: booking.paidAt?.getTime() ?? null,
  confirmedAt: booking.confirmedAt?.getTime() ?? null,
  cancelledAt: booking.cancelledAt?.getTime() ?? null,
  completedAt: booking.completedAt?.getTime() ?? null,
  isRefunding: booking.isRefunding ?? false,
});

/** A running booking as the settings of its company and its property would have it. */
export function bookingUnderSettings(
  { booking, property }: BookingFile,
  { company, at }: { readonly company: Pick<Company, 'settings'>; readonly at: Date },
  timers: readonly Timer[],
): {
  readonly settings: BookingSettings;
  readonly change: BookingClockChange<RunningBookingTimer>;
} {
  const settings = bookingSettings(company.settings.booking, property);
  const before = timesOf(booking, at);
  const change = clocksUnder(bookingStandingOf(booking), setBookingTimers(timers), before, {
    ...before,
    settings,
  });
  return { settings, change };
}

/** The agreed check-out has passed, whatever became of its clock. @param at epoch milliseconds */
export const isStayOver = (booking: Booking, at: number): boolean =>
  at >= checkOutAt(booking, booking.config.house);

/** Nights that have passed are neither given nor given up. @throws Conflict STAY_OVER */
export function refuseOver(booking: Booking, at: number): void {
  if (isStayOver(booking, at)) {
    throw new Conflict('STAY_OVER', `The nights of the booking ${booking.id} have passed`);
  }
}

/** Others can have the nights again; content where they can already. */
export const releaseNights = (bookingId: string, at: Date): Promise<number> =>
  execute(
    `UPDATE reservations SET archived_at = $2, updated_at = $2, version = version + 1
     WHERE booking_id = $1 AND archived_at IS NULL`,
    [bookingId, at],
  );

/** The same of the nights from that day on, which is the guest's last; those before were slept. */
export async function releaseNightsFrom(
  { id, startDate }: Booking,
  day: CalendarDate,
  at: Date,
): Promise<void> {
  if (compareDates(day, startDate) <= 0) {
    await releaseNights(id, at);
    return;
  }
  await execute(
    `UPDATE reservations SET end_date = $2, updated_at = $3, version = version + 1
     WHERE booking_id = $1 AND archived_at IS NULL AND end_date > $2`,
    [id, day, at],
  );
}

/** Whether somebody has one of the nights. It stays so until the commit where the property's row is held. */
export const areTaken = async (
  propertyId: string,
  { startDate, endDate }: Stay,
): Promise<boolean> => {
  const taken = await select(
    `SELECT 1 FROM reservations
     WHERE property_id = $1 AND archived_at IS NULL AND start_date < $3 AND end_date > $2 LIMIT 1`,
    [propertyId, startDate, endDate],
  );
  return taken.length > 0;
};

/**
 * Has the nights held once more, if they could still be booked and nobody else has any of them. The
 * property's row is held until the commit, as by whoever books.
 */
export async function holdNightsAgain({ booking }: BookingFile, at: Date): Promise<boolean> {
  if (hasPassed(booking, dateAt(at.getTime(), booking.config.house.timeZone))) return false;
  const property = await getRow(Property, booking.propertyId, { lock: true, archived: true });
  if (property.archivedAt) return false;
  if (await areTaken(booking.propertyId, booking)) return false;
  await execute(
    `UPDATE reservations SET archived_at = NULL, updated_at = $2, version = version + 1
     WHERE id = (SELECT id FROM reservations WHERE booking_id = $1 ORDER BY id DESC LIMIT 1)`,
    [booking.id, at],
  );
  return true;
}

/**
 * What goes back of a charge when somebody ends the booking now: no more than is left of it, since part may
 * have gone back by hand.
 */
export async function refundOf(
  booking: Booking,
  by: Canceller,
  at: number,
): Promise<StayRefund & { readonly paid: Money }> {
  const due = refundDue(booking, by, at);
  const { paymentId, paidAt } = booking;
  if (!paymentId || !paidAt) return { ...due, amount: zero, paid: zero };
  const charge = await getRow(Payment, paymentId, { archived: true });
  return { ...due, amount: lesser(due.amount, leftOf(charge)), paid: charge.amount };
}

/** Of a charge: what has not gone back yet. */
export const leftOf = ({ amount, refundedAmount }: Payment): Money =>
  subtract(amount, refundedAmount);

export const lesser = (a: Money, b: Money): Money => (compare(a, b) < 0 ? a : b);

/** What messages about a booking say; no names. */
const bookingFacts = ({
  booking,
  property,
}: BookingFile): Readonly<Record<string, string | number>> => ({
  bookingId: booking.id,
  propertyName: property.name,
  startDate: booking.startDate,
  endDate: booking.endDate,
  nights: booking.nights,
  amount: booking.totalAmount,
  currency: booking.currency,
});

/** By e-mail and in the application. @returns the id of the e-mail */
export function tell(
  file: BookingFile,
  whom: 'guest' | 'host',
  template: TemplateCode,
  key: string,
  facts: Readonly<Record<string, string>> = {},
): string {
  const userId = whom === 'guest' ? file.booking.guestId : file.booking.hostId;
  const message = messageOf(file, template, key, facts);
  Notification.queue({ to: { channel: 'in_app', userId }, ...message });
  return Notification.queue({ to: { channel: 'email', userId }, ...message });
}

/** In the application alone. */
export const tellStaff = (
  file: BookingFile,
  role: 'tenant_admin' | 'operator',
  template: TemplateCode,
  key: string,
): string =>
  Notification.queue({ to: { channel: 'in_app', role }, ...messageOf(file, template, key, {}) });

const messageOf = (
  file: BookingFile,
  template: TemplateCode,
  key: string,
  facts: Readonly<Record<string, string>>,
) => ({
  template,
  payload: { ...bookingFacts(file), ...facts },
  key: `${key}/${template}`,
  about: { type: Booking.entityType, id: file.booking.id },
});
