import { createBookings, type Bookings } from '../../src/commands/bookings.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import type { Actor } from '../../src/context.ts';
import type { Company } from '../../src/models/Company.ts';
import { withTenant } from '../../src/models/database.ts';
import type { Property } from '../../src/models/Property.ts';
import { Timer, type TimerName } from '../../src/models/Timer.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { bookingWorkflowId } from '../../src/rules/workflowIds.ts';
import { as, buildActor, buildCompany, once } from './build.ts';
import type { Journeys, Row } from './journey.ts';
import { buildProperty } from './properties.ts';

type Person = Actor & { readonly userId: string; readonly email: string };

/** One booking and what can be seen of it. */
export interface BookingJourney {
  readonly id: string;
  readonly company: Company;
  readonly property: Property;
  readonly guest: Person;
  readonly host: Person;
  readonly workflowId: string;
  /** As the guest, and so on; a key of its own unless told. */
  pay(key?: string): Promise<unknown>;
  confirm(key?: string): Promise<unknown>;
  decline(reason?: string, key?: string): Promise<unknown>;
  cancel(by?: Person, key?: string): Promise<unknown>;
  preview(by?: Person): ReturnType<Bookings['previewCancel']>;
  /** Somebody else books the same nights. */
  bookAgain(): Promise<BookingJourney>;
  /** Waits until nothing is under way. */
  rest(): Promise<boolean>;
  /** Goes on until the payment that was begun is known. */
  settled(): Promise<void>;
  /** Goes from timer to timer until the workflow is over. */
  end(): Promise<void>;
  /** Lets time pass to a moment before, or after, a timer that runs. */
  passTo(name: TimerName, offsetMs: number): Promise<void>;
  row(): Promise<Row>;
  events(): Promise<unknown[]>;
  /** Whether the nights are held for this booking. */
  holdsNights(): Promise<boolean>;
  /** `booking completed 300.00`, in the order in which they were opened. */
  payments(): Promise<string[]>;
  /** Of all accounts: `booking_income -300.00`. */
  ledger(): Promise<string[]>;
  timers(): Promise<string[]>;
  /** Templates of the mails to somebody, in order. */
  mailsTo(person: Person): Promise<unknown[]>;
  told(role: string): Promise<unknown[]>;
}

interface Wish extends Partial<Omit<Parameters<typeof buildProperty>[0], 'companyId' | 'ownerId'>> {
  readonly settings?: Company['settings'];
  /** Days from today. */
  readonly startsIn?: number;
  readonly nights?: number;
}

