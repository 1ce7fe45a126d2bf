import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { Money } from '../rules/money.ts';
import type { CancellationPolicy, PropertyStatus } from '../rules/properties.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** What its owner lets to others by the night; the same thing may be insured. */
export class Property extends Model<InferAttributes<Property>, InferCreationAttributes<Property>> {
  static readonly entityType = 'property';

  declare id: string;
  declare companyId: string;
  /** The host of whoever books it. */
  declare ownerId: string;
  declare categoryId: string | null;
  declare name: string;
  declare description: string;
  declare address: string;
  /** Degrees with eight places; both or none. */
  declare latitude: string | null;
  declare longitude: string | null;
  declare pricePerNight: Money;
  declare currency: string;
  declare timeZone: string;
  /** Times of the day there, `15:00`. */
  declare checkInTime: string;
  declare checkOutTime: string;
  declare maxGuests: number;
  declare minNights: number;
  declare maxNights: number;
  /** Nobody has to confirm what is booked. */
  declare instantBook: boolean;
  declare cancellationPolicy: CancellationPolicy;
  /** Instead of the company's; null for those. */
  declare holdMinutes: CreationOptional<number | null>;
  declare hostConfirmationHours: CreationOptional<number | null>;
  declare status: PropertyStatus;
  /** Of the published reviews, with two places; null without any. */
  declare averageRating: CreationOptional<string | null>;
  declare reviewCount: CreationOptional<number>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Property.init(
      {
        ...baseColumns,
        ownerId: column.uuid,
        categoryId: column.uuid,
        name: column.text,
        description: column.text,
        address: column.text,
        latitude: column.latitude,
        longitude: column.longitude,
        pricePerNight: column.money,
        currency: column.text,
        timeZone: column.text,
        checkInTime: column.text,
        checkOutTime: column.text,
        maxGuests: column.integer,
        minNights: column.integer,
        maxNights: column.integer,
        instantBook: column.flag,
        cancellationPolicy: column.text,
        holdMinutes: column.integer,
        hostConfirmationHours: column.integer,
        status: column.text,
        averageRating: column.rating,
        reviewCount: column.integer,
      },
      businessTable(sequelize, 'properties'),
    );
  }
}
