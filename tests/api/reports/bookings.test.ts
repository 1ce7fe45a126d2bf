import type { Actor } from '../../../src/context.ts';
import { addDays, dateAt } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildProperty, buildStayed } from '../../support/properties.ts';
import { reportsWithoutWorker } from '../../support/reports.ts';

let api: TestApi;
let companyId: string;
let manager: Actor;
const today = dateAt(Date.now(), 'Europe/Berlin');
const worker = reportsWithoutWorker();

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  manager = await buildActor({ companyId, role: 'tenant_admin' });
});

const ask = (filters: object) =>
  api.as(manager).post('/reports', { name: 'Stays', report_type: 'booking_revenue', filters });

describe('the revenue of bookings', () => {
  it('is told by month and property, with what was given back and given up', async () => {
    const [lake, city] = [
      await buildProperty({ companyId, name: 'Lake' }),
      await buildProperty({ companyId, name: 'City' }),
    ];
    const guest = await buildActor({ companyId });
    const stay = async (propertyId: string, hostId: string, changes: string) => {
      const { id } = await buildStayed({ companyId, propertyId, hostId, guestId: guest.userId });
      await api.database.sql(`UPDATE shared.bookings SET ${changes} WHERE id = $1`, [id]);
    };
    const at = (day: string) => `start_date = '${day}', end_date = date '${day}' + 3`;
    const gone = `status = 'cancelled', cancelled_by = 'host', cancelled_at = now(), host_strike = true`;
    await stay(lake.id, lake.ownerId, at('2026-02-27'));
    await stay(lake.id, lake.ownerId, `${at('2026-03-10')}, ${gone}`);
    await stay(city.id, city.ownerId, at('2026-03-20'));
    await stay(city.id, city.ownerId, `${at('2026-03-25')}, ${gone}, paid_at = NULL`);
    await stay(city.id, city.ownerId, at('2026-04-01'));

    const asked = await ask({ from: '2026-02-01', to: '2026-04-01' });
    await worker.generate(companyId, asked.body.data.id);
    const { body } = await api.as(manager).get(`/reports/${asked.body.data.id}`);

    const [months, properties] = body.data.report_data.tables;
    expect(months.rows).toMatchObject([
      { month: '2026-02', bookings: 1, completed: 1, nights: 3, revenue: '300.00', net: '300.00' },
      {
        month: '2026-03',
        bookings: 3,
        cancelled: 2,
        host_strikes: 2,
        nights: 3,
        revenue: '600.00',
      },
    ]);
    expect(
      properties.rows.map((row: { property: string; bookings: number }) => [
        row.property,
        row.bookings,
      ]),
    ).toEqual([
      ['City', 2],
      ['Lake', 2],
    ]);
  });

  it('keeps properties of one name apart', async () => {
    const guest = await buildActor({ companyId });
    const houses = [
      await buildProperty({ companyId, name: 'Lake' }),
      await buildProperty({ companyId, name: 'Lake' }),
    ];
    for (const { id: propertyId, ownerId: hostId } of houses) {
      await buildStayed({ companyId, propertyId, hostId, guestId: guest.userId });
    }

    const asked = await ask({ from: addDays(today, -30), to: today });
    await worker.generate(companyId, asked.body.data.id);
    const { body } = await api.as(manager).get(`/reports/${asked.body.data.id}`);

    expect(body.data.report_data.tables[1].rows).toMatchObject(
      houses.map(({ id }) => ({ property: 'Lake', property_id: id, bookings: 1 })),
    );
  });

  it('is not about policies of a type', async () => {
    expect(await ask({ policy_type: 'home' })).toMatchObject({
      status: 422,
      body: { details: [{ field: 'filters.policy_type' }] },
    });
  });
});
