import type { Role } from './permissions.ts';

/**
 * The course of a claim as data. A new status is a row of `statuses`, a new step a row of
 * `transitions`. Loaded by workflows.
 */
const statuses = [
  { code: 'reported', isDecided: false },
  { code: 'assigned', isDecided: false },
  { code: 'under_review', isDecided: false },
  { code: 'investigation', isDecided: false },
  { code: 'documents_requested', isDecided: false },
  { code: 'waiting_approval', isDecided: false },
  { code: 'approved', isDecided: true },
  { code: 'payment_processing', isDecided: true },
  { code: 'paid', isDecided: true },
  { code: 'denied', isDecided: true },
  { code: 'closed', isDecided: true },
] as const;

export type ClaimStatus = (typeof statuses)[number]['code'];

/** Every status, in the order of the requirement. */
export const claimStatuses: readonly ClaimStatus[] = statuses.map(({ code }) => code);

/** Whether it was approved or denied, or has ended without. */
export const isDecided = (status: ClaimStatus): boolean =>
  statuses.some((row) => row.code === status && row.isDecided);

/**
 * Who brings an event about: a role, or what somebody is to this claim. `claimant` holds the policy,
 * `system` is a clock or a payment.
 */
type Party = Role | 'assignee' | 'claimant' | 'system';

const undecided = statuses.filter((row) => !row.isDecided).map(({ code }) => code);
const running = claimStatuses.filter((code) => code !== 'closed');
const givenOut = running.filter((code) => code !== 'reported');
/** Once it is approved the money is on its way. */
const pausable: readonly ClaimStatus[] = [...undecided, 'paid', 'denied'];

const assigner: readonly Party[] = ['senior_adjuster', 'claims_manager', 'tenant_admin'];
/** Who processes the claim; the manager and the administrator stand in. */
const processor: readonly Party[] = ['assignee', 'claims_manager', 'tenant_admin'];
const approver: readonly Party[] = ['senior_adjuster', 'claims_manager', 'tenant_admin'];
const manager: readonly Party[] = ['claims_manager', 'tenant_admin'];
const reporter: readonly Party[] = [
  'claimant',
  'call_center',
  'adjuster',
  'senior_adjuster',
  'claims_manager',
  'tenant_admin',
];
const system: readonly Party[] = ['system'];

interface Row<Event extends string = string> {
  readonly from: readonly (ClaimStatus | 'none')[];
  readonly event: Event;
  /** `same` keeps the status; `previous` goes back to where the documents were asked for. */
  readonly to: ClaimStatus | 'same' | 'previous';
  readonly by: readonly Party[];
}

const row = <const Event extends string>(
  from: Row['from'],
  event: Event,
  to: Row['to'],
  by: readonly Party[],
): Row<Event> => ({ from, event, to, by });

const transitions = [
  row(['none'], 'report', 'reported', reporter),
  row(['reported'], 'assign', 'assigned', [...assigner, 'system']),
  row(givenOut, 'reassign', 'same', assigner),
  row(['assigned'], 'start_review', 'under_review', processor),
  row(['under_review'], 'investigate', 'investigation', processor),
  row(['under_review', 'investigation'], 'request_documents', 'documents_requested', processor),
  row(['documents_requested'], 'complete_documents', 'previous', [...processor, 'system']),
  row(
    ['under_review', 'investigation', 'documents_requested'],
    'submit_for_approval',
    'waiting_approval',
    processor,
  ),
  row(['waiting_approval'], 'approve', 'approved', approver),
  row(['waiting_approval'], 'deny', 'denied', approver),
  row(['waiting_approval'], 'return', 'under_review', approver),
  row(['waiting_approval'], 'delegate_approval', 'same', approver),
  row(['approved'], 'start_payment', 'payment_processing', ['system', ...manager]),
  row(['approved'], 'pay_by_hand', 'paid', manager),
  row(['payment_processing'], 'complete_payment', 'paid', system),
  row(['payment_processing'], 'fail_payment', 'approved', system),
  row(['paid'], 'close', 'closed', ['assignee', ...manager, 'system']),
  row(['denied'], 'close', 'closed', [...manager, 'system']),
  row(['denied'], 'appeal', 'under_review', ['claimant', 'call_center']),
  row(undecided, 'withdraw', 'closed', ['claimant', 'call_center', ...manager]),
  row(undecided, 'mark_duplicate', 'closed', ['call_center', ...manager]),
  row(['reported'], 'discard', 'closed', ['tenant_admin']),
  row(['closed'], 'reopen', 'under_review', manager),
  row(pausable, 'hold', 'same', [...manager, 'operator']),
  row(pausable, 'release', 'same', [...manager, 'operator']),
  row(running, 'move_timer', 'same', [...manager, 'operator']),
  row(running, 'apply_settings', 'same', ['tenant_admin']),
];

