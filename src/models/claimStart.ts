import type { ClaimTimerName } from '../rules/claimClocks.ts';
import { isClaimTimer } from '../rules/claimClocks.ts';
import type { ClaimEvent, ClaimStatus, HoldKind, Standing } from '../rules/claims.ts';
import { claimWorkflowId } from '../rules/workflowIds.ts';
import type { Claim } from './Claim.ts';
import type { WorkflowStart } from './OutboxEntry.ts';
import { timersAhead, type TimerAhead } from './Timer.ts';

export type DueClaimTimer = TimerAhead<ClaimTimerName>;

/** The claim as its row has it; every step of the workflow returns the row's new state. */
export interface ClaimState extends Standing {
  readonly status: ClaimStatus;
  readonly stateVersion: number;
  /** Soonest first; what stands still is left out. */
  readonly timers: readonly DueClaimTimer[];
  /** Nobody has it, and the company's rule is to choose somebody. */
  readonly assignsItself: boolean;
  /** It is approved, and no earlier payment of it has failed. */
  readonly paysItself: boolean;
  /** The one that is on its way. */
  readonly paymentId: string | null;
  readonly assignedTo?: string | null;
  /** A deadline of its status has passed. */
  readonly isEscalated?: boolean;
  /** Nothing can happen any more. */
  readonly isClosed: boolean;
}

/** What a command answers; the caller reads the row for the rest. */
export type ClaimResult = Pick<ClaimState, 'status' | 'stateVersion'>;

/** What somebody wants to happen to a claim; `by` is the person. */
export type ClaimWish = { readonly by: string | null; readonly reason: string | null } & (
  | { readonly event: 'assign' | 'reassign'; readonly assignedTo: string }
  | { readonly event: 'request_documents'; readonly items: readonly string[] }
  | {
      readonly event: 'submit_for_approval';
      readonly amount: string;
      readonly rationale: string;
    }
  | { readonly event: 'approve'; readonly amount: string }
  | { readonly event: 'deny'; readonly code: string }
  | { readonly event: 'delegate_approval'; readonly delegateTo: string }
  | { readonly event: 'mark_duplicate'; readonly duplicateOf: string | null }
  | {
      readonly event: 'hold';
      /** None of operators, and of those from before there were kinds. */
      readonly kind?: HoldKind;
    }
  | { readonly event: 'pay_by_hand'; readonly reference: string }
  | {
      readonly event: 'move_timer';
      readonly name: ClaimTimerName;
      /** Epoch milliseconds. */
      readonly dueAt: number;
    }
  | { readonly event: PlainClaimEvent }
);

/** Events that need no more than somebody who wants them. */
export type PlainClaimEvent = Exclude<
  ClaimEvent,
  | 'report'
  | 'reopen'
  | 'complete_payment'
  | 'fail_payment'
  | 'assign'
  | 'reassign'
  | 'request_documents'
  | 'submit_for_approval'
  | 'approve'
  | 'deny'
  | 'delegate_approval'
  | 'mark_duplicate'
  | 'hold'
  | 'pay_by_hand'
  | 'move_timer'
>;

export interface ClaimProcessingInput {
  readonly v: 1;
  readonly companyId: string;
  readonly claimId: string;
  readonly state: ClaimState;
  /** E-mails that wait to be delivered. */
  readonly notificationIds: readonly string[];
  /** Answers of earlier runs, so that a repeated command gets the same one. */
  readonly answered: readonly { readonly id: string; readonly result: ClaimResult }[];
}

/** @param timers those ahead; read from the rows when they are left out */
export async function claimStateOf(
  claim: Claim,
  timers?: readonly DueClaimTimer[],
): Promise<ClaimState> {
  const { status, onHold, config } = claim;
  return {
    status,
    stateVersion: claim.stateVersion,
    onHold,
    previousStatus: claim.previousStatus ?? null,
    timers: await timersAhead<ClaimTimerName>(claim.id, isClaimTimer, timers),
    paysItself: status === 'approved' && !claim.paymentFailed,
    paymentId: status === 'payment_processing' ? (claim.paymentId ?? null) : null,
    assignedTo: claim.assignedTo ?? null,
    isEscalated: claim.slaStatus === 'breached',
    assignsItself: status === 'reported' && !onHold && config.assignmentRule !== 'manual',
    isClosed: Boolean(claim.workflowClosedAt),
  };
}

/** How the workflow of a claim begins: when it is reported, reopened or has to be restored. */
export function claimStart(
  { id, companyId, claimNumber, assignedTo }: Claim,
  state: ClaimState,
  notificationIds: readonly string[],
): Omit<WorkflowStart, 'id' | 'context'> {
  const input: ClaimProcessingInput = {
    v: 1,
    companyId,
    claimId: id,
    state,
    notificationIds,
    answered: [],
  };
  const [next] = state.timers;
  return {
    companyId,
    entityType: 'claim',
    entityId: id,
    workflowType: 'claimProcessing',
    workflowId: claimWorkflowId(companyId, id),
    input,
    summary: `Claim ${claimNumber}`,
    attributes: {
      CompanyId: companyId,
      EntityType: 'claim',
      EntityId: id,
      EntityStatus: state.status,
      StateVersion: state.stateVersion,
      ...(assignedTo && { Assignee: assignedTo }),
      ...(state.isEscalated && { Escalated: true }),
      ...(next && { DueAt: next.dueAt }),
    },
  };
}
