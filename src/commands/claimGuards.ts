import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField, Refusal } from '../errors.ts';
import { illegalClaimEvent, refuseOwnDecision, standingOf } from '../models/Claim.ts';
import { refuseBeyondCover } from '../models/claimCover.ts';
import { approvalDelegates } from '../models/claimDelegates.ts';
import { missingDocuments } from '../models/Document.ts';
import { assignable, holdersOf, holdsOneOf, rolesWithout } from '../models/claimStaff.ts';
import type { ClaimWish } from '../models/claimStart.ts';
import { refuseSuspect } from '../models/fraud.ts';
import { refuseBeyondReserve } from '../models/lossReserve.ts';
import { approvalRefusal, approversOf, requiredRole, withPartIn } from '../rules/claimApproval.ts';
import {
  claimStatuses,
  mayBringAbout,
  nextClaimStatus,
  type Asker,
  type ClaimEvent,
} from '../rules/claims.ts';
import { hasStage } from '../rules/claimSettings.ts';
import type { Money } from '../rules/money.ts';
import type { Role } from '../rules/permissions.ts';
import { visibleClaim, type VisibleClaim } from './claimViews.ts';

type ClaimFacts = VisibleClaim['claim'];

/** @throws Conflict ILLEGAL_TRANSITION, Forbidden */
export function refuseUnlessMay(
  claim: Pick<ClaimFacts, 'status' | 'onHold' | 'previousStatus'>,
  asker: Asker,
  event: ClaimEvent,
): void {
  const isLegal = nextClaimStatus(standingOf(claim), event) !== undefined;
  if (mayBringAbout(claim.status, event, asker)) {
    if (!isLegal) throw illegalClaimEvent(claim, event);
    return;
  }
  // Who could never do it is told so; who could, elsewhere in its course, is told what is possible.
  if (isLegal || !couldEver(event, asker)) throw new Forbidden();
  throw illegalClaimEvent(claim, event);
}

const couldEver = (event: ClaimEvent, asker: Asker): boolean =>
  claimStatuses.some((status) => mayBringAbout(status, event, asker));

/** What the table does not know: limits, four eyes, cover, people. */
export async function refuseByRows(
  actor: Actor,
  claim: ClaimFacts,
  wish: ClaimWish,
): Promise<void> {
  switch (wish.event) {
    case 'assign':
    case 'reassign':
      if (wish.assignedTo === claim.holderId) {
        throw invalidField('user_id', 'holds the policy of this claim', 'NOT_ASSIGNABLE');
      }
      if (!(await holdsOneOf(wish.assignedTo, assignable))) {
        throw invalidField(
          'user_id',
          'must be an adjuster, senior adjuster or claims manager of the company',
          'NOT_ASSIGNABLE',
        );
      }
      return;
    case 'submit_for_approval':
      await refuseSuspect(claim, wish.event);
      await refuseIncomplete(claim);
      return refuseWithoutApprover(claim, wish.amount, actor.userId);
    case 'approve':
      refuseOverLimit(claim, wish.amount, await decidingRoles(claim, actor));
      await refuseSuspect(claim, wish.event);
      // Both are judged again, with policy and claim held, when it is carried out.
      await refuseBeyondCover(claim, wish.amount);
      return refuseBeyondReserve(claim, wish.amount);
    case 'deny':
      return refuseOverLimit(
        claim,
        claim.proposedAmount ?? '0.00',
        await decidingRoles(claim, actor),
      );
    case 'delegate_approval': {
      // Each hand-over gives the decision its time again: nobody puts off what they wait for.
      await decidingRoles(claim, actor);
      const delegates = await approvalDelegates(claim);
      if (delegates.some(({ userId }) => userId === wish.delegateTo)) return;
      throw invalidField(
        'user_id',
        'must be somebody who may decide this amount and had no part in the claim',
        'NOT_ELIGIBLE',
      );
    }
    case 'return':
      await decidingRoles(claim, actor);
      return;
    case 'investigate':
    case 'request_documents':
      if (!hasStage(claim.config, wish.event)) {
        throw new Conflict(
          'STAGE_NOT_USED',
          `Claims like this one have no stage for this: they cannot ${wish.event.replaceAll('_', ' ')}`,
        );
      }
      return refuseWithoutNewAssignee(claim);
    case 'mark_duplicate':
      if (wish.duplicateOf) await visibleClaim(actor, wish.duplicateOf);
      if (wish.duplicateOf === claim.id) {
        throw invalidField('duplicate_of', 'must be another claim');
      }
      return;
    default:
  }
}

/**
 * Four eyes, also through delegation: the roles with which somebody decides a claim, without what those who
 * had a part in it have lent them.
 * @throws Forbidden for those themselves, and for whom no role is left
 */
async function decidingRoles(claim: ClaimFacts, actor: Actor): Promise<readonly Role[]> {
  refuseOwnDecision(claim, actor.userId);
  const apart = await rolesWithout(actor.userId ?? '', withPartIn(claim));
  const roles = actor.roles.filter((role) => apart.includes(role));
  if (approversOf('0.00', claim.config).some((role) => roles.includes(role))) return roles;
  throw new Forbidden('Nobody decides a claim for those who had a part in it');
}

function refuseOverLimit(
  { config, currency }: ClaimFacts,
  amount: Money,
  roles: readonly Role[],
): void {
  const role = requiredRole(roles, amount, config);
  if (!role) return;
  throw new Refusal(
    403,
    'FORBIDDEN',
    `${amount} ${currency} are beyond your limit: this takes the role ${role}`,
    { facts: { required_role: role } },
  );
}

/** Never a dead end: who submits is told beforehand that nobody could decide. */
async function refuseWithoutApprover(
  claim: ClaimFacts,
  amount: Money,
  proposedBy: string | null,
): Promise<void> {
  refuseWithoutNewAssignee(claim);
  const roles = approversOf(amount, claim.config);
  const others = (await holdersOf(roles)).filter(
    (userId) => approvalRefusal({ ...claim, proposedBy }, userId) === undefined,
  );
  if (others.length > 0) return;
  throw new Conflict(
    'NO_APPROVER',
    `Nobody else could decide this; invite somebody as ${roles.join(' or ')}`,
    { roles },
  );
}

/** Where the documents were asked for, the claim may go on without them; its history says so. */
async function refuseIncomplete({ id, status, config }: ClaimFacts): Promise<void> {
  if (status === 'documents_requested') return;
  const missing = await missingDocuments(id, config);
  if (missing.length === 0) return;
  throw new Conflict(
    'DOCUMENTS_MISSING',
    `The file lacks ${missing.join(', ').replaceAll('_', ' ')}; add them or ask the claimant`,
    { missing_documents: missing },
  );
}

function refuseWithoutNewAssignee({ needsNewAssignee }: ClaimFacts): void {
  if (!needsNewAssignee) return;
  throw new Conflict(
    'NEW_ASSIGNEE_REQUIRED',
    'After an appeal the claim is given to somebody first who had no part in it',
  );
}
