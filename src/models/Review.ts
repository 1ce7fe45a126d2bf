import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { ReviewStatus } from '../rules/reviews.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** What a guest says of a stay that is over; one for a booking. */
export class Review extends Model<InferAttributes<Review>, InferCreationAttributes<Review>> {
  static readonly entityType = 'review';

  declare id: string;
  declare companyId: string;
  declare propertyId: string;
  declare bookingId: string;
  declare reviewerId: string;
  /** 1 to 5. */
  declare rating: number;
  declare comment: CreationOptional<string | null>;
  declare hostReply: CreationOptional<string | null>;
  declare repliedAt: CreationOptional<Date | null>;
  declare status: CreationOptional<ReviewStatus>;
  /** Since when somebody finds that it should not be here; the first to say so. */
  declare reportedAt: CreationOptional<Date | null>;
  declare reportedBy: CreationOptional<string | null>;
  declare reportReason: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Review.init(
      {
        ...baseColumns,
        propertyId: column.uuid,
        bookingId: column.uuid,
        reviewerId: column.uuid,
        rating: column.integer,
        comment: column.text,
        hostReply: column.text,
        repliedAt: column.instant,
        status: column.text,
        reportedAt: column.instant,
        reportedBy: column.uuid,
        reportReason: column.text,
      },
      businessTable(sequelize, 'reviews'),
    );
  }
}
