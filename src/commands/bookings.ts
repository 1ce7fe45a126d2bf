import type { Actor } from '../context.ts';
import { Forbidden, Unavailable } from '../errors.ts';
import { Booking, illegalBookingEvent } from '../models/Booking.ts';
import { refundOf, refuseOver } from '../models/bookingFile.ts';
import type { BookingWish } from '../models/bookingStart.ts';
import { afterCommit, withTenant } from '../models/database.ts';
import { madeWithin, sortedBy, type ListAsked } from '../models/list.ts';
import { refuseStale } from '../models/rows.ts';
import type { StayRefund } from '../rules/bookingRefunds.ts';
import { nextBookingStatus, type BookingStatus, type BookingWishEvent } from '../rules/bookings.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import type { Money } from '../rules/money.ts';
import { bookingWorkflowId } from '../rules/workflowIds.ts';
import { bookingTransition } from '../workflows/bookingLifecycle.ts';
import { book, type BookStay } from './book.ts';
import {
  partyOf,
  viewOf,
  viewsOf,
  viewsOfEvery,
  viewsWhere,
  visibleBooking,
  type BookingParty,
  type BookingView,
} from './bookingViews.ts';
import type { Dispatcher } from './dispatch.ts';
import { commandOnce, demandKey, rowsOnce, type Once, type Replay } from './idempotency.ts';
import { typedLine } from './typedText.ts';
import type { WorkflowCommands } from './workflows.ts';

export interface BookingFilters extends ListAsked<keyof typeof sortColumns> {
  readonly status?: BookingStatus | undefined;
  readonly propertyId?: string | undefined;
  readonly guestId?: string | undefined;
  readonly hostId?: string | undefined;
  /** Stays of which a night is in the window. */
  readonly from?: CalendarDate | undefined;
  readonly to?: CalendarDate | undefined;
  /** The host gave up what was confirmed. */
  readonly hostStrike?: boolean | undefined;
}

/** A command to one booking, besides its event. */
export interface BookingCommand {
  readonly id: string;
  readonly once: Once;
  readonly reason?: string | undefined;
  readonly expectedVersion?: number | undefined;
}

/** What a cancellation would mean. */
export interface CancellationPreview extends StayRefund {
  readonly booking: Booking;
  readonly as: BookingParty;
  /** The stay was confirmed: the host gets a strike. */
  readonly isStrike: boolean;
  readonly paid: Money;
}

const sortColumns = {
  createdAt: 'b.created_at',
  startDate: 'b.start_date',
  totalAmount: 'b.total_amount',
} as const;

/** Who may bring it about; a guest or host who is not among them is told so. */
const parties: Readonly<Record<BookingWishEvent, readonly BookingParty[]>> = {
  pay: ['guest'],
  accept: ['host'],
  decline: ['host'],
  cancel: ['guest', 'host'],
};

