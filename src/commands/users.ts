import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { currentContext } from '../context.ts';
import { Conflict, Forbidden } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import {
  afterCommit,
  execute,
  platformCompanyId,
  select,
  withIdentity,
  withTenant,
} from '../models/database.ts';
import { conflictOf } from '../models/duplicates.ts';
import { containing, selectPage } from '../models/list.ts';
import { knownRoles, Membership } from '../models/Membership.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import { PasswordResetToken } from '../models/PasswordResetToken.ts';
import { RefreshToken } from '../models/RefreshToken.ts';
import { versionConflict } from '../models/rows.ts';
import type { Links } from '../models/secretLinks.ts';
import { usernameFor } from '../models/usernames.ts';
import type { Role } from '../rules/permissions.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { mailing } from './identity.ts';
import {
  asPerson,
  belongsElsewhere,
  findPerson,
  getPerson,
  holdPerson,
  inactive,
  mayManage,
  people,
  personColumns,
  refuseArchived,
  refuseGrant,
  refuseStranger,
  refuseValidity,
  type PersonView,
  type Validity,
} from './people.ts';
import type { Sessions } from './sessions.ts';

export interface NewPerson extends Validity {
  readonly email: string;
  readonly role: Role;
  /** Made from the address unless told. */
  readonly username?: string | undefined;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly phoneNumber?: string | null | undefined;
}

/** What is undefined stays as it is. */
export interface PersonChanges {
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly phoneNumber?: string | null | undefined;
  /** In this company. */
  readonly isActive?: boolean | undefined;
}

export interface PersonFilters {
  readonly role?: Role | undefined;
  readonly isActive?: boolean | undefined;
  readonly search?: string | undefined;
  readonly createdAfter?: Date | undefined;
  readonly createdBefore?: Date | undefined;
  readonly includeArchived: boolean;
  readonly sortBy: keyof typeof sortColumns;
  readonly sortOrder: 'asc' | 'desc';
  readonly page: number;
  readonly size: number;
}

const sortColumns = {
  username: 'lower(u.username)',
  email: 'u.email',
  lastName: 'lower(u.last_name)',
  lastLoginAt: 'u.last_login_at',
  createdAt: 'p.created_at',
} as const;

/** The first password may be chosen a little later than one that is reset. */
const firstLinkMs = 7 * 86_400_000;

export type Users = ReturnType<typeof createUsers>;

/**
 * The people of a company. A person may belong to several: each decides about its own memberships,
 * and about names only where it is the person's one company.
 */
export function createUsers({
  links,
  sessions,
  dispatch,
}: {
  readonly links: Links;
  readonly sessions: Pick<Sessions, 'forget'>;
  readonly dispatch: (start: WorkflowStart) => void;
}) {
  const mail = mailing(dispatch);

  return {
    list: ({ companyId }: Actor, filters: PersonFilters) =>
      withTenant(companyId, async () => {
        const { role, isActive, search, createdAfter, createdBefore, includeArchived } = filters;
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
            ...(createdAfter ? [['p.created_at >= $', createdAfter] as const] : []),
            ...(createdBefore ? [['p.created_at < $', createdBefore] as const] : []),
          ],
          { ...filters, by: sortColumns[filters.sortBy], order: filters.sortOrder, id: 'u.id' },
        );
        return { ...page, items: page.items.map(asPerson) };
      }),

    get: async (actor: Actor, id: string): Promise<PersonView> => {
      refuseStranger(actor, id);
      return withTenant(actor.companyId, () => getPerson(id));
    },

    /**
     * An address with an account gets the role, any other an account whose password a link sets.
     * @throws Conflict MEMBERSHIP_EXISTS, USER_INACTIVE, USERNAME_TAKEN, PHONE_TAKEN
     */
    create: async (actor: Actor, wish: NewPerson, once: Once): Promise<PersonView | Replay> => {
      refuseGrant(actor, wish.role);
      refuseValidity(wish.role, wish);
      return rowsOnce(once, () => add(actor.companyId, wish), undefined, withIdentity);
    },

    /** One more administrator of the platform, in whichever company the actor works. */
    createGlobalAdmin: (wish: Omit<NewPerson, 'role'>, once: Once): Promise<PersonView | Replay> =>
      rowsOnce(
        { ...once, companyId: platformCompanyId },
        () => add(platformCompanyId, { ...wish, role: 'global_admin' }),
        undefined,
        withIdentity,
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
        await execute(
          `UPDATE platform.memberships SET is_active = $3, updated_at = now(), version = version + 1
           WHERE company_id = $1 AND user_id = $2 AND archived_at IS NULL`,
          [actor.companyId, id, isActive],
        );
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

    /** Gives back the roles with which the person was archived. @throws Conflict USER_ERASED */
    restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<PersonView> =>
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
        AuditLog.record('RESTORE', { type: 'user', id }, { after: { roles } });
        return getPerson(id);
      }),
  };

  /** In the open transaction of the company. */
  async function add(companyId: string, wish: NewPerson): Promise<PersonView> {
    const { email, role, validFrom, validTo } = wish;
    const account = await accountOf(wish);
    const { id: userId } = account;
    const known = await findPerson(userId);
    if (known && !known.archivedAt && !known.isActive) throw inactive(userId);
    if (!(await Membership.grant({ companyId, userId, role, validFrom, validTo }))) {
      throw conflictOf('memberships_company_id_user_id_role_key');
    }
    if (account.passwordHash === null) {
      const link = { kind: 'password_reset', id: uuid() } as const;
      const { id } = link;
      await PasswordResetToken.issue(userId, links.hashOf(link), { id, lastsMs: firstLinkMs });
      mail(companyId, email, 'account_created', { link });
    } else {
      mail(companyId, email, 'membership_granted');
    }
    return getPerson(userId);
  }

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

/** The account of an address, made without a password where there is none. */
async function accountOf(wish: NewPerson): Promise<Credential> {
  const { email, firstName, lastName, phoneNumber } = wish;
  const find = () => Credential.findOne({ where: { email } });
  const known = await find();
  if (known) return known;
  await Credential.refuseTaken({ username: wish.username, phoneNumber });
  const username = wish.username ?? (await usernameFor(email));
  const account = { email, username, firstName, lastName, phoneNumber, passwordHash: null };
  const newId = await Credential.add(account);
  if (newId !== undefined) AuditLog.record('CREATE', { type: 'user', id: newId });
  const made = await find();
  if (!made) throw new Error('An account was added and is not there');
  return made;
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
