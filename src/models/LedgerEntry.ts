import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { Money } from '../rules/money.ts';
import { postingOf, type LedgerAccount } from '../rules/payments.ts';
import { businessTable, column } from './columns.ts';
import { append } from './database.ts';
import type { Payment } from './Payment.ts';

/** One side of a posting in the books. Append-only; the lines of a posting add up to zero. */
export class LedgerEntry extends Model<
  InferAttributes<LedgerEntry>,
  InferCreationAttributes<LedgerEntry>
> {
  declare id: string;
  declare companyId: string;
  declare postingId: string;
  declare paymentId: string;
  declare account: LedgerAccount;
  declare currency: string;
  /** A debit is above zero, a credit below. */
  declare amount: Money;
  declare createdAt: CreationOptional<Date>;

  static define(sequelize: Sequelize): void {
    LedgerEntry.init(
      {
        id: column.id,
        companyId: column.uuid,
        postingId: column.uuid,
        paymentId: column.uuid,
        account: column.text,
        currency: column.text,
        amount: column.money,
        createdAt: column.instant,
      },
      { ...businessTable<LedgerEntry>(sequelize, 'ledger_entries'), timestamps: false },
    );
  }

  /** Books a completed payment, with the step that completes it; a second time breaks a key. */
  static post({ id, purpose, amount, currency }: Payment): void {
    for (const line of postingOf(purpose, amount)) {
      append(LedgerEntry, { ...line, postingId: id, paymentId: id, currency });
    }
  }
}
