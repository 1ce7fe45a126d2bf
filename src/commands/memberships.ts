import type { Actor } from '../context.ts';
import { Conflict, Forbidden, NotFound, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import { execute, select, withIdentity, withTenant } from '../models/database.ts';
import { conflictOf } from '../models/duplicates.ts';
import { isHeld, Membership } from '../models/Membership.ts';
import type { BusinessType } from '../rules/companies.ts';
import { mapLegacyRole, mayDelegate, type Role } from '../rules/permissions.ts';
import type { Confirming } from './confirming.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import {
  findPerson,
  getPerson,
  holdPerson,
  inactive,
  refuseArchived,
  refuseGrant,
  refuseStranger,
  refuseValidity,
  yearMs,
  type Validity,
} from './people.ts';

export interface MembershipView {
  readonly id: string;
  readonly role: Role;
  readonly validFrom: Date;
  readonly validTo: Date | null;
  readonly isActive: boolean;
  /** Counts now: neither deactivated nor archived nor out of its time. */
  readonly isHeld: boolean;
  readonly delegateUserId: string | null;
  readonly delegateUntil: Date | null;
  /** Types of policy whose claims they know; asked for where claims are assigned by skill. */
  readonly skills: readonly BusinessType[];
  readonly createdAt: Date;
  readonly archivedAt: Date | null;
  readonly version: number;
}

export interface DelegationWish {
  /** null takes back what is delegated. */
  readonly delegateUserId: string | null;
  readonly delegateUntil?: Date | undefined;
  /** All that the person has unless told. */
  readonly role?: Role | undefined;
}

export type Memberships = ReturnType<typeof createMemberships>;

