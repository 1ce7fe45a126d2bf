import type { AssignmentRule } from '../rules/claimSettings.ts';
import type { Role } from '../rules/permissions.ts';
import { select } from './database.ts';
import { isHeld, knownRoles } from './Membership.ts';
import type { Policy } from './Policy.ts';

/** Those who hold one of the roles now and can sign in; at most 200. */
export const holdersOf = async (roles: readonly Role[]): Promise<readonly string[]> => {
  const found = await select<{ userId: string }>(
    `SELECT DISTINCT m.user_id AS "userId" ${holders}
     ORDER BY 1 LIMIT 200`,
    [roles],
  );
  return found.map(({ userId }) => userId);
};

/** Of several rungs those of the first that somebody holds, the lowest first. */
export async function holdersOfFirst(
  rungs: readonly (readonly Role[])[],
): Promise<readonly string[]> {
  for (const roles of rungs) {
    const found = await holdersOf(roles);
    if (found.length > 0) return found;
  }
  return [];
}

export const holdsOneOf = async (userId: string, roles: readonly Role[]): Promise<boolean> => {
  const found = await select(`SELECT 1 ${holders} AND m.user_id = $2 LIMIT 1`, [roles, userId]);
  return found.length > 0;
};

/** Somebody who may act in a role now. */
export interface Decider {
  readonly userId: string;
  readonly name: string;
  /** As somebody's delegate, not by a role of their own. */
  readonly isDelegate: boolean;
}

/**
 * Those who may act in one of the roles now, delegates of somebody first; at most 200.
 * @param except whose roles do not count, lent ones included
 */
export const decidersAmong = (
  roles: readonly Role[],
  except: readonly string[] = [],
): Promise<Decider[]> =>
  select<Decider>(
    `SELECT d.user_id AS "userId", bool_and(d.is_delegate) AS "isDelegate",
       coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username) AS name
     FROM (
       SELECT m.user_id, false AS is_delegate ${holders} AND m.user_id <> ALL ($2::uuid[])
       UNION ALL
       SELECT m.delegate_user_id, true ${holders} AND m.user_id <> ALL ($2::uuid[])
         AND m.delegate_until > now()) AS d
       JOIN platform.users u ON u.id = d.user_id AND u.is_active AND u.archived_at IS NULL
     GROUP BY d.user_id, u.id ORDER BY 2 DESC, 1 LIMIT 200`,
    [roles, except],
  );

/** What somebody may act in now without the roles that `lenders` have lent them. */
export async function rolesWithout(
  userId: string,
  lenders: readonly string[],
): Promise<readonly Role[]> {
  const found = await select<{ role: string }>(
    `SELECT DISTINCT m.role FROM platform.memberships m
     WHERE m.company_id = (SELECT app.company_id()) AND ${isHeld('m')} AND (m.user_id = $1
       OR (m.delegate_user_id = $1 AND m.delegate_until > now() AND m.user_id <> ALL ($2::uuid[])))`,
    [userId, lenders],
  );
  return knownRoles(found.map(({ role }) => role));
}

/** Whether somebody had the claim, or proposed what was denied, before an appeal that is not decided yet. */
export const hadPartBeforeAppeal = async (claimId: string, userId: string): Promise<boolean> => {
  const found = await select(
    `WITH appeal AS (
       SELECT max(state_version) AS version FROM core.transitions
       WHERE entity_id = $1 AND event = 'appeal')
     SELECT 1 FROM core.transitions t, appeal
     WHERE t.entity_id = $1 AND t.state_version < appeal.version
       AND (t.event IN ('assign', 'reassign') AND t.facts ->> 'to_user' = $2
         OR t.event = 'submit_for_approval' AND t.actor_id = $2::uuid)
       AND NOT EXISTS (SELECT 1 FROM core.transitions d
         WHERE d.entity_id = $1 AND d.state_version > appeal.version
           AND d.event IN ('approve', 'deny', 'reopen'))
     LIMIT 1`,
    [claimId, userId],
  );
  return found.length > 0;
};

/** Who can be given a claim. */
export const assignable: readonly Role[] = ['adjuster', 'senior_adjuster', 'claims_manager'];

/**
 * Whom the company's rule gives the next claim: the adjuster who got one longest ago, or has the
 * fewest; by skill, the one who has the fewest of those who know the type of policy. Nobody where there
 * is none; never the policy's own holder. Until the commit other claims of the company wait, so that each
 * counts the one before it.
 */
export async function nextAdjuster(
  rule: Exclude<AssignmentRule, 'manual'>,
  { policyType, userId: holderId }: Pick<Policy, 'policyType' | 'userId'>,
): Promise<string | undefined> {
  await select(
    `SELECT pg_advisory_xact_lock(hashtextextended('assignment/' || app.company_id(), 0))`,
  );
  const fewest = `(SELECT count(*) FROM claims c
      WHERE c.assigned_to = m.user_id AND c.workflow_closed_at IS NULL) ASC`;
  const order = {
    round_robin: `(SELECT max(a.at) FROM claim_assignments a WHERE a.to_user_id = m.user_id)
      ASC NULLS FIRST`,
    least_loaded: fewest,
    by_skill: fewest,
  }[rule];
  const [next] = await select<{ userId: string }>(
    `SELECT m.user_id AS "userId" ${holders} AND ($2::text IS NULL OR $2 = ANY (m.skills))
       AND m.user_id IS DISTINCT FROM $3::uuid
     ORDER BY ${order}, m.user_id LIMIT 1`,
    [['adjuster'], rule === 'by_skill' ? policyType : null, holderId],
  );
  return next?.userId;
}

const holders = `FROM platform.memberships m JOIN platform.users u ON u.id = m.user_id
  WHERE m.company_id = (SELECT app.company_id()) AND m.role = ANY ($1::text[]) AND ${isHeld('m')}
    AND u.is_active AND u.archived_at IS NULL`;
