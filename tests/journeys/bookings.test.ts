import { setTimeout as pause } from 'node:timers/promises';
import { previewBooking } from '../../src/commands/bookingPreview.ts';
import { createBookingTimelines } from '../../src/commands/bookingTimelines.ts';
import { createPayments } from '../../src/commands/payments.ts';
import { createReviews } from '../../src/commands/reviews.ts';
import { addDays } from '../../src/rules/calendar.ts';
import { as, buildActor, once } from '../support/build.ts';
import { beginBooking, type BookingJourney } from '../support/bookings.ts';
import { dayMs, instantOf, useJourneysWithGateway, type Journeys } from '../support/journey.ts';
import type { TestGateway } from '../support/payments.ts';

const hourMs = 3_600_000;
const settledBooks = ['booking_income -300.00', 'gateway_clearing 300.00'];
const returned = ['booking_income -300.00', 'gateway_clearing 0.00', 'refunds 300.00'];

describe('a booking', () => {
  let journeys: Journeys;
  let gateway: TestGateway;
  useJourneysWithGateway((...opened) => void ([journeys, gateway] = opened));

  const begin = (wish?: Parameters<typeof beginBooking>[1]) => beginBooking(journeys, wish);

  const paid = async (wish?: Parameters<typeof beginBooking>[1]): Promise<BookingJourney> => {
    const booking = await begin(wish);
    await booking.pay();
    await booking.settled();
    return booking;
  };

  it('that needs nobody is confirmed once it is paid, reminds its guest, and asks twice for a review', async () => {
    const booking = await paid({ instantBook: true });

    expect(await booking.row()).toMatchObject({ status: 'confirmed', total_amount: 300 });
    await booking.end();

    expect(await booking.row()).toMatchObject({
      status: 'completed',
      workflow_closed_at: expect.any(String),
    });
    expect(await booking.events()).toEqual(['book', 'pay', 'confirm', 'complete', 'close']);
    expect(await booking.timers()).toEqual([
      'hold cancelled',
      'stay_reminder_7 fired',
      'stay_reminder_1 fired',
      'check_out fired',
      'review_reminder fired',
      'review_window fired',
    ]);
    expect(await booking.payments()).toEqual(['booking completed 300.00']);
    expect(await booking.ledger()).toEqual(settledBooks);
    expect(await booking.mailsTo(booking.guest)).toEqual([
      'booking_placed',
      'booking_confirmed',
      'booking_reminder',
      'booking_reminder',
      'review_invitation',
      'review_invitation',
    ]);
    const invited = await journeys.database.sql<{ until: string }>(
      `SELECT payload ->> 'reviewUntil' AS until FROM core.notifications
       WHERE entity_id = $1 AND channel = 'email' AND template_code = 'review_invitation'`,
      [booking.id],
    );
    const until = addDays(String((await booking.row())['end_date']), 14);
    expect(invited).toEqual([{ until }, { until }]);
    expect(await booking.mailsTo(booking.host)).toEqual([
      'booking_confirmed_host',
      'booking_completed',
    ]);
    expect(await booking.holdsNights()).toBe(true);
  });

  it('does what its preview says', async () => {
    const booking = await paid({ instantBook: true });
    const operator = await buildActor({ companyId: booking.company.id, role: 'operator' });

    const preview = await previewBooking(operator, { id: booking.id });
    await booking.end();

    const passed = await journeys.database.sql<{ name: string; dueAt: Date }>(
      `SELECT name, due_at AS "dueAt" FROM core.timers
       WHERE entity_id = $1 AND status = 'fired' ORDER BY due_at`,
      [booking.id],
    );
    expect(passed).toHaveLength(5);
    expect(preview.timers.map(({ name, dueAt }) => ({ name, dueAt }))).toEqual(passed);
  });

  it('waits for its host once it is paid, and is confirmed by them', async () => {
    const booking = await paid();
    expect(await booking.row()).toMatchObject({ status: 'pending', paid_at: expect.any(String) });

    await booking.confirm();

    expect(await booking.row()).toMatchObject({ status: 'confirmed' });
    expect(await booking.events()).toEqual(['book', 'pay', 'take_payment', 'confirm']);
    expect(await booking.mailsTo(booking.host)).toEqual([
      'booking_request',
      'booking_confirmed_host',
    ]);
  });

  it('that its host has taken beforehand is confirmed by the payment', async () => {
    const booking = await begin();
    await booking.confirm();
    await expect(booking.confirm()).rejects.toMatchObject({ code: 'ALREADY_ACCEPTED' });

    await booking.pay();
    await booking.settled();

    expect(await booking.events()).toEqual(['book', 'accept', 'pay', 'confirm']);
  });

  it('that is not paid in time frees its nights, and others can have them', async () => {
    const booking = await begin();
    await booking.end();

    const next = await booking.bookAgain();

    expect(await booking.row()).toMatchObject({ status: 'cancelled', cancelled_by: 'hold' });
    expect([await booking.holdsNights(), await next.holdsNights()]).toEqual([false, true]);
    expect(await booking.payments()).toEqual([]);
    expect(await booking.mailsTo(booking.guest)).toEqual([
      'booking_placed',
      'booking_hold_expired',
    ]);
  });

  it('that its host leaves unanswered is recalled, and then cancelled and refunded by itself', async () => {
    const booking = await paid();

    await booking.passTo('host_reminder', 1000);
    expect(await booking.mailsTo(booking.host)).toEqual([
      'booking_request',
      'booking_request_reminder',
    ]);
    await booking.end();

    expect(await booking.row()).toMatchObject({ cancelled_by: 'request', refund_amount: 300 });
    expect(await booking.payments()).toEqual([
      'booking refunded 300.00',
      'refund completed 300.00',
    ]);
    expect(await booking.ledger()).toEqual(returned);
    expect(await booking.holdsNights()).toBe(false);
  });

  it('that its host declines gives everything back', async () => {
    const booking = await paid();

    await booking.decline();
    await booking.end();

    expect(await booking.row()).toMatchObject({ status: 'cancelled', cancelled_by: 'host' });
    expect(await booking.events()).toEqual([
      'book',
      'pay',
      'take_payment',
      'decline',
      'end_refund',
    ]);
    expect(await booking.ledger()).toEqual(returned);
    expect(await booking.mailsTo(booking.guest)).toEqual(['booking_placed', 'booking_declined']);
  });

  it.each([
    ['flexible', 10, '300.00', 'in_time'],
    ['flexible', 0, '200.00', 'first_night_kept'],
    ['moderate', 3, '150.00', 'half'],
    ['strict', 3, '0.00', 'too_late'],
  ] as const)(
    'under the rule %s given up %i days before gives back %s, as its preview says',
    async (cancellationPolicy, startsIn, amount, rule) => {
      const booking = await paid({ instantBook: true, cancellationPolicy, startsIn });

      const preview = await booking.preview();
      await booking.cancel();
      await booking.end();

      expect(preview).toMatchObject({ amount, rule, paid: '300.00', isStrike: false });
      expect(await booking.row()).toMatchObject({
        status: 'cancelled',
        cancelled_by: 'guest',
        refund_amount: Number(amount),
      });
      const back = amount === '0.00' ? [] : [`refund completed ${amount}`];
      const charge = amount === '300.00' ? 'refunded' : 'completed';
      expect(await booking.payments()).toEqual([`booking ${charge} 300.00`, ...back]);
      expect(await booking.holdsNights()).toBe(false);
    },
  );

  it('that its host gives up gives everything back and counts against them', async () => {
    const booking = await paid({ instantBook: true, cancellationPolicy: 'strict', startsIn: 2 });

    const preview = await booking.preview(booking.host);
    await booking.cancel(booking.host);
    await booking.end();

    expect(preview).toMatchObject({ amount: '300.00', rule: 'by_host', isStrike: true });
    expect(await booking.row()).toMatchObject({ cancelled_by: 'host', host_strike: true });
    expect(await booking.ledger()).toEqual(returned);
  });

  it('whose payment is declined can be paid again while its nights are held', async () => {
    const booking = await begin({ instantBook: true });
    await gateway.script(['decline_for_now']);
    await booking.pay();
    await booking.settled();
    expect(await booking.row()).toMatchObject({ status: 'pending', paid_at: null });

    await booking.pay();
    await booking.settled();

    expect(await booking.row()).toMatchObject({ status: 'confirmed' });
    expect(await booking.payments()).toEqual(['booking failed 300.00', 'booking completed 300.00']);
    expect(await booking.ledger()).toEqual(settledBooks);
  });

  it('is paid once, however often somebody asks', async () => {
    const booking = await begin({ instantBook: true });

    const first = await booking.pay('one key');
    await booking.settled();
    const again = await booking.pay('one key');

    expect(again).toMatchObject({ status: expect.any(Number) });
    expect(first).toMatchObject({ booking: { id: booking.id } });
    await expect(booking.pay()).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    expect(await booking.payments()).toEqual(['booking completed 300.00']);
  });

  it('given up by guest and host at once gives back once', async () => {
    const booking = await paid({ instantBook: true });

    const outcomes = await Promise.allSettled([
      booking.cancel(booking.guest),
      booking.cancel(booking.host),
    ]);
    await booking.end();

    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await booking.payments()).toEqual([
      'booking refunded 300.00',
      'refund completed 300.00',
    ]);
    expect(await booking.ledger()).toEqual(returned);
  });

  describe('whose payment arrives after the hold', () => {
    const paidLate = async (wish: Parameters<typeof beginBooking>[1] = {}) => {
      const booking = await begin(wish);
      await booking.passTo('hold', -4000);
      await gateway.script(['processing']);
      await booking.pay();
      await booking.passTo('hold', 1000);
      expect(await booking.row()).toMatchObject({ status: 'cancelled', is_charging: true });
      return booking;
    };

    it('is confirmed where the nights are still free', async () => {
      const booking = await paidLate({ instantBook: true });

      await booking.settled();

      expect(await booking.row()).toMatchObject({ status: 'confirmed', cancelled_by: null });
      expect(await booking.events()).toEqual(['book', 'pay', 'expire_hold', 'revive_confirmed']);
      expect(await booking.holdsNights()).toBe(true);
    });

    it('waits for its host again where nobody has confirmed it', async () => {
      const booking = await paidLate();

      await booking.settled();

      expect(await booking.row()).toMatchObject({ status: 'pending', paid_at: expect.any(String) });
      expect(await booking.mailsTo(booking.host)).toEqual(['booking_request']);
      expect(await booking.mailsTo(booking.guest)).toEqual([
        'booking_placed',
        'booking_hold_expired',
        'booking_revived',
      ]);
    });

    it('is refunded at once where somebody else has them', async () => {
      const booking = await paidLate({ instantBook: true });
      const next = await booking.bookAgain();

      await booking.settled();

      expect(await booking.row()).toMatchObject({
        status: 'cancelled',
        refund_amount: 300,
        workflow_closed_at: expect.any(String),
      });
      expect(await booking.events()).toEqual([
        'book',
        'pay',
        'expire_hold',
        'return_payment',
        'end_refund',
      ]);
      expect(await booking.ledger()).toEqual(returned);
      expect([await booking.holdsNights(), await next.holdsNights()]).toEqual([false, true]);
      expect(await booking.mailsTo(booking.guest)).toEqual([
        'booking_placed',
        'booking_hold_expired',
        'booking_payment_late',
      ]);
    });

    it('is refunded where its guest has given it up meanwhile', async () => {
      const booking = await begin({ instantBook: true });
      await gateway.script(['processing']);
      await booking.pay();
      // Before that it would not be sent any more.
      const { payment_id: chargeId } = await booking.row();
      while (!gateway.ledger().some((line) => line.payment_id === chargeId)) await pause(20);
      await booking.cancel();

      await booking.end();

      expect(await booking.row()).toMatchObject({ cancelled_by: 'guest', refund_amount: 300 });
      expect(await booking.ledger()).toEqual(returned);
    });
  });

  it('whose money has come is taken when its hold ends, though nobody has told it yet', async () => {
    const booking = await begin({ instantBook: true });
    await gateway.stop();
    await booking.pay();
    // Its run asks the gateway again after the hold only.
    await booking.passTo('hold', -1000);
    const { payment_id: paymentId } = await booking.row();
    await journeys.database.sql(
      `UPDATE shared.payments
       SET status = 'completed', transaction_id = 'tr_1', payment_date = current_date WHERE id = $1`,
      [paymentId],
    );

    await booking.passTo('hold', 1000);

    expect(await booking.row()).toMatchObject({ status: 'confirmed', is_charging: false });
    expect(await booking.events()).toEqual(['book', 'pay', 'confirm']);
    expect(await booking.holdsNights()).toBe(true);
    // A child that outlives its parent has this server stand still.
    await gateway.startAgain();
    await journeys.passUntil(journeys.now() + 3 * hourMs);
  });

  it('given up while the gateway is away is not charged once that is back', async () => {
    const booking = await begin({ instantBook: true });
    await gateway.stop();
    await booking.pay();
    await booking.rest();
    await booking.cancel();
    await gateway.startAgain();

    await booking.end();

    const { payment_id: paymentId } = await booking.row();
    expect(gateway.carriedOut(String(paymentId))).toBe(0);
    expect(await booking.payments()).toEqual(['booking failed 300.00']);
    expect(await booking.ledger()).toEqual([]);
    expect(await booking.events()).toEqual(['book', 'pay', 'cancel', 'fail_payment']);
  });

  it('whose refund does not arrive calls for administrators, then for operators', async () => {
    const booking = await paid({ instantBook: true });
    await gateway.script(['decline']);
    await booking.cancel();

    await booking.end();

    expect(await booking.payments()).toEqual(['booking completed 300.00', 'refund failed 300.00']);
    expect(await booking.told('tenant_admin')).toEqual(['booking_refund_stuck']);
    expect(await booking.told('operator')).toEqual(['booking_refund_stuck']);
    expect(await booking.events()).toEqual([
      'book',
      'pay',
      'confirm',
      'cancel',
      'fail_refund',
      'close',
    ]);
  });

  it('whose refund fails after both of its watches calls for them once more', async () => {
    const booking = await paid({
      instantBook: true,
      settings: { booking: { refundWatchDays: 1 } },
    });
    await gateway.script(['decline_for_now', 'decline_for_now', 'decline_for_now', 'decline']);
    await booking.cancel();

    await booking.end();

    expect(await booking.payments()).toEqual(['booking completed 300.00', 'refund failed 300.00']);
    expect(await booking.told('tenant_admin')).toEqual([
      'booking_refund_stuck',
      'booking_refund_stuck',
    ]);
    expect(await booking.told('operator')).toEqual([
      'booking_refund_stuck',
      'booking_refund_stuck',
    ]);
    expect((await booking.events()).slice(-2)).toEqual(['fail_refund', 'close']);
  });

  describe('whose refund failed', () => {
    const notGivenBack = async () => {
      const booking = await paid({ instantBook: true });
      const admin = await buildActor({ companyId: booking.company.id, role: 'tenant_admin' });
      const { refund } = createPayments({ ...journeys, hasGateway: true });
      const { payment_id: chargeId } = await booking.row();
      const giveBack = async (amount: string) => {
        const wish = { amount, reason: 'The card was blocked' };
        await as(admin, () => refund(admin, String(chargeId), wish, once(admin)));
        await journeys.dispatcher.drained();
      };
      await gateway.script(['decline']);
      await booking.cancel();
      await booking.settled();
      return { booking, giveBack };
    };

    it('calls for nobody any more once all of it went back by hand', async () => {
      const { booking, giveBack } = await notGivenBack();

      await giveBack('100.00');
      await booking.passTo('refund_watch', 1000);
      const told = await booking.told('tenant_admin');
      await giveBack('200.00');
      await booking.end();

      expect(told).toEqual(['booking_refund_stuck']);
      expect(await booking.told('tenant_admin')).toEqual(told);
      expect(await booking.told('operator')).toEqual([]);
      expect((await booking.events()).slice(-2)).toEqual(['fail_refund', 'adopt_refund']);
      expect(await booking.row()).toMatchObject({
        refund_amount: 300,
        is_refunding: false,
        workflow_closed_at: expect.any(String),
      });
      expect(await booking.ledger()).toEqual(returned);
    });

    it('awaits one by hand that is under way', async () => {
      const { booking, giveBack } = await notGivenBack();
      await booking.passTo('refund_watch', -1000);
      await gateway.script(['decline_for_now', 'ok']);

      await giveBack('300.00');
      await booking.passTo('refund_watch', 1000);
      const awaited = await booking.row();
      await booking.end();

      expect(awaited).toMatchObject({ is_refunding: true, workflow_closed_at: null });
      expect(await booking.told('tenant_admin')).toEqual([]);
      expect((await booking.events()).slice(-3)).toEqual([
        'fail_refund',
        'adopt_refund',
        'end_refund',
      ]);
      expect(await booking.ledger()).toEqual(returned);
    });
  });

  describe('of which everything is on its way back by hand when it is given up', () => {
    const givenUp = async (outcomes: Parameters<TestGateway['script']>[0]) => {
      const booking = await paid();
      const admin = await buildActor({ companyId: booking.company.id, role: 'tenant_admin' });
      const { refund } = createPayments({ ...journeys, hasGateway: true });
      const { payment_id: chargeId } = await booking.row();
      await gateway.script(outcomes);
      const all = { amount: '300.00', reason: 'The boiler is broken' };
      await as(admin, () => refund(admin, String(chargeId), all, once(admin)));
      await journeys.dispatcher.drained();
      await booking.cancel();
      return booking;
    };

    it('is open until that has arrived', async () => {
      const booking = await givenUp(['decline_for_now', 'ok']);
      expect(await booking.row()).toMatchObject({ is_refunding: true, refund_amount: 300 });

      await booking.end();

      expect((await booking.payments()).toSorted()).toEqual([
        'booking refunded 300.00',
        'refund completed 300.00',
      ]);
      expect(await booking.told('tenant_admin')).toEqual([]);
      expect(await booking.events()).toEqual([
        'book',
        'pay',
        'take_payment',
        'cancel',
        'end_refund',
      ]);
    });

    it('calls for administrators, then for operators, where that fails', async () => {
      const booking = await givenUp(['decline_for_now', 'decline']);

      await booking.end();

      expect((await booking.payments()).toSorted()).toEqual([
        'booking completed 300.00',
        'refund failed 300.00',
      ]);
      expect(await booking.told('tenant_admin')).toEqual(['booking_refund_stuck']);
      expect(await booking.told('operator')).toEqual(['booking_refund_stuck']);
    });
  });

  it('holds its nights as long as a moved deadline says', async () => {
    const booking = await begin();
    const operator = await buildActor({ companyId: booking.company.id, role: 'operator' });
    const { changeTimer, explain, timeline } = createBookingTimelines({
      temporal: journeys.server.temporal,
      workflows: journeys.workflows,
    });
    const change = { extendByMs: 3_600_000, reason: 'The bank is slow', dryRun: false };
    const move = () =>
      as(operator, () => changeTimer(operator, booking.id, 'hold', change, once(operator)));

    const why = await explain(booking.guest, booking.id);
    const before = await booking.row();
    await move();
    await journeys.passUntil(journeys.now() + 30 * 60_000);
    const still = await booking.row();
    await booking.end();
    const told = await timeline(booking.host, booking.id);

    expect(why).toMatchObject({
      waitsFor: 'person',
      summary: expect.stringContaining('the guest, who has to pay'),
      next: { name: 'hold' },
    });
    expect(still['status']).toBe('pending');
    const [held, heldLonger] = [before, still].map((row) => instantOf(row['hold_expires_at']));
    expect(heldLonger).toBe((held ?? 0) + 3_600_000);
    expect(told.past.map(({ name }) => name)).toEqual(['book', 'move_timer', 'expire_hold']);
    await expect(move()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('ends after its guest has arrived, and frees the nights of one who leaves early', async () => {
    const booking = await paid({ instantBook: true, startsIn: 2 });
    const operator = await buildActor({ companyId: booking.company.id, role: 'operator' });
    const { changeTimer } = createBookingTimelines({
      temporal: journeys.server.temporal,
      workflows: journeys.workflows,
    });
    const leave = () => {
      const dueAt = new Date(journeys.now() + 60_000);
      const change = { dueAt, reason: 'They had to go home', dryRun: false };
      return as(operator, () =>
        changeTimer(operator, booking.id, 'check_out', change, once(operator)),
      );
    };

    await expect(leave()).rejects.toMatchObject({ details: [{ code: 'DEADLINE_OUT_OF_RANGE' }] });
    await booking.passTo('check_out', -2 * dayMs);
    await leave();
    await booking.passTo('check_out', 1000);

    const { status, start_date: start } = await booking.row();
    const held = await journeys.database.sql<{ until: string }>(
      `SELECT end_date::text AS until FROM shared.reservations
       WHERE booking_id = $1 AND archived_at IS NULL`,
      [booking.id],
    );
    expect(status).toBe('completed');
    expect(held).toEqual([{ until: addDays(String(start), 1) }]);
  });

  it('that was reviewed does not ask for it again', async () => {
    const booking = await paid({ instantBook: true, startsIn: 2 });
    await booking.passTo('check_out', 1000);
    const reviews = createReviews();

    const review = await as(booking.guest, () =>
      reviews.create(
        booking.guest,
        booking.property.id,
        { rating: 5, comment: 'A joy' },
        once(booking.guest),
      ),
    );
    await booking.end();

    expect(review).toMatchObject({ bookingId: booking.id, rating: 5 });
    expect(await booking.mailsTo(booking.guest)).toEqual([
      'booking_placed',
      'booking_confirmed',
      'booking_reminder',
      'review_invitation',
    ]);
  });

  it('keeps what was agreed, whatever its property says later', async () => {
    const booking = await begin({ instantBook: true, startsIn: 10 });
    await journeys.database.sql(
      `UPDATE shared.properties SET price_per_night = 999, cancellation_policy = 'strict' WHERE id = $1`,
      [booking.property.id],
    );

    await booking.pay();
    await booking.settled();

    expect(await booking.preview()).toMatchObject({ amount: '300.00', rule: 'in_time' });
    await journeys.passUntil(journeys.now() + dayMs);
  });
});
