import { addDays, dateAt } from '../../src/rules/calendar.ts';
import type { Role } from '../../src/rules/permissions.ts';
import { furthestStart } from '../../src/rules/stays.ts';
import { dataOf, newKey, textIn, transfersOf, until, type Product } from './product.ts';

/** A stay that a guest booked, and where guest and host take it. */
export interface StayEntry {
  readonly fate: StayFate;
  readonly bookingId: string;
}

export const stayFates = ['kept', 'givenUp'] as const;
export type StayFate = (typeof stayFates)[number];

/** What each stay must have left behind: its course, its nights, and what was transferred and booked. */
const courses = {
  kept: {
    status: 'confirmed',
    events: ['book', 'pay', 'take_payment', 'confirm'],
    isHeld: true,
    payments: ['booking completed 300.00 1'],
    transfers: ['charge 300.00 completed'],
    kept: '300.00',
  },
  givenUp: {
    status: 'cancelled',
    events: ['book', 'pay', 'take_payment', 'confirm', 'cancel', 'end_refund'],
    isHeld: false,
    payments: ['booking refunded 300.00 1', 'refund completed 300.00 1'],
    transfers: ['charge 300.00 completed', 'refund 300.00 completed'],
    kept: '0.00',
  },
} as const;

/** What guest and host do, each insisting until they are answered. */
export interface StayClients {
  /** @returns the data of an answer that must be 200 or 201 */
  ask(
    role: Role,
    method: 'POST' | 'PATCH',
    path: string,
    body: object,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** Three nights of their own, 100.00 each. @returns the id of the booking */
  book(): Promise<string>;
  /** The same from today on, in a house of its own that may be left at any hour. */
  bookTonight(): Promise<string>;
  step(role: Role, id: string, name: 'pay' | 'confirm' | 'decline' | 'cancel'): Promise<void>;
  /** Until the money has come. */
  pay(id: string): Promise<void>;
  /** Moves a deadline to a moment from now. */
  endSoon(id: string, timer: string): Promise<void>;
  reaches(id: string, what: string, isSo: (row: StayRow) => boolean): Promise<void>;
  over(id: string): Promise<void>;
  /** From the booking to where its clients leave it. */
  live(fate: StayFate): Promise<StayEntry>;
}

type StayRow = Readonly<Record<string, unknown>>;

export const guest = 'policyholder';
export const host = 'tenant_admin';

/** Far enough ahead to be ahead still when a busy machine judges it. */
const soonMs = 5000;

/** They let and book houses of their own. */
export async function openStayClients(product: Product): Promise<StayClients> {
  const ask: StayClients['ask'] = async (role, method, at, body) => {
    const answer = await product.as(role).insist({ method, path: at, body, key: newKey() });
    if (answer.status === 200 || answer.status === 201) return dataOf(answer);
    throw new Error(`${at}: ${JSON.stringify(answer.body)}`);
  };
  const offer = async (more: object = {}): Promise<string> => {
    const offered = await ask(host, 'POST', '/properties', {
      name: 'House by the lake',
      description: 'With a boat',
      address: 'Seestrasse 4',
      price_per_night: '100.00',
      max_guests: 4,
      cancellation_policy: 'flexible',
      ...more,
    });
    return textIn(offered, 'id');
  };
  let house = offer();
  let days = 100;
  await house;

  const bookIn = async (propertyId: string, ahead: number): Promise<string> => {
    const startDate = addDays(dateAt(Date.now(), 'Europe/Berlin'), ahead);
    const booked = await ask(guest, 'POST', '/bookings', {
      property_id: propertyId,
      start_date: startDate,
      end_date: addDays(startDate, 3),
    });
    return textIn(booked, 'id');
  };

  const clients: StayClients = {
    ask,
    async book() {
      days += 10;
      // The next house, where this one is booked as far ahead as it may be.
      if (days > furthestStart) [house, days] = [offer(), 100];
      // Read before anything is waited for: others take the next days meanwhile.
      const ahead = days;
      return bookIn(await house, ahead);
    },
    bookTonight: async () => bookIn(await offer({ check_in_time: '00:00' }), 0),
    async step(role, id, name) {
      await ask(role, 'POST', `/bookings/${id}/${name}`, {});
    },
    async pay(id) {
      await clients.step(guest, id, 'pay');
      await clients.reaches(id, 'paid', ({ paid_at: paidAt }) => paidAt !== null);
    },
    async endSoon(id, timer) {
      await ask(host, 'PATCH', `/workflows/booking/${id}/timers/${timer}`, {
        due_at: new Date(Date.now() + soonMs).toISOString(),
        reason: 'A bad day',
      });
    },
    reaches: (id, what, isSo) =>
      until(`the booking is ${what}`, async () => isSo(await rowOf(product, id)), 300_000),
    over: (id) =>
      clients.reaches(id, 'over', ({ workflow_closed_at: closedAt }) => closedAt !== null),
    async live(fate) {
      const bookingId = await clients.book();
      await clients.pay(bookingId);
      await clients.step(host, bookingId, 'confirm');
      if (fate === 'givenUp') await clients.step(guest, bookingId, 'cancel');
      return { fate, bookingId };
    },
  };
  return clients;
}

export async function rowOf(product: Product, id: string): Promise<StayRow> {
  const [found] = await product.sql<{ row: StayRow }>(
    'SELECT to_jsonb(b) AS row FROM shared.bookings b WHERE id = $1',
    [id],
  );
  return found?.row ?? {};
}

/** Waits until every stay that was given up has its money back. */
export const staysSettled = async (
  product: Product,
  ledger: readonly StayEntry[],
  withinMs: number,
): Promise<void> =>
  until(
    'every stay has reached its end',
    async () => {
      const ids = ledger.map(({ bookingId }) => bookingId);
      const [left] = await product.sql<{ moving: number }>(
        `SELECT count(*)::int AS moving FROM shared.bookings
         WHERE id = ANY ($1) AND (is_charging OR is_refunding)`,
        [ids],
      );
      return left?.moving === 0;
    },
    withinMs,
  );

/** Nights, rows and money exactly once, for each stay of the ledger; no other was booked at their house. */
export async function expectStaysOnce(
  product: Product,
  ledger: readonly StayEntry[],
): Promise<void> {
  const found: unknown[] = [];
  for (const { bookingId } of ledger) found.push(await traceOf(product, bookingId));

  expect(found).toEqual(ledger.map(({ fate }) => ({ ...courses[fate], repeated: 0 })));
  const [booked] = await product.sql<{ count: number }>(
    `SELECT count(*)::int AS count FROM shared.bookings WHERE property_id IN (
       SELECT property_id FROM shared.bookings WHERE id = ANY ($1))`,
    [ledger.map(({ bookingId }) => bookingId)],
  );
  expect(booked).toEqual({ count: ledger.length });
}

/** All that one stay has left behind, in our rows and with the gateway. */
export async function traceOf(product: Product, id: string) {
  const payments = await product.sql<{ id: string; shown: string }>(
    `SELECT id, concat_ws(' ', purpose, status, amount, attempts) AS shown FROM shared.payments
     WHERE booking_id = $1 OR parent_payment_id IN (
       SELECT id FROM shared.payments WHERE booking_id = $1) ORDER BY id`,
    [id],
  );
  const ids = payments.map((payment) => payment.id);
  const [left] = await product.sql(
    `SELECT b.status,
       (SELECT array_agg(event ORDER BY state_version) FROM core.transitions
         WHERE entity_id = b.id) AS events,
       EXISTS (SELECT 1 FROM shared.reservations
         WHERE booking_id = b.id AND archived_at IS NULL) AS "isHeld",
       (SELECT coalesce(sum(amount), 0.00)::text FROM shared.ledger_entries
         WHERE payment_id = ANY ($2::uuid[]) AND account = 'gateway_clearing') AS kept,
       (SELECT count(*)::int - count(DISTINCT dedupe_key)::int FROM core.notifications
         WHERE entity_id = b.id) AS repeated
     FROM shared.bookings b WHERE b.id = $1`,
    [id, ids],
  );
  return {
    ...left,
    payments: payments.map(({ shown }) => shown),
    transfers: transfersOf(product)
      .filter(({ payment_id: paymentId }) => ids.includes(paymentId))
      .map(({ kind, amount, status }) => `${kind} ${amount} ${status}`),
  };
}
