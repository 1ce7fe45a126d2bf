import { setTimeout } from 'node:timers/promises';
import { insist } from '../support/backoff.ts';
import { beginBooking, type BookingJourney } from '../support/bookings.ts';
import { useJourneysWithGateway, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

/** How long 200 at once take depends on the machine, and is not the matter here. */
jest.setTimeout(600_000);

describe('a booking that 200 act on at once, on the real server', () => {
  let journeys: Journeys;
  useJourneysWithGateway((opened) => void (journeys = opened), openRealTemporal);

  const begin = (wish?: Parameters<typeof beginBooking>[1]) => beginBooking(journeys, wish);

  /** Each under a key of its own, with which it is repeated where no answer came in time. */
  const all = (act: (n: number) => Promise<unknown>): Promise<string[]> =>
    Promise.all(Array.from({ length: 200 }, (_, n) => insist(() => act(n))));

  /** Until no money is under way. */
  const settled = async (booking: BookingJourney): Promise<void> => {
    const isUnderWay = async () => {
      const row = await booking.row();
      return row['is_charging'] === true || row['is_refunding'] === true;
    };
    while (await isUnderWay()) await setTimeout(100);
  };

  const paid = async (): Promise<BookingJourney> => {
    const booking = await begin();
    await insist(() => booking.pay('payment'));
    await settled(booking);
    return booking;
  };

  it('is charged once, however often it is paid', async () => {
    const booking = await begin({ instantBook: true });

    const outcomes = await all((n) => booking.pay(`payment ${n}`));
    await settled(booking);

    expectOneDone(outcomes, ['PAYMENT_UNDER_WAY', 'ILLEGAL_TRANSITION']);
    expect(await booking.row()).toMatchObject({ status: 'confirmed' });
    expect(await booking.events()).toEqual(['book', 'pay', 'confirm']);
    expect(await booking.payments()).toEqual(['booking completed 300.00']);
    expect(await booking.ledger()).toEqual(['booking_income -300.00', 'gateway_clearing 300.00']);
  });

  it('is given back once, whoever of guest and host gives it up', async () => {
    const booking = await paid();

    const outcomes = await all((n) =>
      booking.cancel(n % 2 ? booking.guest : booking.host, `cancellation ${n}`),
    );
    await settled(booking);

    expectOneDone(outcomes, ['ILLEGAL_TRANSITION']);
    expect(await booking.events()).toEqual(['book', 'pay', 'take_payment', 'cancel', 'end_refund']);
    await expectGivenBack(booking);
  });

  it('is confirmed or declined, once', async () => {
    const booking = await paid();

    const outcomes = await all((n) =>
      n % 2 ? booking.confirm(`word ${n}`) : booking.decline(undefined, `word ${n}`),
    );
    await settled(booking);

    const confirmed = outcomes.findIndex((outcome) => outcome === 'done') % 2 === 1;
    const isConfirmed = (await booking.row())['status'] === 'confirmed';
    expect([confirmed, await booking.holdsNights()]).toEqual([isConfirmed, isConfirmed]);
    expectOneDone(outcomes, ['ILLEGAL_TRANSITION']);
    if (!isConfirmed) await expectGivenBack(booking);
  });

  it('leaves neither money nor nights behind when it is paid and given up at once', async () => {
    const bookings = await Promise.all(Array.from({ length: 20 }, () => begin()));

    await Promise.all(
      bookings.flatMap((booking) => [
        insist(() => booking.pay('payment')),
        insist(() => booking.cancel(booking.guest, 'cancellation')),
      ]),
    );
    await Promise.all(bookings.map(settled));

    for (const booking of bookings) {
      expect(await booking.row()).toMatchObject({ status: 'cancelled', cancelled_by: 'guest' });
      expect(await booking.holdsNights()).toBe(false);
      const [charge] = await booking.payments();
      // What the gateway had not seen when the stay was given up was not sent.
      if (charge === 'booking failed 300.00') expect(await booking.ledger()).toEqual([]);
      else if (charge !== undefined) await expectGivenBack(booking);
    }
  });
});

/** The others are refused, each for one of these reasons. */
function expectOneDone(outcomes: readonly string[], reasons: readonly string[]): void {
  expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
  expect([...reasons, 'done']).toEqual(expect.arrayContaining([...new Set(outcomes)]));
}

async function expectGivenBack(booking: BookingJourney): Promise<void> {
  expect(await booking.payments()).toEqual(['booking refunded 300.00', 'refund completed 300.00']);
  expect(await booking.ledger()).toEqual([
    'booking_income -300.00',
    'gateway_clearing 0.00',
    'refunds 300.00',
  ]);
  expect(await booking.holdsNights()).toBe(false);
}
