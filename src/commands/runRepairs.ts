import { Conflict, NotFound } from '../errors.ts';
import type { Booking } from '../models/Booking.ts';
import { illegalClaimEvent, standingOf, type Claim } from '../models/Claim.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import type { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { promiseStarts } from '../models/workflowStarts.ts';
import { nextBookingStatus } from '../rules/bookings.ts';
import { nextClaimStatus } from '../rules/claims.ts';
import { isOpenRegistration } from '../rules/onboarding.ts';
import type { WorkflowKind } from '../rules/workflowIds.ts';
import { changed } from '../workflows/acknowledgement.ts';
import { retryStep } from '../workflows/attention.ts';
import { readAgain } from '../workflows/lifecycle.ts';
import type { Temporal } from './temporal.ts';
import { workflowClosed } from './workflows.ts';

/** The others read their row with every step. */
const readsAgain: ReadonlySet<WorkflowKind> = new Set<WorkflowKind>([
  'subscription',
  'claim',
  'booking',
  'policy-approval',
  'onboarding',
]);

/**
 * Has a run go on from its row, whatever it remembers.
 * @throws NotFound no such run; Unavailable
 */
export async function haveRead(
  temporal: Pick<Temporal, 'tell' | 'command'>,
  {
    kind,
    workflowId,
    commandId,
    reason,
  }: {
    readonly kind: WorkflowKind;
    readonly workflowId: string;
    readonly commandId: string;
    readonly reason: string;
  },
): Promise<void> {
  if (readsAgain.has(kind)) await temporal.tell(readAgain, workflowId);
  if (kind === 'acknowledgement') await temporal.tell(changed, workflowId);
  // A step that waits for an operator reads the row before its next try.
  await temporal.command(retryStep, { workflowId, commandId, wish: { reason } });
}

/** Promises a run anew from its row. @throws Conflict WORKFLOW_CLOSED where nothing goes on */
export async function startAnew(kind: WorkflowKind, id: string): Promise<WorkflowStart> {
  const [start] = await promiseStarts([id]);
  if (start) return start;
  throw workflowClosed(kind, id);
}

/** For a run that is to end: it has ended by itself. */
export function contentWithNone(error: unknown): void {
  if (!(error instanceof NotFound)) throw error;
}

/** Its run must say what became of the money. @throws Conflict MONEY_UNDER_WAY */
export function refuseMoneyUnderWay(kind: WorkflowKind, verb: 'terminated' | 'reset'): void {
  if (kind !== 'payment') return;
  throw new Conflict(
    'MONEY_UNDER_WAY',
    `A payment is cancelled, not ${verb}: its run then says what became of the money`,
  );
}

/**
 * Without its run nobody frees the nights of a booking that still holds some, and nobody notes what became
 * of its money.
 * @throws Conflict ILLEGAL_TRANSITION, MONEY_UNDER_WAY
 */
export function refuseUnfinishedStay({
  status,
  isCharging,
  isRefunding,
}: Pick<Booking, 'status' | 'isCharging' | 'isRefunding'>): void {
  if (nextBookingStatus(status, 'cancel')) {
    throw new Conflict(
      'ILLEGAL_TRANSITION',
      `A ${status} booking is cancelled, not terminated: that frees its nights and gives back what was paid`,
      { current_status: status },
    );
  }
  if (isCharging || isRefunding) {
    throw new Conflict(
      'MONEY_UNDER_WAY',
      'Of a booking whose money is under way the payment is cancelled: both runs then end by themselves',
    );
  }
}

/**
 * Without its run nobody decides it or sets it up, and its name, domain and administrator stay taken.
 * @throws Conflict ILLEGAL_TRANSITION
 */
export function refuseOpenRegistration({ status }: Pick<RegistrationRequest, 'status'>): void {
  if (!isOpenRegistration(status)) return;
  throw new Conflict(
    'ILLEGAL_TRANSITION',
    `A ${status} registration is rejected, or its set-up repaired, not terminated: it would keep its name and domain`,
    { current_status: status },
  );
}

/**
 * What is decided cannot be withdrawn: its run alone would end, and be started again.
 * @throws Conflict ILLEGAL_TRANSITION
 */
export function refuseDecidedClaim(claim: Claim): void {
  if (!nextClaimStatus(standingOf(claim), 'withdraw')) throw illegalClaimEvent(claim, 'withdraw');
}

/**
 * Without its run nobody notes that the claim is paid, or puts back what was set aside for it.
 * @throws Conflict MONEY_UNDER_WAY
 */
export function refuseUnpaidClaim({
  status,
  paymentFailed,
}: Pick<Claim, 'status' | 'paymentFailed'>): void {
  const isBeingPaid = status === 'payment_processing' || (status === 'approved' && !paymentFailed);
  if (!isBeingPaid) return;
  throw new Conflict(
    'MONEY_UNDER_WAY',
    'Of a claim that is being paid the payment is cancelled: the claim then says what became of the money',
    { current_status: status },
  );
}

/**
 * Without its run nobody notes what a premium does to the cover.
 * @throws Conflict MONEY_UNDER_WAY
 */
export function refusePremiumUnderWay(payments: readonly string[]): void {
  if (payments.length === 0) return;
  throw new Conflict(
    'MONEY_UNDER_WAY',
    'A premium of the subscription is under way: its payment ends or is cancelled before',
  );
}
