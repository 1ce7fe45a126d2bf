import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict } from '../errors.ts';
import {
  allowedBookingEvents,
  nextBookingStatus,
  type BookingEvent,
  type BookingStatus,
  type Canceller,
} from '../rules/bookings.ts';
import type { BookingSettings } from '../rules/bookingSettings.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import type { Money } from '../rules/money.ts';
import type { CancellationPolicy } from '../rules/properties.ts';
import type { House } from '../rules/stays.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { moveRow, type Step } from './moveRow.ts';

/** What was agreed. A later edit of the property does not reach it, one of the settings once it is applied. */
export interface BookingConfig {
  readonly settings: BookingSettings;
  readonly house: House;
  readonly policy: CancellationPolicy;
  readonly instantBook: boolean;
}

/** Lifecycle columns that a step may set beside the status. */
export type BookingChanges = Partial<
  Pick<
    Booking,
    | 'config'
    | 'acceptedAt'
    | 'holdExpiresAt'
    | 'paymentId'
    | 'isCharging'
    | 'paidAt'
    | 'confirmedAt'
    | 'cancelledAt'
    | 'cancelledBy'
    | 'cancellationReason'
    | 'hostStrike'
    | 'refundAmount'
    | 'refundId'
    | 'isRefunding'
    | 'completedAt'
    | 'workflowClosedAt'
  >
>;

/** A stay that a guest has asked for, until nothing can come of it any more. */
export class Booking extends Model<InferAttributes<Booking>, InferCreationAttributes<Booking>> {
  static readonly entityType = 'booking';

  declare id: string;
  declare companyId: string;
  declare propertyId: string;
  declare guestId: string;
  /** Who owned the property when it was booked. */
  declare hostId: string;
  declare startDate: CalendarDate;
  declare endDate: CalendarDate;
  declare nights: number;
  declare guests: number;
  declare pricePerNight: Money;
  declare totalAmount: Money;
  declare currency: string;
  declare status: BookingStatus;
  declare stateVersion: CreationOptional<number>;
  declare holdExpiresAt: Date;
  /** When the host confirmed; of an instant booking nobody has to. */
  declare acceptedAt: CreationOptional<Date | null>;
  /** The latest charge, whatever became of it. */
  declare paymentId: CreationOptional<string | null>;
  /** Its end is not known yet. */
  declare isCharging: CreationOptional<boolean>;
  declare paidAt: CreationOptional<Date | null>;
  declare confirmedAt: CreationOptional<Date | null>;
  declare cancelledAt: CreationOptional<Date | null>;
  declare cancelledBy: CreationOptional<Canceller | null>;
  declare cancellationReason: CreationOptional<string | null>;
  /** The host gave up a stay that they had confirmed. */
  declare hostStrike: CreationOptional<boolean>;
  declare refundAmount: CreationOptional<Money>;
  declare refundId: CreationOptional<string | null>;
  declare isRefunding: CreationOptional<boolean>;
  declare completedAt: CreationOptional<Date | null>;
  declare config: BookingConfig;
  declare workflowClosedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Booking.init(
      {
        ...baseColumns,
        propertyId: column.uuid,
        guestId: column.uuid,
        hostId: column.uuid,
        startDate: column.date,
        endDate: column.date,
        nights: column.integer,
        guests: column.integer,
        pricePerNight: column.money,
        totalAmount: column.money,
        currency: column.text,
        status: column.text,
        stateVersion: column.integer,
        holdExpiresAt: column.instant,
        acceptedAt: column.instant,
        paymentId: column.uuid,
        isCharging: column.flag,
        paidAt: column.instant,
        confirmedAt: column.instant,
        cancelledAt: column.instant,
        cancelledBy: column.text,
        cancellationReason: column.text,
        hostStrike: column.flag,
        refundAmount: column.money,
        refundId: column.uuid,
        isRefunding: column.flag,
        completedAt: column.instant,
        config: column.json,
        workflowClosedAt: column.instant,
      },
      businessTable(sequelize, 'bookings'),
    );
  }

  /**
   * The only writer of `status` and of what belongs to the lifecycle. The version fence also stops
   * a late attempt that wakes up again.
   * @throws Conflict ILLEGAL_TRANSITION or VERSION_CONFLICT
   */
  async move(event: BookingEvent, step: Step, changes: BookingChanges = {}): Promise<void> {
    const to = nextBookingStatus(this.status, event);
    if (!to) throw illegalBookingEvent(this, event);
    await moveRow(Booking, this, { event, to }, step, changes);
  }
}

export const illegalBookingEvent = (
  { status }: Pick<Booking, 'status'>,
  event: BookingEvent,
): Conflict =>
  new Conflict(
    'ILLEGAL_TRANSITION',
    `The booking is ${status}: it cannot ${event.replaceAll('_', ' ')}`,
    { current_status: status, allowed_transitions: allowedBookingEvents(status) },
  );
