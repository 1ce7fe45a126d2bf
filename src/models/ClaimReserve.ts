import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { Money } from '../rules/money.ts';
import type { ReserveCategory } from '../rules/reserves.ts';
import { v7 as uuid } from 'uuid';
import { AuditLog } from './AuditLog.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { append, select } from './database.ts';

/** That a category of a claim has this reserve from now on. Append-only; the latest row holds. */
export class ClaimReserve extends Model<
  InferAttributes<ClaimReserve>,
  InferCreationAttributes<ClaimReserve>
> {
  static readonly entityType = 'claim_reserve';

  declare id: string;
  declare companyId: string;
  declare claimId: string;
  declare category: ReserveCategory;
  declare amount: Money;
  declare reason: string;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    ClaimReserve.init(
      {
        ...baseColumns,
        claimId: column.uuid,
        category: column.text,
        amount: column.money,
        reason: column.text,
      },
      businessTable(sequelize, 'claim_reserves'),
    );
  }

  /** The latest of each category. */
  static currentOf(claimId: string): Promise<CurrentReserve[]> {
    return select(
      `SELECT DISTINCT ON (category) category, amount, created_at AS "createdAt"
       FROM claim_reserves
       WHERE claim_id = $1 ORDER BY category, created_at DESC, id DESC`,
      [claimId],
    );
  }

  /**
   * What a category has from now on. Whoever calls holds the claim's row, so that nobody else sets it.
   * @param before what it had; undefined where it had nothing
   * @returns its id
   */
  static set(
    reserve: Pick<ClaimReserve, 'claimId' | 'category' | 'amount' | 'reason'>,
    before: CurrentReserve | undefined,
  ): string {
    const id = uuid();
    // The latest holds, also where the one before was set by a machine whose clock is ahead.
    const createdAt = new Date(Math.max(Date.now(), (before?.createdAt.getTime() ?? 0) + 1));
    append(ClaimReserve, { id, ...reserve, createdAt });
    AuditLog.record(
      'CREATE',
      { type: ClaimReserve.entityType, id },
      { before: { amount: before?.amount ?? null }, after: reserve },
    );
    return id;
  }
}

export type CurrentReserve = Pick<ClaimReserve, 'category' | 'amount' | 'createdAt'>;
