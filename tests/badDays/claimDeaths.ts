import type { Failpoint } from '../../src/failpoints.ts';
import type { ClaimDeed, ClaimFate } from './claimLedger.ts';

interface ClaimDeath {
  readonly at: Failpoint;
  readonly where?: string;
  /** What the death strikes, with what has to come before it and after it. */
  readonly before: readonly ClaimDeed[];
  readonly during: ClaimDeed;
  readonly after: readonly ClaimDeed[];
  readonly fate: ClaimFate;
}

const assign = { before: [], during: 'assign', after: ['review', 'submit', 'deny'] } as const;
const submit = { before: ['assign', 'review'], during: 'submit', after: ['deny'] } as const;
const deny = { before: ['assign', 'review', 'submit'], during: 'deny', after: [] } as const;
const approve = { ...deny, during: 'approve' } as const;
const withdraw = { before: [], during: 'withdraw', after: [] } as const;

/**
 * Where the worker dies while it processes a claim: each step of its course, and of the payout. Right after
 * its commit an activity has nothing left to do, so a step may die on either side of that border.
 */
export const claimDeaths: readonly ClaimDeath[] = [
  { at: 'activity.before', where: 'processClaim', ...assign, fate: 'denied' },
  { at: 'activity.after', where: 'processClaim', ...submit, fate: 'denied' },
  { at: 'transaction.beforeCommit', where: 'tenant', ...deny, fate: 'denied' },
  { at: 'transaction.afterCommit', where: 'tenant', ...withdraw, fate: 'withdrawn' },
  { at: 'activity.after', where: 'processClaim', ...approve, fate: 'paid' },
  { at: 'activity.before', where: 'startClaimPayment', ...approve, fate: 'paid' },
  { at: 'transaction.beforeCommit', where: 'startClaimPayment', ...approve, fate: 'paid' },
  { at: 'transaction.afterCommit', where: 'startClaimPayment', ...approve, fate: 'paid' },
  { at: 'activity.after', where: 'startClaimPayment', ...approve, fate: 'paid' },
  { at: 'activity.before', where: 'sendPayment', ...approve, fate: 'paid' },
  { at: 'gateway.beforeSend', ...approve, fate: 'paid' },
  { at: 'gateway.afterSend', ...approve, fate: 'paid' },
  { at: 'activity.after', where: 'sendPayment', ...approve, fate: 'paid' },
  { at: 'activity.before', where: 'settlePayment', ...approve, fate: 'paid' },
  { at: 'transaction.beforeCommit', where: 'settlePayment', ...approve, fate: 'paid' },
  { at: 'activity.after', where: 'settlePayment', ...approve, fate: 'paid' },
  { at: 'activity.before', where: 'settleClaimPayment', ...approve, fate: 'paid' },
  { at: 'transaction.beforeCommit', where: 'settleClaimPayment', ...approve, fate: 'paid' },
  { at: 'activity.after', where: 'settleClaimPayment', ...approve, fate: 'paid' },
  { at: 'gateway.afterSend', ...approve, fate: 'declined' },
  { at: 'transaction.afterCommit', where: 'settlePayment', ...approve, fate: 'declined' },
  { at: 'activity.before', where: 'settleClaimPayment', ...approve, fate: 'declined' },
  { at: 'transaction.afterCommit', where: 'settleClaimPayment', ...approve, fate: 'declined' },
];