export type ClaimEvent = (typeof transitions)[number]['event'];

/** Every event, in the order of the table. */
export const claimEvents: readonly ClaimEvent[] = [
  ...new Set(transitions.map(({ event }) => event)),
];

/** What a claim is put on hold for: a lawsuit, or a catastrophe that nobody can look into yet. */
export const holdKinds = ['legal', 'catastrophe'] as const;

export type HoldKind = (typeof holdKinds)[number];

/** Where a claim stands, as far as the table asks. */
export interface Standing {
  readonly status: ClaimStatus | 'none';
  readonly onHold: boolean;
  /** Where the documents were asked for. */
  readonly previousStatus: ClaimStatus | null;
}

/** What may still happen to a claim whose clocks stand still. */
const onHoldEvents: ReadonlySet<string> = new Set<ClaimEvent>([
  'release',
  'withdraw',
  'mark_duplicate',
]);

/** The status after the event; undefined when the event is illegal as the claim stands. */
export function nextClaimStatus(claim: Standing, event: ClaimEvent): ClaimStatus | undefined {
  const found = rowFor(claim, event);
  if (!found) return undefined;
  if (found.to === 'same') return claim.status === 'none' ? undefined : claim.status;
  if (found.to === 'previous') return claim.previousStatus ?? 'under_review';
  return found.to;
}

/** The events that somebody may ask for as the claim stands; a 409 names them. */
export const allowedClaimEvents = (claim: Standing): readonly ClaimEvent[] =>
  claimEvents.filter((event) => {
    const found = rowFor(claim, event);
    return found !== undefined && found.by.some((party) => party !== 'system');
  });

/** What leads from one status to another; the rest is asked for by name. */
const notTowards: ReadonlySet<string> = new Set<ClaimEvent>([
  'mark_duplicate',
  'discard',
  'complete_payment',
  'fail_payment',
]);

/** The event that brings a claim to a wanted status in one step. */
export const eventTowards = (claim: Standing, wanted: ClaimStatus): ClaimEvent | undefined =>
  claimEvents.find(
    (event) =>
      wanted !== claim.status && !notTowards.has(event) && nextClaimStatus(claim, event) === wanted,
  );

/** The statuses that somebody can bring it to in one step. */
export const statusesAhead = (claim: Standing): readonly ClaimStatus[] =>
  claimStatuses.filter((status) => eventTowards(claim, status) !== undefined);

/** What somebody is to one claim. */
export interface Asker {
  readonly roles: readonly Role[];
  readonly isAssignee: boolean;
  /** Holds the policy. */
  readonly isClaimant: boolean;
}

/** Whether somebody may bring the event about from this status; limits and four eyes come on top. */
export const mayBringAbout = (
  status: ClaimStatus | 'none',
  event: ClaimEvent,
  { roles, isAssignee, isClaimant }: Asker,
): boolean =>
  transitions
    .filter((each) => each.event === event && each.from.includes(status))
    .some(({ by }) =>
      by.some((party) => {
        if (party === 'assignee') return isAssignee;
        if (party === 'claimant') return isClaimant;
        return roles.some((role) => role === party);
      }),
    );

/** Who may bring an event about, for people who ask. */
export const partiesOf = (status: ClaimStatus, event: ClaimEvent): readonly string[] =>
  transitions
    .filter((each) => each.event === event && each.from.includes(status))
    .flatMap(({ by }) => by)
    .filter((party) => party !== 'system');

function rowFor({ status, onHold }: Standing, event: ClaimEvent) {
  if (event === 'hold' && onHold) return undefined;
  if (event === 'release' && !onHold) return undefined;
  if (onHold && !onHoldEvents.has(event)) return undefined;
  return transitions.find((each) => each.event === event && each.from.includes(status));
}

export const claimPriorities = ['low', 'normal', 'high', 'catastrophe'] as const;
export const slaStatuses = ['on_track', 'due_soon', 'breached'] as const;
export const closedOutcomes = ['completed', 'denied', 'withdrawn', 'duplicate', 'fraud'] as const;
export const denialCodes = [
  'not_covered',
  'exclusion',
  'no_cover',
  'insufficient_evidence',
  'late_report',
  'fraud',
  'other',
] as const;

export type ClaimPriority = (typeof claimPriorities)[number];
export type SlaStatus = (typeof slaStatuses)[number];
export type ClosedOutcome = (typeof closedOutcomes)[number];
export type DenialCode = (typeof denialCodes)[number];

/** How long after its end a claim can be reopened. */
export const reopenDays = 365;
