import { setTimeout as pause } from 'node:timers/promises';
import { validate as isUuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Unauthenticated } from '../errors.ts';
import { select, withIdentity } from '../models/database.ts';
import { knownRoles, rolesHeld } from '../models/Membership.ts';

export interface Sessions {
  /**
   * Who a verified access token stands for, by what the database says now: roles, and whether
   * person, company and session still are what they were.
   * @throws Unauthenticated
   */
  actorOf(payload: unknown): Promise<Actor>;
  /** Makes the end of a session seen at once in this process; elsewhere within 5 s. */
  forget(sessionId: string): void;
  close(): void;
}

interface Known {
  readonly token: Token;
  /** When the question was put: nobody acts on older facts than `freshMs`. */
  readonly since: number;
  askedAt: number;
  readonly actor: Promise<Actor | undefined>;
}

/** Below the 5 s within which a revocation must be seen everywhere, the query included. */
const freshMs = 4000;
const refreshEveryMs = 2000;
/** Whoever was silent so long is asked about again with the next request. */
const idleMs = 60_000;
const batch = 1000;
const most = 20_000;

/**
 * Keeps who is signed in. One query every two seconds asks about all that are active, so that a
 * request of theirs needs none; sessions that are new to this process are asked about together.
 */
export function createSessions(): Sessions {
  const known = new Map<string, Known>();
  const stopping = new AbortController();
  let isRefreshing = false;
  let newcomers: { tokens: Token[]; actors: Promise<Actors> } | undefined;

  const askAbout = (token: Token): Known => {
    const since = performance.now();
    if (!newcomers || newcomers.tokens.length >= batch) {
      const tokens: Token[] = [];
      const actors = pause(0).then(() => {
        if (newcomers?.tokens === tokens) newcomers = undefined;
        return loadActors(tokens);
      });
      newcomers = { tokens, actors };
    }
    newcomers.tokens.push(token);
    const actor = newcomers.actors.then((actors) => actors.get(token.sessionId));
    const entry: Known = { token, since, askedAt: since, actor };
    actor.catch(() => drop(entry));
    return entry;
  };

  const drop = (entry: Known): void => {
    const { sessionId } = entry.token;
    if (known.get(sessionId) === entry) known.delete(sessionId);
  };

  const remember = (entry: Known): void => {
    const { sessionId } = entry.token;
    known.delete(sessionId);
    const [oldest] = known.keys();
    if (oldest !== undefined && known.size >= most) known.delete(oldest);
    known.set(sessionId, entry);
  };

  const refresh = async (): Promise<void> => {
    const now = performance.now();
    const entries = [...known.values()];
    entries.filter(({ askedAt }) => askedAt < now - idleMs).forEach(drop);
    const active = entries.filter((entry) => known.get(entry.token.sessionId) === entry);
    for (let from = 0; from < active.length; from += batch) {
      const part = active.slice(from, from + batch);
      const since = performance.now();
      const actors = await loadActors(part.map(({ token }) => token));
      for (const entry of part) {
        const { token, askedAt } = entry;
        // Forgotten or asked about anew in the meantime: that is the younger answer.
        if (known.get(token.sessionId) !== entry) continue;
        const actor = Promise.resolve(actors.get(token.sessionId));
        known.set(token.sessionId, { token, askedAt, since, actor });
      }
    }
  };

  const keepFresh = async (): Promise<void> => {
    if (isRefreshing) return;
    isRefreshing = true;
    while (known.size > 0 && !stopping.signal.aborted) {
      const { signal } = stopping;
      await pause(refreshEveryMs, undefined, { ref: false, signal }).catch(() => undefined);
      // While the database is away the entries grow old, and each request asks for itself.
      if (!signal.aborted) await refresh().catch(() => undefined);
    }
    isRefreshing = false;
  };

  return {
    async actorOf(payload) {
      const token = readPayload(payload);
      const now = performance.now();
      let entry = known.get(token.sessionId);
      if (!entry || now - entry.since >= freshMs || !isSame(entry.token, token)) {
        entry = askAbout(token);
        remember(entry);
        void keepFresh();
      }
      entry.askedAt = now;
      const actor = await entry.actor;
      if (!actor) throw new Unauthenticated('This session has ended; sign in again');
      return actor;
    },
    forget: (sessionId) => void known.delete(sessionId),
    close: () => stopping.abort(),
  };
}

interface Token {
  readonly userId: string;
  readonly companyId: string;
  readonly sessionId: string;
}

const isSame = (a: Token, b: Token): boolean =>
  a.userId === b.userId && a.companyId === b.companyId;

/** By session; whose session has ended is left out. */
type Actors = ReadonlyMap<string, Actor>;

/** What the database says about a session besides whose it is. */
interface Facts {
  readonly roles: readonly string[] | null;
  readonly hasFactor: boolean;
  /** Of the company's settings: roles whose holders need a second factor. */
  readonly requireMfaFor: readonly string[] | null;
}

async function loadActors(tokens: readonly Token[]): Promise<Actors> {
  const rows = await withIdentity(null, () =>
    select<Token & Facts>(
      // Each token by its own index look-ups, whatever the planner takes the tables for.
      `SELECT s.user_id AS "userId", s.company_id AS "companyId", s.id AS "sessionId", held.roles,
         u.mfa_enabled AS "hasFactor", c.settings #> '{security,requireMfaFor}' AS "requireMfaFor"
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS s (user_id, company_id, id)
         JOIN platform.users u ON u.id = s.user_id AND u.is_active AND u.archived_at IS NULL
         JOIN platform.companies c
           ON c.id = s.company_id AND c.status <> 'closed' AND c.archived_at IS NULL,
         LATERAL (SELECT bool_and(t.revoked_at IS NULL)
             AND bool_or(t.user_id = s.user_id AND t.company_id = s.company_id) AS is_live
           FROM platform.refresh_tokens t WHERE t.family_id = s.id) AS session,
         LATERAL (${rolesHeld('s.company_id', 's.user_id')}) AS held
       WHERE session.is_live`,
      [
        tokens.map(({ userId }) => userId),
        tokens.map(({ companyId }) => companyId),
        tokens.map(({ sessionId }) => sessionId),
      ],
    ),
  );
  const actors = rows.map(
    ({ roles: codes, hasFactor, requireMfaFor, ...token }): [string, Actor] => {
      const roles = knownRoles(codes ?? []);
      const isRequired = roles.some((role) => requireMfaFor?.includes(role));
      const mustEnrol = isRequired && !hasFactor;
      return [token.sessionId, { type: 'user', ...token, roles, ...(mustEnrol && { mustEnrol }) }];
    },
  );
  return new Map(actors.filter(([, { roles }]) => roles.length > 0));
}

function readPayload(payload: unknown): Token {
  if (typeof payload === 'object' && payload !== null) {
    const { sub, company_id: companyId, sid }: Readonly<Record<string, unknown>> = { ...payload };
    if (isId(sub) && isId(companyId) && isId(sid))
      return { userId: sub, companyId, sessionId: sid };
  }
  throw new Unauthenticated();
}

const isId = (value: unknown): value is string => typeof value === 'string' && isUuid(value);
