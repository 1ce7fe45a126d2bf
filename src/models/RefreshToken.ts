import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext } from '../context.ts';
import { column, platformTable } from './columns.ts';
import { append, execute, select } from './database.ts';
import { readPage } from './list.ts';

/** A sign-in and all the tokens that followed from it; its id is `sid` in access tokens. */
export interface Session {
  readonly userId: string;
  readonly companyId: string;
  readonly familyId: string;
}

export interface RunningSession {
  readonly id: string;
  readonly startedAt: Date;
  /** When its tokens were last exchanged. */
  readonly lastUsedAt: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/**
 * One link in a session's chain of tokens, each good for one use. A session has ended as soon as
 * any of its rows is revoked: a successor that is inserted at that very moment dies with it.
 */
export class RefreshToken extends Model<
  InferAttributes<RefreshToken>,
  InferCreationAttributes<RefreshToken>
> {
  declare id: string;
  declare companyId: string;
  declare userId: string;
  declare familyId: string;
  declare tokenHash: string;
  declare createdAt: CreationOptional<Date>;
  declare expiresAt: Date;
  declare rotatedAt: CreationOptional<Date | null>;
  declare revokedAt: CreationOptional<Date | null>;
  declare ip: string | null;
  declare userAgent: string | null;

  static define(sequelize: Sequelize): void {
    RefreshToken.init(
      {
        id: column.id,
        companyId: column.uuid,
        userId: column.uuid,
        familyId: column.uuid,
        tokenHash: column.text,
        createdAt: column.instant,
        expiresAt: column.instant,
        rotatedAt: column.instant,
        revokedAt: column.instant,
        ip: column.text,
        userAgent: column.text,
      },
      { ...platformTable(sequelize, 'refresh_tokens'), timestamps: false },
    );
  }

  static issue(session: Session, tokenHash: string, expiresAt: Date): void {
    const { ip, userAgent } = currentContext();
    append(RefreshToken, {
      ...session,
      tokenHash,
      expiresAt,
      ip: ip ?? null,
      userAgent: userAgent ?? null,
    });
  }

  /** Uses the token up. @returns undefined when it is unknown, used, expired or revoked */
  static async rotate(tokenHash: string): Promise<Session | undefined> {
    const [session] = await select<Session>(
      `UPDATE platform.refresh_tokens t SET rotated_at = now()
       WHERE token_hash = $1 AND rotated_at IS NULL AND expires_at > now() AND ${isLive('t.family_id')}
       RETURNING user_id AS "userId", company_id AS "companyId", family_id AS "familyId"`,
      [tokenHash],
    );
    return session;
  }

  /**
   * The live session whose used token is shown again, if that betrays a thief. Losing a race does
   * not: the token was the last one used, less than 10 s ago, by the same client.
   */
  static async betrayedBy(tokenHash: string): Promise<Session | undefined> {
    const { ip, userAgent } = currentContext();
    const [session] = await select<Session>(
      `SELECT t.user_id AS "userId", t.company_id AS "companyId", t.family_id AS "familyId"
       FROM platform.refresh_tokens t
       WHERE t.token_hash = $1 AND t.rotated_at IS NOT NULL AND ${isLive('t.family_id')}
         AND NOT (t.rotated_at > now() - interval '10 seconds'
           AND NOT EXISTS (SELECT 1 FROM platform.refresh_tokens later
             WHERE later.family_id = t.family_id AND later.rotated_at > t.rotated_at)
           AND EXISTS (SELECT 1 FROM platform.refresh_tokens newest
             WHERE newest.family_id = t.family_id AND newest.rotated_at IS NULL
               AND newest.ip IS NOT DISTINCT FROM $2 AND newest.user_agent IS NOT DISTINCT FROM $3))`,
      [tokenHash, ip ?? null, userAgent ?? null],
    );
    return session;
  }

  /** A person's running sessions in a company, the one used last first. */
  static async runningOf(
    { userId, companyId }: Omit<Session, 'familyId'>,
    asked: { readonly page: number; readonly size: number },
  ): Promise<{ items: RunningSession[]; total: number }> {
    return readPage(asked, (limit, offset) =>
      select<RunningSession & { total: number }>(
        `SELECT family_id AS id, min(created_at) AS "startedAt", max(created_at) AS "lastUsedAt",
           (array_agg(ip ORDER BY created_at DESC))[1] AS ip,
           (array_agg(user_agent ORDER BY created_at DESC))[1] AS "userAgent",
           (count(*) OVER ())::integer AS total
         FROM platform.refresh_tokens WHERE company_id = $1 AND user_id = $2
         GROUP BY family_id HAVING bool_and(revoked_at IS NULL) AND max(expires_at) > now()
         ORDER BY "lastUsedAt" DESC, id LIMIT $3 OFFSET $4`,
        [companyId, userId, limit, offset],
      ),
    );
  }

  /** @returns whether the session was still running: a successor that came too late is not a session */
  static async revoke({ userId, familyId }: Omit<Session, 'companyId'>): Promise<boolean> {
    const revoked = await execute(
      `UPDATE platform.refresh_tokens SET revoked_at = now()
       WHERE family_id = $1 AND user_id = $2 AND revoked_at IS NULL AND ${isLive('$1')}`,
      [familyId, userId],
    );
    return revoked > 0;
  }

  /** Ends a person's sessions in one company. @returns their ids */
  static async revokeIn({
    userId,
    companyId,
  }: Omit<Session, 'familyId'>): Promise<readonly string[]> {
    const rows = await select<{ familyId: string }>(
      `UPDATE platform.refresh_tokens SET revoked_at = now()
       WHERE company_id = $1 AND user_id = $2 AND revoked_at IS NULL
       RETURNING family_id AS "familyId"`,
      [companyId, userId],
    );
    return [...new Set(rows.map(({ familyId }) => familyId))];
  }

  /**
   * Ends a person's sessions in one company and keeps nothing of them. Asked twice: a successor that was
   * made while the first waited for it is gone after the second.
   * @returns their ids
   */
  static async erase({ userId, companyId }: Omit<Session, 'familyId'>): Promise<readonly string[]> {
    const erase = () =>
      select<{ familyId: string }>(
        `DELETE FROM platform.refresh_tokens WHERE company_id = $1 AND user_id = $2
         RETURNING family_id AS "familyId"`,
        [companyId, userId],
      );
    const rows = [...(await erase()), ...(await erase())];
    return [...new Set(rows.map(({ familyId }) => familyId))];
  }

  /** Ends every session of a person, in all companies, but the one to keep. @returns their ids */
  static async revokeAll(userId: string, keep: string | null = null): Promise<readonly string[]> {
    const rows = await select<{ familyId: string }>(
      `UPDATE platform.refresh_tokens SET revoked_at = now()
       WHERE user_id = $1 AND revoked_at IS NULL AND family_id IS DISTINCT FROM $2
       RETURNING family_id AS "familyId"`,
      [userId, keep],
    );
    return [...new Set(rows.map(({ familyId }) => familyId))];
  }
}

/** SQL: whether the session of that family goes on. */
const isLive = (family: string): string =>
  `NOT EXISTS (SELECT 1 FROM platform.refresh_tokens ended
     WHERE ended.family_id = ${family} AND ended.revoked_at IS NOT NULL)`;
