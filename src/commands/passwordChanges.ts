import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import { afterCommit, platformCompanyId, withIdentity } from '../models/database.ts';
import { EmailChange } from '../models/EmailChange.ts';
import { Membership } from '../models/Membership.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import { PasswordResetToken } from '../models/PasswordResetToken.ts';
import { RefreshToken } from '../models/RefreshToken.ts';
import type { Links } from '../models/secretLinks.ts';
import {
  actingAs,
  badCode,
  mailing,
  mostMailsAnHour,
  nobody,
  onlyCompany,
  requiresClasses,
} from './identity.ts';
import type { Passwords } from './passwords.ts';
import { provePassword } from './proving.ts';
import type { Sessions } from './sessions.ts';
import { hashSecret } from '../secrets.ts';

export type PasswordChanges = ReturnType<typeof createPasswordChanges>;

/** How a password is replaced: by a link to the address, or by whoever knows it. */
export function createPasswordChanges({
  links,
  passwords,
  sessions,
  dispatch,
}: {
  readonly links: Links;
  readonly passwords: Passwords;
  readonly sessions: Pick<Sessions, 'forget'>;
  readonly dispatch: (start: WorkflowStart) => void;
}) {
  const mail = mailing(dispatch);

  return {
    /** The same answer after the same statements, whether or not the address has an account. */
    async requestReset(email: string): Promise<void> {
      const { account, places, recent } = await withIdentity(null, async () => {
        const found = await Credential.findOne({ where: { email } });
        const userId = found?.id ?? nobody;
        return {
          account: found,
          places: await Membership.placesOf(userId),
          recent: await PasswordResetToken.countRecent(userId),
        };
      });
      const isMailed = account?.isUsable() === true && recent < mostMailsAnHour;
      const companyId = onlyCompany(places);
      const tokenId = uuid();

      await withIdentity(companyId, async () => {
        AuditLog.record('PASSWORD_RESET_REQUEST', { type: 'user', id: account?.id ?? null });
        if (!isMailed) return PasswordResetToken.issueNone();
        const link = { kind: 'password_reset', id: tokenId } as const;
        const codeHash = links.hashOf(link);
        await PasswordResetToken.issue(account.id, codeHash, { id: tokenId });
        mail(companyId ?? platformCompanyId, account.email, 'password_reset', { link });
      });
    },

    /**
     * Sets a password by the code of a link: ends a lock, and every session, and confirms the address.
     * A second factor stays, but for one from before the address was ever confirmed.
     */
    async confirmReset({ code, password }: { code: string; password: string }): Promise<void> {
      const codeHash = hashSecret(code);
      const { credential, places } = await withIdentity(null, async () => {
        const userId = (await PasswordResetToken.ownerOf(codeHash)) ?? nobody;
        const owner = await Credential.findOne({ where: { id: userId } });
        return { credential: owner, places: await Membership.placesOf(userId) };
      });
      if (!credential?.isUsable()) throw badCode();
      await passwords.refuseWeak(password, {
        email: credential.email,
        username: credential.username,
        requireClasses: places.length === 0 || places.some((p) => requiresClasses(p.settings)),
      });
      const passwordHash = await passwords.hash(password);

      const { id: userId } = credential;
      const companyId = onlyCompany(places);
      await actingAs({ userId, companyId }, async () => {
        if (!(await PasswordResetToken.use(codeHash))) throw badCode();
        // Whoever set a second factor up before had not shown that the address is theirs.
        if ((await Credential.confirmEmail(userId)) && (await Credential.disableMfa(userId))) {
          AuditLog.record('MFA_DISABLE', { type: 'user', id: userId });
        }
        await Credential.setPassword(userId, passwordHash);
        await endOthers(userId);
      });
    },

    /**
     * By whoever is signed in and knows the present password. Their other sessions end. A wrong
     * password counts like a failed login, so that a stolen token cannot be used to guess.
     */
    async change(
      actor: Actor,
      { current, next }: { readonly current: string; readonly next: string },
    ): Promise<void> {
      const { companyId, sessionId } = actor;
      const account = await provePassword(passwords, actor, current, 'PASSWORD_CHANGE_FAILED');
      const places = await withIdentity(companyId, () => Membership.placesOf(account.id));
      await passwords.refuseWeak(next, {
        email: account.email,
        username: account.username,
        requireClasses: places.some(({ settings }) => requiresClasses(settings)),
      });
      const passwordHash = await passwords.hash(next);

      await withIdentity(companyId, async () => {
        await Credential.changePassword(account.id, passwordHash);
        await endOthers(account.id, sessionId);
        mail(companyId, account.email, 'password_changed');
      });
    },
  };

  /**
   * After a new password was set, nothing stays open that somebody who knew the old one may have asked for.
   * A sign-in with it that is under way was waited for by the new one, and is only now ended with the others.
   */
  async function endOthers(userId: string, keptSession: string | null = null): Promise<void> {
    const ended = await RefreshToken.revokeAll(userId, keptSession);
    await EmailChange.cancel(userId);
    await PasswordResetToken.cancel(userId);
    AuditLog.record('PASSWORD_CHANGE', { type: 'user', id: userId });
    afterCommit(() => sessions.forget(...ended));
  }
}
