import { v7 as uuid } from 'uuid';
import { withTenant } from '../../src/models/database.ts';
import { Property } from '../../src/models/Property.ts';
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
