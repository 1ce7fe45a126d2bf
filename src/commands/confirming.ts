import { v7 as uuid } from 'uuid';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential, EmailUnconfirmed } from '../models/Credential.ts';
import { withIdentity } from '../models/database.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import { PasswordResetToken } from '../models/PasswordResetToken.ts';
import type { Links } from '../models/secretLinks.ts';
import { mailing, mostMailsAnHour } from './identity.ts';

/** Whoever gets the link has not asked for it, and may read their mail later. */
const linkLastsMs = 7 * 86_400_000;

export type Confirming = ReturnType<typeof createConfirming>;

/** Work that gives roles to people. */
export function createConfirming({
  links,
  dispatch,
}: {
  readonly links: Links;
  readonly dispatch: (start: WorkflowStart) => void;
}) {
  const mail = mailing(dispatch);

  /** The link sets a password: a new one, so that no other lets in who does not read the mail. */
  const sendLink = (companyId: string, userId: string): Promise<void> =>
    withIdentity(companyId, async () => {
      const account = await Credential.findOne({ where: { id: userId } });
      const recent = await PasswordResetToken.countRecent(userId);
      if (!account?.isUsable() || recent >= mostMailsAnHour) return;
      const link = { kind: 'password_reset', id: uuid() } as const;
      const { id } = link;
      await PasswordResetToken.issue(userId, links.hashOf(link), { id, lastsMs: linkLastsMs });
      AuditLog.record('PASSWORD_RESET_REQUEST', { type: 'user', id: userId });
      mail(companyId, account.email, 'address_unconfirmed', { link });
    });

  /**
   * Where a role is refused because nobody has shown that the account's address is theirs, a link that
   * shows it is mailed there.
   * @throws Conflict EMAIL_UNCONFIRMED
   */
  return async <T>(companyId: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof EmailUnconfirmed) await sendLink(companyId, error.userId);
      throw error;
    }
  };
}
