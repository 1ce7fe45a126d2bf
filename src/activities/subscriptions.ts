import { currentContext } from '../context.ts';
import {
  cancellationOf,
  contractOf,
  expiryMoveOf,
  isSold,
  renewalOf,
  type Contract,
} from '../models/contract.ts';
import { append, withTenant } from '../models/database.ts';
import { contractFacts } from '../models/contract.ts';
import { Notification, type TemplateCode } from '../models/Notification.ts';
import type { Step } from '../models/moveRow.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { getRow } from '../models/rows.ts';
import { stateOf, type SubscriptionState } from '../models/subscriptionStart.ts';
import { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
import { Timer } from '../models/Timer.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { startOfDay } from '../rules/calendar.ts';
import { endDateOfExpiry, timersOfTerm, type TimerName } from '../rules/termTimers.ts';
import { zero } from '../rules/money.ts';
import { policyStatus } from '../rules/subscriptions.ts';
import { oneStep, type Outcome } from './oneStep.ts';

export interface SubscriptionRef {
  readonly companyId: string;
  readonly subscriptionId: string;
}

/** A step as the workflow orders it; `at` (epoch milliseconds) is the workflow's clock. */
export interface SubscriptionOrder extends SubscriptionRef {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: number;
}

export type SubscriptionStep = Outcome<SubscriptionState>;

export interface CancelSubscription {
  /** Calendar date; null for today. */
  readonly effectiveDate: string | null;
  readonly reason: string | null;
}

export interface RenewSubscription {
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
      const cancellation = cancellationOf(contract, order.effectiveDate, order.at);
      if (cancellation.isImmediate) return cancelNow(contract, step);

      await subscription.move('schedule_cancel', step, {
        cancelReason: order.reason,
        cancelEffectiveDate: cancellation.effectiveDate,
      });
      await Timer.cancelScheduled(subscription.id, 'A cancellation is pending', ['cancellation']);
      Timer.schedule(about(subscription), [
        {
          name: 'cancellation',
          occurrence: step.expectedVersion,
          dueAt: startOfDay(cancellation.effectiveDate, contract.company.timeZone),
          source: 'command',
        },
      ]);
      tellHolder(contract, 'subscription_cancel_pending', step);
    }),

  /** Safe to repeat: a renewal that already committed answers with what is. */
  renewSubscription: (order: SubscriptionOrder & RenewSubscription): Promise<SubscriptionStep> =>
    inOneStep(order, renewNow),

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
        case 'renewal_call':
          return askForCall(contract, step);
        case 'expiry':
          return reachEnd(contract, step);
        case 'cancellation':
          return cancelNow(contract, step);
        case 'late_renewal_close':
          return subscription.close(step.at);
        default:
          return remindHolder(contract, step);
      }
    }),
});

/** The contract is read once the row is locked. */
const inOneStep = (
  order: SubscriptionOrder & { readonly reason?: string | null },
  act: (contract: Contract, step: Step) => Promise<void>,
): Promise<SubscriptionStep> =>
  oneStep(
    { ...order, model: PolicySubscription, id: order.subscriptionId, stateOf },
    async (subscription, step) => act(await contractOf(subscription), step),
  );

async function cancelNow(contract: Contract, step: Step): Promise<void> {
  const { subscription, policy } = contract;
  const { effectiveDate, wouldRefund } = cancellationOf(contract, null, step.at.getTime());
  await subscription.move(
    'cancel',
    { ...step, facts: { would_refund: wouldRefund } },
    {
      cancelReason: step.reason ?? subscription.cancelReason ?? null,
      cancelEffectiveDate: effectiveDate,
      refundAmount: zero,
      workflowClosedAt: step.at,
    },
  );
  await policy.follow({ status: policyStatus('cancelled', true) });
  tellHolder(contract, 'subscription_cancelled', step);
}

async function renewNow(contract: Contract, step: Step, at = step.at): Promise<void> {
  const { subscription, policy, company } = contract;
  const renewal = await renewalOf(contract, at.getTime());
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
  // A policy that is still a draft begins as before.
  const ended = (await Timer.scheduledFor(subscription.id)).filter(({ name }) => name !== 'start');
  await Timer.cancelScheduled(
    subscription.id,
    `Renewed for term ${termNo}`,
    ended.map(({ name }) => name),
  );
  Timer.schedule(
    about(subscription),
    timersOfTerm({
      termNo,
      startDate,
      endDate,
      purchasedAt: step.at.getTime(),
      timeZone: company.timeZone,
      lifecycle,
    }),
  );
  tellHolder(contract, 'subscription_renewed', step, before);
}

/** The end of the term: on with auto_renew while the plan is sold, else expired. */
async function reachEnd(contract: Contract, step: Step): Promise<void> {
  const { subscription, policy, plan } = contract;
  const wantsRenewal = subscription.autoRenew && !isLeaving(subscription);
  const mayRenew = plan !== null && (await isSold(plan));
  if (wantsRenewal && mayRenew) {
    // Late only because we were away: whoever renews by himself has no gap.
    return renewNow(contract, step, subscription.expiresAt);
  }

  // The timer itself, not the number it came from: it alone can end an expired subscription.
  const ahead = await Timer.scheduledFor(subscription.id);
  const isLast = !ahead.some(
    ({ name, occurrence }) => name === 'late_renewal_close' && occurrence === subscription.termNo,
  );
  await subscription.move('expire', step, isLast ? { workflowClosedAt: step.at } : {});
  await policy.follow({ status: policyStatus('expired', true) });
  tellHolder(
    contract,
    wantsRenewal ? 'subscription_expired_plan_gone' : 'subscription_expired',
    step,
  );
}

/** Mail and in-app, once each; the mail's text is made when it is sent. */
function tellHolder(
  { subscription, policy }: Contract,
  template: TemplateCode,
  step: Step,
  facts: Readonly<Record<string, string>> = {},
): void {
  if (!subscription.userId) return;
  const message = {
    template,
    payload: { ...contractFacts(subscription, policy), ...facts },
    key: step.commandId,
    about: { type: 'subscription', id: subscription.id },
  };
  Notification.queue({ to: { channel: 'email', userId: subscription.userId }, ...message });
  Notification.queue({ to: { channel: 'in_app', userId: subscription.userId }, ...message });
}

/** Whoever leaves is not asked to stay; whoever renews by himself is told so, and how to stop it. */
async function remindHolder(contract: Contract, step: Step): Promise<void> {
  const { subscription, plan } = contract;
  if (isLeaving(subscription)) return;
  const renewsItself = subscription.autoRenew && plan !== null && (await isSold(plan));
  tellHolder(contract, renewsItself ? 'renewal_reminder_auto' : 'renewal_reminder', step);
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

const about = (
  subscription: PolicySubscription,
): { workflowId: string; entityType: string; entityId: string } => ({
  workflowId: currentContext().workflowId ?? '',
  entityType: 'subscription',
  entityId: subscription.id,
});
