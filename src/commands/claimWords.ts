import type { Claim } from '../models/Claim.ts';
import { kindOfClaimTimer, type ClaimTimerName } from '../rules/claimClocks.ts';
import type { HoldKind } from '../rules/claims.ts';
import type { FraudHold } from '../rules/fraud.ts';

/** Past events, by their names in the history. */
export const claimEventTitles: Readonly<Record<string, string>> = {
  report: 'Reported',
  assign: 'Assigned',
  reassign: 'Given to somebody else',
  start_review: 'Review began',
  investigate: 'Investigation began',
  request_documents: 'Documents asked for',
  complete_documents: 'Documents are there',
  submit_for_approval: 'Submitted for approval',
  approve: 'Approved',
  deny: 'Denied',
  return: 'Returned to the adjuster',
  delegate_approval: 'Decision handed to a colleague',
  start_payment: 'Payment began',
  complete_payment: 'Paid',
  fail_payment: 'Payment failed',
  pay_by_hand: 'Paid outside of this system',
  close: 'Closed',
  appeal: 'Denial appealed',
  withdraw: 'Withdrawn',
  mark_duplicate: 'Closed as a duplicate',
  discard: 'Archived',
  reopen: 'Reopened',
  hold: 'Put on hold',
  release: 'Released',
  move_timer: 'Deadline moved',
  apply_settings: 'Changed settings applied',
};

const clockTitles = {
  triage: 'Assignment',
  first_review: 'First review',
  decision: 'Decision',
  investigation: 'Investigation',
  documents_final: 'Last day for documents',
  approval: 'Approval',
  payment: 'Payment',
} as const;

/** A timer, in business words. */
export function claimTimerTitle(name: ClaimTimerName): string {
  const kind = kindOfClaimTimer(name);
  switch (kind.step) {
    case 'breach':
      return `${clockTitles[kind.clock]} is due`;
    case 'due_soon':
      return `${clockTitles[kind.clock]} is due soon`;
    case 'manager':
      return `${clockTitles[kind.clock]} is overdue: claims managers`;
    case 'admin':
      return `${clockTitles[kind.clock]} is overdue: administrators`;
    case 'acknowledgement':
      return 'The claimant must have heard from us';
    case 'status_letter':
      return 'Status letter to the claimant';
    case 'documents':
      return 'Documents are due';
    case 'reminder':
      return 'The claimant is reminded of the documents';
    case 'auto_close':
      return 'The claim closes by itself';
    default:
      return kind satisfies never;
  }
}

/** What happens when the timer is due. */
export function claimTimerConsequence(name: ClaimTimerName): string {
  const { step } = kindOfClaimTimer(name);
  switch (step) {
    case 'due_soon':
      return 'Whoever has the claim is told; without an assignee senior adjusters are';
    case 'breach':
      return 'Senior adjusters are told, a business day later claims managers, then administrators';
    case 'manager':
      return 'Claims managers are told';
    case 'admin':
      return 'Administrators are told';
    case 'acknowledgement':
      return 'Claims managers are told unless our letter was delivered';
    case 'status_letter':
      return 'The claimant gets a letter, and the next one is planned';
    case 'documents':
      return 'The claimant gets a last call';
    case 'reminder':
      return 'The claimant is reminded by e-mail';
    case 'auto_close':
      return 'It is closed and the claimant is told';
    default:
      return step satisfies never;
  }
}

/** What tells whom a claim waits for. */
export type ClaimStanding = Pick<Claim, 'status' | 'onHold' | 'holdKind' | 'needsNewAssignee'> & {
  readonly assignedTo?: string | null;
  /** What whoever has it is called; null where nobody has it, or the reader sees no names. */
  readonly assignee: string | null;
  readonly paymentFailed: boolean;
  /** By its open fraud flags, while it is not decided. */
  readonly fraudHold: FraudHold | undefined;
  /** When a payment that was declined for now is tried again. */
  readonly retryAt: Date | undefined;
};

/** Whom a claim waits for; nobody while it waits for time alone. */
export function whoActs(claim: ClaimStanding): string | undefined {
  const { status, fraudHold, retryAt } = claim;
  const adjuster = claim.assignee ?? 'its adjuster';
  if (claim.onHold) {
    return `a claims manager who releases it${claim.holdKind ? heldFor(claim.holdKind) : ''}`;
  }
  switch (status) {
    case 'reported':
      return 'a senior adjuster or claims manager who assigns it';
    case 'assigned':
      return `${adjuster} to begin with the review`;
    case 'under_review':
    case 'investigation':
      if (claim.needsNewAssignee) {
        return 'a senior adjuster or claims manager who gives it to somebody that had no part in it';
      }
      if (!claim.assignedTo) return 'a senior adjuster or claims manager who gives it to somebody';
      if (fraudHold === 'undecided') {
        return `${suspicion}; until then ${adjuster} cannot submit it`;
      }
      return adjuster;
    case 'documents_requested':
      return 'documents of the claimant';
    case 'waiting_approval':
      if (fraudHold === 'undecided') return `${suspicion}; until then it can only be denied`;
      return `${fraudHold ? 'a denial, for a confirmed fraud flag,' : 'an approval'} by somebody else than ${adjuster}`;
    case 'approved':
      return claim.paymentFailed
        ? 'a claims manager: its payment failed and is started again, or made outside of this system'
        : undefined;
    case 'payment_processing':
      return retryAt
        ? `its payment, which was declined for now and is tried again at ${retryAt.toISOString()}`
        : 'its payment';
    case 'paid':
    case 'denied':
    case 'closed':
      return undefined;
    default:
      return status satisfies never;
  }
}

const heldFor = (kind: HoldKind): string =>
  `: it is held for a ${kind === 'legal' ? 'legal reason' : 'catastrophe'}`;

const suspicion = 'a claims manager who clears or confirms its fraud flags';
