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
      cancel: (at = Date.now(), canceller: 'guest' | 'host' | 'operator' = 'guest') =>
        wished({ ...who, event: 'cancel', as: canceller }, at),
      move: (name: BookingTimerName, dueAt: number, at: number) =>
        wished({ ...who, event: 'move_timer', name, dueAt }, at),
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
      /** By hand. */
      giveBack: (amount: string) =>
        database.sql('UPDATE shared.payments SET refunded_amount = $2 WHERE booking_id = $1', [
          id,
          amount,
        ]),
      /** Days of the nights that nobody else can have. */
      held: async () =>
        database.sql(
          `SELECT r.start_date::text AS "startDate", r.end_date::text AS "endDate"
           FROM shared.reservations r WHERE r.booking_id = $1 AND r.archived_at IS NULL`,
          [id],
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

  it.each([
    ['whose hold has ended', true, 'hold'],
    ['whose nights are held', false, 'refund'],
  ])(
    '%s is over at once where its payment was all given back by hand',
    async (_, hasEnded, cancelledBy) => {
      const stay = await openStay({ startDate: today() });
      await stay.pay();
      if (hasEnded) await stay.fire('hold');
      await stay.giveBack('200.00');

      await stay.charged();

      expect(stay.state()).toMatchObject({ status: 'cancelled', timers: [], isClosed: true });
      expect(await stay.held()).toEqual([]);
      expect(await stay.row()).toMatchObject({
        cancelled_by: cancelledBy,
        paid_at: expect.any(String),
        refund_amount: 0,
        is_refunding: false,
      });
    },
  );

  it('whose payment was all given back by hand is over instead of confirmed by its host', async () => {
    const stay = await openStay({ startDate: today(), instantBook: false });
    await stay.pay();
    await stay.charged();
    await stay.giveBack('200.00');

    await stay.accept();

    expect(stay.state()).toMatchObject({ status: 'cancelled', timers: [], isClosed: true });
    expect(await stay.held()).toEqual([]);
    expect(await stay.row()).toMatchObject({ cancelled_by: 'refund', accepted_at: null });
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

  it('that is over is not given up any more, however late its clock is', async () => {
    const stay = await openStay({ startDate: today() });
    await stay.pay();
    await stay.charged();
    const checkOut = timeOfDay(stay.endDate, '11:00', timeZone);
    const before = await stay.row();

    await expect(stay.cancel(checkOut, 'host')).rejects.toMatchObject({ code: 'STAY_OVER' });
    await expect(stay.cancel(checkOut, 'guest')).rejects.toMatchObject({ code: 'STAY_OVER' });

    expect(await stay.row()).toEqual(before);
    await stay.cancel(checkOut - 1, 'host');
    expect(await stay.row()).toMatchObject({ status: 'cancelled', refund_amount: 200 });
  });

  it('that is over is completed where an operator stops its run', async () => {
    const stay = await openStay({ startDate: today() });
    await stay.pay();
    await stay.charged();

    await stay.cancel(timeOfDay(stay.endDate, '11:00', timeZone), 'operator');

    expect(stay.state()).toMatchObject({ status: 'completed', isClosed: false });
    expect(await stay.row()).toMatchObject({ refund_amount: 0, cancelled_at: null });
  });

  it('that was never confirmed gives its money back however late', async () => {
    const stay = await openStay({ startDate: today(), instantBook: false });
    await stay.pay();
    await stay.charged();

    await stay.cancel(timeOfDay(stay.endDate, '11:00', timeZone));

    expect(await stay.row()).toMatchObject({ status: 'cancelled', refund_amount: 200 });
  });

  it.each([
    ['on the day of the arrival', 0, '23:00', []],
    ['on a day between', 1, '09:00', [0, 1]],
    ['on its last day', 2, '09:00', [0, 2]],
    ['later than it should', 3, '09:00', [0, 2]],
  ])('that is left %s keeps the nights that were slept', async (_, days, time, kept) => {
    const stay = await openStay({ startDate: today() });
    await stay.pay();
    await stay.charged();

    await stay.fire('check_out', timeOfDay(addDays(stay.startDate, days), time, timeZone));

    const [from, to] = kept.map((day) => addDays(stay.startDate, day));
    expect(await stay.held()).toEqual(from ? [{ startDate: from, endDate: to }] : []);
    expect(await stay.row()).toMatchObject({ status: 'completed', end_date: stay.endDate });
  });

  it('reminds its host of a moved deadline after the same share of the time that is left', async () => {
    const stay = await openStay({ startDate: addDays(today(), 40), instantBook: false });
    const now = Date.now();
    const hours = (count: number): number => now + count * 3_600_000;
    const timers = () => stay.state().timers.map(({ name, dueAt }) => [name, dueAt]);
    await stay.pay(now);
    await stay.charged(now);

    await stay.move('host_confirmation', hours(48), now);
    const moved = timers();
    await stay.fire('host_reminder', hours(36));
    await stay.move('host_confirmation', hours(56), hours(40));
    const again = timers();
    await stay.move('host_confirmation', hours(41), hours(41));

    expect(moved).toEqual([
      ['host_reminder', hours(36)],
      ['host_confirmation', hours(48)],
    ]);
    expect(again).toEqual([
      ['host_reminder', hours(52)],
      ['host_confirmation', hours(56)],
    ]);
    expect(timers()).toEqual([['host_confirmation', hours(41)]]);
  });

  it('tells its host at the end what was paid and did not go back', async () => {
    const stay = await openStay({ startDate: today() });
    await stay.pay();
    await stay.charged();
    await stay.giveBack('50.00');

    await stay.fire('check_out');

    const told = await database.sql<{ amount: string }>(
      `SELECT payload->>'amount' AS amount FROM core.notifications
       WHERE entity_id = $1 AND template_code = 'booking_completed'`,
      [stay.id],
    );
    expect(told).toEqual([{ amount: '150.00' }, { amount: '150.00' }]);
  });
});
