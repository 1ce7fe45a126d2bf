import { currentContext, type Actor } from '../context.ts';
import { Conflict, Forbidden } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import { afterCommit, execute, select, withIdentity, withTenant } from '../models/database.ts';
import { containing, madeWithin, selectPage, sortedBy, type ListAsked } from '../models/list.ts';
import { knownRoles, Membership } from '../models/Membership.ts';
import { RefreshToken } from '../models/RefreshToken.ts';
import { versionConflict } from '../models/rows.ts';
import type { Role } from '../rules/permissions.ts';
import { createNewPeople } from './newPeople.ts';
import {
  asPerson,
  belongsElsewhere,
  findPeople,
  getPerson,
  holdPerson,
  mayManage,
  people,
  personColumns,
  refuseArchived,
  refuseGrant,
  refuseStranger,
  type PersonView,
} from './people.ts';
import type { Sessions } from './sessions.ts';

/** What is undefined stays as it is. */
export interface PersonChanges {
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly phoneNumber?: string | null | undefined;
  /** In this company. */
  readonly isActive?: boolean | undefined;
}

export interface PersonFilters extends ListAsked<keyof typeof sortColumns> {
  readonly role?: Role | undefined;
  readonly isActive?: boolean | undefined;
  readonly includeArchived: boolean;
}

const sortColumns = {
  username: 'lower(u.username)',
  email: 'u.email',
  lastName: 'lower(u.last_name)',
  lastLoginAt: 'p.last_login_at',
  createdAt: 'p.created_at',
} as const;

export type Users = ReturnType<typeof createUsers>;

/**
 * The people of a company. A person may belong to several: each decides about its own memberships,
 * and about names only where it is the person's one company.
 */
