import fc from 'fast-check';
import { bookingActivities, type BookingStep } from '../../src/activities/bookings.ts';
import { paymentActivities } from '../../src/activities/payments.ts';
import { book } from '../../src/commands/book.ts';
import { createPayments } from '../../src/commands/payments.ts';
import type { Actor } from '../../src/context.ts';
import type { BookingTimerAhead, BookingWish } from '../../src/models/bookingStart.ts';
import { withTenant } from '../../src/models/database.ts';
import type { PaymentResult } from '../../src/models/paymentStart.ts';
import type { Property } from '../../src/models/Property.ts';
import { moveBounds } from '../../src/rules/bookingClocks.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { cancellationPolicies } from '../../src/rules/properties.ts';
import { seed } from '../rules/property.ts';
import {
  bookingActs,
  BookingModel,
  movableTimers,
  type BookingAct,
} from '../support/bookingModel.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { hourMs, outcomeOf, walkBoth } from '../support/model.ts';
import { buildProperty } from '../support/properties.ts';

type Person = Actor & { userId: string };
type People = Readonly<Record<'guest' | 'host' | 'rival', Person>>;

/** The activities as they are, on real rows; the workflow's loop and the gateway are played. */
describe('a booking and its money', () => {
  let database: TestDatabase;
  const activities = bookingActivities();
  const payments = paymentActivities({});
  const { refund } = createPayments({ dispatcher: { dispatch() {} }, hasGateway: true });

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  async function openLife(property: Property, { guest, host, rival }: People) {
    const { companyId, timeZone, checkInTime, checkOutTime } = property;
    const house = { timeZone, checkInTime, checkOutTime };
    const startDate = addDays(dateAt(Date.now(), property.timeZone), 60);
    const stay = { startDate, endDate: addDays(startDate, 3) };
    const wish = { propertyId: property.id, ...stay, guests: 1 };
    const bookAs = (person: Person): Promise<string> =>
      as(person, () => withTenant(companyId, async () => (await book(person, wish)).booking.id));
    const id = await bookAs(guest);
    const ref = { companyId, bookingId: id };
    let state = await activities.readBooking(ref);
    let now = Date.now();
    let steps = 0;
    let last: (() => Promise<BookingStep>) | undefined;
    let rivalId: string | undefined;
    const said = new Map<string, PaymentResult>();

    const order = () => ({
      ...ref,
      commandId: `booking/${id}/act/${(steps += 1)}`,
      expectedVersion: state.stateVersion,
      at: now,
    });
    async function carryOut(work: () => Promise<BookingStep>): Promise<void> {
      ({ state } = await work());
      last = work;
    }
    async function process(asked: BookingWish): Promise<void> {
      const ordered = { ...order(), wish: asked };
      await carryOut(() => activities.processBooking(ordered));
    }

    /** What the gateway says of a payment; it says it once. */
    async function settle(paymentId: string, isDone: boolean): Promise<PaymentResult> {
      const before = said.get(paymentId);
      if (before) return before;
      const result: PaymentResult = isDone
        ? { status: 'completed', failureCode: null }
        : { status: 'failed', failureCode: 'account_closed' };
      await payments.settlePayment({
        companyId,
        paymentId,
        commandId: `payment/${paymentId}/settle/1`,
        expectedVersion: 1,
        at: now,
        attempt: 1,
        settlement: isDone
          ? { status: 'completed', transactionId: `tr_${paymentId}` }
          : { status: 'declined', code: 'account_closed', mayPass: false },
      });
      said.set(paymentId, result);
      return result;
    }

    /** As early as somebody may, or an hour behind the last of them. */
    async function moveTimer(to: 'first' | 'last'): Promise<void> {
      const { timers } = state;
      const timer = timers.find(({ name }) => movableTimers.includes(name));
      const name: BookingTimerAhead['name'] = timer?.name ?? 'hold';
      const bounds = moveBounds(name, { stay, house, at: now });
      const dueAt =
        to === 'first' ? (bounds?.earliest ?? now) : (timers.at(-1)?.dueAt ?? now) + hourMs;
      const reason = 'Agreed by telephone';
      await process({ event: 'move_timer', by: host.userId, reason, name, dueAt });
    }

    return {
      id,
      stay,
      now: () => now,
      isOver: () => state.isClosed,
      async do(act: BookingAct): Promise<void> {
        const who = { by: guest.userId, reason: null };
        switch (act.kind) {
          case 'pay':
          case 'accept':
          case 'decline':
            return process({ ...who, event: act.kind });
          case 'cancel':
            return process({ ...who, event: 'cancel', as: act.as });
          case 'fire': {
            const [timer] = state.timers;
            if (!timer) return;
            now = Math.max(now, timer.dueAt);
            const fired = { ...order(), name: timer.name, occurrence: timer.occurrence };
            return carryOut(() => activities.fireBookingTimer(fired));
          }
          case 'charged': {
            const { paymentId } = state;
            if (!paymentId) return;
            const result = await settle(paymentId, act.isDone);
            const settled = { ...order(), paymentId, result };
            return carryOut(() => activities.settleBookingPayment(settled));
          }
          case 'refunded': {
            const { refundId } = state;
            if (!refundId) return;
            const result = await settle(refundId, act.isDone);
            const settled = { ...order(), refundId, result };
            return carryOut(() => activities.settleBookingRefund(settled));
          }
          case 'settled': {
            const [oldest] = await paymentsOf(id, "p.status = 'pending'");
            if (oldest) await settle(oldest, act.isDone);
            return;
          }
          case 'giveBack': {
            const charge = (await paymentsOf(id, "p.purpose = 'booking'")).at(-1);
            if (!charge) return;
            const asked = { amount: act.amount, reason: 'The heating was broken' };
            await as(host, () => refund(host, charge, asked, once(host)));
            return;
          }
          case 'moveTimer':
            return moveTimer(act.to);
          case 'rival':
            rivalId = await bookAs(rival);
            return;
          case 'rivalLeaves':
            if (rivalId) {
              await database.sql(
                'UPDATE shared.reservations SET archived_at = now() WHERE booking_id = $1',
                [rivalId],
              );
            }
            rivalId = undefined;
            return;
          case 'repeat':
            await last?.();
            return;
          default:
            return act satisfies never;
        }
      },
    };
  }

  /** Of a booking, in the order in which they were opened. */
  const paymentsOf = async (id: string, condition: string): Promise<string[]> => {
    const found = await database.sql<{ id: string }>(
      `SELECT p.id FROM shared.payments p WHERE ${condition} AND (p.booking_id = $1
         OR p.parent_payment_id IN (SELECT c.id FROM shared.payments c WHERE c.booking_id = $1))
       ORDER BY p.id`,
      [id],
    );
    return found.map((payment) => payment.id);
  };

  const shownOf = async (id: string) => {
    const [row] = await database.sql<Record<string, unknown>>(
      `SELECT b.status, b.cancelled_by AS "cancelledBy", b.paid_at IS NOT NULL AS "isPaid",
         b.accepted_at IS NOT NULL AS "isAccepted", b.is_charging AS "isCharging",
         b.is_refunding AS "isRefunding", b.workflow_closed_at IS NOT NULL AS "isClosed",
         b.refund_amount::text AS "refundAmount",
         coalesce((SELECT CASE WHEN r.booking_id = b.id THEN 'booking' ELSE 'rival' END
           FROM shared.reservations r WHERE r.property_id = b.property_id AND r.archived_at IS NULL),
           'nobody') AS nights,
         ARRAY(SELECT t.name FROM core.timers t WHERE t.entity_id = b.id AND t.status = 'scheduled'
           ORDER BY t.due_at) AS timers,
         ARRAY(SELECT concat_ws(' ', p.purpose, p.status, p.amount) FROM shared.payments p
           WHERE p.booking_id = b.id OR p.parent_payment_id IN (
             SELECT c.id FROM shared.payments c WHERE c.booking_id = b.id) ORDER BY p.id) AS movements
       FROM shared.bookings b WHERE b.id = $1`,
      [id],
    );
    return row;
  };

  /** What the books have of it, and whether its steps are all there. */
  const booksOf = async (id: string) => {
    const [row] = await database.sql<Record<string, unknown>>(
      `SELECT coalesce(sum(e.amount) FILTER (WHERE e.account = 'gateway_clearing'), 0.00)::text AS clearing,
         coalesce(sum(e.amount), 0.00)::text AS rest,
         (SELECT count(*) = max(state_version) FROM core.transitions WHERE entity_id = $1) AS "isWhole",
         (SELECT count(*) = count(DISTINCT dedupe_key) FROM core.notifications WHERE entity_id = $1)
           AS "isToldOnce",
         (SELECT b.hold_expires_at = t.due_at FROM shared.bookings b JOIN core.timers t ON t.entity_id = b.id
           WHERE b.id = $1 AND t.name = 'hold') AS "isHeldAsLong"
       FROM shared.ledger_entries e WHERE e.payment_id IN (
         SELECT p.id FROM shared.payments p WHERE p.booking_id = $1 OR p.parent_payment_id IN (
           SELECT c.id FROM shared.payments c WHERE c.booking_id = $1))`,
      [id],
    );
    return row;
  };

  it('goes as its table says, in a hundred lives of thirty acts', async () => {
    const { id: companyId } = await buildCompany();
    const people = {
      guest: await buildActor({ companyId }),
      host: await buildActor({ companyId }),
      rival: await buildActor({ companyId }),
    };
    const seen = new Map<string, number>();
    const lives = fc.record({
      instantBook: fc.boolean(),
      policy: fc.constantFrom(...cancellationPolicies),
      acts: fc.array(bookingActs, { minLength: 30, maxLength: 30 }),
    });

    await fc.assert(
      fc.asyncProperty(lives, async ({ instantBook, policy, acts }) => {
        const property = await buildProperty({
          companyId,
          ownerId: people.host.userId,
          instantBook,
          cancellationPolicy: policy,
        });
        const life = await openLife(property, people);
        const { timeZone, checkInTime, checkOutTime, pricePerNight } = property;
        const model = new BookingModel({
          instantBook,
          policy,
          stay: life.stay,
          house: { timeZone, checkInTime, checkOutTime },
          total: '300.00',
          pricePerNight,
          bookedAt: life.now(),
        });
        await walkBoth(
          acts,
          async (act) => {
            const outcome = await outcomeOf(() => life.do(act));
            const expected = model.do(act, life.now());
            return [
              { outcome: expected, ...model.shown },
              { outcome, ...(await shownOf(life.id)) },
            ];
          },
          life.isOver,
        );

        const { kept, status, cancelledBy } = model;
        for (const each of [`${status} ${cancelledBy ?? ''}`.trim(), ...model.seen]) {
          seen.set(each, (seen.get(each) ?? 0) + 1);
        }
        expect(await booksOf(life.id)).toEqual({
          clearing: kept,
          rest: '0.00',
          isWhole: true,
          isToldOnce: true,
          isHeldAsLong: true,
        });
      }),
      { seed, numRuns: Number(process.env['RUNS'] ?? 100) },
    );
    process.stderr.write(`${JSON.stringify(Object.fromEntries(seen))}\n`);
    expect(seen.size).toBeGreaterThan(9);
  }, 900_000);
});
