import type { Actor } from '../context.ts';
import { NotFound } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { afterCommit, withIdentity } from '../models/database.ts';
import { RefreshToken, type RunningSession } from '../models/RefreshToken.ts';
import { nobody } from './identity.ts';
import type { Sessions } from './sessions.ts';

export interface OwnSession extends RunningSession {
  /** It is the one that asks. */
  readonly isCurrent: boolean;
}

export type OwnSessions = ReturnType<typeof createOwnSessions>;

/** Where else a person is signed in, and how to end that. */
export const createOwnSessions = ({
  sessions,
}: {
  readonly sessions: Pick<Sessions, 'forget'>;
}) => ({
  list: (
    { userId, companyId, sessionId }: Actor,
    page: { readonly page: number; readonly size: number },
  ): Promise<{ items: OwnSession[]; total: number }> =>
    withIdentity(companyId, async () => {
      const who = { userId: userId ?? nobody, companyId };
      const { items, total } = await RefreshToken.runningOf(who, page);
      return { items: items.map((each) => ({ ...each, isCurrent: each.id === sessionId })), total };
    }),

  /** @throws NotFound also for another person's session */
  end: ({ userId, companyId }: Actor, sessionId: string): Promise<void> =>
    withIdentity(companyId, async () => {
      const isEnded = await RefreshToken.revoke({ userId: userId ?? nobody, familyId: sessionId });
      if (!isEnded) throw new NotFound(`There is no session ${sessionId}`);
      AuditLog.record('LOGOUT', { type: 'user', id: userId }, { after: { session: sessionId } });
      afterCommit(() => sessions.forget(sessionId));
    }),

  /** Everywhere, in all companies, this one included. */
  endAll: ({ userId, companyId }: Actor): Promise<void> =>
    withIdentity(companyId, async () => {
      const ended = await RefreshToken.revokeAll(userId ?? nobody);
      AuditLog.record(
        'LOGOUT',
        { type: 'user', id: userId },
        { after: { sessions: ended.length } },
      );
      afterCommit(() => sessions.forget(...ended));
    }),
});
