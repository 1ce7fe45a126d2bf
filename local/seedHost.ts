import { createProperties, type PropertyWish } from '../src/commands/properties.ts';
import { runInContext, type Actor } from '../src/context.ts';
import type { Company } from '../src/models/Company.ts';
import { withTenant } from '../src/models/database.ts';
import { Property } from '../src/models/Property.ts';

const houses = [
  [
    'House by the lake',
    'Three rooms, a garden and a boat',
    'Seestrasse 4, Lindau',
    47.546,
    9.684,
    '120.00',
    5,
  ],
  [
    'Cabin in the woods',
    'A stove, and nobody far and wide',
    'Waldweg 1, Titisee',
    47.9,
    8.15,
    '75.00',
    2,
  ],
  [
    'Flat at the market',
    'Two rooms above the bakery',
    'Marktplatz 7, Freiburg',
    47.996,
    7.853,
    '90.00',
    3,
  ],
  [
    'Loft in the harbour',
    'Everything in one large room',
    'Am Kai 12, Hamburg',
    53.541,
    9.984,
    '140.00',
    4,
  ],
] as const;

/** What somebody of the demo company lets to others; the first two can be booked at once. */
export async function seedHost(host: Actor, company: Company): Promise<void> {
  const { companyId, userId } = host;
  const known = await withTenant(companyId, () => Property.count());
  await runInContext(
    { requestId: 'seed', companyId, actorId: userId, actorType: 'user' },
    async () => {
      for (const [index, house] of houses.entries()) {
        if (index < known) continue;
        const [name, description, address, latitude, longitude, pricePerNight, maxGuests] = house;
        const wish: PropertyWish = {
          name,
          description,
          address,
          latitude,
          longitude,
          pricePerNight,
          maxGuests,
          checkInTime: '15:00',
          checkOutTime: '11:00',
          minNights: 1,
          maxNights: 28,
          instantBook: index < 2,
          cancellationPolicy: 'flexible',
          status: 'listed',
        };
        const { defaultCurrency: currency, timeZone } = company;
        await createProperties().create(host, { currency, timeZone }, wish, {
          companyId,
          principal: userId ?? 'seed',
          route: 'seed',
          key: undefined,
          bodyHash: '',
          status: 201,
          message: '',
          present: () => undefined,
        });
      }
    },
  );
}
