import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import { platformCompanyId, withIdentity } from '../models/database.ts';
import { conflictOf } from '../models/duplicates.ts';
import { Membership } from '../models/Membership.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import { PasswordResetToken } from '../models/PasswordResetToken.ts';
import type { Links } from '../models/secretLinks.ts';
import { usernameFor } from '../models/usernames.ts';
import type { Role } from '../rules/permissions.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { mailing } from './identity.ts';
import {
  findPerson,
  getPerson,
  inactive,
  refuseGrant,
  refuseValidity,
  type PersonView,
  type Validity,
} from './people.ts';

export interface NewPerson extends Validity {
  readonly email: string;
  readonly role: Role;
  /** Made from the address unless told. */
  readonly username?: string | undefined;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly phoneNumber?: string | null | undefined;
}

/** The first password may be chosen a little later than one that is reset. */
const firstLinkMs = 7 * 86_400_000;

/** How somebody is added to the people of a company by those who manage them. */
export function createNewPeople({
  links,
  dispatch,
}: {
  readonly links: Links;
  readonly dispatch: (start: WorkflowStart) => void;
}) {
  const mail = mailing(dispatch);

  return {
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
