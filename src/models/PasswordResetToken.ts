import { v7 as uuid } from 'uuid';
import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { column, platformTable } from './columns.ts';
import { append, execute, select } from './database.ts';

const validMs = 30 * 60_000;
const noId = '00000000-0000-0000-0000-000000000000';

/** A code that sets a password, once, within 30 minutes. */
export class PasswordResetToken extends Model<
  InferAttributes<PasswordResetToken>,
  InferCreationAttributes<PasswordResetToken>
> {
  declare id: string;
  declare userId: string;
  declare codeHash: string;
  declare createdAt: CreationOptional<Date>;
  declare expiresAt: Date;
  declare usedAt: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    PasswordResetToken.init(
      {
        id: column.id,
        userId: column.uuid,
        codeHash: column.text,
        createdAt: column.instant,
        expiresAt: column.instant,
        usedAt: column.instant,
      },
      { ...platformTable(sequelize, 'password_reset_tokens'), timestamps: false },
    );
  }

  /** The newest code is the only one that works. One that was issued under this id before stays. */
  static async issue(
    userId: string,
    codeHash: string,
    { id = uuid(), lastsMs = validMs }: { readonly id?: string; readonly lastsMs?: number } = {},
  ): Promise<void> {
    if (await PasswordResetToken.findOne({ attributes: ['id'], where: { id } })) return;
    await PasswordResetToken.cancel(userId);
    append(PasswordResetToken, { id, userId, codeHash, expiresAt: new Date(Date.now() + lastsMs) });
  }

  /** As many statements as `issue`, and no code: nobody's time tells who has an account. */
  static async issueNone(): Promise<void> {
    await PasswordResetToken.findOne({ attributes: ['id'], where: { id: noId } });
    await PasswordResetToken.cancel(noId);
  }

  /** No code that was issued before works any more. */
  static async cancel(userId: string): Promise<void> {
    await execute(
      'UPDATE platform.password_reset_tokens SET used_at = now() WHERE user_id = $1 AND used_at IS NULL',
      [userId],
    );
  }

  /** How many the person was sent within the last hour. */
  static async countRecent(userId: string): Promise<number> {
    const [row] = await select<{ recent: number }>(
      `SELECT count(*)::integer AS recent FROM platform.password_reset_tokens
       WHERE user_id = $1 AND created_at > now() - interval '1 hour'`,
      [userId],
    );
    return row?.recent ?? 0;
  }

  /** Whose password the code may set; looking does not use it up. */
  static async ownerOf(codeHash: string): Promise<string | undefined> {
    const [row] = await select<{ userId: string }>(
      `SELECT user_id AS "userId" FROM platform.password_reset_tokens
       WHERE code_hash = $1 AND used_at IS NULL AND expires_at > now()`,
      [codeHash],
    );
    return row?.userId;
  }

  /** @returns false when the code was used or ran out meanwhile */
  static async use(codeHash: string): Promise<boolean> {
    const used = await execute(
      `UPDATE platform.password_reset_tokens SET used_at = now()
       WHERE code_hash = $1 AND used_at IS NULL AND expires_at > now()`,
      [codeHash],
    );
    return used === 1;
  }
}
