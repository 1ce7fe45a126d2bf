import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { erasedPerson } from '../rules/personalFields.ts';
import { column, platformTable } from './columns.ts';
import { append, execute, select } from './database.ts';

const validMs = 60 * 60_000;

/** A wish for another e-mail address, fulfilled by the code that is sent there, once and within an hour. */
export class EmailChange extends Model<
  InferAttributes<EmailChange>,
  InferCreationAttributes<EmailChange>
> {
  declare id: string;
  declare userId: string;
  declare newEmail: string;
  declare codeHash: string;
  declare createdAt: CreationOptional<Date>;
  declare expiresAt: Date;
  declare usedAt: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    EmailChange.init(
      {
        id: column.id,
        userId: column.uuid,
        newEmail: column.text,
        codeHash: column.text,
        createdAt: column.instant,
        expiresAt: column.instant,
        usedAt: column.instant,
      },
      { ...platformTable(sequelize, 'email_changes'), timestamps: false },
    );
  }

  /** The newest wish is the only one that can be fulfilled. */
  static async wish(
    row: Readonly<Record<'id' | 'userId' | 'newEmail' | 'codeHash', string>>,
  ): Promise<void> {
    await EmailChange.cancel(row.userId);
    append(EmailChange, { ...row, expiresAt: new Date(Date.now() + validMs) });
  }

  static async cancel(userId: string): Promise<void> {
    await execute(
      'UPDATE platform.email_changes SET used_at = now() WHERE user_id = $1 AND used_at IS NULL',
      [userId],
    );
  }

  /** Also what was wished long ago. */
  static async erase(userId: string): Promise<void> {
    await execute(
      `UPDATE platform.email_changes SET new_email = $2, used_at = COALESCE(used_at, now())
       WHERE user_id = $1`,
      [userId, erasedPerson(userId).email],
    );
  }

  /** How many the person asked for within the last hour. */
  static async countRecent(userId: string): Promise<number> {
    const [row] = await select<{ recent: number }>(
      `SELECT count(*)::integer AS recent FROM platform.email_changes
       WHERE user_id = $1 AND created_at > now() - interval '1 hour'`,
      [userId],
    );
    return row?.recent ?? 0;
  }

  /** Whose address the code may change, and into what; looking does not use it up. */
  static async wishOf(codeHash: string): Promise<{ userId: string; newEmail: string } | undefined> {
    const [row] = await select<{ userId: string; newEmail: string }>(
      `SELECT user_id AS "userId", new_email AS "newEmail" FROM platform.email_changes
       WHERE code_hash = $1 AND used_at IS NULL AND expires_at > now()`,
      [codeHash],
    );
    return row;
  }

  /** @returns false when the code was used or ran out meanwhile */
  static async use(codeHash: string): Promise<boolean> {
    const used = await execute(
      `UPDATE platform.email_changes SET used_at = now()
       WHERE code_hash = $1 AND used_at IS NULL AND expires_at > now()`,
      [codeHash],
    );
    return used === 1;
  }
}
