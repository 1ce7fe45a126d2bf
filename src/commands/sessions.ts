import { isDeepStrictEqual } from 'node:util';
import { validate as isUuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Unauthenticated } from '../errors.ts';
import { select, withIdentity } from '../models/database.ts';
import { knownRoles, rolesHeld } from '../models/Membership.ts';
import { createFreshAnswers } from './freshAnswers.ts';

export interface Sessions {
  /**
   * Who a verified access token stands for, by what the database says now: roles, and whether
   * person, company and session still are what they were.
   * @throws Unauthenticated
   */
  actorOf(payload: unknown): Promise<Actor>;
  /** Whether somebody who was let in would still be, as the same; what it knows is 4 s old at most. */
  isStill(actor: Pick<Actor, 'sessionId' | 'roles'>): Promise<boolean>;
  /** Makes the end of sessions seen at once in this process; elsewhere within 5 s. */
  forget(...sessionIds: readonly string[]): void;
  close(): void;
}

/** Keeps who is signed in. */
export function createSessions(): Sessions {
  const known = createFreshAnswers<Token, Actor>({
    keyOf: ({ sessionId }) => sessionId,
    isSame,
    load: loadActors,
  });

  return {
    async actorOf(payload) {
      const actor = await known.get(readPayload(payload));
      if (!actor) throw new Unauthenticated('This session has ended; sign in again');
      return actor;
    },
    async isStill({ sessionId, roles }) {
      const actor = sessionId === null ? undefined : await known.again(sessionId);
      return actor !== undefined && !actor.mustEnrol && isDeepStrictEqual(actor.roles, roles);
    },
    forget: (...sessionIds) => sessionIds.forEach((id) => known.forget(id)),
    close: () => known.close(),
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