/** Three nights in forty days, 100.00 each, unless told. */
export async function beginBooking(
  journeys: Journeys,
  { settings, startsIn = 40, nights = 3, ...overrides }: Wish = {},
): Promise<BookingJourney> {
  const company = await buildCompany({ ...(settings && { settings }) });
  const host = await buildActor({ companyId: company.id });
  const property = await buildProperty({
    companyId: company.id,
    ownerId: host.userId,
    ...overrides,
  });
  const bookings = createBookings({ ...journeys, hasGateway: true });
  const startDate = addDays(dateAt(Date.now(), property.timeZone), startsIn);
  const stay = { startDate, endDate: addDays(startDate, nights) };
  const booked = async (): Promise<BookingJourney> => {
    const guest = await buildActor({ companyId: company.id });
    const wish = { propertyId: property.id, ...stay, guests: 2 };
    const view = await as(guest, () => bookings.book(guest, wish, once(guest)));
    if (view instanceof Replay) throw new Error('A first request is no replay');
    await journeys.dispatcher.drained();
    const { id } = view.booking;
    journeys.track(bookingWorkflowId(company.id, id));
    return journeyOf({ id, company, property, guest, host });
  };

  function journeyOf(
    facts: Pick<BookingJourney, 'id' | 'company' | 'property' | 'guest' | 'host'>,
  ): BookingJourney {
    const { id, guest } = facts;
    const workflowId = bookingWorkflowId(company.id, id);
    const rows = async (sql: string, ...values: unknown[]): Promise<Row[]> => {
      const found = await journeys.database.sql<{ row: Row }>(
        `SELECT to_jsonb(t) AS row FROM (${sql}) AS t`,
        [id, ...values],
      );
      return found.map(({ row }) => row);
    };
    const texts = async (sql: string, ...values: unknown[]): Promise<string[]> =>
      (await rows(sql, ...values)).map(({ text }) => String(text));
    const row = async (): Promise<Row> => {
      const [found] = await rows('SELECT * FROM shared.bookings WHERE id = $1');
      if (!found) throw new Error(`There is no booking ${id}`);
      return found;
    };
    const command = (key?: string) => (by: Person) => ({
      id,
      once: once(by, key ?? `key ${Math.random()}`),
    });
    const do_ = (
      what: (
        actor: Actor,
        command: { id: string; once: ReturnType<typeof once> },
      ) => Promise<unknown>,
      by: Person,
      key?: string,
    ) => as(by, () => what(by, command(key)(by)));
    const rest = (): Promise<boolean> => journeys.settled(workflowId);
    return {
      ...facts,
      workflowId,
      pay: (key) => do_(bookings.pay, guest, key),
      confirm: (key) => do_(bookings.confirm, host, key),
      decline: (reason = 'The boiler is broken', key) =>
        as(host, () => bookings.decline(host, { ...command(key)(host), reason })),
      cancel: (by = guest, key) => do_(bookings.cancel, by, key),
      preview: (by = guest) => bookings.previewCancel(by, id),
      bookAgain: booked,
      rest,
      async settled() {
        while ((await row())['is_charging'] || (await row())['is_refunding']) {
          await journeys.passUntil(journeys.now() + 1000);
        }
        await rest();
      },
      async end() {
        await journeys.endOf(workflowId, id);
      },
      async passTo(name, offsetMs) {
        const timer = await withTenant(company.id, () =>
          Timer.findOne({
            where: { entityId: id, name, status: 'scheduled' },
            rejectOnEmpty: true,
          }),
        );
        await journeys.passUntil(timer.dueAt.getTime() + offsetMs);
        await rest();
      },
      row,
      events: async () =>
        (
          await rows(
            'SELECT event FROM core.transitions WHERE entity_id = $1 ORDER BY state_version',
          )
        ).map(({ event }) => event),
      holdsNights: async () =>
        (
          await rows(
            'SELECT 1 FROM shared.reservations WHERE booking_id = $1 AND archived_at IS NULL',
          )
        ).length > 0,
      payments: () =>
        texts(
          `SELECT concat_ws(' ', purpose, status, amount) AS text FROM shared.payments
           WHERE booking_id = $1 OR parent_payment_id IN (
             SELECT id FROM shared.payments WHERE booking_id = $1) ORDER BY created_at, id`,
        ),
      ledger: () =>
        texts(
          `SELECT concat_ws(' ', account, sum(amount)) AS text FROM shared.ledger_entries
           WHERE payment_id IN (SELECT id FROM shared.payments WHERE booking_id = $1
             OR parent_payment_id IN (SELECT id FROM shared.payments WHERE booking_id = $1))
           GROUP BY account ORDER BY account`,
        ),
      timers: () =>
        texts(
          `SELECT concat_ws(' ', name, status) AS text FROM core.timers
           WHERE entity_id = $1 ORDER BY occurrence, due_at, name`,
        ),
      mailsTo: async (person) =>
        (
          await rows(
            `SELECT template_code AS code FROM core.notifications
             WHERE entity_id = $1 AND recipient_user_id = $2 AND channel = 'email' ORDER BY id`,
            person.userId,
          )
        ).map(({ code }) => code),
      told: async (role) =>
        (
          await rows(
            `SELECT template_code AS code FROM core.notifications
             WHERE entity_id = $1 AND recipient_role = $2 ORDER BY id`,
            role,
          )
        ).map(({ code }) => code),
    };
  }

  return booked();
}
