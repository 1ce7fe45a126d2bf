import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict, Forbidden, Invalid, type FieldProblem } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Booking } from '../models/Booking.ts';
import { aboutBooking, areTaken, tell, timesOf } from '../models/bookingFile.ts';
import { bookingStart, bookingStateOf } from '../models/bookingStart.ts';
import { ownCompany } from '../models/contract.ts';
import { append, together } from '../models/database.ts';
import { conflictOf } from '../models/duplicates.ts';
import { OutboxEntry, type WorkflowStart } from '../models/OutboxEntry.ts';
import { Property } from '../models/Property.ts';
import { Reservation } from '../models/Reservation.ts';
import { getRow, noSuch } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';
import { holdClocks } from '../rules/bookingClocks.ts';
import { bookingSettings } from '../rules/bookingSettings.ts';
import { dateAt, timeAt } from '../rules/calendar.ts';
import { multiplyByRatio, zero } from '../rules/money.ts';
import { nightsOf, stayProblem, type Stay } from '../rules/stays.ts';

export interface BookStay extends Stay {
  readonly propertyId: string;
  readonly guests: number;
}

export interface Booked {
  readonly booking: Booking;
  readonly property: Property;
  readonly start: WorkflowStart;
}

/**
 * Holds the nights for a guest within the open transaction, until they have paid. Whoever books the same
 * property waits for the commit, and the database lets nobody have a night twice.
 * @throws NotFound, Invalid; Conflict OWN_PROPERTY, DATES_UNAVAILABLE
 */
export async function book(actor: Actor, wish: BookStay): Promise<Booked> {
  const guestId = guestOf(actor);
  const property = await getRow(Property, wish.propertyId, { lock: true });
  if (property.ownerId === guestId) {
    throw new Conflict('OWN_PROPERTY', 'Nights of one’s own property are blocked, not booked');
  }
  if (property.status === 'unlisted') throw noSuch(Property.entityType, wish.propertyId);
  const now = new Date(Date.now());
  refuseUnfitting(property, wish, now);

  const { startDate, endDate } = wish;
  const nights = nightsOf(wish);
  const [company, isTaken] = await together(ownCompany(), areTaken(property.id, wish));
  // Told early, since others wait for the property meanwhile.
  if (isTaken) throw conflictOf('reservations_nights_key');
  const { pricePerNight, timeZone, checkInTime, checkOutTime, instantBook } = property;
  const booking = Booking.build({
    id: uuid(),
    companyId: company.id,
    propertyId: property.id,
    guestId,
    hostId: property.ownerId,
    startDate,
    endDate,
    nights,
    guests: wish.guests,
    pricePerNight,
    totalAmount: multiplyByRatio(pricePerNight, nights, 1),
    currency: property.currency,
    status: 'pending',
    stateVersion: 1,
    holdExpiresAt: now,
    isCharging: false,
    hostStrike: false,
    refundAmount: zero,
    isRefunding: false,
    config: {
      settings: bookingSettings(company.settings.booking, {
        holdMinutes: property.holdMinutes ?? null,
        hostConfirmationHours: property.hostConfirmationHours ?? null,
      }),
      house: { timeZone, checkInTime, checkOutTime },
      policy: property.cancellationPolicy,
      instantBook,
    },
    createdAt: now,
    updatedAt: now,
    version: 1,
  });
  const timers = holdClocks(timesOf(booking, now)).map((clock) => ({
    ...clock,
    occurrence: 1,
    source: 'setting' as const,
  }));
  const holdEnds = timers[0]?.dueAt ?? now.getTime();
  booking.holdExpiresAt = new Date(holdEnds);
  append(Booking, booking.get());
  append(Reservation, { propertyId: property.id, startDate, endDate, bookingId: booking.id });
  Timer.schedule(aboutBooking(booking), timers);
  const commandId = `booking/${booking.id}/book/1`;
  record(booking, commandId, now);
  const mail = tell({ booking, property }, 'guest', 'booking_placed', commandId, {
    payBy: `${dateAt(holdEnds, timeZone)} ${timeAt(holdEnds, timeZone)}`,
  });
  const state = await bookingStateOf(booking, timers);
  return { booking, property, start: OutboxEntry.promise(bookingStart(booking, state, [mail])) };
}

function record(booking: Booking, commandId: string, at: Date): void {
  const { id, propertyId, guestId, startDate, endDate, totalAmount, currency, status } = booking;
  Transition.record({
    entityType: Booking.entityType,
    entityId: id,
    stateVersion: 1,
    event: 'book',
    fromStatus: null,
    toStatus: status,
    commandId,
    at,
  });
  AuditLog.record(
    'CREATE',
    { type: Booking.entityType, id },
    { after: { propertyId, guestId, startDate, endDate, totalAmount, currency, status } },
  );
}

/** @throws Invalid with all that is wrong */
function refuseUnfitting(property: Property, wish: BookStay, now: Date): void {
  const problems: FieldProblem[] = [];
  const problem = stayProblem(wish, property, dateAt(now.getTime(), property.timeZone));
  if (problem) problems.push(problem);
  if (wish.guests > property.maxGuests) {
    const message = `The property takes ${property.maxGuests} guests`;
    problems.push({ field: 'guests', message, code: 'TOO_MANY_GUESTS' });
  }
  if (problems.length > 0) throw new Invalid(problems);
}

/** @throws Forbidden for a key */
function guestOf({ userId }: Actor): string {
  if (!userId) throw new Forbidden('Only a person can do this');
  return userId;
}
