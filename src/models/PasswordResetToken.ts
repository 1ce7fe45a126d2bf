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

  /**
   * Of codes that last as long only the newest works; one that lasts longer stays, because anybody may ask
   * for a short one. One that was issued under this id before stays too.
   */
  static async issue(
    userId: string,
    codeHash: string,
    { id = uuid(), lastsMs = validMs }: { readonly id?: string; readonly lastsMs?: number } = {},
  ): Promise<void> {
    if (await PasswordResetToken.findOne({ attributes: ['id'], where: { id } })) return;
    const expiresAt = new Date(Date.now() + lastsMs);
    await PasswordResetToken.cancel(userId, expiresAt);
    append(PasswordResetToken, { id, userId, codeHash, expiresAt });
  }

  /** Those of them that work now last until then. */
  static async lastUntil(ids: readonly string[], until: Date): Promise<void> {
    await execute(
      `UPDATE platform.password_reset_tokens SET expires_at = $2
       WHERE id = ANY ($1::uuid[]) AND used_at IS NULL AND expires_at > now()`,
      [[...ids], until],
    );
  }

  /** As many statements as `issue`, and no code: nobody's time tells who has an account. */
  static async issueNone(): Promise<void> {
    await PasswordResetToken.findOne({ attributes: ['id'], where: { id: noId } });
    await PasswordResetToken.cancel(noId, new Date());
  }

  /** No code that was issued before works any more, of all or of those that end by then. */
  static async cancel(userId: string, endingBy: Date | null = null): Promise<void> {
    await execute(
      `UPDATE platform.password_reset_tokens SET used_at = now()
       WHERE user_id = $1 AND used_at IS NULL AND ($2::timestamptz IS NULL OR expires_at <= $2)`,
      [userId, endingBy],
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
