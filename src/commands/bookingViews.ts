import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Forbidden } from '../errors.ts';
import { Booking } from '../models/Booking.ts';
import {
  columnsOf,
  newestFirst,
  selectFirst,
  selectFirstOfEach,
  selectPage,
  selectThose,
  viewsOfEach,
  type Condition,
  type ListOrder,
} from '../models/list.ts';
import { getRow, noSuch } from '../models/rows.ts';
import type { PaymentStatus } from '../rules/payments.ts';
import { allows } from '../rules/permissions.ts';
import { bookingWorkflowId } from '../rules/workflowIds.ts';

/** A booking as it is shown, whether read from its row or just made. */
export interface BookingView {
  readonly booking: InferAttributes<Booking>;
  readonly propertyName: string;
  /** Of the latest charge; null where nobody has paid or tried to. */
  readonly paymentStatus: PaymentStatus | null;
  readonly refundStatus: PaymentStatus | null;
  readonly workflow: { readonly id: string; readonly state: 'starting' | 'running' | 'closed' };
}

/** What somebody is to a booking. */
export type BookingParty = 'guest' | 'host';

/** One's own as guest or host, or all with the right to; another person's is a 404 like an unknown one. */
export async function visibleBooking(actor: Actor, id: string): Promise<Booking> {
  const booking = await getRow(Booking, id);
  if (!isVisible(actor, booking)) throw noSuch(Booking.entityType, id);
  return booking;
}

export async function viewOf(actor: Actor, id: string): Promise<BookingView> {
  const [row] = await selectFirst<Row>(columns(), tables, [live, ['b.id = $', id]], {
    by: 'b.id',
    id: 'b.id',
    order: 'asc',
    size: 1,
  });
  if (!row || !isVisible(actor, row)) throw noSuch(Booking.entityType, id);
  return asView(row);
}

/** Those that `viewOf` would answer, by their ids. */
export async function viewsOf(
  actor: Actor,
  ids: readonly string[],
): Promise<ReadonlyMap<string, BookingView>> {
  const seen = [live, ...mayBeSeen(actor)];
  const rows = await selectThose<Row>(columns(), tables, ['b.id', ids], seen);
  return new Map(rows.map((row) => [row.id, asView(row)]));
}

/** For each guest, or property, the newest that the actor may see. */
export async function viewsOfEvery(
  actor: Actor,
  of: readonly [by: 'b.guest_id' | 'b.property_id', ids: readonly string[]],
  size: number,
): Promise<ReadonlyMap<string, readonly BookingView[]>> {
  const found = await selectFirstOfEach<Row>(columns(), tables, of, [live, ...mayBeSeen(actor)], {
    ...newestFirst('b'),
    size,
  });
  return viewsOfEach(found, asView);
}

/** One page of those that the actor may see and that are not archived. */
export async function viewsWhere(
  actor: Actor,
  conditions: readonly Condition[],
  order: ListOrder,
): Promise<{ items: BookingView[]; total: number }> {
  const seen = [live, ...mayBeSeen(actor), ...conditions];
  const page = await selectPage<Row>(columns(), tables, seen, order);
  return { ...page, items: page.items.map(asView) };
}

/** undefined for whoever only looks on. */
export function partyOf(
  { userId }: Actor,
  { guestId, hostId }: Pick<Booking, 'guestId' | 'hostId'>,
): BookingParty | undefined {
  if (userId === guestId) return 'guest';
  return userId === hostId ? 'host' : undefined;
}

interface Row extends InferAttributes<Booking> {
  readonly propertyName: string;
  readonly paymentStatus: PaymentStatus | null;
  readonly refundStatus: PaymentStatus | null;
  /** Its start is still owed, or was given up and waits for an operator. */
  readonly isStarting: boolean;
}

const tables = `bookings b JOIN properties p ON p.company_id = b.company_id AND p.id = b.property_id
  LEFT JOIN payments c ON c.company_id = b.company_id AND c.id = b.payment_id
  LEFT JOIN payments r ON r.company_id = b.company_id AND r.id = b.refund_id`;

const live: Condition = ['b.archived_at IS NULL'];

const columns = (): string =>
  `${columnsOf(Booking, 'b')}, p.name AS "propertyName", c.status AS "paymentStatus",
   r.status AS "refundStatus",
   EXISTS (SELECT 1 FROM core.outbox o WHERE o.company_id = b.company_id
       AND o.entity_id = b.id AND o.dispatched_at IS NULL) AS "isStarting"`;

/** @throws Forbidden for what owns nothing and may not see everybody's */
function mayBeSeen(actor: Actor): readonly Condition[] {
  if (allows(actor, 'booking:read_all')) return [];
  if (!actor.userId) throw new Forbidden();
  return [['(b.guest_id = $ OR b.host_id = $)', actor.userId]];
}

const isVisible = (actor: Actor, booking: Pick<Booking, 'guestId' | 'hostId'>): boolean =>
  partyOf(actor, booking) !== undefined || allows(actor, 'booking:read_all');

function asView({
  propertyName,
  paymentStatus,
  refundStatus,
  isStarting,
  ...booking
}: Row): BookingView {
  const { companyId, id, workflowClosedAt } = booking;
  const ongoing = isStarting ? 'starting' : 'running';
  return {
    booking,
    propertyName,
    paymentStatus,
    refundStatus,
    workflow: {
      id: bookingWorkflowId(companyId, id),
      state: workflowClosedAt ? 'closed' : ongoing,
    },
  };
}
