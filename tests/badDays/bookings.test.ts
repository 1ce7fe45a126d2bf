import type { Outcome } from '../../local/gatewaySimulator.ts';
import { openProduct, transfersOf, until, type Product } from './product.ts';
import { guest, host, openStayClients, rowOf, traceOf, type StayClients } from './stayLedger.ts';

type Course = 'givenUp' | 'paidLate' | 'unanswered';

interface Death {
  readonly of: 'api' | 'worker';
  readonly at: string;
  /** `givenUp` unless told. */
  readonly course?: Course;
}

/**
 * Who dies, and where, while a stay is booked, paid, confirmed and given up: before and after each of its
 * steps, around both movements of money, and around the commits and starts of the API. The other courses
 * die where the first one does not pass: at their timers, and where the payment comes late.
 */
const deaths: readonly Death[] = [
  { of: 'api', at: 'transaction.afterCommit:tenant#1' },
  { of: 'api', at: 'dispatch.beforeStart#1' },
  { of: 'api', at: 'dispatch.afterStart#1' },
  { of: 'api', at: 'command.afterKey#1' },
  { of: 'api', at: 'command.afterAnswer#3' },
  { of: 'worker', at: 'activity.before:processBooking#1' },
  { of: 'worker', at: 'activity.after:processBooking#1' },
  { of: 'worker', at: 'gateway.beforeSend#1' },
  { of: 'worker', at: 'gateway.afterSend#1' },
  { of: 'worker', at: 'activity.before:settleBookingPayment#1' },
  { of: 'worker', at: 'activity.after:settleBookingPayment#1' },
  { of: 'worker', at: 'activity.after:processBooking#2' },
  { of: 'worker', at: 'activity.before:processBooking#3' },
  { of: 'worker', at: 'activity.after:processBooking#3' },
  { of: 'worker', at: 'gateway.afterSend#2' },
  { of: 'worker', at: 'activity.before:settleBookingRefund#1' },
  { of: 'worker', at: 'activity.after:settleBookingRefund#1' },
  { of: 'worker', at: 'activity.before:fireBookingTimer#1', course: 'paidLate' },
  { of: 'worker', at: 'activity.after:settleBookingPayment#1', course: 'paidLate' },
  { of: 'worker', at: 'activity.after:fireBookingTimer#1', course: 'unanswered' },
];

describe('a stay whose processes die', () => {
  let product: Product;
  let stays: StayClients;

  beforeAll(async () => {
    product = await openProduct();
    stays = await openStayClients(product);
  }, 300_000);

  afterAll(() => product.close(), 120_000);

  /** Each from its booking to its end, whatever dies on the way. */
  const courses = {
    /** Paid, confirmed by the host and given up by the guest. */
    givenUp: {
      cancelledBy: 'guest',
      events: ['book', 'pay', 'take_payment', 'confirm', 'cancel', 'end_refund'],
      async go(id: string) {
        await stays.pay(id);
        await stays.step(host, id, 'confirm');
        await stays.reaches(id, 'confirmed', ({ status }) => status === 'confirmed');
        await stays.step(guest, id, 'cancel');
      },
    },
    /** The gateway is away until the hold has lapsed; the stay is revived, and given up by the guest. */
    paidLate: {
      cancelledBy: 'guest',
      events: ['book', 'pay', 'move_timer', 'expire_hold', 'revive', 'cancel', 'end_refund'],
      async go(id: string) {
        await product.stack.kill('gateway');
        await stays.step(guest, id, 'pay');
        await stays.endSoon(id, 'hold');
        await stays.reaches(id, 'cancelled', ({ status }) => status === 'cancelled');
        await product.stack.start('gateway');
        await stays.reaches(id, 'revived', ({ status }) => status === 'pending');
        await stays.step(guest, id, 'cancel');
      },
    },
    /** The host never answers. */
    unanswered: {
      cancelledBy: 'request',
      events: ['book', 'pay', 'take_payment', 'move_timer', 'expire_request', 'end_refund'],
      async go(id: string) {
        await stays.pay(id);
        await stays.endSoon(id, 'host_confirmation');
      },
    },
  } as const;

  const givenBack = {
    status: 'cancelled',
    isHeld: false,
    payments: ['booking refunded 300.00 1', 'refund completed 300.00 1'],
    kept: '0.00',
    repeated: 0,
  };

  it.each(deaths.map(({ course = 'givenUp', ...death }) => ({ course, ...death })))(
    'is charged once and given back once when the $of dies at $at, $course',
    async ({ of, at, course }) => {
      const { go, cancelledBy, events } = courses[course];
      await product.arm(of, at);

      const going = stays.book().then(async (id) => {
        await go(id);
        await stays.over(id);
        return id;
      });
      await product.died(of);
      await product.restart(of);
      const id = await going;

      expect(await rowOf(product, id)).toMatchObject({
        cancelled_by: cancelledBy,
        refund_amount: 300,
        is_charging: false,
        is_refunding: false,
      });
      expect(await traceOf(product, id)).toEqual({
        ...givenBack,
        events,
        transfers: ['charge 300.00 completed', 'refund 300.00 completed'],
      });
      expect(product.broken).toEqual([]);
    },
    400_000,
  );

  /** The gateway takes the next transfer, and dies before it has said what became of it. */
  const dyingWith = async (outcome: Outcome, act: () => Promise<void>): Promise<void> => {
    const { env } = product.stack;
    const before = transfersOf(product).length;
    const scripted = await fetch(`${env['PAYMENT_GATEWAY_URL']}/admin/script`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${env['PAYMENT_GATEWAY_KEY']}` },
      body: JSON.stringify({ outcomes: [outcome] }),
    });
    await scripted.body?.cancel();
    await act();
    await until('the gateway has it', () => transfersOf(product).length > before, 60_000);
    await product.stack.kill('gateway');
    await product.stack.start('gateway');
  };

  it('is charged once and given back once when the gateway dies with either in its hands', async () => {
    const id = await stays.book();

    await dyingWith('timeout_after_success', () => stays.step(guest, id, 'pay'));
    await stays.reaches(id, 'paid', ({ paid_at: paidAt }) => paidAt !== null);
    await stays.step(host, id, 'confirm');
    await dyingWith('processing', () => stays.step(guest, id, 'cancel'));
    await stays.over(id);

    expect(await traceOf(product, id)).toEqual({
      ...givenBack,
      events: courses.givenUp.events,
      transfers: ['charge 300.00 completed', 'refund 300.00 processing', 'refund 300.00 completed'],
    });
    expect(product.broken).toEqual([]);
  }, 400_000);
});
