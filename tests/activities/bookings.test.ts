import { bookingActivities, type BookingStep } from '../../src/activities/bookings.ts';
import { book } from '../../src/commands/book.ts';
import type { BookingState, BookingWish } from '../../src/models/bookingStart.ts';
import { withTenant } from '../../src/models/database.ts';
import type { PaymentResult } from '../../src/models/paymentStart.ts';
import type { BookingTimerName } from '../../src/rules/bookingClocks.ts';
import { addDays, dateAt, timeOfDay, type CalendarDate } from '../../src/rules/calendar.ts';
import { as, buildActor, buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildProperty } from '../support/properties.ts';

const timeZone = 'Europe/Berlin';
const today = (): CalendarDate => dateAt(Date.now(), timeZone);
const completed: PaymentResult = { status: 'completed', failureCode: null };

describe('a stay', () => {
  let database: TestDatabase;
  const activities = bookingActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** Booked for two nights; each step is taken at the moment that it names, or now. */
  async function openStay({
    startDate,
    instantBook = true,
  }: {
    readonly startDate: CalendarDate;
    readonly instantBook?: boolean;
  }) {
    const { id: companyId } = await buildCompany();
    const [guest, host] = [await buildActor({ companyId }), await buildActor({ companyId })];
    const property = await buildProperty({ companyId, ownerId: host.userId, instantBook });
    const stay = { startDate, endDate: addDays(startDate, 2) };
    const { id } = await as(guest, () =>
      withTenant(
        companyId,
        async () => (await book(guest, { propertyId: property.id, ...stay, guests: 1 })).booking,
      ),
    );
    const ref = { companyId, bookingId: id };
    let state: BookingState = await activities.readBooking(ref);
    const step = async (
      at: number,
      act: (order: Parameters<typeof activities.fireBookingTimer>[0]) => Promise<BookingStep>,
      name: BookingTimerName = 'hold',
    ): Promise<void> => {
      const occurrence = state.timers.find((timer) => timer.name === name)?.occurrence ?? 0;
      const { stateVersion: expectedVersion } = state;
      const commandId = `booking/${id}/step/${expectedVersion}`;
      ({ state } = await act({ ...ref, commandId, expectedVersion, at, name, occurrence }));
    };
    const wished = (wish: BookingWish, at: number): Promise<void> =>
      step(at, (order) => activities.processBooking({ ...order, wish }));
    const who = { by: guest.userId, reason: null };

    return {
      ...stay,
      id,
      guest,
      host,
      state: () => state,
      pay: (at = Date.now()) => wished({ ...who, event: 'pay' }, at),
      accept: (at = Date.now()) => wished({ ...who, event: 'accept' }, at),
      cancel: (at = Date.now()) => wished({ ...who, event: 'cancel', as: 'guest' }, at),
      fire: (name: BookingTimerName, at = Date.now()) =>
        step(at, (order) => activities.fireBookingTimer(order), name),
      charged: (at = Date.now()) =>
        step(at, (order) =>
          activities.settleBookingPayment({
            ...order,
            paymentId: state.paymentId ?? '',
            result: completed,
          }),
        ),
      row: async () => {
        const [found] = await database.sql<{ row: object }>(
          'SELECT to_jsonb(b) AS row FROM shared.bookings b WHERE id = $1',
          [id],
        );
        return found?.row;
      },
    };
  }

  it.each([
    ['is revived until the day of the arrival is over', 0, '23:59', 'confirmed', 0],
    ['goes back once that day is over, though the nights are free', 1, '00:01', 'cancelled', 200],
  ])('of which the payment comes late %s', async (_, days, time, status, refunded) => {
    const stay = await openStay({ startDate: today() });
    await stay.pay();
    await stay.fire('hold');

    await stay.charged(timeOfDay(addDays(stay.startDate, days), time, timeZone));

    expect(await stay.row()).toMatchObject({ status, refund_amount: refunded });
  });

  it('is over at once where its late payment was all given back by hand', async () => {
    const stay = await openStay({ startDate: today() });
    await stay.pay();
    await stay.fire('hold');
    await database.sql(
      'UPDATE shared.payments SET refunded_amount = amount WHERE booking_id = $1',
      [stay.id],
    );

    await stay.charged(timeOfDay(stay.endDate, '12:00', timeZone));

    expect(stay.state()).toMatchObject({ status: 'cancelled', timers: [], isClosed: true });
    expect(await stay.row()).toMatchObject({ refund_amount: 0, is_refunding: false });
  });

  it('that would be over is not confirmed by its host any more', async () => {
    const stay = await openStay({ startDate: today(), instantBook: false });
    await stay.pay();
    await stay.charged();
    const checkOut = timeOfDay(stay.endDate, '11:00', timeZone);

    await expect(stay.accept(checkOut)).rejects.toMatchObject({ code: 'STAY_OVER' });

    expect(await stay.row()).toMatchObject({ status: 'pending', accepted_at: null });
    await stay.accept(checkOut - 1);
    expect(await stay.row()).toMatchObject({ status: 'confirmed' });
  });

  it('tells its host at the end what was paid and did not go back', async () => {
    const stay = await openStay({ startDate: today() });
    await stay.pay();
    await stay.charged();
    await database.sql('UPDATE shared.payments SET refunded_amount = 50 WHERE booking_id = $1', [
      stay.id,
    ]);

    await stay.fire('check_out');

    const told = await database.sql<{ amount: string }>(
      `SELECT payload->>'amount' AS amount FROM core.notifications
       WHERE entity_id = $1 AND template_code = 'booking_completed'`,
      [stay.id],
    );
    expect(told).toEqual([{ amount: '150.00' }, { amount: '150.00' }]);
  });
});
