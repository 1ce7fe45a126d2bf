import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict } from '../errors.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { mostLevels, type EmployeeStatus, type Employment } from '../rules/employees.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { currentCompany, select, sqlState } from './database.ts';

/** Somebody who works for a customer and is asked to read its documents, with an account or without. */
export class Employee
  extends Model<InferAttributes<Employee>, InferCreationAttributes<Employee>>
  implements Employment
{
  static readonly entityType = 'employee';

  declare id: string;
  declare companyId: string;
  declare customerId: string;
  declare userId: CreationOptional<string | null>;
  /** The column is `name`; in the audit a person's name is erased, and a thing's of that name is not. */
  declare fullName: string;
  declare email: string;
  declare role: CreationOptional<string | null>;
  declare department: CreationOptional<string | null>;
  declare managerId: CreationOptional<string | null>;
  declare status: CreationOptional<EmployeeStatus>;
  declare joinDate: CalendarDate;
  declare leaveDate: CreationOptional<CalendarDate | null>;
  declare returnDate: CreationOptional<CalendarDate | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Employee.init(
      {
        ...baseColumns,
        customerId: column.uuid,
        userId: column.uuid,
        fullName: { type: column.text, field: 'name' },
        email: column.text,
        role: column.text,
        department: column.text,
        managerId: column.uuid,
        status: column.text,
        joinDate: column.date,
        leaveDate: column.date,
        returnDate: column.date,
      },
      businessTable(sequelize, 'employees'),
    );
  }

  /**
   * Keeps others from changing who reports to whom until the commit, so that two changes at once cannot
   * make a circle of two chains.
   * @throws Conflict MANAGERS_CHANGING while an import holds it for longer
   */
  static async holdManagers(): Promise<void> {
    try {
      await select('SELECT pg_advisory_xact_lock(hashtextextended($1, 2))', [currentCompany()]);
    } catch (error) {
      if (sqlState(error) !== '55P03') throw error;
      throw new Conflict(
        'MANAGERS_CHANGING',
        'An import is changing who reports to whom; try again in a moment',
      );
    }
  }

  /** Keeps somebody from being archived until the commit. @returns whether they are there */
  static async hold(id: string): Promise<boolean> {
    const held = await select(
      'SELECT 1 FROM employees WHERE id = $1 AND archived_at IS NULL FOR SHARE',
      [id],
    );
    return held.length > 0;
  }

  /** Whether somebody is above themself, or too far down, once the other is their manager. */
  static async wouldCircle(id: string, managerId: string): Promise<boolean> {
    const [found] = await select<{ circular: boolean }>(
      `WITH RECURSIVE above AS (
         SELECT e.id, e.manager_id, 1 AS level FROM employees e WHERE e.id = $2
         UNION ALL
         SELECT e.id, e.manager_id, a.level + 1 FROM above a JOIN employees e ON e.id = a.manager_id
         WHERE a.level < ${mostLevels})
       SELECT coalesce(bool_or(id = $1) OR max(level) = ${mostLevels}, false) AS circular FROM above`,
      [id, managerId],
    );
    return found?.circular ?? false;
  }

  /** Of those who are not archived: how many report to somebody. */
  static async reportsTo(id: string): Promise<number> {
    const [counted] = await select<{ reports: string }>(
      'SELECT count(*) AS reports FROM employees WHERE manager_id = $1 AND archived_at IS NULL',
      [id],
    );
    return Number(counted?.reports);
  }
}