/** What a person may be in a company, for how long, and who stands in for them. */
export const createMemberships = ({ confirming }: { readonly confirming: Confirming }) => ({
  /** At most one a role, archived ones too. */
  list: async (actor: Actor, userId: string): Promise<MembershipView[]> => {
    refuseStranger(actor, userId);
    return withTenant(actor.companyId, async () => {
      await getPerson(userId);
      return membershipsOf(userId);
    });
  },

  /** @throws Conflict MEMBERSHIP_EXISTS, USER_ARCHIVED, USER_INACTIVE, EMAIL_UNCONFIRMED */
  grant: (
    actor: Actor,
    userId: string,
    { role, ...validity }: Validity & { readonly role: Role },
    once: Once,
  ): Promise<MembershipView | Replay> =>
    confirming(actor.companyId, () =>
      rowsOnce(
        once,
        async () => {
          const person = await holdPerson(userId);
          refuseGrant(actor, role);
          refuseValidity(role, validity);
          refuseArchived(person);
          if (!person.isActive) throw inactive(userId);
          const { companyId } = actor;
          if (!(await Membership.grant({ companyId, userId, role, ...validity }))) {
            throw conflictOf('memberships_company_id_user_id_role_key');
          }
          return membershipOf(userId, role);
        },
        undefined,
        withIdentity,
      ),
    ),

  /**
   * Another role takes the place of the present one.
   * @throws Conflict LAST_ADMIN, MEMBERSHIP_EXISTS, EMAIL_UNCONFIRMED
   */
  change: (
    actor: Actor,
    userId: string,
    roleCode: string,
    {
      role: next,
      skills,
      ...validity
    }: Validity & {
      readonly role?: Role | undefined;
      readonly skills?: readonly BusinessType[] | undefined;
    },
  ): Promise<MembershipView> =>
    confirming(actor.companyId, () =>
      changing(actor, userId, roleCode, async (membership) => {
        const { role } = membership;
        const { validFrom = membership.validFrom, validTo = membership.validTo } = validity;
        if (next !== undefined || isLonger({ validFrom, validTo }, membership)) {
          refuseGrant(actor, next ?? role);
        }
        if (skills !== undefined && (next ?? role) !== 'adjuster') {
          throw invalidField('skills', 'are for adjusters', 'NOT_ELIGIBLE');
        }
        refuseValidity(next ?? role, { validFrom, validTo });
        if (validTo && validTo <= validFrom) {
          throw invalidField('valid_to', 'must be after valid_from', 'OUT_OF_RANGE');
        }
        if (next !== undefined && next !== role) {
          await archive(actor, userId, membership);
          const { companyId } = actor;
          if (!(await Membership.grant({ companyId, userId, role: next, validFrom, validTo }))) {
            throw conflictOf('memberships_company_id_user_id_role_key');
          }
          const granted = await membershipOf(userId, next);
          if (skills !== undefined) await setSkills(actor, granted, skills);
          return membershipOf(userId, next);
        }
        // A role that has ended is given anew.
        const hasEnded = membership.validTo !== null && membership.validTo.getTime() <= Date.now();
        if (hasEnded && role !== 'policyholder') await Credential.refuseUnconfirmed(userId);
        await execute(
          `UPDATE platform.memberships
           SET valid_from = $3, valid_to = $4, updated_at = now(), version = version + 1
           WHERE company_id = $1 AND id = $2`,
          [actor.companyId, membership.id, validFrom, validTo],
        );
        AuditLog.record('UPDATE', about(membership), {
          before: { validFrom: membership.validFrom, validTo: membership.validTo },
          after: { validFrom, validTo },
        });
        if (skills !== undefined) await setSkills(actor, membership, skills);
        return membershipOf(userId, role);
      }),
    ),

  /** @throws Conflict LAST_ADMIN */
  end: (actor: Actor, userId: string, roleCode: string): Promise<void> =>
    changing(actor, userId, roleCode, (membership) => archive(actor, userId, membership)),

  /**
   * Somebody else of the company has the person's roles too, until a day within a year. Whoever stands
   * in for somebody can have nobody stand in for them, nor the other way round.
   * @throws Conflict DELEGATION_CHAINED, EMAIL_UNCONFIRMED
   */
  delegate: async (
    actor: Actor,
    userId: string,
    wish: DelegationWish,
  ): Promise<MembershipView[]> => {
    refuseStranger(actor, userId);
    const { companyId } = actor;
    return confirming(companyId, () =>
      withIdentity(companyId, () =>
        Membership.keepingAdministrator(companyId, async () => {
          const person = await holdPerson(userId);
          refuseArchived(person);
          const roles = wish.role === undefined ? person.roles : [wish.role];
          if (!roles.every((role) => person.roles.includes(role))) {
            throw invalidField('role', 'The person does not have this role', 'ROLE_NOT_HELD');
          }
          const { delegateUserId } = wish;
          const delegateUntil = delegateUserId === null ? null : untilOf(wish);
          if (delegateUserId !== null) {
            const refused = roles.find((role) => !mayDelegate(actor.roles, role));
            if (refused) throw new Forbidden(`Your role may not delegate the role ${refused}`);
            await refuseDelegate(userId, delegateUserId);
            if (roles.some((role) => role !== 'policyholder')) {
              await Credential.refuseUnconfirmed(delegateUserId);
            }
          }
          await execute(
            `UPDATE platform.memberships SET delegate_user_id = $4, delegate_until = $5,
             updated_at = now(), version = version + 1
           WHERE company_id = $1 AND user_id = $2 AND role = ANY ($3) AND archived_at IS NULL`,
            [companyId, userId, [...roles], delegateUserId, delegateUntil],
          );
          AuditLog.record(
            'DELEGATION',
            { type: 'user', id: userId },
            { after: { roles, delegateUserId, delegateUntil } },
          );
          return membershipsOf(userId);
        }),
      ),
    );
  },
});

function untilOf({ delegateUntil }: DelegationWish): Date {
  const ahead = (delegateUntil?.getTime() ?? 0) - Date.now();
  if (!delegateUntil || ahead <= 0 || ahead > yearMs) {
    throw invalidField('delegate_until', 'must be within the coming year', 'OUT_OF_RANGE');
  }
  return delegateUntil;
}

