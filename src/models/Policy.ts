import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { CalendarDate } from '../rules/calendar.ts';
import type { Money } from '../rules/money.ts';
import type { PolicyStatus } from '../rules/subscriptions.ts';
import { AuditLog } from './AuditLog.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { select } from './database.ts';

/** The insurance contract that a subscription issued; its status follows the subscription's. */
export class Policy extends Model<InferAttributes<Policy>, InferCreationAttributes<Policy>> {
  static readonly entityType = 'policy';

  declare id: string;
  declare companyId: string;
  declare policyNumber: string;
  declare policyType: string;
  declare userId: string | null;
  declare policyholderName: string;
  declare policyholderEmail: string;
  declare policyholderPhone: CreationOptional<string | null>;
  declare coverageAmount: Money;
  declare premium: Money;
  declare currency: string;
  declare startDate: CalendarDate;
  declare endDate: CalendarDate;
  declare status: PolicyStatus;
  declare insuredPropertyId: CreationOptional<string | null>;
  declare metadata: CreationOptional<Readonly<Record<string, unknown>>>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Policy.init(
      {
        ...baseColumns,
        policyNumber: column.text,
        policyType: column.text,
        userId: column.uuid,
        policyholderName: column.text,
        policyholderEmail: column.text,
        policyholderPhone: column.text,
        coverageAmount: column.money,
        premium: column.money,
        currency: column.text,
        startDate: column.date,
        endDate: column.date,
        status: column.text,
        insuredPropertyId: column.uuid,
        metadata: column.json,
      },
      businessTable(sequelize, 'policies'),
    );
  }

  /** Takes over what its subscription decided. */
  async follow(
    changes: Partial<
      Pick<Policy, 'status' | 'endDate' | 'premium' | 'coverageAmount' | 'currency'>
    >,
  ): Promise<void> {
    const names = Object.keys(changes);
    const before = Object.fromEntries(names.map((name) => [name, this.get(name)]));
    await this.update(changes);
    AuditLog.record('UPDATE', { type: 'policy', id: this.id }, { before, after: changes });
  }

  /**
   * The next `POL-<code>-<year>-<seq>`. The counter's row stays locked until the commit, so numbers
   * have no holes and none is given twice; take it late in a transaction.
   */
  static async nextNumber(companyCode: string, year: string): Promise<string> {
    const [counter] = await select<{ value: string }>(
      `INSERT INTO core.counters AS c (company_id, name, value)
       VALUES (app.company_id(), $1, 1)
       ON CONFLICT (company_id, name) DO UPDATE SET value = c.value + 1
       RETURNING value`,
      [`policy/${year}`],
    );
    return `POL-${companyCode}-${year}-${(counter?.value ?? '').padStart(6, '0')}`;
  }
}
