import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { payable } from '../models/amounts.ts';
import { Claim, illegalClaimEvent, standingOf } from '../models/Claim.ts';
import { approvalDelegates } from '../models/claimDelegates.ts';
import type { Decider } from '../models/claimStaff.ts';
import type { ClaimWish, PlainClaimEvent } from '../models/claimStart.ts';
import { afterCommit, withTenant } from '../models/database.ts';
import { flagClaim } from '../models/fraud.ts';
import {
  containing,
  madeWithin,
  sortedBy,
  type Condition,
  type ListAsked,
  type ListOrder,
} from '../models/list.ts';
import { Policy } from '../models/Policy.ts';
import { editRow, getRow, noSuch, refuseStale } from '../models/rows.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import {
  eventTowards,
  statusesAhead,
  type ClaimEvent,
  type ClaimPriority,
  type ClaimStatus,
  type DenialCode,
  type HoldKind,
  type SlaStatus,
} from '../rules/claims.ts';
import type { Money } from '../rules/money.ts';
import { claimWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/claimProcessing.ts';
import { refuseByRows, refuseUnlessMay } from './claimGuards.ts';
import {
  assigners,
  mayChangePayee,
  mayEdit,
  viewOf,
  viewsOf,
  viewsOfPolicies,
  viewsWhere,
  visibleClaim,
  worksOnClaims,
  type ClaimView,
  type VisibleClaim,
} from './claimViews.ts';
import type { Dispatcher } from './dispatch.ts';
import { commandOnce, demandKey, rowsOnce, type Once, type Replay } from './idempotency.ts';
import { getPerson } from './people.ts';
import { reopenClaim, reportClaim, type ReportClaim } from './reportClaim.ts';
import { typedLine, typedText } from './typedText.ts';
import type { WorkflowCommands } from './workflows.ts';

export interface ClaimFilters extends ListAsked<keyof typeof sortColumns | 'relevance'> {
  readonly status?: ClaimStatus | undefined;
  readonly assignedTo?: string | undefined;
  readonly policyId?: string | undefined;
  readonly slaStatus?: SlaStatus | undefined;
  readonly priority?: ClaimPriority | undefined;
  readonly incidentFrom?: CalendarDate | undefined;
  readonly incidentTo?: CalendarDate | undefined;
}

const sortColumns = {
  createdAt: 'c.created_at',
  incidentDate: 'c.incident_date',
  claimNumber: 'c.claim_number',
  status: 'c.status',
} as const;

/** What is corrected without moving the claim; undefined stays as it is. */
export interface ClaimEdits {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly claimAmount?: Money | null | undefined;
  readonly priority?: ClaimPriority | undefined;
  readonly claimantName?: string | undefined;
  readonly claimantEmail?: string | undefined;
  readonly claimantPhone?: string | null | undefined;
}

/** A command to one claim, besides its event. */
export interface ClaimCommand {
  readonly id: string;
  readonly once: Once;
  readonly reason?: string | undefined;
  readonly expectedVersion?: number | undefined;
}

/** What a wished status may need besides. */
export interface StatusData {
  readonly userId?: string | undefined;
  readonly items?: readonly string[] | undefined;
  readonly amount?: Money | undefined;
  readonly rationale?: string | undefined;
  readonly code?: DenialCode | undefined;
  readonly reference?: string | undefined;
}

type Who = Pick<ClaimWish, 'by' | 'reason'>;
type ClaimFacts = VisibleClaim['claim'];

/** Of events that somebody has to be able to explain later. */
const needsReason: ReadonlySet<ClaimEvent> = new Set<ClaimEvent>([
  'reassign',
  'deny',
  'return',
  'hold',
  'release',
  'withdraw',
  'mark_duplicate',
  'appeal',
  'reopen',
  'discard',
]);

/** An approval is paid by itself; a payment is begun or noted. */
const movesMoney: ReadonlySet<ClaimEvent> = new Set<ClaimEvent>([
  'approve',
  'start_payment',
  'pay_by_hand',
]);

export const createClaims = ({
  dispatcher,
  workflows,
}: {
  readonly dispatcher: Dispatcher;
  readonly workflows: WorkflowCommands;
}) => {
  /** One event of the claim's course, judged by the rows, and the claim as it then is. */
  const process = (
    actor: Actor,
    { id, once, expectedVersion, reason }: ClaimCommand,
    wishFor: (claim: ClaimFacts, who: Who) => ClaimWish,
  ): Promise<ClaimView | Replay> =>
    commandOnce(
      once,
      async (commandId) => {
        await workflows.command(transition, {
          actor,
          entityId: id,
          workflowId: claimWorkflowId(actor.companyId, id),
          commandId,
          prepare: async () => {
            const { claim, asker } = await visibleClaim(actor, id);
            const wish = wishFor(claim, { by: actor.userId, reason: reasonOf(reason) });
            refuseUnlessMay(claim, asker, wish.event);
            if (movesMoney.has(wish.event)) demandKey(once);
            refuseStale(Claim, claim, expectedVersion);
            if (needsReason.has(wish.event) && !wish.reason) throw reasonMissing();
            await refuseByRows(actor, claim, wish);
            return wish;
          },
        });
        return withTenant(actor.companyId, () => viewOf(actor, id, { archived: true }));
      },
      () => viewOf(actor, id, { archived: true }),
    );

  const plain =
    (event: PlainClaimEvent) =>
    (actor: Actor, command: ClaimCommand): Promise<ClaimView | Replay> =>
      process(actor, command, (_, who) => ({ ...who, event }));

  const reopen = (
    actor: Actor,
    { id, once, reason, expectedVersion }: ClaimCommand,
  ): Promise<ClaimView | Replay> =>
    rowsOnce(
      once,
      async () => {
        const { asker } = await visibleClaim(actor, id);
        const claim = await getRow(Claim, id, { lock: true });
        refuseUnlessMay(claim, asker, 'reopen');
        refuseStale(Claim, claim, expectedVersion);
        if (!reason) throw reasonMissing();
        const why = typedText('reason', reason);
        const commandId = `claim/${id}/reopen/${claim.stateVersion}`;
        const start = await reopenClaim(claim, { commandId, reason: why });
        afterCommit(() => dispatcher.dispatch(start));
        const view = await viewOf(actor, id);
        return { ...view, workflow: { ...view.workflow, state: 'starting' as const } };
      },
      () => viewOf(actor, id),
    );

  return {
    /** Everything that a report takes commits together. */
    report: (
      actor: Actor,
      policyId: string,
      wish: ReportClaim,
      once: Once,
    ): Promise<ClaimView | Replay> =>
      rowsOnce(once, async () => {
        const { claim, policy, start } = await reportClaim(actor, policyId, wish);
        afterCommit(() => dispatcher.dispatch(start));
        return {
          claim,
          policyNumber: policy.policyNumber,
          isInternal: policy.userId === null || policy.userId !== actor.userId,
          workflow: { id: start.workflowId, state: 'starting' as const },
        };
      }),

    get: (actor: Actor, id: string, policyId?: string): Promise<ClaimView> =>
      withTenant(actor.companyId, () => ofPolicy(actor, id, policyId)),

    list: (actor: Actor, filters: ClaimFilters) =>
      withTenant(actor.companyId, () => pageOf(actor, filters)),

    /** Those of `ids` that `get` would answer. */
    several: (actor: Actor, ids: readonly string[]) =>
      withTenant(actor.companyId, () => viewsOf(actor, ids)),

    /** For each policy the first of its claims that the actor may see. */
    ofPolicies: (actor: Actor, policyIds: readonly string[], size: number) =>
      withTenant(actor.companyId, () => viewsOfPolicies(actor, policyIds, size)),

    /** @throws NotFound for a policy that the actor may not see */
    listOfPolicy: (actor: Actor, policyId: string, filters: ClaimFilters) =>
      withTenant(actor.companyId, async () => {
        const { userId } = await getRow(Policy, policyId);
        const isOwner = userId !== null && userId === actor.userId;
        if (!isOwner && !worksOnClaims(actor)) throw noSuch(Policy.entityType, policyId);
        return pageOf(actor, filters, ['c.policy_id = $', policyId]);
      }),

    /** Claims that somebody was given: one's own, or anybody's for those who give them. */
    listAssigned: (actor: Actor, userId: string, filters: ClaimFilters) =>
      withTenant(actor.companyId, async () => {
        const isOverseer = assigners.some((role) => actor.roles.includes(role));
        if (actor.userId !== userId && !isOverseer) throw noSuch('user', userId);
        await getPerson(userId);
        return pageOf(actor, filters, ['c.assigned_to = $', userId]);
      }),

    /** Corrections by whoever works on it: the call centre while it is reported, then its assignee. */
    edit: (
      actor: Actor,
      id: string,
      edits: ClaimEdits,
      expectedVersion: number | undefined,
      policyId?: string,
    ): Promise<ClaimView> =>
      withTenant(actor.companyId, async () => {
        const { isInternal } = await ofPolicy(actor, id, policyId);
        // It is not submitted or decided meanwhile.
        const claim = await getRow(Claim, id, { lock: true });
        if (!isInternal || !mayEdit(actor, claim)) {
          throw new Forbidden('Its assignee corrects the claim');
        }
        if (claim.status === 'closed') {
          throw new Conflict('CLAIM_CLOSED', 'A closed claim is not corrected; reopen it first');
        }
        const fields = editedFields(claim, edits);
        const { claimantName, claimantEmail } = claim;
        const isSamePayee =
          fields.claimantName === claimantName && fields.claimantEmail === claimantEmail;
        if (!isSamePayee && !mayChangePayee(actor, claim)) {
          throw new Forbidden('Once a claim is submitted its managers alone change who is paid');
        }
        await editRow(Claim, claim, fields, expectedVersion);
        await flagClaim(claim, await getRow(Policy, claim.policyId, { archived: true }));
        return viewOf(actor, id);
      }),

    /** Only what nobody has begun with; the row stays, out of sight. */
    archive: async (
      actor: Actor,
      command: ClaimCommand,
      policyId?: string,
    ): Promise<ClaimView | Replay> => {
      await withTenant(actor.companyId, () => ofPolicy(actor, command.id, policyId));
      return process(actor, { ...command, reason: command.reason ?? 'Deleted' }, (_, who) => ({
        ...who,
        event: 'discard',
      }));
    },

    assign: (
      actor: Actor,
      command: ClaimCommand,
      assignedTo: string,
    ): Promise<ClaimView | Replay> =>
      process(actor, command, ({ status }, who) => ({
        ...who,
        event: status === 'reported' ? 'assign' : 'reassign',
        assignedTo,
      })),

    requestDocuments: (actor: Actor, command: ClaimCommand, items: readonly string[]) =>
      process(actor, command, (_, who) => ({
        ...who,
        event: 'request_documents',
        items: items.map((item) => typedLine('items', item)),
      })),

    approve: (actor: Actor, command: ClaimCommand, amount: Money) =>
      process(actor, command, ({ currency }, who) => ({
        ...who,
        event: 'approve',
        amount: payable('approved_amount', amount, currency),
      })),

    deny: (actor: Actor, command: ClaimCommand, code: DenialCode) =>
      process(actor, command, (_, who) => ({ ...who, event: 'deny', code })),

    markDuplicate: (actor: Actor, command: ClaimCommand, duplicateOf: string | undefined) =>
      process(actor, command, (claim, who) => ({
        ...who,
        event: 'mark_duplicate',
        duplicateOf: duplicateOf ?? claim.duplicateOf ?? null,
      })),

    /** Whom a claim that waits for its decision can be handed to. */
    approvalDelegates: (actor: Actor, id: string): Promise<readonly Decider[]> =>
      withTenant(actor.companyId, async () => {
        const { claim, asker } = await visibleClaim(actor, id);
        refuseUnlessMay(claim, asker, 'delegate_approval');
        return approvalDelegates(claim);
      }),

    delegateApproval: (
      actor: Actor,
      command: ClaimCommand,
      delegateTo: string,
    ): Promise<ClaimView | Replay> =>
      process(actor, command, (_, who) => ({ ...who, event: 'delegate_approval', delegateTo })),

    return: plain('return'),

    hold: (actor: Actor, command: ClaimCommand, kind: HoldKind) =>
      process(actor, command, (_, who) => ({ ...who, event: 'hold', kind })),

    release: plain('release'),
    withdraw: plain('withdraw'),
    appeal: plain('appeal'),
    reopen,

    /** The event that leads to the wanted status, with what it needs in `data`. */
    async updateStatus(
      actor: Actor,
      command: ClaimCommand,
      wanted: ClaimStatus,
      data: StatusData,
    ): Promise<ClaimView | Replay> {
      const seen = await withTenant(actor.companyId, () => visibleClaim(actor, command.id));
      if (seen.claim.status === 'closed' && wanted === 'under_review')
        return reopen(actor, command);
      return process(actor, command, (claim, who) => wishTowards(claim, wanted, data, who));
    },
  };
};

export type Claims = ReturnType<typeof createClaims>;

async function ofPolicy(actor: Actor, id: string, policyId?: string): Promise<ClaimView> {
  const view = await viewOf(actor, id);
  if (policyId !== undefined && view.claim.policyId !== policyId) {
    throw noSuch(Claim.entityType, id);
  }
  return view;
}

const conditionsOf = (filters: ClaimFilters): readonly Condition[] => {
  const { status, assignedTo, policyId, slaStatus, priority, search } = filters;
  const { incidentFrom, incidentTo } = filters;
  return [
    ...(status ? [['c.status = $', status] as const] : []),
    ...(assignedTo ? [['c.assigned_to = $', assignedTo] as const] : []),
    ...(policyId ? [['c.policy_id = $', policyId] as const] : []),
    ...(slaStatus ? [['c.sla_status = $', slaStatus] as const] : []),
    ...(priority ? [['c.priority = $', priority] as const] : []),
    ...(incidentFrom ? [['c.incident_date >= $', incidentFrom] as const] : []),
    ...(incidentTo ? [['c.incident_date <= $', incidentTo] as const] : []),
    ...(search ? [matching(search)] : []),
    ...madeWithin('c', filters),
  ];
};

const pageOf = (actor: Actor, filters: ClaimFilters, ...more: readonly Condition[]) =>
  viewsWhere(actor, [...conditionsOf(filters), ...more], orderOf(filters), {
    isSearch: filters.search !== undefined,
  });

/** The text is in number, title or claimant, or in what the policy is found by. */
const matching = (text: string): Condition => [
  'c.id IN (SELECT * FROM search_claim_ids($))',
  containing(text),
];

const closeness = `greatest(${[
  'c.claim_number',
  'c.title',
  'c.claimant_name',
  'p.policy_number',
  'p.policyholder_name',
]
  .map((column) => `word_similarity($, ${column})`)
  .join(', ')})`;

/** By relevance the closest come first, whatever the order. */
function orderOf(filters: ClaimFilters): ListOrder {
  const { sortBy, search, page, size } = filters;
  if (sortBy !== 'relevance') return sortedBy(sortColumns, { ...filters, sortBy }, 'c.id');
  if (!search) throw invalidField('sort_by', 'needs a search to be relevant to', 'REQUIRED');
  return { by: [closeness, search], id: 'c.id', order: 'desc', page, size };
}

/** The fields as they will be. */
const editedFields = (claim: Claim, edits: ClaimEdits) => {
  const { title = claim.title, description = claim.description, priority } = edits;
  const { claimAmount = claim.claimAmount ?? null, claimantName = claim.claimantName } = edits;
  const { claimantEmail = claim.claimantEmail } = edits;
  const { claimantPhone = claim.claimantPhone ?? null } = edits;
  return {
    title: typedLine('title', title),
    description: typedText('description', description),
    priority: priority ?? claim.priority,
    claimAmount,
    claimantName: typedLine('claimant_name', claimantName),
    claimantEmail,
    claimantPhone,
  };
};

const amountIn = ({ amount }: StatusData, { currency }: ClaimFacts): Money =>
  payable('data.amount', demanded(amount, 'data.amount'), currency);

function wishTowards(
  claim: ClaimFacts,
  wanted: ClaimStatus,
  data: StatusData,
  who: Who,
): ClaimWish {
  const standing = standingOf(claim);
  const event = eventTowards(standing, wanted);
  switch (event) {
    case undefined:
      throw new Conflict(
        'ILLEGAL_TRANSITION',
        `The claim is ${claim.status}${claim.onHold ? ' and on hold' : ''}: it cannot become ${wanted}`,
        { current_status: claim.status, allowed_transitions: statusesAhead(standing) },
      );
    case 'assign':
      return { ...who, event, assignedTo: demanded(data.userId, 'data.user_id') };
    case 'request_documents':
      return {
        ...who,
        event,
        items: demanded(data.items, 'data.items').map((item) => typedLine('data.items', item)),
      };
    case 'submit_for_approval':
      return {
        ...who,
        event,
        amount: amountIn(data, claim),
        rationale: typedText(
          'data.rationale',
          demanded(data.rationale ?? who.reason ?? undefined, 'data.rationale'),
        ),
      };
    case 'approve':
      return { ...who, event, amount: amountIn(data, claim) };
    case 'deny':
      return { ...who, event, code: demanded(data.code, 'data.code') };
    case 'pay_by_hand':
      return {
        ...who,
        event,
        reference: typedLine(
          'data.reference',
          demanded(data.reference ?? who.reason ?? undefined, 'data.reference'),
        ),
      };
    case 'start_review':
    case 'investigate':
    case 'complete_documents':
    case 'start_payment':
    case 'return':
    case 'close':
    case 'appeal':
    case 'withdraw':
      return { ...who, event };
    default:
      throw illegalClaimEvent(claim, event);
  }
}

function demanded<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw invalidField(field, 'is needed for this status', 'REQUIRED');
  return value;
}

const reasonOf = (reason: string | undefined): string | null =>
  reason === undefined ? null : typedText('reason', reason);

const reasonMissing = () => invalidField('reason', 'Say why', 'REQUIRED');
