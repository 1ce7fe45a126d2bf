import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Forbidden } from '../errors.ts';
import { Claim } from '../models/Claim.ts';
import {
  columnsOf,
  newestFirst,
  selectFirst,
  selectFirstOfEach,
  selectPage,
  selectThose,
  selectWidePage,
  viewsOfEach,
  type Condition,
  type ListOrder,
} from '../models/list.ts';
import { noSuch } from '../models/rows.ts';
import { isDecided, type Asker } from '../rules/claims.ts';
import { allows, type Permission, type Role } from '../rules/permissions.ts';
import { claimWorkflowId } from '../rules/workflowIds.ts';

/** A claim as it is shown, whether read from its row or just made. */
export interface ClaimView {
  readonly claim: InferAttributes<Claim>;
  readonly policyNumber: string;
  /** Whether the viewer works on claims; a claimant sees what concerns them alone. */
  readonly isInternal: boolean;
  readonly workflow: { readonly id: string; readonly state: 'starting' | 'running' | 'closed' };
}

/** Those whose view of claims is not bound to what they were given. */
const overseers: readonly Role[] = [
  'tenant_admin',
  'claims_manager',
  'senior_adjuster',
  'call_center',
  'auditor',
];

/** A claim as its row has it, with what somebody is to it. */
export interface VisibleClaim {
  readonly claim: InferAttributes<Claim> & { readonly holderId: string | null };
  readonly asker: Asker;
}

/**
 * Claims under one's own policies, all with the right to; an adjuster sees what is theirs or
 * nobody's. Anything else is a 404. Whoever works on claims is a claimant alone under their own policy.
 */
export async function visibleClaim(actor: Actor, id: string): Promise<VisibleClaim> {
  const { policyNumber: _, isStarting: __, ...claim } = await rowOf(actor, id);
  const { userId, roles } = actor;
  const isClaimant = userId !== null && claim.holderId === userId;
  const isAssignee = userId !== null && claim.assignedTo === userId;
  return {
    claim,
    asker: isClaimant
      ? { roles: [], isAssignee: false, isClaimant }
      : { roles, isAssignee, isClaimant },
  };
}

/** @param archived also one that is out of sight, for the answer to whoever put it there */
export const viewOf = async (
  actor: Actor,
  id: string,
  { archived = false } = {},
): Promise<ClaimView> => asView(actor, await rowOf(actor, id, { archived }));

/**
 * One page of those that the actor may see and that are not archived.
 * @param conditions of the claim alone, `c`
 */
export async function viewsWhere(
  actor: Actor,
  conditions: readonly Condition[],
  order: ListOrder,
  { isSearch }: { readonly isSearch: boolean },
): Promise<{ items: ClaimView[]; total: number }> {
  const all = [live, ...mayBeSeen(actor), ...conditions];
  // What was searched for is found once, and may be ordered by the policy as well.
  const page = isSearch
    ? await selectPage<Row>(columns(), tables, all, order)
    : await selectWidePage<Row>(columns(), { from: tables, narrow: 'claims c' }, all, order);
  return { ...page, items: page.items.map((row) => asView(actor, row)) };
}

