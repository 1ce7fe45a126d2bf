import type { Actor } from '../../../src/context.ts';
import { addDays, dateAt } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildProperty } from '../../support/properties.ts';

const path = '/companies/current/settings/apply-to-bookings';

let api: TestApi;
let companyId: string;
let admin: Actor;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

const set = (booking: object) => api.as(admin).patch('/companies/current/settings', { booking });
const shown = () => api.as(admin).post(path, { reason: 'A fair', dry_run: true });

/** Of a property of its own, which says these things for itself. */
const book = async (own: { holdMinutes?: number } = {}) => {
  const [host, guest] = [await buildActor({ companyId }), await buildActor({ companyId })];
  const property = await buildProperty({ companyId, ownerId: host.userId });
  await api.database.sql('UPDATE shared.properties SET hold_minutes = $2 WHERE id = $1', [
    property.id,
    own.holdMinutes ?? null,
  ]);
  const from = addDays(dateAt(Date.now(), property.timeZone), 10);
  const { body } = await api.as(guest).post('/bookings', {
    property_id: property.id,
    start_date: from,
    end_date: addDays(from, 3),
  });
  return { id: String(body.data.id), propertyId: property.id };
};

describe(`POST ${path}`, () => {
  it('shows with dry_run which running bookings have other settings, and what would move', async () => {
    const booking = await book();
    const own = await book({ holdMinutes: 20 });
    await set({ hold_minutes: 25 });

    const { status, body } = await shown();

    expect([status, body.data]).toMatchObject([
      200,
      {
        dry_run: true,
        bookings: [
          {
            booking_id: booking.id,
            property_id: booking.propertyId,
            status: 'pending',
            timers: [{ name: 'hold' }],
          },
        ],
        failed: [],
        remaining: 1,
      },
    ]);
    const [hold] = body.data.bookings[0].timers;
    expect(Date.parse(hold.new_due_at) - Date.parse(hold.due_at)).toBe(10 * 60_000);
    const rows = await api.database.sql<{ hold: number; version: number }>(
      `SELECT (config #>> '{settings,holdMinutes}')::int AS hold, state_version AS version
       FROM shared.bookings WHERE id = ANY ($1) ORDER BY created_at`,
      [[booking.id, own.id]],
    );
    expect(rows).toEqual([
      { hold: 15, version: 1 },
      { hold: 20, version: 1 },
    ]);
  });

  it('names none where all have the settings as they are', async () => {
    await set({ hold_minutes: 25, stay_reminder_days: [3] });
    await book();
    await book({ holdMinutes: 20 });

    expect((await shown()).body.data).toEqual({
      dry_run: true,
      bookings: [],
      failed: [],
      remaining: 0,
    });
  });

  it('shows the oldest hundred and counts the others', async () => {
    await book();
    await api.database.sql(
      `INSERT INTO shared.bookings (company_id, id, property_id, guest_id, host_id, start_date, end_date,
         nights, guests, price_per_night, total_amount, currency, status, hold_expires_at, config)
       SELECT b.company_id, gen_random_uuid(), property_id, guest_id, host_id, start_date, end_date, nights,
         guests, price_per_night, total_amount, currency, status, hold_expires_at, config
       FROM shared.bookings b, generate_series(1, 120) WHERE b.company_id = $1`,
      [companyId],
    );
    await set({ review_days: 30 });

    const { body } = await shown();

    expect([body.data.bookings.length, body.data.remaining]).toEqual([100, 121]);
  });
});
