import { Conflict } from '../errors.ts';
import { allThere, answeredRequest } from '../models/answeredRequest.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Claim, refuseOwnDecision } from '../models/Claim.ts';
import { ClaimAssignment } from '../models/ClaimAssignment.ts';
import { holdCover, refuseBeyondCover } from '../models/claimCover.ts';
import {
  addClocks,
  changeClocks,
  claimFileOf,
  clockFacts,
  followDeadlines,
  peopleOf,
  setClaimTimers,
  tellApprovers,
  tellClaimant,
  tellPerson,
  tellRole,
  type ClaimFile,
} from '../models/claimFile.ts';
import { hadPartBeforeAppeal, nextAdjuster } from '../models/claimStaff.ts';
import { claimStateOf, type ClaimState, type ClaimWish } from '../models/claimStart.ts';
import { append, withTenant } from '../models/database.ts';
import { DocumentRequest } from '../models/DocumentRequest.ts';
import { missingDocuments } from '../models/Document.ts';
import { flagProposal, refuseSuspect } from '../models/fraud.ts';
import { putBackReserve, refuseBeyondReserve, takeFromReserve } from '../models/lossReserve.ts';
import type { Step } from '../models/moveRow.ts';
import { openPayment, type PaymentResult } from '../models/paymentStart.ts';
import type { Policy } from '../models/Policy.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import {
  clocksAfterFiring,
  clocksAfterReassignment,
  clocksAfterRelease,
  clocksOnHold,
  documentClocks,
  type ClaimTimerName,
} from '../rules/claimClocks.ts';
import { add, compare, zero } from '../rules/money.ts';
import { tellingOfDays } from './claimDays.ts';
import { close, dayOf, move, nextDay, outcomeOf, refuseIllegal } from './claimMoves.ts';
import { applySettings, moveTimer, tellOfTimer } from './claimTimers.ts';
import { oneStep, type Outcome } from './oneStep.ts';

export interface ClaimRef {
  readonly companyId: string;
  readonly claimId: string;
}

/** A step as the workflow orders it; `at` (epoch milliseconds) is the workflow's clock. */
export interface ClaimOrder extends ClaimRef {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: number;
}

export type ClaimStep = Outcome<ClaimState>;

export const claimActivities = () => ({
  /** Safe to repeat: it only reads. */
  readClaim: ({ companyId, claimId }: ClaimRef): Promise<ClaimState> =>
    withTenant(companyId, async () =>
      claimStateOf(await getRow(Claim, claimId, { archived: true })),
    ),

  /** Safe to repeat: what already happened answers with what is. */
  processClaim: (order: ClaimOrder & { readonly wish: ClaimWish }): Promise<ClaimStep> =>
    inOneStep({ ...order, reason: order.wish.reason }, (file, step) =>
      tellingOfDays(file, step, order.wish, () => carryOut(file, step, order.wish)),
    ),

  /** Safe to repeat: the first choice stays. */
  assignClaimByRule: (order: ClaimOrder): Promise<ClaimStep> =>
    inOneStep(order, async (file, step) => {
      const { assignmentRule: rule } = file.claim.config;
      if (rule === 'manual' || file.claim.status !== 'reported') return;
      const assignedTo = await nextAdjuster(rule, file.policy);
      if (assignedTo) {
        await assign(file, step, { event: 'assign', assignedTo, by: null, reason: null });
      }
    }),

  /** Safe to repeat: one payment is opened for one step. */
  startClaimPayment: (order: ClaimOrder): Promise<ClaimStep> => inOneStep(order, startPayment),

  /** Safe to repeat: a payment ends once. */
  settleClaimPayment: (
    order: ClaimOrder & { readonly result: PaymentResult },
  ): Promise<ClaimStep> =>
    inOneStep(order, async (file, step) => {
      const { claim } = file;
      const { status, failureCode } = order.result;
      const amount = claim.approvedAmount ?? zero;
      if (status === 'completed') {
        return move(file, step, 'complete_payment', { paidAmount: add(claim.paidAmount, amount) });
      }
      await move(file, { ...step, facts: { failure_code: failureCode } }, 'fail_payment', {
        paymentFailed: true,
      });
      await putBackReserve(claim.id);
      await tellRole(file, 'claims_manager', 'claim_payment_failed', step.commandId, {
        amount,
        failureCode: failureCode ?? 'no reason given',
      });
    }),

  /** Safe to repeat: a timer fires once, the row keeps that it did. */
  fireClaimTimer: (
    order: ClaimOrder & { readonly name: ClaimTimerName; readonly occurrence: number },
  ): Promise<ClaimStep> =>
    inOneStep(order, async (file, step) => {
      const { name, occurrence } = order;
      const ref = { entityId: file.claim.id, occurrence, name };
      if (!(await Timer.fire(ref, step.at))) return;
      if (name.startsWith('documents') && (await goOnIfAnswered(file, step))) return;
      await addClocks(file, clocksAfterFiring(name, clockFacts(file, step.at)));
      await followDeadlines(file);
      await tellOfTimer(file, step, name);
    }),
});

