import { holdCover } from '../models/claimCover.ts';
import {
  cancellationOf,
  expiryMoveOf,
  isSold,
  nextTermOf,
  renewalOf,
  tellHolder,
  type Contract,
  type RenewalWish,
} from '../models/contract.ts';
import { append, withTenant } from '../models/database.ts';
import { contractFacts } from '../models/contract.ts';
import { Notification } from '../models/Notification.ts';
import type { Step } from '../models/moveRow.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { refundPremiums } from '../models/premiums.ts';
import { getRow } from '../models/rows.ts';
import { stateOf, type SubscriptionState } from '../models/subscriptionStart.ts';
import { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
import { Timer } from '../models/Timer.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { isBilled } from '../rules/billing.ts';
import { dateAt, startOfDay, type CalendarDate } from '../rules/calendar.ts';
import {
  endDateOfExpiry,
  isBillingTimer,
  timersOfTerm,
  type TimerName,
} from '../rules/termTimers.ts';
import { isPositive } from '../rules/money.ts';
import { nextStatus, policyStatus } from '../rules/subscriptions.ts';
import { billStretch, cancelBillingTimers, writeOffDue } from './billing.ts';
import {
  endPaymentWindow,
  endReinstatement,
  lapse,
  missPayment,
  remindInGrace,
} from './premiums.ts';
import { aboutSubscription, inOneStep } from './subscriptionStep.ts';
import type { SubscriptionOrder, SubscriptionRef, SubscriptionStep } from './subscriptionStep.ts';

export interface CancelSubscription {
  /** Calendar date; null for today. */
  readonly effectiveDate: string | null;
  readonly reason: string | null;
}

/** What was agreed stands beside the reason; a renewal at the plan's terms names none of it. */
export interface RenewSubscription extends RenewalWish {
  readonly reason: string | null;
}

export interface ChangeExpiry {
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly reason: string;
}

export const subscriptionActivities = () => ({
  /** Safe to repeat: it only reads. */
  readSubscription: ({ companyId, subscriptionId }: SubscriptionRef): Promise<SubscriptionState> =>
    withTenant(companyId, async () => stateOf(await getRow(PolicySubscription, subscriptionId))),

  /** Safe to repeat: a cancellation that already committed answers with what is. */
  cancelSubscription: (order: SubscriptionOrder & CancelSubscription): Promise<SubscriptionStep> =>
    inOneStep(order, async (contract, step) => {
      const { subscription } = contract;
      const cancellation = await cancellationOf(contract, order.effectiveDate, order.at);
      if (cancellation.isImmediate) return cancelNow(contract, step);
      if (await isPlanned(subscription, cancellation.effectiveDate)) return;

      await subscription.move('schedule_cancel', step, {
        cancelReason: order.reason,
        cancelEffectiveDate: cancellation.effectiveDate,
      });
      await Timer.cancelScheduled(subscription.id, 'A cancellation is pending', ['cancellation']);
      Timer.schedule(aboutSubscription(subscription), [
        {
          name: 'cancellation',
          occurrence: step.expectedVersion,
          dueAt: startOfDay(cancellation.effectiveDate, contract.company.timeZone),
          source: 'command',
        },
      ]);
      tellHolder(contract, 'subscription_cancel_pending', step.commandId);
    }),

  /** Safe to repeat: a renewal that already committed answers with what is. */
  renewSubscription: (order: SubscriptionOrder & RenewSubscription): Promise<SubscriptionStep> =>
    inOneStep(order, (contract, step) => renewNow(contract, step, { wish: order })),

  /** Safe to repeat: a move that already committed answers with what is. */
  changeSubscriptionExpiry: (order: SubscriptionOrder & ChangeExpiry): Promise<SubscriptionStep> =>
    inOneStep(order, async (contract, step) => {
      const { subscription, policy, company, terms } = contract;
      const { scheduled, cancelled } = await expiryMoveOf(contract, order.expiresAt, order.at);
      const before = subscription.expiresAt;
      const term = terms.at(-1);
      const startDate = term?.startDate ?? subscription.startDate;
      const endDate = endDateOfExpiry(order.expiresAt, { startDate, timeZone: company.timeZone });
      await subscription.move('change_expiry', step, {
        expiresAt: new Date(order.expiresAt),
        endDate,
        // Whoever wanted to leave later now leaves with the end, and is not renewed.
        ...(cancelled.includes('cancellation') && { cancelEffectiveDate: endDate }),
      });
      await policy.follow({ endDate });
      await term?.update({ endDate });
      if (cancelled.length > 0) {
        await Timer.cancelScheduled(subscription.id, order.reason, cancelled);
      }
      await Timer.move(subscription.id, scheduled, order.reason);
      AuditLog.record(
        'TIMER_CHANGE',
        { type: 'subscription', id: subscription.id },
        {
          before: { timer: 'expiry', dueAt: before },
          after: { timer: 'expiry', dueAt: new Date(order.expiresAt), reason: order.reason },
        },
      );
    }),

  /** Safe to repeat: a timer fires once, the row keeps that it did. */
  fireSubscriptionTimer: (
    order: SubscriptionOrder & { readonly name: TimerName; readonly occurrence: number },
  ): Promise<SubscriptionStep> =>
    inOneStep(order, async (contract, step) => {
      const { name, occurrence } = order;
      const { subscription } = contract;
      const fired = await Timer.fire({ entityId: subscription.id, occurrence, name }, step.at);
      // An operator may end what has nothing ahead that would.
      if (!fired && !isForgotten(subscription, order)) return;
      switch (name) {
        case 'start':
          await subscription.move('start', step);
          return contract.policy.follow({ status: policyStatus(subscription.status, true) });
        case 'renewal_offer':
          return offerRenewal(contract, step);
        case 'renewal_call':
          return askForCall(contract, step);
        case 'expiry':
          return reachEnd(contract, step);
        case 'cancellation':
          return cancelNow(contract, step, plannedEnd(contract, step.at));
        case 'late_renewal_close':
          return subscription.close(step.at);
        case 'payment_window':
          return endPaymentWindow(contract, step);
        case 'invoice_due':
          return missPayment(contract, step);
        case 'grace_end':
          return lapse(contract, step);
        case 'reinstatement_close':
          return endReinstatement(contract, step);
        default:
          return isBillingTimer(name)
            ? remindInGrace(contract, step)
            : remindHolder(contract, step);
      }
    }),
});

/** Late only because we were away: whoever planned their last day has no more cover, and pays for no more. */
function plannedEnd({ subscription, company }: Contract, at: Date): Date {
  const { cancelEffectiveDate } = subscription;
  if (cancelEffectiveDate === null) return at;
  return new Date(Math.min(at.getTime(), startOfDay(cancelEffectiveDate, company.timeZone)));
}

/** @param at when the cover ends, today or earlier */
async function cancelNow(contract: Contract, step: Step, at = step.at): Promise<void> {
  const { subscription, policy } = contract;
  const { id } = subscription;
  await holdCover(policy.id);
  const { effectiveDate, wouldRefund, refund } = await cancellationOf(contract, null, at.getTime());
  await writeOffDue(subscription, 'void');
  const refundAmount = await refundPremiums(id, refund, 'The subscription is cancelled', step.at);
  await subscription.move(
    'cancel',
    { ...step, facts: { would_refund: wouldRefund } },
    {
      cancelReason: step.reason ?? subscription.cancelReason ?? null,
      cancelEffectiveDate: effectiveDate,
      refundAmount,
      workflowClosedAt: step.at,
    },
  );
  await policy.follow({ status: policyStatus('cancelled', true) });
  tellHolder(contract, 'subscription_cancelled', step.commandId, {
    ...(isPositive(refundAmount) && { refundAmount }),
  });
}

async function renewNow(
  contract: Contract,
  step: Step,
  { at = step.at, wish = {} }: { readonly at?: Date; readonly wish?: RenewalWish } = {},
): Promise<void> {
  const { subscription, policy, company } = contract;
  const renewal = await renewalOf(contract, at.getTime(), wish);
  const { termNo, startDate, endDate, gapDays, price, lifecycle } = renewal;
  const { premium: oldPremium, currency: oldCurrency } = subscription.priceSnapshot;
  const before = { oldEndDate: subscription.endDate, oldPremium, oldCurrency };
  await subscription.move(
    renewal.isLate ? 'late_renew' : 'renew',
    { ...step, facts: { gap_days: gapDays } },
    {
      termNo,
      endDate,
      expiresAt: new Date(startOfDay(endDate, company.timeZone)),
      priceSnapshot: price,
      cancelReason: null,
      cancelEffectiveDate: null,
    },
  );
  await policy.follow({
    status: policyStatus(subscription.status, policy.status !== 'draft'),
    endDate,
    premium: price.premium,
    coverageAmount: price.coverageAmount,
    currency: price.currency,
  });
  append(SubscriptionTerm, {
    subscriptionId: subscription.id,
    termNo,
    startDate,
    endDate,
    premium: price.premium,
    coverageAmount: price.coverageAmount,
    origin: 'renewal',
    gapDays,
    lifecycle,
    createdAt: step.at,
  });
  // A policy that is still a draft begins as before, and what is billed already stays due.
  const ended = (await Timer.scheduledFor(subscription.id)).filter(
    ({ name }) => name !== 'start' && !isBillingTimer(name),
  );
  await Timer.cancelScheduled(
    subscription.id,
    `Renewed for term ${termNo}`,
    ended.map(({ name }) => name),
  );
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
  tellHolder(contract, 'subscription_renewed', step.commandId, before);
  if (isBilled(company)) {
    billStretch({ ...contract, lifecycle }, step, {
      termNo,
      reason: 'term',
      amount: price.premium,
      periodStart: startDate,
      periodEnd: endDate,
    });
  }
}

/** The end of the term: on with auto_renew while the plan is sold, else expired. */
async function reachEnd(contract: Contract, step: Step): Promise<void> {
  const { subscription, policy, plan, company } = contract;
  const wantsRenewal =
    subscription.autoRenew &&
    !isLeaving(subscription) &&
    nextStatus(subscription.status, 'renew') !== undefined;
  const mayRenew = plan !== null && (await isSold(plan));
  if (wantsRenewal && mayRenew) {
    // Late only because we were away: whoever renews by himself has no gap.
    const at = new Date(startOfDay(subscription.endDate, company.timeZone));
    return renewNow(contract, step, { at });
  }

  // The timer itself, not the number it came from: it alone can end an expired subscription.
  const ahead = await Timer.scheduledFor(subscription.id);
  const isLast = !ahead.some(
    ({ name, occurrence }) => name === 'late_renewal_close' && occurrence === subscription.termNo,
  );
  await subscription.move('expire', step, isLast ? { workflowClosedAt: step.at } : {});
  await writeOffDue(subscription, 'written_off');
  await cancelBillingTimers(subscription, 'The cover has ended');
  await policy.follow({ status: policyStatus('expired', true) });
  tellHolder(
    contract,
    wantsRenewal ? 'subscription_expired_plan_gone' : 'subscription_expired',
    step.commandId,
  );
}

/** What the next term would be and cost today; only a reminder where no plan says so, or it is not sold any more. */
async function offerRenewal(contract: Contract, step: Step): Promise<void> {
  const { subscription, plan, company } = contract;
  const isOffered = plan !== null && (subscription.source !== 'plan' || (await isSold(plan)));
  if (subscription.autoRenew || isLeaving(subscription) || !isOffered) {
    return remindHolder(contract, step);
  }
  const { term, price } = nextTermOf(contract, dateAt(step.at.getTime(), company.timeZone));
  tellHolder(contract, 'renewal_offer', step.commandId, {
    newEndDate: term.endDate,
    newPremium: price.premium,
    newCurrency: price.currency,
    newCoverageAmount: price.coverageAmount,
  });
}

/** Whoever leaves is not asked to stay; whoever renews by himself is told so, and how to stop it. */
async function remindHolder(contract: Contract, step: Step): Promise<void> {
  const { subscription, plan } = contract;
  if (isLeaving(subscription)) return;
  const renewsItself = subscription.autoRenew && plan !== null && (await isSold(plan));
  tellHolder(contract, renewsItself ? 'renewal_reminder_auto' : 'renewal_reminder', step.commandId);
}

/**
 * A week before the end without an answer somebody should call; auto_renew is an answer, and so is a
 * cancellation.
 */
function askForCall({ subscription, policy }: Contract, step: Step): void {
  if (subscription.autoRenew || isLeaving(subscription)) return;
  Notification.queue({
    to: { channel: 'in_app', role: 'call_center' },
    template: 'renewal_call',
    payload: contractFacts(subscription, policy),
    key: step.commandId,
    about: { type: 'subscription', id: subscription.id },
  });
}

/** Whether the cancellation on that day was asked for before, and is still to come. */
const isPlanned = async (
  { id, cancelEffectiveDate }: PolicySubscription,
  date: CalendarDate,
): Promise<boolean> =>
  cancelEffectiveDate === date &&
  (await Timer.scheduledFor(id)).some(({ name }) => name === 'cancellation');

/** Cancelled for a later day; a renewal takes that back. */
const isLeaving = ({ cancelEffectiveDate }: PolicySubscription): boolean =>
  cancelEffectiveDate !== null;

/** Expired, and the timer that would close it was never set: only an operator ends it. */
const isForgotten = (
  { status, termNo, workflowClosedAt }: PolicySubscription,
  { name, occurrence }: { readonly name: TimerName; readonly occurrence: number },
): boolean =>
  name === 'late_renewal_close' &&
  occurrence === termNo &&
  status === 'expired' &&
  workflowClosedAt === null;
