import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import {
  append,
  flush,
  platformCompanyId,
  select,
  withIdentity,
  withTenant,
} from '../models/database.ts';
import { conflictOf } from '../models/duplicates.ts';
import { Invitation, invitationLink, type invitationStatuses } from '../models/Invitation.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectPage,
  sortedBy,
  type ListAsked,
} from '../models/list.ts';
import { isHeld, Membership } from '../models/Membership.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import { getRow } from '../models/rows.ts';
import type { Links } from '../models/secretLinks.ts';
import { usernameFor } from '../models/usernames.ts';
import type { CompanySettings } from '../models/Company.ts';
import { mayInvite, type Role } from '../rules/permissions.ts';
import { hashSecret } from '../secrets.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { mailing, requiresClasses } from './identity.ts';
import type { LinkEmployee } from './ownEmployee.ts';
import type { Passwords } from './passwords.ts';
import { findPerson, mayNotGive } from './people.ts';
import { knowsPassword } from './proving.ts';

export interface InvitationFilters extends ListAsked<keyof typeof sortColumns> {
  readonly status?: (typeof invitationStatuses)[number] | undefined;
}

export interface Acceptance {
  readonly code: string;
  /** The present one of a known account, else the one to be. */
  readonly password: string;
  readonly username?: string | undefined;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
}

const sortColumns = {
  createdAt: 'i.created_at',
  email: 'i.email',
  expiresAt: 'i.expires_at',
} as const;

const dayMs = 86_400_000;
const validMs = 7 * dayMs;
const mostResent = 3;
/** Auditors come for a time. */
const auditorMs = 365 * dayMs;

export type Invitations = ReturnType<typeof createInvitations>;

/** How an administrator brings people in who choose their names and password themselves. */
export function createInvitations({
  links,
  passwords,
  dispatch,
  linkEmployee,
}: {
  readonly links: Links;
  readonly passwords: Passwords;
  readonly dispatch: (start: WorkflowStart) => void;
  readonly linkEmployee: LinkEmployee;
}) {
  const mail = mailing(dispatch);

  return {
    list: ({ companyId }: Actor, filters: InvitationFilters) =>
      withTenant(companyId, async () => {
        await Invitation.expireDue();
        const { status, search } = filters;
        return selectPage<Invitation>(
          columnsOf(Invitation, 'i'),
          'core.invitations i',
          [
            ...(status ? [['i.status = $', status] as const] : []),
            ...(search ? [['i.email ILIKE $', containing(search)] as const] : []),
            ...madeWithin('i', filters),
          ],
          sortedBy(sortColumns, filters, 'i.id'),
        );
      }),

    /** @throws Conflict INVITATION_EXISTS, MEMBERSHIP_EXISTS */
    invite: async (
      actor: Actor,
      { email, role }: { readonly email: string; readonly role: Role },
      once: Once,
    ): Promise<Invitation | Replay> => {
      const isPlatform = actor.companyId === platformCompanyId;
      if (!mayInvite(actor.roles, role, { isPlatform })) throw mayNotGive(role);
      return rowsOnce(once, async () => {
        await Invitation.expireDue();
        const [member] = await select(
          `SELECT 1 FROM platform.users u JOIN platform.memberships m ON m.user_id = u.id
           WHERE u.email = $1 AND m.role = $2 AND ${isHeld('m')}`,
          [email, role],
        );
        if (member) throw conflictOf('memberships_company_id_user_id_role_key');
        const id = uuid();
        const link = invitationLink(id, 0);
        const expiresAt = new Date(Date.now() + validMs);
        const tokenHash = links.hashOf(link);
        append(Invitation, { id, email, role, tokenHash, status: 'pending', expiresAt });
        AuditLog.record('CREATE', about(id), { after: { email, role } });
        mail(actor.companyId, email, 'invitation', { link });
        await flush();
        return getRow(Invitation, id);
      });
    },

    /** The link before no longer works. @throws Conflict INVITATION_CLOSED, RESENT_TOO_OFTEN */
    resend: (actor: Actor, id: string): Promise<Invitation> =>
      withTenant(actor.companyId, async () => {
        const invitation = await pending(id);
        const resentCount = (invitation.resentCount ?? 0) + 1;
        if (resentCount > mostResent) {
          throw new Conflict(
            'RESENT_TOO_OFTEN',
            `The invitation ${id} was sent ${mostResent + 1} times`,
          );
        }
        const link = invitationLink(id, resentCount);
        const expiresAt = new Date(Date.now() + validMs);
        await invitation.update({
          resentCount,
          tokenHash: links.hashOf(link),
          expiresAt,
          updatedAt: new Date(),
          updatedBy: actor.userId,
          version: invitation.version + 1,
        });
        AuditLog.record('UPDATE', about(id), { after: { resentCount, expiresAt } });
        mail(actor.companyId, invitation.email, 'invitation', { link });
        return invitation;
      }),

    /** @throws Conflict INVITATION_CLOSED */
    revoke: (actor: Actor, id: string): Promise<void> =>
      withTenant(actor.companyId, async () => {
        const invitation = await pending(id);
        await invitation.update({
          status: 'revoked',
          updatedAt: new Date(),
          updatedBy: actor.userId,
          version: invitation.version + 1,
        });
        AuditLog.record('STATUS_CHANGE', about(id), {
          before: { status: 'pending' },
          after: { status: 'revoked' },
        });
      }),

    /**
     * Whoever has the code reads mail at the address. A known account also proves its password.
     * @throws Invalid CODE_INVALID, PASSWORD_WRONG, or for a weak new password
     */
    async accept({ code, password, ...wish }: Acceptance): Promise<void> {
      const tokenHash = hashSecret(code);
      const { invitation, account } = await withIdentity(null, async () => {
        const found = await openInvitation(tokenHash);
        const known = found && (await Credential.findOne({ where: { email: found.email } }));
        return { invitation: found, account: known };
      });
      if (!invitation || (account && !account.isUsable())) throw badCode();
      const { companyId, email, role } = invitation;
      const passwordHash = account?.passwordHash
        ? await proven(companyId, account, password)
        : await chosen(invitation, wish.username ?? account?.username, password);

      const accepted = await withIdentity(companyId, async () => {
        const userId = account?.id ?? (await addAccount(email, wish));
        if (!(await Invitation.accept(tokenHash, userId))) throw badCode();
        if (passwordHash !== null) {
          await Credential.setPassword(userId, passwordHash);
          AuditLog.record('PASSWORD_CHANGE', { type: 'user', id: userId });
        }
        await Credential.confirmEmail(userId);
        const known = await findPerson(userId);
        if (known && !known.archivedAt && !known.isActive) throw badCode();
        const validTo = role === 'auditor' ? new Date(Date.now() + auditorMs) : null;
        await Membership.grant({ companyId, userId, role, validTo });
        AuditLog.record('STATUS_CHANGE', about(invitation.id), {
          before: { status: 'pending' },
          after: { status: 'accepted', userId },
        });
        return userId;
      });
      await linkEmployee({ userId: accepted, companyId });
    },
  };

  /** @returns null: the password stays as it is */
  async function proven(companyId: string, account: Credential, password: string): Promise<null> {
    const failure = { action: 'LOGIN_FAILED', by: 'invitation' } as const;
    if (await knowsPassword(passwords, companyId, account, password, failure)) return null;
    throw invalidField(
      'password',
      'There is an account with this address, and this is not its password',
      'PASSWORD_WRONG',
    );
  }

  async function chosen(
    { email, settings }: OpenInvitation,
    username: string | undefined,
    password: string,
  ): Promise<string> {
    const requireClasses = requiresClasses(settings);
    await passwords.refuseWeak(password, { email, username: username ?? email, requireClasses });
    return passwords.hash(password);
  }
}