export function createUsers({
  sessions,
  ...adding
}: Parameters<typeof createNewPeople>[0] & { readonly sessions: Pick<Sessions, 'forget'> }) {
  const { confirming } = adding;
  return {
    ...createNewPeople(adding),

    list: ({ companyId }: Actor, filters: PersonFilters) =>
      withTenant(companyId, async () => {
        const { role, isActive, search, includeArchived } = filters;
        const page = await selectPage<PersonView>(
          personColumns,
          people,
          [
            ...(includeArchived ? [] : [['p.archived_at IS NULL'] as const]),
            ...(role ? [['$ = ANY (p.roles)', role] as const] : []),
            ...(isActive === undefined
              ? []
              : [
                  [
                    '(u.is_active AND u.archived_at IS NULL AND p.is_active) = $',
                    isActive,
                  ] as const,
                ]),
            ...(search
              ? [
                  [
                    `(u.username ILIKE $ OR u.email ILIKE $
                      OR u.first_name || ' ' || u.last_name ILIKE $)`,
                    containing(search),
                  ] as const,
                ]
              : []),
            ...madeWithin('p', filters),
          ],
          sortedBy(sortColumns, filters, 'u.id'),
        );
        return { ...page, items: page.items.map(asPerson) };
      }),

    get: async (actor: Actor, id: string): Promise<PersonView> => {
      refuseStranger(actor, id);
      return withTenant(actor.companyId, () => getPerson(id));
    },

    /** Those of `ids` that `get` would answer. */
    several: (actor: Actor, ids: readonly string[]) =>
      withTenant(actor.companyId, () =>
        findPeople(mayManage(actor) ? ids : ids.filter((id) => id === actor.userId)),
      ),

    /**
     * Names belong to the person: others change them only where this is the person's one company.
     * Deactivating ends the person's sessions here.
     * @throws Conflict PERSON_SHARED, LAST_ADMIN, USER_ARCHIVED, VERSION_CONFLICT
     */
    edit: async (
      actor: Actor,
      id: string,
      { isActive, ...names }: PersonChanges,
      expectedVersion: number | undefined,
    ): Promise<PersonView> => {
      refuseStranger(actor, id);
      const change = async (): Promise<PersonView> => {
        const person = await held(id, expectedVersion);
        refuseArchived(person);
        await rename(actor, person, names);
        if (isActive === undefined || isActive === person.isActive) return getPerson(id);
        if (!mayManage(actor)) throw new Forbidden('Only who manages people may change is_active');
        const changed = await select<{ role: string; hasEnded: boolean }>(
          `UPDATE platform.memberships SET is_active = $3, updated_at = now(), version = version + 1
           WHERE company_id = $1 AND user_id = $2 AND archived_at IS NULL
           RETURNING role, COALESCE(valid_to <= now(), false) AS "hasEnded"`,
          [actor.companyId, id, isActive],
        );
        // What has ended does not come back with it.
        const given = isActive ? changed.filter(({ hasEnded }) => !hasEnded) : [];
        for (const role of knownRoles(given.map(({ role: code }) => code)))
          refuseGrant(actor, role);
        if (!isActive) await endSessions(actor.companyId, id);
        const [before, after] = [{ isActive: person.isActive }, { isActive }];
        AuditLog.record('UPDATE', { type: 'user', id }, { before, after });
        return getPerson(id);
      };
      return withIdentity(actor.companyId, () =>
        isActive === undefined
          ? change()
          : Membership.keepingAdministrator(actor.companyId, change),
      );
    },

    /** Ends what the person is in this company. @throws Conflict LAST_ADMIN, USER_ARCHIVED */
    archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<PersonView> =>
      withIdentity(actor.companyId, () =>
        Membership.keepingAdministrator(actor.companyId, async () => {
          refuseArchived(await held(id, expectedVersion));
          await execute(
            `UPDATE platform.memberships
             SET archived_at = now(), updated_at = now(), version = version + 1
             WHERE company_id = $1 AND user_id = $2 AND archived_at IS NULL`,
            [actor.companyId, id],
          );
          await endSessions(actor.companyId, id);
          AuditLog.record('ARCHIVE', { type: 'user', id });
          return getPerson(id);
        }),
      ),

    /**
     * Gives back the roles with which the person was archived.
     * @throws Conflict USER_ERASED, EMAIL_UNCONFIRMED
     */
    restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<PersonView> =>
      confirming(actor.companyId, () =>
        withIdentity(actor.companyId, async () => {
          const { archivedAt, erasedAt } = await held(id, expectedVersion);
          if (erasedAt) throw new Conflict('USER_ERASED', `The user ${id} was erased for good`);
          if (!archivedAt) return getPerson(id);
          const restored = await select<{ role: string }>(
            `UPDATE platform.memberships
           SET archived_at = NULL, updated_at = now(), version = version + 1
           WHERE company_id = $1 AND user_id = $2 AND archived_at = (
             SELECT max(m.archived_at) FROM platform.memberships m
             WHERE m.company_id = $1 AND m.user_id = $2)
           RETURNING role`,
            [actor.companyId, id],
          );
          const roles = knownRoles(restored.map(({ role }) => role));
          for (const role of roles) refuseGrant(actor, role);
          if (roles.some((role) => role !== 'policyholder')) await Credential.refuseUnconfirmed(id);
          AuditLog.record('RESTORE', { type: 'user', id }, { after: { roles } });
          return getPerson(id);
        }),
      ),
  };

  async function endSessions(companyId: string, userId: string): Promise<void> {
    const ended = await RefreshToken.revokeIn({ companyId, userId });
    afterCommit(() => sessions.forget(...ended));
  }
}

async function held(id: string, expectedVersion: number | undefined): Promise<PersonView> {
  const person = await holdPerson(id);
  if (expectedVersion !== undefined && expectedVersion !== person.version) {
    throw versionConflict('user', id, person.version);
  }
  return person;
}

async function rename(
  actor: Actor,
  person: PersonView,
  names: Omit<PersonChanges, 'isActive'>,
): Promise<void> {
  const after = Object.fromEntries(
    (['firstName', 'lastName', 'phoneNumber'] as const).flatMap((name) =>
      names[name] === undefined || names[name] === person[name] ? [] : [[name, names[name]]],
    ),
  );
  const changed = Object.keys(after);
  if (changed.length === 0) return;
  if (actor.userId !== person.id && (await belongsElsewhere(person.id))) {
    throw new Conflict(
      'PERSON_SHARED',
      `The user ${person.id} also belongs to another company and changes their names themselves`,
    );
  }
  const { firstName, lastName, phoneNumber } = { ...person, ...after };
  await execute(
    `UPDATE platform.users SET first_name = $2, last_name = $3, phone_number = $4,
       updated_at = now(), updated_by = $5, version = version + 1 WHERE id = $1`,
    [person.id, firstName, lastName, phoneNumber, currentContext().actorId ?? null],
  );
  const before = { firstName: person.firstName, lastName: person.lastName };
  AuditLog.record(
    'UPDATE',
    { type: 'user', id: person.id },
    {
      before: Object.fromEntries(
        Object.entries({ ...before, phoneNumber: person.phoneNumber }).filter(([name]) =>
          changed.includes(name),
        ),
      ),
      after,
    },
  );
}
