import { Conflict } from '../errors.ts';
import { tellHolder, type Contract } from '../models/contract.ts';
import { flush, select } from '../models/database.ts';
import type { Step } from '../models/moveRow.ts';
import type { PaymentRef } from '../models/paymentStart.ts';
import { PremiumInvoice } from '../models/PremiumInvoice.ts';
import { openPremium, refundPremiums } from '../models/premiums.ts';
import { Timer } from '../models/Timer.ts';
import {
  coverEndOfLapse,
  graceTimers,
  isDue,
  reinstatementTimer,
  usedShare,
} from '../rules/billing.ts';
import { addDays, compareDates, dateAt, startOfDay } from '../rules/calendar.ts';
import { zero } from '../rules/money.ts';
import { nextStatus, policyStatus } from '../rules/subscriptions.ts';
import { timersOfTerm } from '../rules/termTimers.ts';
import { cancelBillingTimers, lastPart, sumOf, tellStaff } from './billing.ts';
import { reinstateNow } from './reinstatements.ts';
import { aboutSubscription, inOneStep } from './subscriptionStep.ts';
import type { SubscriptionOrder, SubscriptionStep } from './subscriptionStep.ts';

export interface ChargeInvoice {
  readonly invoiceId: string;
}

export const premiumActivities = () => ({
  /** Safe to repeat: an invoice has one payment under way, and the second time it is that one. */
  chargeInvoice: (order: SubscriptionOrder & ChargeInvoice): Promise<SubscriptionStep> =>
    inOneStep(order, (contract, step) => charge(contract, step, order)),

  /** Safe to repeat: once noted, no invoice knows the payment as one that is under way. */
  settlePremium: (
    order: SubscriptionOrder & Pick<PaymentRef, 'paymentId'>,
  ): Promise<SubscriptionStep> =>
    inOneStep(order, async (contract, step) => {
      const { id: subscriptionId } = contract.subscription;
      const { paymentId } = order;
      const invoice = await PremiumInvoice.findOne({
        where: { subscriptionId, paymentId },
        lock: true,
      });
      if (!invoice) return;
      await invoice.update({ paymentId: null });
      if (invoice.status === 'paid') await takeMoney(contract, step, invoice);
      else if (isDue(invoice.status)) await noteFailure(contract, step, invoice);
    }),
});

async function charge(contract: Contract, step: Step, { invoiceId }: ChargeInvoice): Promise<void> {
  const { subscription } = contract;
  const invoice = (await PremiumInvoice.dueOf(subscription.id)).find(({ id }) => id === invoiceId);
  if (!invoice) throw new Conflict('NOTHING_DUE', `The invoice ${invoiceId} is not due`);
  if (invoice.paymentId) {
    throw new Conflict('PAYMENT_UNDER_WAY', `A payment of the invoice ${invoiceId} is under way`);
  }
  await subscription.move('charge', { ...step, facts: { invoice: invoiceId } });
  const [made] = await select<{ count: number }>(
    'SELECT count(*)::integer AS count FROM payments WHERE invoice_id = $1',
    [invoiceId],
  );
  const payment = openPremium(contract, invoice, (made?.count ?? 0) + 1, step.at);
  await flush();
  await invoice.update({ paymentId: payment.id });
}

/** What a paid invoice does to the cover. */
async function takeMoney(contract: Contract, step: Step, invoice: PremiumInvoice): Promise<void> {
  const { subscription } = contract;
  switch (subscription.status) {
    case 'pending_payment':
      return takeUp(contract, step);
    case 'lapsed':
      if (invoice.reason === 'reinstatement') await takeArrears(contract, step, invoice);
      return;
    case 'grace':
    case 'active':
      return endGrace(contract, step);
    default:
      // Money for what has ended went back with the payment.
      return undefined;
  }
}

/**
 * The arrears have come. Where no day of the term is left they go back: nothing is left to reinstate.
 * @returns whether the cover goes on
 */
async function takeArrears(
  contract: Contract,
  step: Step,
  arrears: PremiumInvoice,
): Promise<boolean> {
  const { subscription, company } = contract;
  const today = dateAt(step.at.getTime(), company.timeZone);
  if (compareDates(today, subscription.endDate) < 0) {
    await reinstateNow(contract, step);
    return true;
  }
  await refundPremiums(subscription.id, arrears.amount, 'The term was over', step.at);
  await PremiumInvoice.settle([arrears], 'void');
  return false;
}