interface OpenInvitation {
  readonly id: string;
  readonly companyId: string;
  readonly email: string;
  readonly role: Role;
  readonly settings: CompanySettings;
}

/** In whichever company that works; looking does not use it up. */
async function openInvitation(tokenHash: string): Promise<OpenInvitation | undefined> {
  const [found] = await select<OpenInvitation>(
    `SELECT i.id, i.company_id AS "companyId", i.email, i.role, c.settings
     FROM core.invitations i JOIN platform.companies c ON c.id = i.company_id
     WHERE i.token_hash = $1 AND i.status = 'pending' AND i.expires_at > now()
       AND c.status = 'active' AND c.archived_at IS NULL`,
    [tokenHash],
  );
  return found;
}

async function addAccount(
  email: string,
  { username, firstName, lastName }: Omit<Acceptance, 'code' | 'password'>,
): Promise<string> {
  if (username !== undefined) await Credential.refuseTaken({ username });
  const id = await Credential.add({
    email,
    username: username ?? (await usernameFor(email)),
    firstName,
    lastName,
    passwordHash: null,
  });
  // Somebody made an account for the address meanwhile, whose password must be asked for.
  if (id === undefined) throw conflictOf('users_email_key');
  AuditLog.record('CREATE', { type: 'user', id });
  return id;
}

async function pending(id: string): Promise<Invitation> {
  await Invitation.expireDue();
  const invitation = await getRow(Invitation, id, { lock: true });
  if (invitation.status !== 'pending') {
    throw new Conflict('INVITATION_CLOSED', `The invitation ${id} is ${invitation.status}`);
  }
  return invitation;
}

const about = (id: string) => ({ type: Invitation.entityType, id });

const badCode = () =>
  invalidField('code', 'This invitation is not valid, was used or has run out', 'CODE_INVALID');