export const createBookings = ({
  dispatcher,
  workflows,
  hasGateway,
}: {
  readonly dispatcher: Dispatcher;
  readonly workflows: WorkflowCommands;
  /** False where the installation takes and pays no money. */
  readonly hasGateway: boolean;
}) => {
  /** One event of the booking's course, judged by the rows, and the booking as it then is. */
  const process =
    (event: BookingWishEvent) =>
    (actor: Actor, command: BookingCommand): Promise<BookingView | Replay> => {
      const { id, once, expectedVersion } = command;
      return commandOnce(
        once,
        async (commandId) => {
          await workflows.command(bookingTransition, {
            actor,
            entityId: id,
            workflowId: bookingWorkflowId(actor.companyId, id),
            commandId,
            prepare: async (): Promise<BookingWish> => {
              const booking = await visibleBooking(actor, id);
              const as = partyFor(actor, booking, event);
              refuseIllegal(booking, event);
              if (event === 'cancel') refuseStayed(booking);
              refuseStale(Booking, booking, expectedVersion);
              if (event === 'pay' && !hasGateway) throw noGateway();
              if (movesMoney(booking, event)) demandKey(once);
              const reason =
                command.reason === undefined ? null : typedLine('reason', command.reason);
              const by = actor.userId;
              return event === 'cancel' ? { event, as, by, reason } : { event, by, reason };
            },
          });
          return withTenant(actor.companyId, () => viewOf(actor, id));
        },
        () => viewOf(actor, id),
      );
    };

  return {
    /** Everything that a booking takes commits together. @throws Conflict DATES_UNAVAILABLE */
    book: (actor: Actor, wish: BookStay, once: Once): Promise<BookingView | Replay> =>
      rowsOnce(once, async () => {
        const { booking, property, start } = await book(actor, wish);
        afterCommit(() => dispatcher.dispatch(start));
        return {
          booking,
          propertyName: property.name,
          paymentStatus: null,
          refundStatus: null,
          workflow: { id: start.workflowId, state: 'starting' as const },
        };
      }),

    get: (actor: Actor, id: string): Promise<BookingView> =>
      withTenant(actor.companyId, () => viewOf(actor, id)),

    /** Those of `ids` that `get` would answer. */
    several: (actor: Actor, ids: readonly string[]) =>
      withTenant(actor.companyId, () => viewsOf(actor, ids)),

    /** For each guest the first that `list` would answer. */
    ofGuests: (actor: Actor, guestIds: readonly string[], size: number) =>
      withTenant(actor.companyId, () => viewsOfEvery(actor, ['b.guest_id', guestIds], size)),

    /** For each property the first that `list` would answer. */
    ofProperties: (actor: Actor, propertyIds: readonly string[], size: number) =>
      withTenant(actor.companyId, () => viewsOfEvery(actor, ['b.property_id', propertyIds], size)),

    list: (actor: Actor, filters: BookingFilters) =>
      withTenant(actor.companyId, () => {
        const { status, propertyId, guestId, hostId, from, to, hostStrike } = filters;
        return viewsWhere(
          actor,
          [
            ...(status ? [['b.status = $', status] as const] : []),
            ...(propertyId ? [['b.property_id = $', propertyId] as const] : []),
            ...(guestId ? [['b.guest_id = $', guestId] as const] : []),
            ...(hostId ? [['b.host_id = $', hostId] as const] : []),
            ...(from ? [['b.end_date > $', from] as const] : []),
            ...(to ? [['b.start_date < $', to] as const] : []),
            ...(hostStrike === undefined
              ? []
              : [[hostStrike ? 'b.host_strike' : 'NOT b.host_strike'] as const]),
            ...madeWithin('b', filters),
          ],
          sortedBy(sortColumns, filters, 'b.id'),
        );
      }),

    /** What a cancellation now would mean for whoever asks; nothing is stored. */
    previewCancel: (actor: Actor, id: string): Promise<CancellationPreview> =>
      withTenant(actor.companyId, async () => {
        const booking = await visibleBooking(actor, id);
        const as = partyFor(actor, booking, 'cancel');
        refuseIllegal(booking, 'cancel');
        refuseStayed(booking);
        const isStrike = as === 'host' && booking.status === 'confirmed';
        return { booking, as, isStrike, ...(await refundOf(booking, as, Date.now())) };
      }),

    /** By its guest; the money moves after the answer. */
    pay: process('pay'),
    /** By its host; at once where it is paid, else as soon as it is. */
    confirm: process('accept'),
    decline: process('decline'),
    cancel: process('cancel'),
  };
};

export type Bookings = ReturnType<typeof createBookings>;

/** @throws Forbidden for a guest or host who may not, and for whoever only looks on */
function partyFor(
  actor: Actor,
  booking: Pick<Booking, 'guestId' | 'hostId'>,
  event: BookingWishEvent,
): BookingParty {
  const party = partyOf(actor, booking);
  if (party && parties[event].includes(party)) return party;
  throw new Forbidden(`Only the ${parties[event].join(' or the ')} of a booking can do this`);
}

function refuseIllegal(booking: Booking, event: BookingWishEvent): void {
  if (!nextBookingStatus(booking.status, event)) throw illegalBookingEvent(booking, event);
}

/** What was never confirmed was not stayed: it ends, and its money goes back. @throws Conflict STAY_OVER */
function refuseStayed(booking: Booking): void {
  if (booking.status === 'confirmed') refuseOver(booking, Date.now());
}

/** What was paid goes back, or what may just be taken. */
const movesMoney = ({ paidAt, isCharging }: Booking, event: BookingWishEvent): boolean =>
  (event === 'cancel' || event === 'decline') && Boolean(paidAt ?? isCharging);

const noGateway = (): Unavailable =>
  new Unavailable('No payment gateway is configured', 'PAYMENTS_NOT_CONFIGURED', 3600);
