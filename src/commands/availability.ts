import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { append, flush, select, withTenant } from '../models/database.ts';
import { selectPage, type Condition } from '../models/list.ts';
import type { Property } from '../models/Property.ts';
import { Reservation } from '../models/Reservation.ts';
import { archiveRow, getRow, noSuch } from '../models/rows.ts';
import { addDays, dateAt, daysBetween, type CalendarDate } from '../rules/calendar.ts';
import { freeBetween, nightsProblem, type Stay } from '../rules/stays.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { isOwner, ownProperty, visibleProperty } from './properties.ts';
import { typedLine } from './typedText.ts';

/** Which nights of a property are taken, by whatever, and which are free. */
export interface Availability {
  readonly propertyId: string;
  readonly from: CalendarDate;
  readonly to: CalendarDate;
  readonly taken: readonly Stay[];
  readonly free: readonly Stay[];
}

/** Nights that the owner keeps; the reason is for the owner alone. */
export type BlockView = Pick<
  Reservation,
  'id' | 'propertyId' | 'startDate' | 'endDate' | 'createdAt'
> & { readonly reason: string | null };

/** So many days are shown at once. */
export const mostDays = 366;

const daysShown = 90;

/** Which nights are free, and those that owners keep for themselves. */
export const createAvailability = () => ({
  /** Of 90 days from today on unless told; nights before and after the window are cut off. */
  show: (
    companyId: string,
    visitor: Actor | undefined,
    id: string,
    window: { readonly from?: CalendarDate | undefined; readonly to?: CalendarDate | undefined },
  ): Promise<Availability> =>
    withTenant(companyId, async () => {
      const property = await visibleProperty(visitor, id);
      const from = window.from ?? todayAt(property);
      const to = window.to ?? addDays(from, daysShown);
      const days = daysBetween(from, to);
      if (days < 1 || days > mostDays) {
        throw invalidField('to', `From 1 to ${mostDays} days after the first`, 'OUT_OF_RANGE');
      }
      const taken = await select<Stay>(
        `SELECT greatest(start_date, $2::date)::text AS "startDate",
           least(end_date, $3::date)::text AS "endDate"
         FROM reservations
         WHERE property_id = $1 AND archived_at IS NULL AND start_date < $3 AND end_date > $2
         ORDER BY start_date`,
        [id, from, to],
      );
      const free = freeBetween({ startDate: from, endDate: to }, taken);
      return { propertyId: id, from, to, taken, free };
    }),

  /** Those that are not over, soonest first. */
  blocks: (
    companyId: string,
    visitor: Actor | undefined,
    id: string,
    page: { readonly page: number; readonly size: number },
  ) =>
    withTenant(companyId, async () => {
      const property = await visibleProperty(visitor, id);
      const conditions: readonly Condition[] = [
        ['r.property_id = $', id],
        ['r.archived_at IS NULL'],
        ['r.booking_id IS NULL'],
        ['r.end_date > $', todayAt(property)],
      ];
      return selectPage<BlockView>(
        `r.id, r.property_id AS "propertyId", r.start_date::text AS "startDate",
         r.end_date::text AS "endDate", r.created_at AS "createdAt",
         ${isOwner(visitor, property) ? 'r.reason' : 'NULL AS reason'}`,
        'reservations r',
        conditions,
        { by: 'r.start_date', id: 'r.id', order: 'asc', ...page },
      );
    }),

  /** @throws Conflict DATES_UNAVAILABLE where one of the nights is taken */
  block: (
    actor: Actor,
    id: string,
    { reason, ...stay }: Stay & { readonly reason?: string | undefined },
    once: Once,
  ): Promise<BlockView | Replay> =>
    rowsOnce(once, async () => {
      const property = await ownProperty(actor, id);
      const problem = nightsProblem(stay, todayAt(property));
      if (problem) throw invalidField(problem.field, problem.message, problem.code);
      const values = { ...stay, propertyId: id };
      const block = append(Reservation, {
        id: uuid(),
        ...values,
        reason: reason === undefined ? null : typedLine('reason', reason),
      });
      AuditLog.record('CREATE', { type: Reservation.entityType, id: block }, { after: values });
      await flush();
      return getRow(Reservation, block).then(asBlock);
    }),

  /** Its nights are free again. @throws Conflict BLOCK_OVER when they have passed */
  unblock: (actor: Actor, id: string, blockId: string): Promise<Reservation> =>
    withTenant(actor.companyId, async () => {
      const property = await ownProperty(actor, id);
      const block = await getRow(Reservation, blockId, { lock: true });
      if (block.propertyId !== id || block.bookingId) throw noSuch(Reservation.entityType, blockId);
      if (block.endDate <= todayAt(property)) {
        throw new Conflict('BLOCK_OVER', `The nights of ${blockId} have passed`);
      }
      return archiveRow(Reservation, block);
    }),
});

export type AvailabilityCommands = ReturnType<typeof createAvailability>;

/** The day on the property's own calendar. */
export const todayAt = ({ timeZone }: Pick<Property, 'timeZone'>): CalendarDate =>
  dateAt(Date.now(), timeZone);

const asBlock = ({
  id,
  propertyId,
  startDate,
  endDate,
  reason,
  createdAt,
}: Reservation): BlockView => ({
  id,
  propertyId,
  startDate,
  endDate,
  reason: reason ?? null,
  createdAt,
});
