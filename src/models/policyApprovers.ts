import { complianceStaff } from '../rules/compliancePolicies.ts';
import { ApprovalStep } from './ApprovalStep.ts';
import { decidersAmong } from './claimStaff.ts';
import type { CompliancePolicyVersion } from './CompliancePolicyVersion.ts';
import { select } from './database.ts';
import { isHeld } from './Membership.ts';

/** Those who may decide about what somebody wrote: by their role, or as somebody's delegate. */
export async function eligibleApprovers(authors: readonly string[]): Promise<readonly string[]> {
  const deciders = await decidersAmong(complianceStaff);
  return deciders.map(({ userId }) => userId).filter((userId) => !authors.includes(userId));
}

/**
 * Whom a version waits for: those who were named, else all who may; with their delegates on request.
 * Whoever has decided already is left out.
 */
export async function awaitedApprovers(
  version: CompliancePolicyVersion,
  { withDelegates }: { readonly withDelegates: boolean },
): Promise<readonly string[]> {
  const { authors, approvers } = version;
  const asked = approvers.length > 0 ? approvers : await eligibleApprovers(authors);
  const delegates = withDelegates ? await delegatesOf(asked) : [];
  const decided = (await ApprovalStep.ofRound(version)).map(({ approverId }) => approverId);
  return [...new Set([...asked, ...delegates])].filter(
    (userId) => !decided.includes(userId) && !authors.includes(userId),
  );
}

/** Who stands in for them in a role that decides. */
async function delegatesOf(userIds: readonly string[]): Promise<readonly string[]> {
  const found = await select<{ userId: string }>(
    `SELECT DISTINCT m.delegate_user_id AS "userId"
     FROM platform.memberships m
       JOIN platform.users u ON u.id = m.delegate_user_id AND u.is_active AND u.archived_at IS NULL
     WHERE m.company_id = (SELECT app.company_id()) AND m.user_id = ANY ($1::uuid[])
       AND m.role = ANY ($2::text[]) AND m.delegate_until > now() AND ${isHeld('m')}
     ORDER BY 1 LIMIT 200`,
    [userIds, complianceStaff],
  );
  return found.map(({ userId }) => userId);
}