/** The payment's own ladder is at its end: the call centre takes over. */
async function noteFailure(contract: Contract, step: Step, invoice: PremiumInvoice): Promise<void> {
  if (invoice.status === 'open' && contract.subscription.status === 'lapsed') {
    await PremiumInvoice.settle([invoice], 'void');
  }
  tellStaff(contract, 'call_center', 'premium_unpaid', step, invoice.amount);
}

/** The first premium has come: the policy is issued, and its cover runs from now on at the latest. */
export async function takeUp(contract: Contract, step: Step): Promise<void> {
  const { subscription, policy, company, lifecycle, terms } = contract;
  const today = dateAt(step.at.getTime(), company.timeZone);
  const { startDate, endDate, termNo } = subscription;
  const part = terms.at(-1);
  const isLate = compareDates(today, startDate) > 0 && compareDates(today, endDate) < 0;
  if (isLate) await part?.update({ startDate: today });
  await subscription.move('pay', step);
  await policy.follow({ status: policyStatus('active', compareDates(startDate, today) <= 0) });
  await cancelBillingTimers(subscription, 'The premium is paid');
  Timer.schedule(
    aboutSubscription(subscription),
    timersOfTerm({
      termNo,
      startDate,
      endDate,
      purchasedAt: step.at.getTime(),
      timeZone: company.timeZone,
      lifecycle,
    }),
  );
  tellHolder(contract, 'subscription_confirmed', step.commandId);
}

/** The payment window is over. A payment that came meanwhile is what counts. */
export async function endPaymentWindow(contract: Contract, step: Step): Promise<void> {
  const { subscription, policy, company } = contract;
  if (!nextStatus(subscription.status, 'not_taken_up')) return;
  const due = await PremiumInvoice.dueOf(subscription.id);
  if (due.length === 0) return takeUp(contract, step);
  const today = dateAt(step.at.getTime(), company.timeZone);
  const { startDate } = subscription;
  await PremiumInvoice.settle(due, 'void');
  await subscription.move('not_taken_up', step, {
    // No day of it was ever covered.
    cancelEffectiveDate: compareDates(startDate, today) < 0 ? startDate : today,
    refundAmount: zero,
    workflowClosedAt: step.at,
  });
  await policy.follow({ status: policyStatus('cancelled', true) });
  tellHolder(contract, 'subscription_not_taken_up', step.commandId);
  // The ladder of a payment that is under way is longer than the window, and nobody was told yet.
  if (due.some(({ paymentId }) => paymentId)) {
    tellStaff(contract, 'call_center', 'premium_unpaid', step, sumOf(due));
  }
  tellStaff(contract, 'tenant_admin', 'premium_not_taken_up', step, sumOf(due));
}

/** Of what was not paid in time: the cover stays for the grace. */
export async function missPayment(contract: Contract, step: Step): Promise<void> {
  const { subscription, policy, company, lifecycle } = contract;
  const due = await PremiumInvoice.dueOf(subscription.id);
  const missed = due.filter(({ status, dueAt }) => status === 'open' && dueAt <= step.at);
  if (missed.length === 0) return;
  await PremiumInvoice.settle(missed, 'overdue');
  if (!nextStatus(subscription.status, 'miss_payment')) return;
  await subscription.move('miss_payment', step);
  await policy.follow({ status: policyStatus(subscription.status, true) });
  const timers = graceTimers({
    at: step.at.getTime(),
    occurrence: step.expectedVersion,
    timeZone: company.timeZone,
    lifecycle,
  });
  Timer.schedule(aboutSubscription(subscription), timers);
  const amount = sumOf(due);
  tellHolder(contract, 'subscription_grace', step.commandId, {
    amount,
    graceEndsOn: dateAt(timers.at(-1)?.dueAt ?? step.at.getTime(), company.timeZone),
  });
  tellStaff(contract, 'tenant_admin', 'premium_overdue', step, amount);
}

