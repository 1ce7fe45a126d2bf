import { v7 as uuid } from 'uuid';
import { append, flush, withTenant } from '../../src/models/database.ts';
import { Booking } from '../../src/models/Booking.ts';
import { openPayment } from '../../src/models/paymentStart.ts';
import { Property } from '../../src/models/Property.ts';
import { Timer } from '../../src/models/Timer.ts';
import { bookingDefaults } from '../../src/rules/bookingSettings.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { bookingWorkflowId } from '../../src/rules/workflowIds.ts';
import { buildActor } from './build.ts';

/** What a host says of a house; each test says otherwise what it is about. */
export const house = {
  name: 'House by the lake',
  description: 'Three rooms and a boat',
  address: 'Seestrasse 4, Lindau',
  price_per_night: '120.00',
  max_guests: 4,
} as const;

/** A listed house in Berlin's time zone, and its owner. */
export async function buildProperty({
  companyId,
  ownerId,
  ...overrides
}: { companyId: string; ownerId?: string } & Partial<
  Pick<
    Property,
    | 'name'
    | 'categoryId'
    | 'pricePerNight'
    | 'latitude'
    | 'longitude'
    | 'maxGuests'
    | 'minNights'
    | 'maxNights'
    | 'instantBook'
    | 'cancellationPolicy'
    | 'status'
    | 'timeZone'
  >
>): Promise<Property> {
  const owner = ownerId ?? (await buildActor({ companyId })).userId;
  return withTenant(companyId, () =>
    Property.create({
      id: uuid(),
      companyId,
      ownerId: owner,
      categoryId: null,
      name: house.name,
      description: house.description,
      address: house.address,
      latitude: null,
      longitude: null,
      pricePerNight: '100.00',
      currency: 'EUR',
      timeZone: 'Europe/Berlin',
      checkInTime: '15:00',
      checkOutTime: '11:00',
      maxGuests: 4,
      minNights: 1,
      maxNights: 365,
      instantBook: false,
      cancellationPolicy: 'moderate',
      status: 'listed',
      ...overrides,
    }),
  );
}

/** A stay that ended yesterday, three nights, and may be reviewed until that day; it has no workflow. */
export async function buildStayed({
  companyId,
  reviewedUntil = new Date(Date.now() + 86_400_000),
  ...people
}: {
  companyId: string;
  propertyId: string;
  guestId: string;
  hostId: string;
  reviewedUntil?: Date;
}): Promise<Booking> {
  const id = uuid();
  const now = new Date();
  const endDate = addDays(dateAt(now.getTime(), 'Europe/Berlin'), -1);
  return withTenant(companyId, async () => {
    append(Timer, {
      workflowId: bookingWorkflowId(companyId, id),
      entityType: 'booking',
      entityId: id,
      occurrence: 1,
      name: 'review_window',
      dueAt: reviewedUntil,
      originalDueAt: reviewedUntil,
      source: 'setting',
      status: 'scheduled',
    });
    return Booking.create({
      ...people,
      id,
      companyId,
      startDate: addDays(endDate, -3),
      endDate,
      nights: 3,
      guests: 2,
      pricePerNight: '100.00',
      totalAmount: '300.00',
      currency: 'EUR',
      status: 'completed',
      holdExpiresAt: now,
      paidAt: now,
      confirmedAt: now,
      completedAt: now,
      workflowClosedAt: now,
      config: {
        settings: bookingDefaults,
        house: { timeZone: 'Europe/Berlin', checkInTime: '15:00', checkOutTime: '11:00' },
        policy: 'moderate',
        instantBook: true,
      },
    });
  });
}

/** What a stay was paid with, and what of it goes back; both are under way and have no workflow. */
export const payStay = ({
  id: bookingId,
  companyId,
  guestId: userId,
  totalAmount: amount,
  currency,
}: Booking): Promise<{ readonly chargeId: string; readonly refundId: string }> =>
  withTenant(companyId, async () => {
    const by = { userId, payeeName: 'Ada Lovelace', currency, at: new Date() };
    const { id: chargeId } = openPayment({ ...by, purpose: 'booking', bookingId, amount });
    await flush();
    const { id: refundId } = openPayment({
      ...by,
      purpose: 'refund',
      parentPaymentId: chargeId,
      amount: '10.00',
    });
    await flush();
    await Booking.update({ paymentId: chargeId, refundId }, { where: { id: bookingId } });
    return { chargeId, refundId };
  });
