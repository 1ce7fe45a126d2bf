import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { CalendarDate } from '../rules/calendar.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/**
 * Nights of a property that nobody else can have: a guest's booking, or kept by the owner. Archived, they
 * are free again; of those that are not, the database lets no two share a night.
 */
export class Reservation extends Model<
  InferAttributes<Reservation>,
  InferCreationAttributes<Reservation>
> {
  static readonly entityType = 'availability_block';

  declare id: string;
  declare companyId: string;
  declare propertyId: string;
  declare startDate: CalendarDate;
  /** The day after the last night: somebody else may arrive. */
  declare endDate: CalendarDate;
  /** null where the owner keeps them. */
  declare bookingId: CreationOptional<string | null>;
  /** The owner's own note. */
  declare reason: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Reservation.init(
      {
        ...baseColumns,
        propertyId: column.uuid,
        startDate: column.date,
        endDate: column.date,
        bookingId: column.uuid,
        reason: column.text,
      },
      businessTable(sequelize, 'reservations'),
    );
  }
}