const inOneStep = (
  order: ClaimOrder & { readonly reason?: string | null },
  act: (file: ClaimFile, step: Step) => Promise<void>,
): Promise<ClaimStep> =>
  oneStep(
    { ...order, model: Claim, id: order.claimId, stateOf: (claim) => claimStateOf(claim) },
    async (claim, step) => act(await claimFileOf(claim), step),
  );

/** One event that somebody asked for. */
async function carryOut(file: ClaimFile, step: Step, wish: ClaimWish): Promise<void> {
  const { claim } = file;
  switch (wish.event) {
    case 'assign':
    case 'reassign':
      return assign(file, step, wish);
    case 'start_review':
    case 'investigate':
      return move(file, step, wish.event, {});
    case 'request_documents':
      return requestDocuments(file, step, wish);
    case 'complete_documents':
      return completeDocuments(file, step);
    case 'submit_for_approval':
      refuseIllegal(claim, wish.event);
      await refuseSuspect(claim, wish.event);
      await move(file, { ...step, facts: await completenessOf(claim) }, wish.event, {
        proposedAmount: wish.amount,
        rationale: wish.rationale,
        proposedBy: wish.by,
        previousStatus: null,
      });
      await flagProposal(claim, file.policy, wish.amount);
      return tellApprovers(file, wish.amount, step.commandId);
    case 'approve':
      return approve(file, step, wish);
    case 'deny':
      refuseOwnDecision(peopleOf(file), wish.by);
      await move(file, step, wish.event, {
        decidedBy: wish.by,
        denialCode: wish.code,
        denialReason: wish.reason,
      });
      tellClaimant(file, 'claim_denied', step.commandId, {
        ground: wish.code.replaceAll('_', ' '),
        reason: wish.reason ?? '',
        appealUntil: await nextDay(file, 'auto_close'),
      });
      return;
    case 'return':
      refuseOwnDecision(peopleOf(file), wish.by);
      await move(file, step, wish.event, {});
      if (claim.assignedTo) {
        tellPerson(file, claim.assignedTo, 'claim_returned', step.commandId, {
          reason: wish.reason ?? '',
        });
      }
      return;
    case 'delegate_approval':
      return delegateApproval(file, step, wish);
    case 'appeal':
      await move(file, step, wish.event, {
        needsNewAssignee: true,
        denialCode: null,
        denialReason: null,
        decidedBy: null,
      });
      return tellRole(file, 'senior_adjuster', 'claim_appealed', step.commandId);
    case 'hold':
      await claim.move(
        'hold',
        { ...step, ...(wish.kind && { facts: { hold_kind: wish.kind } }) },
        { onHold: true, holdKind: wish.kind ?? null, holdReason: wish.reason },
      );
      return changeClocks(file, clocksOnHold(await setClaimTimers(claim.id)), {
        at: step.at,
        reason: 'The claim is on hold',
      });
    case 'release':
      return release(file, step);
    case 'withdraw':
      return close(file, step, wish.event, 'withdrawn');
    case 'mark_duplicate':
      return close(file, step, wish.event, 'duplicate', { duplicateOf: wish.duplicateOf });
    case 'discard':
      await close(file, step, wish.event, 'withdrawn');
      await claim.update({ archivedAt: step.at });
      AuditLog.record('ARCHIVE', { type: Claim.entityType, id: claim.id });
      return;
    case 'close':
      return close(file, step, wish.event, outcomeOf(claim));
    case 'pay_by_hand':
      return payByHand(file, step, wish);
    case 'start_payment':
      return startPayment(file, step);
    case 'move_timer':
      return moveTimer(file, step, wish);
    case 'apply_settings':
      return applySettings(file, step, wish.reason);
    default:
      return wish satisfies never;
  }
}

