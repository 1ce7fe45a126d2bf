import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { v7 as uuid } from 'uuid';
import { currentContext } from '../context.ts';
import { Conflict } from '../errors.ts';
import { roleCodes, type Role } from '../rules/permissions.ts';
import { AuditLog } from './AuditLog.ts';
import type { CompanySettings } from './Company.ts';
import { column, platformTable } from './columns.ts';
import { Credential } from './Credential.ts';
import { execute, platformCompanyId, select } from './database.ts';

/** All that a person may be in one company now. */
export interface Place {
  readonly companyId: string;
  readonly code: string;
  readonly name: string;
  readonly settings: CompanySettings;
  readonly roles: readonly Role[];
}

/** That a person has a role in a company, for a time. */
export class Membership extends Model<
  InferAttributes<Membership>,
  InferCreationAttributes<Membership>
> {
  declare id: string;
  declare companyId: string;
  declare userId: string;
  declare role: Role;
  declare validFrom: CreationOptional<Date>;
  declare validTo: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare isActive: CreationOptional<boolean>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;
  declare delegateUserId: CreationOptional<string | null>;
  declare delegateUntil: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    Membership.init(
      {
        id: column.id,
        companyId: column.uuid,
        userId: column.uuid,
        role: column.text,
        validFrom: column.instant,
        validTo: column.instant,
        createdAt: column.instant,
        updatedAt: column.instant,
        createdBy: column.uuid,
        isActive: column.flag,
        archivedAt: column.instant,
        version: column.integer,
        delegateUserId: column.uuid,
        delegateUntil: column.instant,
      },
      platformTable(sequelize, 'memberships'),
    );
  }

  /** Where a person may sign in now; closed companies are left out. */
  static async placesOf(userId: string): Promise<Place[]> {
    const rows = await select<Omit<Place, 'roles'> & { roles: readonly string[] }>(
      `SELECT c.id AS "companyId", c.code, c.name, c.settings, held.roles
       FROM platform.companies c, LATERAL (${rolesHeld('c.id', '$1')}) AS held
       WHERE c.id IN (SELECT m.company_id FROM platform.memberships m
           WHERE m.user_id = $1 AND ${isHeld('m')})
         AND c.status <> 'closed' AND c.archived_at IS NULL
       ORDER BY c.code`,
      [userId],
    );
    return rows.map((row) => ({ ...row, roles: knownRoles(row.roles) }));
  }

  /** Who administers the platform now and could sign in; seen in its own transaction. */
  static globalAdministrators(): Promise<{ userId: string; email: string }[]> {
    return select(
      `SELECT DISTINCT u.id AS "userId", u.email
       FROM platform.memberships m JOIN platform.users u ON u.id = m.user_id
       WHERE m.role = 'global_admin' AND ${isHeld('m')} AND u.is_active AND u.archived_at IS NULL
       ORDER BY 1 LIMIT 200`,
    );
  }

  /**
   * Carries out a change of who may what. Such changes of one company wait for each other, so that
   * two administrators cannot both be the one who leaves last.
   * @throws Conflict LAST_ADMIN when nobody who can sign in would administer the company for good
   */
  static async keepingAdministrator<T>(companyId: string, change: () => Promise<T>): Promise<T> {
    await select('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [companyId]);
    const hadOne = await hasAdministrator(companyId);
    const result = await change();
    if (hadOne && !(await hasAdministrator(companyId))) {
      throw new Conflict('LAST_ADMIN', 'This is the last administrator; appoint another one first');
    }
    return result;
  }

  /** Ends all that a person is in a company. @returns how many memberships ended */
  static async end({
    companyId,
    userId,
  }: {
    readonly companyId: string;
    readonly userId: string;
  }): Promise<number> {
    const ended = await select<Pick<Membership, 'id' | 'role' | 'validTo'>>(
      `UPDATE platform.memberships SET valid_to = now(), updated_at = now()
       WHERE company_id = $1 AND user_id = $2 AND (valid_to IS NULL OR valid_to > now())
         AND valid_from < now()
       RETURNING id, role, valid_to AS "validTo"`,
      [companyId, userId],
    );
    for (const { id, role, validTo } of ended) {
      AuditLog.record(
        'ARCHIVE',
        { type: 'membership', id },
        { before: { userId, role }, after: { userId, role, validTo } },
      );
    }
    return ended.length;
  }

  /** Ends all that a person is in a company for good, and what they stand in for. */
  static async erase(companyId: string, userId: string): Promise<void> {
    await execute(
      `UPDATE platform.memberships
       SET archived_at = COALESCE(archived_at, now()), erased_at = now(), last_login_at = NULL,
         delegate_user_id = NULL, delegate_until = NULL, updated_at = now(), version = version + 1
       WHERE company_id = $1 AND user_id = $2`,
      [companyId, userId],
    );
    await execute(
      `UPDATE platform.memberships SET delegate_user_id = NULL, delegate_until = NULL,
         updated_at = now(), version = version + 1
       WHERE company_id = $1 AND delegate_user_id = $2`,
      [companyId, userId],
    );
  }

  /** Whether the person was erased from the company of the transaction. */
  static async isErased(userId: string): Promise<boolean> {
    const found = await select(
      `SELECT 1 FROM platform.memberships m WHERE m.company_id = (SELECT app.company_id())
         AND m.user_id = $1 AND m.erased_at IS NOT NULL LIMIT 1`,
      [userId],
    );
    return found.length > 0;
  }

  /** Whether the company of the transaction is suspended and tells the person nothing; null is an address. */
  static async isCutOff(userId: string | null): Promise<boolean> {
    const found = await select('SELECT 1 WHERE app.is_cut_off($1)', [userId]);
    return found.length > 0;
  }

  /** Whether the person ever signed in to the company. */
  static async hasSignedIn(companyId: string, userId: string): Promise<boolean> {
    const found = await select(
      `SELECT 1 FROM platform.memberships
       WHERE company_id = $1 AND user_id = $2 AND last_login_at IS NOT NULL LIMIT 1`,
      [companyId, userId],
    );
    return found.length > 0;
  }

  /**
   * Gives a role, or gives it again after it ended. Audited in the open transaction's company. What is
   * more than a policyholder is given to nobody who may be somebody else.
   * @returns false when the person has it already
   * @throws EmailUnconfirmed
   */
  static async grant(place: {
    readonly companyId: string;
    readonly userId: string;
    readonly role: Role;
    readonly validFrom?: Date | undefined;
    readonly validTo?: Date | null | undefined;
  }): Promise<boolean> {
    const { companyId, userId, role, validFrom, validTo = null } = place;
    const [granted] = await select<{ id: string }>(
      `INSERT INTO platform.memberships AS m
         (company_id, id, user_id, role, valid_from, valid_to, created_by)
       VALUES ($1, $2, $3, $4, COALESCE($5, now()), $6, $7)
       ON CONFLICT (company_id, user_id, role)
         DO UPDATE SET valid_from = EXCLUDED.valid_from, valid_to = EXCLUDED.valid_to,
           archived_at = NULL, erased_at = NULL, is_active = true, delegate_user_id = NULL, delegate_until = NULL,
           skills = '{}', updated_at = now(), version = m.version + 1
         WHERE m.valid_to <= now() OR m.archived_at IS NOT NULL RETURNING m.id`,
      [
        companyId,
        uuid(),
        userId,
        role,
        validFrom ?? null,
        validTo,
        currentContext().actorId ?? null,
      ],
    );
    if (!granted) return false;
    if (role !== 'policyholder') await Credential.refuseUnconfirmed(userId);
    AuditLog.record(
      'CREATE',
      { type: 'membership', id: granted.id },
      { after: { userId, role, validFrom, validTo } },
    );
    return true;
  }

  /**
   * Lets a person in again whom the company has deactivated. Audited like `grant`.
   * @returns false for whoever is let in already
   */
  static async reactivate(companyId: string, userId: string): Promise<boolean> {
    const changed = await execute(
      `UPDATE platform.memberships SET is_active = true, updated_at = now(), version = version + 1
       WHERE company_id = $1 AND user_id = $2 AND archived_at IS NULL AND NOT is_active`,
      [companyId, userId],
    );
    if (changed === 0) return false;
    const about = { type: 'user', id: userId };
    AuditLog.record('UPDATE', about, { before: { isActive: false }, after: { isActive: true } });
    return true;
  }
}

