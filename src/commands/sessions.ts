import { validate as isUuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Unauthenticated } from '../errors.ts';
import { select, withIdentity } from '../models/database.ts';
import { knownRoles } from '../models/Membership.ts';
import { isLive } from '../models/RefreshToken.ts';
import { createCache } from './cache.ts';

export interface Sessions {
  /**
   * Who a verified access token stands for, by what the database says now: roles, and whether
   * person, company and session still are what they were.
   * @throws Unauthenticated
   */
  actorOf(payload: unknown): Promise<Actor>;
  /** Makes the end of a session seen at once in this process; elsewhere within 5 s. */
  forget(sessionId: string): void;
}

/** Below the 5 s within which a revocation must be seen everywhere, the query included. */
const freshMs = 4000;

export function createSessions(): Sessions {
  const actors = createCache<Actor>({ freshMs, most: 20_000 });

  return {
    async actorOf(payload) {
      const token = readPayload(payload);
      const actor = await actors.get(token.sessionId, () => loadActor(token));
      if (actor.userId !== token.userId || actor.companyId !== token.companyId) throw ended();
      return actor;
    },
    forget: (sessionId) => actors.forget(sessionId),
  };
}

interface Token {
  readonly userId: string;
  readonly companyId: string;
  readonly sessionId: string;
}

async function loadActor({ userId, companyId, sessionId }: Token): Promise<Actor> {
  const rows = await withIdentity(null, () =>
    select<{ role: string }>(
      `SELECT m.role
       FROM platform.users u
         JOIN platform.memberships m ON m.user_id = u.id AND m.company_id = $2
         JOIN platform.companies c ON c.id = m.company_id
       WHERE u.id = $1 AND u.is_active AND u.archived_at IS NULL
         AND m.valid_from <= now() AND (m.valid_to IS NULL OR m.valid_to > now())
         AND c.status <> 'closed' AND c.archived_at IS NULL
         AND EXISTS (SELECT 1 FROM platform.refresh_tokens t
           WHERE t.family_id = $3 AND t.user_id = u.id AND t.company_id = c.id)
         AND ${isLive('$3')}`,
      [userId, companyId, sessionId],
    ),
  );
  const roles = knownRoles(rows.map(({ role }) => role));
  if (roles.length === 0) throw ended();
  return { type: 'user', userId, companyId, roles, sessionId };
}

const ended = (): Unauthenticated => new Unauthenticated('This session has ended; sign in again');

function readPayload(payload: unknown): Token {
  if (typeof payload === 'object' && payload !== null) {
    const { sub, company_id: companyId, sid }: Readonly<Record<string, unknown>> = { ...payload };
    if (isId(sub) && isId(companyId) && isId(sid))
      return { userId: sub, companyId, sessionId: sid };
  }
  throw new Unauthenticated();
}

const isId = (value: unknown): value is string => typeof value === 'string' && isUuid(value);