async function release(file: ClaimFile, step: Step): Promise<void> {
  const { claim } = file;
  await claim.move('release', step, { onHold: false, holdKind: null, holdReason: null });
  await changeClocks(
    file,
    clocksAfterRelease(claim.status, await setClaimTimers(claim.id), clockFacts(file, step.at)),
    { at: step.at, reason: 'The claim is released' },
  );
  await goOnIfAnswered(file, {
    ...step,
    commandId: `${step.commandId}/documents`,
    expectedVersion: claim.stateVersion,
  });
}

/**
 * An upload lets the claim go on. Where it could not, because the claim was on hold or its workflow out of
 * reach, the claim looks again.
 */
async function goOnIfAnswered(file: ClaimFile, step: Step): Promise<boolean> {
  if (!(await answeredRequest(file.claim))) return false;
  await completeDocuments(file, { ...step, reason: allThere });
  return true;
}

async function completeDocuments(file: ClaimFile, step: Step): Promise<void> {
  await DocumentRequest.update(
    { fulfilledAt: step.at },
    { where: { claimId: file.claim.id, fulfilledAt: null } },
  );
  return move(file, step, 'complete_documents', { previousStatus: null });
}

async function assign(
  file: ClaimFile,
  step: Step,
  wish: Extract<ClaimWish, { event: 'assign' | 'reassign' }>,
): Promise<void> {
  const { claim } = file;
  const { assignedTo, by, event } = wish;
  const from = claim.assignedTo ?? null;
  if (event === 'reassign' && (await hadPartBeforeAppeal(claim.id, assignedTo))) {
    throw new Conflict(
      'NEW_ASSIGNEE_REQUIRED',
      'After an appeal the claim is given to somebody who neither had it nor proposed what was denied',
    );
  }
  if (from === assignedTo) {
    throw new Conflict('ALREADY_ASSIGNED', 'The claim is with this person already');
  }
  const withFacts = { ...step, facts: { from_user: from, to_user: assignedTo } };
  if (event === 'assign') {
    await move(file, withFacts, event, { assignedTo });
  } else {
    await claim.move(event, withFacts, { assignedTo, needsNewAssignee: false });
    const change = clocksAfterReassignment(
      claim.status,
      await setClaimTimers(claim.id),
      clockFacts(file, step.at),
    );
    await changeClocks(file, change, { at: step.at, reason: 'Somebody else has the claim' });
  }
  append(ClaimAssignment, {
    claimId: claim.id,
    fromUserId: from,
    toUserId: assignedTo,
    assignedBy: by,
    reason: wish.reason,
    at: step.at,
  });
  tellPerson(file, assignedTo, 'claim_assigned', step.commandId);
  if (event === 'assign') tellClaimant(file, 'claim_in_hands', step.commandId);
}

async function requestDocuments(
  file: ClaimFile,
  step: Step,
  { event, items, by }: Extract<ClaimWish, { event: 'request_documents' }>,
): Promise<void> {
  const { claim } = file;
  const { status } = claim;
  const previousStatus = status === 'investigation' ? 'investigation' : 'under_review';
  await move(file, { ...step, facts: { items: items.length } }, event, { previousStatus });
  const due = new Map(
    documentClocks(clockFacts(file, step.at)).map(({ name, dueAt }) => [name, new Date(dueAt)]),
  );
  append(DocumentRequest, {
    claimId: claim.id,
    items,
    requestedBy: by,
    dueAt: due.get('documents'),
    finalDueAt: due.get('documents_final'),
  });
  tellClaimant(file, 'claim_documents_wanted', step.commandId, {
    items: items.join(', '),
    dueDate: dayOf(file, due.get('documents')),
  });
}