async function hasAdministrator(companyId: string): Promise<boolean> {
  const found = await select(
    `SELECT 1 FROM platform.memberships m JOIN platform.users u ON u.id = m.user_id
     WHERE m.company_id = $1 AND m.role = $2 AND ${isHeld('m')} AND m.valid_to IS NULL
       AND u.is_active AND u.archived_at IS NULL AND u.password_hash IS NOT NULL LIMIT 1`,
    [companyId, companyId === platformCompanyId ? 'global_admin' : 'tenant_admin'],
  );
  return found.length > 0;
}

/** SQL: whether the membership counts now. Whoever rules all companies does so by a row of the platform's. */
export const isHeld = (m: string): string =>
  `(${m}.is_active AND ${m}.archived_at IS NULL
    AND (${m}.role <> 'global_admin' OR ${m}.company_id = '${platformCompanyId}')
    AND ${m}.valid_from <= now() AND (${m}.valid_to IS NULL OR ${m}.valid_to > now()))`;

/**
 * SQL of one row with `roles`: all that a person may be in a company now, by memberships and, for
 * whoever has one, as somebody's delegate. NULL without any. One's own role is what one gives on, so
 * that a delegation is never passed on.
 */
export const rolesHeld = (companyId: string, userId: string): string =>
  `SELECT CASE WHEN count(*) > 0 THEN array_agg(own.role) ||
       (SELECT array_agg(d.role) FROM platform.memberships d
        WHERE d.company_id = ${companyId} AND d.delegate_user_id = ${userId}
          AND d.delegate_until > now() AND ${isHeld('d')}) END AS roles
   FROM platform.memberships own
   WHERE own.company_id = ${companyId} AND own.user_id = ${userId} AND ${isHeld('own')}`;

/** Roles as stored, the strongest first, without codes that this version does not know. */
export const knownRoles = (codes: readonly string[]): readonly Role[] =>
  roleCodes.filter((role) => codes.includes(role));
