import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Transfer } from '../../local/gatewaySimulator.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { dataOf, newKey, openProduct, textIn, until, type Product } from './product.ts';

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

/** Far enough ahead to be ahead still when a busy machine judges it. */
const soonMs = 5000;

describe('a stay whose processes die', () => {
  let product: Product;
  let propertyId: string;
  let days = 100;

  beforeAll(async () => {
    product = await openProduct();
    const offered = await product.as('tenant_admin').insist({
      method: 'POST',
      path: '/properties',
      body: {
        name: 'House by the lake',
        description: 'With a boat',
        address: 'Seestrasse 4',
        price_per_night: '100.00',
        max_guests: 4,
        cancellation_policy: 'flexible',
      },
      key: newKey(),
    });
    propertyId = textIn(dataOf(offered), 'id');
  }, 300_000);

  afterAll(() => product.close(), 120_000);

  const transfersOf = (paymentIds: readonly string[]): string[] =>
    readFileSync(path.join(product.stack.dataDir, 'gateway', 'ledger.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line): Transfer => JSON.parse(line))
      .filter(({ payment_id: id }) => paymentIds.includes(id))
      .map(({ kind, amount, status }) => `${kind} ${amount} ${status}`);

  const rowOf = async (id: string) => {
    const [row] = await product.sql<Readonly<Record<string, unknown>>>(
      'SELECT to_jsonb(b) AS row FROM shared.bookings b WHERE id = $1',
      [id],
    );
    return { ...Object(row?.['row']) };
  };

  const reaches = (id: string, what: string, isSo: (row: Record<string, unknown>) => boolean) =>
    until(`the booking is ${what}`, async () => isSo(await rowOf(id)), 300_000);

  const book = async (): Promise<string> => {
    days += 10;
    const startDate = addDays(dateAt(Date.now(), 'Europe/Berlin'), days);
    const booked = await product.as('policyholder').insist({
      method: 'POST',
      path: '/bookings',
      body: { property_id: propertyId, start_date: startDate, end_date: addDays(startDate, 3) },
      key: newKey(),
    });
    return textIn(dataOf(booked), 'id');
  };

  const step = (role: 'policyholder' | 'tenant_admin', id: string, name: string) =>
    product
      .as(role)
      .insist({ method: 'POST', path: `/bookings/${id}/${name}`, body: {}, key: newKey() });

  const pay = async (id: string): Promise<void> => {
    await step('policyholder', id, 'pay');
    await reaches(id, 'paid', ({ paid_at: paidAt }) => paidAt !== null);
  };

  const endSoon = (id: string, timer: string) =>
    product.as('tenant_admin').insist({
      method: 'PATCH',
      path: `/workflows/booking/${id}/timers/${timer}`,
      body: { due_at: new Date(Date.now() + soonMs).toISOString(), reason: 'A bad day' },
      key: newKey(),
    });

  const over = (id: string) =>
    reaches(id, 'over', ({ workflow_closed_at: closedAt }) => closedAt !== null);

  /** Each from its booking to its end, whatever dies on the way. */
  const courses = {
    /** Paid, confirmed by the host and given up by the guest. */
    givenUp: {
      cancelledBy: 'guest',
      events: ['book', 'pay', 'take_payment', 'confirm', 'cancel', 'end_refund'],
      async go(id: string) {
        await pay(id);
        await step('tenant_admin', id, 'confirm');
        await reaches(id, 'confirmed', ({ status }) => status === 'confirmed');
        await step('policyholder', id, 'cancel');
      },
    },
    /** The gateway is away until the hold has lapsed; the stay is revived, and given up by the guest. */
    paidLate: {
      cancelledBy: 'guest',
      events: ['book', 'pay', 'move_timer', 'expire_hold', 'revive', 'cancel', 'end_refund'],
      async go(id: string) {
        await product.stack.kill('gateway');
        await step('policyholder', id, 'pay');
        await endSoon(id, 'hold');
        await reaches(id, 'cancelled', ({ status }) => status === 'cancelled');
        await product.stack.start('gateway');
        await reaches(id, 'revived', ({ status }) => status === 'pending');
        await step('policyholder', id, 'cancel');
      },
    },
    /** The host never answers. */
    unanswered: {
      cancelledBy: 'request',
      events: ['book', 'pay', 'take_payment', 'move_timer', 'expire_request', 'end_refund'],
      async go(id: string) {
        await pay(id);
        await endSoon(id, 'host_confirmation');
      },
    },
  } as const;

  it.each(deaths.map(({ course = 'givenUp', ...death }) => ({ course, ...death })))(
    'is charged once and given back once when the $of dies at $at, $course',
    async ({ of, at, course }) => {
      const { go, cancelledBy, events } = courses[course];
      await product.arm(of, at);

      const going = book().then(async (id) => {
        await go(id);
        await over(id);
        return id;
      });
      await product.died(of);
      await product.restart(of);
      const id = await going;

      expect(await rowOf(id)).toMatchObject({
        status: 'cancelled',
        cancelled_by: cancelledBy,
        refund_amount: 300,
        is_charging: false,
        is_refunding: false,
      });
      const payments = await product.sql<{ id: string; shown: string }>(
        `SELECT id, concat_ws(' ', purpose, status, amount, attempts) AS shown FROM shared.payments
         WHERE booking_id = $1 OR parent_payment_id IN (
           SELECT id FROM shared.payments WHERE booking_id = $1) ORDER BY created_at`,
        [id],
      );
      expect(payments.map(({ shown }) => shown)).toEqual([
        'booking refunded 300.00 1',
        'refund completed 300.00 1',
      ]);
      const ids = payments.map((payment) => payment.id);
      expect(transfersOf(ids)).toEqual(['charge 300.00 completed', 'refund 300.00 completed']);
      const left = await product.sql(
        `SELECT (SELECT sum(amount)::text FROM shared.ledger_entries
             WHERE payment_id = ANY ($2::uuid[]) AND account = 'gateway_clearing') AS clearing,
           (SELECT count(*)::integer FROM shared.reservations
             WHERE booking_id = $1 AND archived_at IS NULL) AS nights,
           (SELECT array_agg(event ORDER BY state_version) FROM core.transitions
             WHERE entity_id = $1) AS events,
           (SELECT count(*)::integer - count(DISTINCT dedupe_key)::integer FROM core.notifications
             WHERE entity_id = $1) AS repeated`,
        [id, ids],
      );
      expect(left).toEqual([
        {
          clearing: '0.00',
          nights: 0,
          events,
          repeated: 0,
        },
      ]);
      expect(product.broken).toEqual([]);
    },
    400_000,
  );
});
