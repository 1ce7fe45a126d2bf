import { Booking, illegalBookingEvent } from '../models/Booking.ts';
import { bookingUnderSettings } from '../models/bookingFile.ts';
import type { BookingWish } from '../models/bookingStart.ts';
import { ownCompany } from '../models/contract.ts';
import { select } from '../models/database.ts';
import { Property } from '../models/Property.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { nextBookingStatus, type BookingStatus } from '../rules/bookings.ts';
import { bookingSettings } from '../rules/bookingSettings.ts';
import { bookingWorkflowId } from '../rules/workflowIds.ts';
import { bookingTransition } from '../workflows/bookingLifecycle.ts';
import { applyingSettings, movedTimers, settingsBatch, type Outdated } from './runningSettings.ts';
import type { WorkflowCommands } from './workflows.ts';

/** A running booking that was made under other settings. */
export interface OutdatedBooking extends Outdated {
  readonly propertyId: string;
  readonly status: BookingStatus;
}

/**
 * Brings running bookings in line with settings that were changed since they were made, those of their
 * property included. A deadline that somebody moved stays; price, rule of cancellation and house, which
 * were agreed, stay too.
 */
export const createRunningBookings = ({ workflows }: { readonly workflows: WorkflowCommands }) =>
  applyingSettings<OutdatedBooking>({
    find: outdatedBookings,
    apply: ({ id }, { actor, commandId, reason }) =>
      workflows.command(bookingTransition, {
        actor,
        entityId: id,
        workflowId: bookingWorkflowId(actor.companyId, id),
        commandId,
        prepare: async (): Promise<BookingWish> => {
          const booking = await getRow(Booking, id);
          if (!nextBookingStatus(booking.status, 'apply_settings')) {
            throw illegalBookingEvent(booking, 'apply_settings');
          }
          return { event: 'apply_settings', by: actor.userId, reason };
        },
      }),
  });

export type RunningBookings = ReturnType<typeof createRunningBookings>;

async function outdatedBookings() {
  const company = await ownCompany();
  const today = { company, at: new Date(Date.now()) };
  const ofCompany = bookingSettings(company.settings.booking, {
    holdMinutes: null,
    hostConfirmationHours: null,
  });
  const found = await select<{ readonly id: string; readonly total: number }>(
    `SELECT b.id, count(*) OVER ()::integer AS total
     FROM bookings b JOIN properties p ON p.company_id = b.company_id AND p.id = b.property_id
     WHERE b.workflow_closed_at IS NULL AND b.archived_at IS NULL
       AND (b.config -> 'settings') <> $1::jsonb || jsonb_strip_nulls(jsonb_build_object(
         'holdMinutes', p.hold_minutes, 'hostConfirmationHours', p.host_confirmation_hours))
     ORDER BY b.created_at, b.id LIMIT ${settingsBatch}`,
    [JSON.stringify(ofCompany)],
  );
  const ids = found.map(({ id }) => id);
  const bookings = await Booking.findAll({
    where: { id: ids },
    order: [
      ['createdAt', 'ASC'],
      ['id', 'ASC'],
    ],
  });
  const properties = await Property.findAll({
    where: { id: bookings.map(({ propertyId }) => propertyId) },
  });
  const propertyOf = new Map(properties.map((property) => [property.id, property]));
  const rows = await Timer.setForAll(ids);
  return {
    total: found[0]?.total ?? 0,
    outdated: bookings.flatMap((booking) => {
      const { id, propertyId, status } = booking;
      const property = propertyOf.get(propertyId);
      if (!property) return [];
      const { change } = bookingUnderSettings({ booking, property }, today, rows.of(id));
      return [{ id, propertyId, status, timers: movedTimers(change) }];
    }),
  };
}