/** Those of `ids` that the actor may see. */
export async function viewsOf(
  actor: Actor,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ClaimView>> {
  const conditions = [live, ...mayBeSeen(actor)];
  const rows = await selectThose<Row>(columns(), tables, ['c.id', ids], conditions);
  return new Map(rows.map((row) => [row.id, asView(actor, row)]));
}

/** For each policy the newest that the actor may see. */
export async function viewsOfPolicies(
  actor: Actor,
  policyIds: readonly string[],
  size: number,
): Promise<ReadonlyMap<string, readonly ClaimView[]>> {
  const conditions = [live, ...mayBeSeen(actor)];
  const order = { ...newestFirst('c'), size };
  return viewsOfEach(
    await selectFirstOfEach<Row>(columns(), tables, ['c.policy_id', policyIds], conditions, order),
    (row) => asView(actor, row),
  );
}

/** Who gives claims to people, and stands in for whoever has one. */
export const assigners = ['senior_adjuster', 'claims_manager', 'tenant_admin'] as const;

/** Whether somebody works on the claim: the call centre while it is reported, then its assignee. */
export function mayEdit(
  { roles, userId }: Actor,
  { status, assignedTo }: Pick<Claim, 'status' | 'assignedTo'>,
): boolean {
  if (assigners.some((role) => roles.includes(role))) return true;
  if (roles.includes('call_center') && status === 'reported') return true;
  return userId !== null && assignedTo === userId;
}

/** Whoever is paid is what was submitted: from then on managers alone change it. */
export const mayChangePayee = (
  { roles }: Pick<Actor, 'roles'>,
  { status }: Pick<Claim, 'status'>,
): boolean =>
  !(status === 'waiting_approval' || isDecided(status)) ||
  roles.some((role) => role === 'claims_manager' || role === 'tenant_admin');

export const worksOnClaims = (actor: Actor): boolean => allows(actor, 'claim:read');

interface Row extends InferAttributes<Claim> {
  readonly policyNumber: string;
  readonly holderId: string | null;
  /** Its start is still owed, or was given up and waits for an operator. */
  readonly isStarting: boolean;
}

const tables = 'claims c JOIN policies p ON p.company_id = c.company_id AND p.id = c.policy_id';
const live: Condition = ['c.archived_at IS NULL'];

const columns = (): string =>
  `${columnsOf(Claim, 'c')}, p.policy_number AS "policyNumber", p.user_id AS "holderId",
   EXISTS (SELECT 1 FROM core.outbox o WHERE o.company_id = c.company_id
       AND o.entity_id = c.id AND o.dispatched_at IS NULL) AS "isStarting"`;

async function rowOf(actor: Actor, id: string, { archived = false } = {}): Promise<Row> {
  const conditions: Condition[] = [
    ...(archived ? [] : [live]),
    ['c.id = $', id],
    ...mayBeSeen(actor),
  ];
  const [row] = await selectFirst<Row>(columns(), tables, conditions, {
    by: 'c.id',
    id: 'c.id',
    order: 'asc',
    size: 1,
  });
  if (!row) throw noSuch(Claim.entityType, id);
  return row;
}

/** A key that may do something with claims reaches those of the company; one that has only its own none. */
const isOfStaff = (scope: Permission): boolean =>
  /^(claim|note|reserve|recovery|fraud|document):/.test(scope) && !scope.endsWith('_own');

const heldPolicies = '(SELECT held.id FROM policies held WHERE held.user_id = $)';

/** @throws Forbidden for what owns nothing and may not see everybody's */
function mayBeSeen(actor: Actor): readonly Condition[] {
  const { userId, roles, key } = actor;
  if (key?.scopes.some(isOfStaff)) return [];
  if (!worksOnClaims(actor)) {
    if (!userId) throw new Forbidden();
    return [[`c.policy_id IN ${heldPolicies}`, userId]];
  }
  if (roles.some((role) => overseers.includes(role))) return [];
  return [
    [`(c.assigned_to = $ OR c.assigned_to IS NULL OR c.policy_id IN ${heldPolicies})`, userId],
  ];
}

function asView(actor: Actor, { policyNumber, holderId, isStarting, ...claim }: Row): ClaimView {
  const ongoing = isStarting ? 'starting' : 'running';
  return {
    claim,
    policyNumber,
    // Whoever works on claims and has one themselves is a claimant there.
    isInternal: worksOnClaims(actor) && (holderId === null || holderId !== actor.userId),
    workflow: {
      id: claimWorkflowId(claim.companyId, claim.id),
      state: claim.workflowClosedAt ? 'closed' : ongoing,
    },
  };
}