/** What the history says of a file that was submitted before the documents came. */
async function completenessOf(claim: Claim): Promise<Readonly<Record<string, unknown>>> {
  if (claim.status !== 'documents_requested') return {};
  return {
    file_incomplete: true,
    missing_documents: await missingDocuments(claim.id, claim.config),
  };
}

/** The policy's row is held until the commit, so that two approvals cannot share what is left. */
async function approve(
  file: ClaimFile,
  step: Step,
  { event, amount, by }: Extract<ClaimWish, { event: 'approve' }>,
): Promise<void> {
  const { claim } = file;
  refuseOwnDecision(peopleOf(file), by);
  refuseIllegal(claim, event);
  await refuseSuspect(claim, event);
  await holdCover(claim.policyId);
  await refuseBeyondCover(claim, amount);
  await refuseBeyondReserve(claim, amount);
  await move(file, { ...step, facts: { amount } }, event, {
    approvedAmount: amount,
    decidedBy: by,
    paymentFailed: false,
  });
  const isPart = claim.claimAmount != null && compare(amount, claim.claimAmount) < 0;
  tellClaimant(file, 'claim_approved', step.commandId, {
    amount,
    ...(isPart && { claimAmount: claim.claimAmount }),
  });
}

/** Somebody else is asked for the decision, and the time for it begins again. */
async function delegateApproval(
  file: ClaimFile,
  step: Step,
  { event, delegateTo, by }: Extract<ClaimWish, { event: 'delegate_approval' }>,
): Promise<void> {
  const { claim } = file;
  refuseIllegal(claim, event);
  refuseOwnDecision(peopleOf(file), by);
  refuseOwnDecision(peopleOf(file), delegateTo);
  await claim.move(event, { ...step, facts: { to_user: delegateTo } });
  const change = clocksAfterReassignment(
    claim.status,
    await setClaimTimers(claim.id),
    clockFacts(file, step.at),
  );
  await changeClocks(file, change, { at: step.at, reason: 'Somebody else is asked to decide' });
  tellPerson(file, delegateTo, 'claim_approval_wanted', step.commandId, {
    amount: claim.proposedAmount ?? zero,
  });
}

/** The row names the payment before the gateway hears of it; its key makes it one movement of money. */
async function startPayment(file: ClaimFile, step: Step): Promise<void> {
  const { claim, policy } = file;
  const amount = claim.approvedAmount ?? zero;
  const payment = openPayment({
    purpose: 'claim_payout',
    claimId: claim.id,
    userId: isHolder(claim, policy) ? policy.userId : null,
    payeeName: claim.claimantName,
    payeeEmail: claim.claimantEmail,
    amount,
    currency: claim.currency,
    idempotencyKey: `claim/${claim.id}/payout/${step.expectedVersion}`,
    at: step.at,
  });
  const facts = await takeFromReserve(claim.id, amount);
  const changes = { paymentId: payment.id, paymentFailed: false };
  await move(file, { ...step, facts }, 'start_payment', changes);
}

/** Another claimant is paid by their name and told at their address: the holder's account is not theirs. */
const isHolder = (
  { claimantName, claimantEmail }: Claim,
  { policyholderName, policyholderEmail }: Policy,
): boolean =>
  claimantEmail === policyholderEmail &&
  claimantName.toLowerCase() === policyholderName.toLowerCase();

async function payByHand(
  file: ClaimFile,
  step: Step,
  { event, reference }: Extract<ClaimWish, { event: 'pay_by_hand' }>,
): Promise<void> {
  const { claim } = file;
  refuseIllegal(claim, event);
  const amount = claim.approvedAmount ?? zero;
  const facts = await takeFromReserve(claim.id, amount);
  await move(file, { ...step, facts }, event, {
    paidAmount: add(claim.paidAmount, amount),
    paymentFailed: false,
    paymentReference: reference,
  });
  tellClaimant(file, 'claim_paid', step.commandId, { amount });
}
