import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import { withIdentity } from '../models/database.ts';
import { EmailChange } from '../models/EmailChange.ts';
import { Membership } from '../models/Membership.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import { PasswordResetToken } from '../models/PasswordResetToken.ts';
import type { Links } from '../models/secretLinks.ts';
import { hashSecret } from '../secrets.ts';
import { actingAs, badCode, mailing, mostMailsAnHour, onlyCompany } from './identity.ts';
import type { Passwords } from './passwords.ts';
import { provePassword } from './proving.ts';

export type EmailChanges = ReturnType<typeof createEmailChanges>;

/** How a person comes to sign in with another address. */
export function createEmailChanges({
  links,
  passwords,
  dispatch,
}: {
  readonly links: Links;
  readonly passwords: Pick<Passwords, 'verify'>;
  readonly dispatch: (start: WorkflowStart) => void;
}) {
  const mail = mailing(dispatch);

  return {
    /** The same answer for a taken address, which gets no link; the old address is told either way. */
    async request(
      actor: Actor,
      { email, currentPassword }: { readonly email: string; readonly currentPassword: string },
    ): Promise<void> {
      const account = await provePassword(passwords, actor, currentPassword, 'EMAIL_CHANGE_FAILED');
      const { id: userId } = account;
      await withIdentity(actor.companyId, async () => {
        AuditLog.record('EMAIL_CHANGE_REQUEST', { type: 'user', id: userId });
        if ((await EmailChange.countRecent(userId)) >= mostMailsAnHour) return;
        mail(actor.companyId, account.email, 'email_change_notice');
        const isTaken = await Credential.findOne({ attributes: ['id'], where: { email } });
        const link = { kind: 'email_change', id: uuid() } as const;
        const wish = { id: link.id, userId, newEmail: email, codeHash: links.hashOf(link) };
        await EmailChange.wish(wish);
        if (!isTaken) mail(actor.companyId, email, 'email_change', { link });
      });
    },

    /** Links that wait at the old address no longer work. @throws Invalid CODE_INVALID */
    async confirm(code: string): Promise<void> {
      const codeHash = hashSecret(code);
      const { wish, places } = await withIdentity(null, async () => {
        const found = await EmailChange.wishOf(codeHash);
        return { wish: found, places: found ? await Membership.placesOf(found.userId) : [] };
      });
      if (!wish) throw badCode();
      const { userId, newEmail } = wish;
      await actingAs({ userId, companyId: onlyCompany(places) }, async () => {
        const account = await Credential.findOne({ where: { id: userId } });
        if (!account?.isUsable() || !(await EmailChange.use(codeHash))) throw badCode();
        await account.changeEmail(newEmail);
        await PasswordResetToken.cancel(userId);
        AuditLog.record(
          'EMAIL_CHANGE',
          { type: 'user', id: userId },
          { before: { email: account.email }, after: { email: newEmail } },
        );
      });
    },
  };
}
