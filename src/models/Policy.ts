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
}