async function refuseDelegate(userId: string, delegateId: string): Promise<void> {
  const delegate = await findPerson(delegateId);
  const isColleague = delegate?.isActive === true && delegate.roles.length > 0;
  if (!isColleague || delegateId === userId) {
    throw invalidField('delegate_user_id', 'must be somebody else of this company', 'NOT_ELIGIBLE');
  }
  const chained = await select(
    `SELECT 1 FROM platform.memberships m
     WHERE m.company_id = (SELECT app.company_id()) AND m.delegate_until > now() AND ${isHeld('m')}
       AND (m.user_id = $2 OR m.delegate_user_id = $1) LIMIT 1`,
    [userId, delegateId],
  );
  if (chained.length > 0) {
    throw new Conflict(
      'DELEGATION_CHAINED',
      'Whoever stands in for somebody cannot have somebody stand in for them',
    );
  }
}

/** A change of one membership, seen everywhere within 5 s. */
const changing = <T>(
  { companyId }: Actor,
  userId: string,
  roleCode: string,
  work: (membership: MembershipView) => Promise<T>,
): Promise<T> =>
  withIdentity(companyId, () =>
    Membership.keepingAdministrator(companyId, async () => {
      refuseArchived(await holdPerson(userId));
      const membership = await membershipOf(userId, roleCode);
      if (membership.archivedAt) throw noMembership(userId, roleCode);
      return work(membership);
    }),
  );

async function archive(
  { companyId }: Actor,
  userId: string,
  membership: MembershipView,
): Promise<void> {
  await execute(
    `UPDATE platform.memberships SET archived_at = now(), updated_at = now(), version = version + 1
     WHERE company_id = $1 AND id = $2`,
    [companyId, membership.id],
  );
  const { role } = membership;
  AuditLog.record('ARCHIVE', about(membership), { before: { userId, role } });
}

async function setSkills(
  { companyId }: Actor,
  membership: MembershipView,
  skills: readonly BusinessType[],
): Promise<void> {
  const known = [...new Set(skills)].toSorted();
  await execute('UPDATE platform.memberships SET skills = $3 WHERE company_id = $1 AND id = $2', [
    companyId,
    membership.id,
    known,
  ]);
  AuditLog.record('UPDATE', about(membership), {
    before: { skills: membership.skills },
    after: { skills: known },
  });
}

/** Whether a role is held at times at which it was not: as much as to give it. */
const isLonger = (
  next: Pick<MembershipView, 'validFrom' | 'validTo'>,
  { validFrom, validTo }: MembershipView,
): boolean =>
  next.validFrom < validFrom ||
  (validTo !== null && (next.validTo === null || next.validTo > validTo));

const about = ({ id }: MembershipView) => ({ type: 'membership', id });

const membershipsOf = (userId: string): Promise<MembershipView[]> =>
  select<MembershipView>(
    `SELECT m.id, m.role, m.valid_from AS "validFrom", m.valid_to AS "validTo",
       m.is_active AS "isActive", ${isHeld('m')} AS "isHeld",
       m.delegate_user_id AS "delegateUserId", m.delegate_until AS "delegateUntil",
       m.skills, m.created_at AS "createdAt", m.archived_at AS "archivedAt", m.version
     FROM platform.memberships m
     WHERE m.user_id = $1 AND m.company_id = (SELECT app.company_id()) ORDER BY m.created_at, m.id`,
    [userId],
  );

async function membershipOf(userId: string, roleCode: string): Promise<MembershipView> {
  const role = mapLegacyRole(roleCode);
  const found = (await membershipsOf(userId)).find((membership) => membership.role === role);
  if (!found) throw noMembership(userId, roleCode);
  return found;
}

const noMembership = (userId: string, roleCode: string): NotFound =>
  new NotFound(`The user ${userId} does not have the role ${roleCode}`);
