import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { CalendarDate } from '../rules/calendar.ts';
import type { Lifecycle } from '../rules/lifecycle.ts';
import type { Money } from '../rules/money.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** One sold stretch of cover, half-open: the end date is the first day without it. */
export class SubscriptionTerm extends Model<
  InferAttributes<SubscriptionTerm>,
  InferCreationAttributes<SubscriptionTerm>
> {
  declare id: string;
  declare companyId: string;
  declare subscriptionId: string;
  declare termNo: number;
  /** An endorsement or a reinstatement begins a new part of the term. */
  declare partNo: CreationOptional<number>;
  declare startDate: CalendarDate;
  declare endDate: CalendarDate;
  /** Of this part alone; the parts of a term add up to what was charged for it. */
  declare premium: Money;
  declare coverageAmount: Money;
  declare origin: 'new' | 'renewal' | 'endorsement' | 'reinstatement';
  /** Days without cover before it. */
  declare gapDays: CreationOptional<number>;
  /** The part that took its place from its first day on. */
  declare supersededBy: CreationOptional<string | null>;
  /** What was in force when it was sold; null in terms older than this column. */
  declare lifecycle: CreationOptional<Lifecycle | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    SubscriptionTerm.init(
      {
        ...baseColumns,
        subscriptionId: column.uuid,
        termNo: column.integer,
        partNo: column.integer,
        startDate: column.date,
        endDate: column.date,
        premium: column.money,
        coverageAmount: column.money,
        origin: column.text,
        gapDays: column.integer,
        supersededBy: column.uuid,
        lifecycle: column.json,
      },
      businessTable(sequelize, 'subscription_terms'),
    );
  }
}