/** Reminds once more before the cover goes. */
export async function remindInGrace(contract: Contract, step: Step): Promise<void> {
  const { subscription, company } = contract;
  const end = (await Timer.scheduledFor(subscription.id)).find(({ name }) => name === 'grace_end');
  if (!end) return;
  tellHolder(contract, 'grace_reminder', step.commandId, {
    amount: sumOf(await PremiumInvoice.dueOf(subscription.id)),
    graceEndsOn: dateAt(end.dueAt.getTime(), company.timeZone),
  });
}

/** Back from the grace once nothing is overdue; an invoice that was paid needs no deadline. */
async function endGrace(contract: Contract, step: Step): Promise<void> {
  const { subscription, policy } = contract;
  const due = await PremiumInvoice.dueOf(subscription.id);
  if (due.length === 0) await cancelBillingTimers(subscription, 'The premium is paid');
  if (subscription.status !== 'grace' || due.some(({ status }) => status === 'overdue')) return;
  await cancelBillingTimers(subscription, 'The premium is paid', 'grace_');
  await subscription.move('pay', step);
  await policy.follow({ status: policyStatus(subscription.status, true) });
}

/** The grace is over: the cover ends today, and what is open is written off. */
export async function lapse(contract: Contract, step: Step): Promise<void> {
  const { subscription, policy, company, lifecycle } = contract;
  const due = await PremiumInvoice.dueOf(subscription.id);
  if (!due.some(({ status }) => status === 'overdue')) return endGrace(contract, step);
  const today = dateAt(step.at.getTime(), company.timeZone);
  const part = lastPart(contract);
  const coverEnd = coverEndOfLapse(today, part.startDate);
  await subscription.move('lapse', { ...step, facts: { cover_ends_on: coverEnd } });
  await policy.follow({ status: policyStatus(subscription.status, true) });
  await PremiumInvoice.settle(due, 'written_off');
  if (compareDates(coverEnd, part.endDate) < 0) {
    const premium = usedShare(part, coverEnd, subscription.priceSnapshot.currency);
    await part.update({ endDate: coverEnd, premium });
  }
  await cancelBillingTimers(subscription, 'The cover has lapsed');
  const others = await Timer.scheduledFor(subscription.id);
  await Timer.pause(others, step.at, 'The cover has lapsed');
  const close = reinstatementTimer({
    at: step.at.getTime(),
    occurrence: step.expectedVersion,
    timeZone: company.timeZone,
    lifecycle,
    expiresAt: subscription.expiresAt.getTime(),
  });
  Timer.schedule(aboutSubscription(subscription), [close]);
  tellHolder(contract, 'subscription_lapsed', step.commandId, {
    coverEndedOn: coverEnd,
    reinstateUntil: dateAt(close.dueAt, company.timeZone),
  });
}

/** Nobody reinstated it: it ends with the day on which it lapsed, and may be renewed late from there. */
export async function endReinstatement(contract: Contract, step: Step): Promise<void> {
  const { subscription, policy, company, lifecycle } = contract;
  if (subscription.status !== 'lapsed') return;
  const arrears = await PremiumInvoice.arrearsToNote(subscription.id);
  if (arrears && (await takeArrears(contract, step, arrears))) return;
  await PremiumInvoice.settle(await PremiumInvoice.dueOf(subscription.id), 'void');
  const { endDate } = lastPart(contract);
  const closesOn = addDays(endDate, lifecycle.lateRenewalDays.value);
  const closesAt = startOfDay(closesOn, company.timeZone);
  const paused = await Timer.setFor(subscription.id);
  const close = paused.find(
    ({ name, status }) => name === 'late_renewal_close' && status === 'paused',
  );
  const staysOpen = close !== undefined && closesAt > step.at.getTime();
  await subscription.move('expire', step, {
    endDate,
    expiresAt: new Date(startOfDay(endDate, company.timeZone)),
    ...(!staysOpen && { workflowClosedAt: step.at }),
  });
  await policy.follow({ status: policyStatus(subscription.status, true), endDate });
  await Timer.cancel(
    paused.filter((timer) => timer !== close || !staysOpen),
    'The cover was not reinstated',
  );
  if (close && staysOpen) await Timer.resume([{ timer: close, dueAt: closesAt }]);
  tellHolder(contract, 'subscription_expired', step.commandId);
}
