import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { select } from '../models/database.ts';
import { byId, selectThose } from '../models/list.ts';
import { isHeld, knownRoles } from '../models/Membership.ts';
import { noSuch } from '../models/rows.ts';
import { allows, mayGrant, type Role } from '../rules/permissions.ts';

/** A person as one company sees them. */
export interface PersonView {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly phoneNumber: string | null;
  /** In this company and at all. */
  readonly isActive: boolean;
  /** This company, as `lastLoginAt` is a sign-in to it: what they do elsewhere is not its business. */
  readonly dateJoined: Date;
  readonly lastLoginAt: Date | null;
  /** Of the account: it guards the way in here, as everywhere. */
  readonly mfaEnabled: boolean;
  /** Held now, without what others have delegated; the strongest first. */
  readonly roles: readonly Role[];
  readonly validFrom: Date;
  /** When the last role ends; null without an end. */
  readonly validTo: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly archivedAt: Date | null;
  /** When this company erased them. */
  readonly erasedAt: Date | null;
  /** Grows with every change of the person and of their roles here. */
  readonly version: number;
}

export const personColumns = `u.id, u.username, u.email, u.first_name AS "firstName",
  u.last_name AS "lastName", u.phone_number AS "phoneNumber", p.created_at AS "dateJoined",
  p.last_login_at AS "lastLoginAt", u.mfa_enabled AS "mfaEnabled", p.created_at AS "createdAt",
  p.roles, p.valid_from AS "validFrom", p.valid_to AS "validTo", p.archived_at AS "archivedAt",
  p.erased_at AS "erasedAt",
  u.is_active AND u.archived_at IS NULL AND p.is_active AS "isActive",
  greatest(u.updated_at, p.updated_at) AS "updatedAt", u.version + p.version AS version`;

/** Everybody who has, or had, a membership in the company of the transaction, behind either door. */
export const people = `platform.users u JOIN (
  SELECT m.user_id, min(m.created_at) AS created_at, max(m.updated_at) AS updated_at,
    max(m.last_login_at) AS last_login_at,
    COALESCE(array_agg(m.role) FILTER (WHERE m.archived_at IS NULL AND m.valid_from <= now()
      AND (m.valid_to IS NULL OR m.valid_to > now())), '{}') AS roles,
    COALESCE(min(m.valid_from) FILTER (WHERE m.archived_at IS NULL), min(m.valid_from)) AS valid_from,
    CASE WHEN bool_and(m.valid_to IS NOT NULL) FILTER (WHERE m.archived_at IS NULL)
      THEN max(m.valid_to) FILTER (WHERE m.archived_at IS NULL) END AS valid_to,
    CASE WHEN bool_and(m.archived_at IS NOT NULL) THEN max(m.archived_at) END AS archived_at,
    CASE WHEN bool_and(m.erased_at IS NOT NULL) THEN max(m.erased_at) END AS erased_at,
    COALESCE(bool_and(m.is_active) FILTER (WHERE m.archived_at IS NULL), false) AS is_active,
    sum(m.version)::integer AS version
  FROM platform.memberships m WHERE m.company_id = (SELECT app.company_id())
  GROUP BY m.user_id) p ON p.user_id = u.id`;

export const asPerson = (row: PersonView): PersonView => ({ ...row, roles: knownRoles(row.roles) });

/** Somebody of the company of the transaction, archived or not. */
export async function findPerson(id: string): Promise<PersonView | undefined> {
  const [row] = await select<PersonView>(`SELECT ${personColumns} FROM ${people} WHERE u.id = $1`, [
    id,
  ]);
  return row && asPerson(row);
}

/** Those of `ids` that are of the company, archived or not. */
export async function findPeople(ids: readonly string[]): Promise<ReadonlyMap<string, PersonView>> {
  const rows = await selectThose<PersonView>(personColumns, people, ['u.id', ids], []);
  return byId(rows.map(asPerson));
}

/** @throws NotFound also for people of other companies */
export async function getPerson(id: string): Promise<PersonView> {
  const person = await findPerson(id);
  if (!person) throw noSuch('user', id);
  return person;
}

/** Keeps others from changing the person until the commit. */
export async function holdPerson(id: string): Promise<PersonView> {
  await select(
    `SELECT 1 FROM platform.users u WHERE u.id = $1 AND EXISTS (
       SELECT 1 FROM platform.memberships m
       WHERE m.user_id = u.id AND m.company_id = (SELECT app.company_id())) FOR UPDATE`,
    [id],
  );
  return getPerson(id);
}

export const mayManage = (actor: Actor): boolean => allows(actor, 'user:manage');

/** To whoever neither is the person nor manages people, there is no such person. */
export function refuseStranger(actor: Actor, id: string): void {
  if (actor.userId !== id && !mayManage(actor)) throw noSuch('user', id);
}

export function refuseGrant({ roles }: Actor, role: Role): void {
  if (!mayGrant(roles, role)) throw mayNotGive(role);
}

export const mayNotGive = (role: Role): Forbidden =>
  new Forbidden(`Your role may not give the role ${role}`);

export function refuseArchived({ id, archivedAt }: PersonView): void {
  if (archivedAt)
    throw new Conflict('USER_ARCHIVED', `The user ${id} is archived; restore it first`);
}

export const inactive = (id: string): Conflict =>
  new Conflict('USER_INACTIVE', `The user ${id} is deactivated; activate it first`);

/** When a role is held. */
export interface Validity {
  readonly validFrom?: Date | undefined;
  readonly validTo?: Date | null | undefined;
}

/** The most that anything is granted for ahead. */
export const yearMs = 366 * 86_400_000;

/** Whoever only looks does so for a time: auditors hold their role for a year at most. */
export function refuseValidity(role: Role, { validFrom, validTo }: Validity): void {
  const from = Math.max(validFrom?.getTime() ?? 0, Date.now());
  if (validTo && validTo.getTime() <= from) {
    throw invalidField('valid_to', 'must be after valid_from and in the future', 'OUT_OF_RANGE');
  }
  if (role === 'auditor' && (!validTo || validTo.getTime() > from + yearMs)) {
    throw invalidField('valid_to', 'an auditor needs an end within a year', 'TIME_BOX');
  }
}

/** Whether the person also belongs to another company than the transaction's. */
export const belongsElsewhere = async (id: string): Promise<boolean> => {
  const found = await select(
    `SELECT 1 FROM platform.memberships m WHERE m.user_id = $1 AND ${isHeld('m')}
       AND m.company_id <> (SELECT app.company_id()) LIMIT 1`,
    [id],
  );
  return found.length > 0;
};
