import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { v7 as uuid } from 'uuid';
import { currentContext } from '../context.ts';
import { roleCodes, type Role } from '../rules/permissions.ts';
import { AuditLog } from './AuditLog.ts';
import type { CompanySettings } from './Company.ts';
import { column, platformTable } from './columns.ts';
import { execute, select } from './database.ts';

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
      },
      platformTable(sequelize, 'memberships'),
    );
  }

  /** Where a person may sign in now; closed companies are left out. */
  static async placesOf(userId: string): Promise<Place[]> {
    const rows = await select<Omit<Place, 'roles'> & { roles: readonly string[] }>(
      `SELECT c.id AS "companyId", c.code, c.name, c.settings, array_agg(m.role) AS roles
       FROM platform.memberships m JOIN platform.companies c ON c.id = m.company_id
       WHERE m.user_id = $1 AND m.valid_from <= now() AND (m.valid_to IS NULL OR m.valid_to > now())
         AND c.status <> 'closed' AND c.archived_at IS NULL
       GROUP BY c.id ORDER BY c.code`,
      [userId],
    );
    return rows.map((row) => ({ ...row, roles: knownRoles(row.roles) }));
  }

  /** Ends all that a person is in a company. @returns how many memberships ended */
  static async end({
    companyId,
    userId,
  }: {
    readonly companyId: string;
    readonly userId: string;
  }): Promise<number> {
    const ended = await execute(
      `UPDATE platform.memberships SET valid_to = now(), updated_at = now()
       WHERE company_id = $1 AND user_id = $2 AND (valid_to IS NULL OR valid_to > now())
         AND valid_from < now()`,
      [companyId, userId],
    );
    if (ended > 0) AuditLog.record('ARCHIVE', { type: 'membership', id: userId });
    return ended;
  }

  /**
   * Gives a role, or gives it again after it ended. Audited in the open transaction's company.
   * @returns false when the person has it already
   */
  static async grant(place: {
    readonly companyId: string;
    readonly userId: string;
    readonly role: Role;
  }): Promise<boolean> {
    const { companyId, userId, role } = place;
    const [granted] = await select<{ id: string }>(
      `INSERT INTO platform.memberships AS m (company_id, id, user_id, role, created_by)
       VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (company_id, user_id, role)
         DO UPDATE SET valid_from = now(), valid_to = NULL, updated_at = now()
         WHERE m.valid_to <= now() RETURNING m.id`,
      [companyId, uuid(), userId, role, currentContext().actorId ?? null],
    );
    if (!granted) return false;
    AuditLog.record('CREATE', { type: 'membership', id: granted.id }, { after: { userId, role } });
    return true;
  }
}

/** Roles as stored, the strongest first, without codes that this version does not know. */
export const knownRoles = (codes: readonly string[]): readonly Role[] =>
  roleCodes.filter((role) => codes.includes(role));
