import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { usualCalendar, type BusinessCalendar } from '../rules/businessDays.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { baseColumns, column, coreTable } from './columns.ts';
import { ownCompany } from './contract.ts';
import { editRow } from './rows.ts';

/** When a company works; one row a company, or none for the usual hours. */
export class Calendar
  extends Model<InferAttributes<Calendar>, InferCreationAttributes<Calendar>>
  implements BusinessCalendar
{
  static readonly entityType = 'calendar';

  declare id: string;
  declare companyId: string;
  declare timeZone: string;
  declare workingDays: number[];
  declare workingHours: BusinessCalendar['workingHours'];
  declare holidays: CreationOptional<CalendarDate[]>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Calendar.init(
      {
        ...baseColumns,
        timeZone: column.text,
        workingDays: column.json,
        workingHours: column.json,
        holidays: column.json,
      },
      { ...coreTable<Calendar>(sequelize, 'calendars'), timestamps: true },
    );
  }

  /** What the deadlines of the present company are counted by. */
  static async ofCompany(): Promise<BusinessCalendar> {
    return (await Calendar.findOne()) ?? usualCalendar((await ownCompany()).timeZone);
  }
  /** One that is counted in the company's own zone goes with it to another one. */
  static async follow(from: string, to: string): Promise<void> {
    const calendar = await Calendar.findOne();
    if (calendar?.timeZone !== from) return;
    await editRow(Calendar, calendar, { timeZone: to }, undefined);
  }
}
