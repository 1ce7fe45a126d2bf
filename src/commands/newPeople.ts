import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict } from '../errors.ts';
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
import type { Confirming } from './confirming.ts';
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
  confirming,
}: {
  readonly links: Links;
  readonly dispatch: (start: WorkflowStart) => void;
  readonly confirming: Confirming;
}) {
  const mail = mailing(dispatch);

  return {
    /**
     * An address gets an account whose password a link sets; somebody of the company gets the role.
     * The owner of any other account is invited instead: they decide whether this company sees who
     * they are, and whoever opened an account under somebody else's address gets nothing for it.
     * @throws Conflict ACCOUNT_EXISTS, MEMBERSHIP_EXISTS, EMAIL_UNCONFIRMED, USER_INACTIVE,
     *   USERNAME_TAKEN, PHONE_TAKEN
     */
    create: async (actor: Actor, wish: NewPerson, once: Once): Promise<PersonView | Replay> => {
      refuseGrant(actor, wish.role);
      refuseValidity(wish.role, wish);
      const { companyId } = actor;
      return confirming(companyId, () =>
        rowsOnce(once, () => add(companyId, wish), undefined, withIdentity),
      );
    },

    /** One more administrator of the platform, in whichever company the actor works. */
    createGlobalAdmin: (wish: Omit<NewPerson, 'role'>, once: Once): Promise<PersonView | Replay> =>
      confirming(platformCompanyId, () =>
        rowsOnce(
          { ...once, companyId: platformCompanyId },
          () => add(platformCompanyId, { ...wish, role: 'global_admin' }),
          undefined,
          withIdentity,
        ),
      ),
  };

  /** In the open transaction of the company. */
  async function add(companyId: string, wish: NewPerson): Promise<PersonView> {
    const { email, role, validFrom, validTo } = wish;
    const account = await Credential.findOne({ where: { email } });
    const userId = account?.id ?? (await addAccount(wish));
    if (account) await refuseUnready(userId);
    if (!(await Membership.grant({ companyId, userId, role, validFrom, validTo }))) {
      throw conflictOf('memberships_company_id_user_id_role_key');
    }
    if (!account?.passwordHash) {
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

/** @throws Conflict for an account that the company does not know, or has deactivated */
async function refuseUnready(userId: string): Promise<void> {
  const known = await findPerson(userId);
  if (!known) throw accountExists();
  if (!known.archivedAt && !known.isActive) throw inactive(userId);
}

/** Without a password. */
async function addAccount(wish: NewPerson): Promise<string> {
  const { email, firstName, lastName, phoneNumber } = wish;
  await Credential.refuseTaken({ username: wish.username, phoneNumber });
  const username = wish.username ?? (await usernameFor(email));
  const account = { email, username, firstName, lastName, phoneNumber, passwordHash: null };
  const id = await Credential.add(account);
  // Somebody made one for the address meanwhile.
  if (id === undefined) throw accountExists();
  AuditLog.record('CREATE', { type: 'user', id });
  return id;
}

const accountExists = (): Conflict =>
  new Conflict(
    'ACCOUNT_EXISTS',
    'There is an account with this address; invite its owner, who then decides',
  );
