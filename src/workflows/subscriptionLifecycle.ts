import {
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  workflowInfo,
} from '@temporalio/workflow';
import type { EndorseSubscription } from '../activities/endorsements.ts';
import type { ChargeInvoice } from '../activities/premiums.ts';
import type { ReinstateSubscription } from '../activities/reinstatements.ts';
import type {
  CancelSubscription,
  ChangeExpiry,
  RenewSubscription,
} from '../activities/subscriptions.ts';
import type { SubscriptionStep } from '../activities/subscriptionStep.ts';
import type { MoveBillingDeadline } from '../models/deadlineMove.ts';
import type {
  DueTimer,
  SubscriptionLifecycleInput,
  SubscriptionResult,
  SubscriptionState,
} from '../models/subscriptionStart.ts';
import { allowedTransitions, nextStatus, type SubscriptionEvent } from '../rules/subscriptions.ts';
import { awaitPayment } from './awaitPayment.ts';
import { doing, inWords } from './doing.ts';
import { illegalTransition, openLifecycle, refuseInTrouble, type StepOrder } from './lifecycle.ts';
import { attribute } from './searchAttributes.ts';

export const cancel = defineUpdate<SubscriptionResult, [CancelSubscription]>('cancel');
export const renew = defineUpdate<SubscriptionResult, [RenewSubscription]>('renew');
export const changeExpiry = defineUpdate<SubscriptionResult, [ChangeExpiry]>('changeExpiry');
export const endorse = defineUpdate<SubscriptionResult, [EndorseSubscription]>('endorse');
export const chargeInvoice = defineUpdate<SubscriptionResult, [ChargeInvoice]>('chargeInvoice');
export const reinstate = defineUpdate<SubscriptionResult, [ReinstateSubscription]>('reinstate');
export const moveDeadline = defineUpdate<SubscriptionResult, [MoveBillingDeadline]>('moveDeadline');
export const state = defineQuery<SubscriptionState>('state');

type Wish =
  | ({ readonly kind: 'cancel' } & CancelSubscription)
  | ({ readonly kind: 'renew' } & RenewSubscription)
  | ({ readonly kind: 'changeExpiry' } & ChangeExpiry)
  | ({ readonly kind: 'endorse' } & EndorseSubscription)
  | ({ readonly kind: 'chargeInvoice' } & ChargeInvoice)
  | ({ readonly kind: 'reinstate' } & ReinstateSubscription)
  | ({ readonly kind: 'moveDeadline' } & MoveBillingDeadline);

/** The timer after which nothing more happens by itself. */
const lastTimer = {
  pending_payment: 'payment_window',
  lapsed: 'reinstatement_close',
  expired: 'late_renewal_close',
  cancelled: 'late_renewal_close',
} as const;

/** One subscription from its purchase until nothing can happen to it any more. */
export async function subscriptionLifecycle(input: SubscriptionLifecycleInput): Promise<void> {
  const { companyId, subscriptionId } = input;
  const ref = { companyId, subscriptionId };
  /** Premium payments that are carried out as children, and those of them that have ended. */
  const awaited = new Set<string>();
  const ended: string[] = [];
  let underWay = 0;
  const lifecycle = openLifecycle<SubscriptionState, Wish, SubscriptionResult>({
    companyId,
    noun: 'subscription',
    entity: `subscription/${subscriptionId}`,
    begin: input.state,
    notificationIds: input.notificationIds,
    answered: input.answered,
    query: state,
    resultOf: ({ status, stateVersion, termNo }) => ({ status, stateVersion, termNo }),
    read: () => doing('read again').readSubscription({ companyId, subscriptionId }),
    carryOut,
    fire,
    advance,
    isReady: () => ended.length > 0,
    /** A new term is a new run: the history stays short and the code young. */
    isRunComplete,
    async endByOperator() {
      // What has lapsed expires first, and what was paid meanwhile is taken up before it is cancelled.
      for (let steps = 0; steps < 3 && !lifecycle.state.isClosed; steps += 1) {
        await lifecycle.persist('the end by an operator', finish);
      }
    },
    // Temporal keeps the summary of the first run only.
    headline: ({ status, termNo, expiresAt }) =>
      `${input.planName ?? 'Subscription'}: **${status}**, term ${termNo}, cover until ${new Date(expiresAt).toISOString()}.`,
    attributesOf: ({ expiresAt }) => [{ key: attribute.expiresAt, value: new Date(expiresAt) }],
  });
  lifecycle.accept(cancel, {
    description: 'Cancel now or on a later day',
    toBody: (wish) => ({ kind: 'cancel', ...wish }),
    refuse: () => refuseUnless('cancel'),
  });
  lifecycle.accept(renew, {
    description: 'Renew for another term',
    toBody: (wish) => ({ kind: 'renew', ...wish }),
    refuse: () => refuseUnless(renewalEvent()),
  });
  lifecycle.accept(changeExpiry, {
    description: 'Move the expiry of the running term',
    toBody: (wish) => ({ kind: 'changeExpiry', ...wish }),
    refuse: () => refuseUnless('change_expiry'),
  });
  lifecycle.accept(endorse, {
    description: 'Change premium or cover for the rest of the term',
    toBody: (wish) => ({ kind: 'endorse', ...wish }),
    refuse: () => refuseUnless('endorse'),
  });
  lifecycle.accept(chargeInvoice, {
    description: 'Collect an invoice now',
    toBody: (wish) => ({ kind: 'chargeInvoice', ...wish }),
    refuse: () => refuseUnless('charge'),
  });
  lifecycle.accept(reinstate, {
    description: 'Reinstate a lapsed cover',
    toBody: (wish) => ({ kind: 'reinstate', ...wish }),
    refuse: () => refuseUnless('reinstate'),
  });
  lifecycle.accept(moveDeadline, {
    description: 'Move a deadline of a premium',
    toBody: (wish) => ({ kind: 'moveDeadline', ...wish }),
    refuse: () => refuseUnless('move_deadline'),
  });

  await lifecycle.run();
  if (!lifecycle.state.isClosed) await startNextRun();
  // What becomes of money that is on its way is known before the run ends.
  if (underWay > 0) await condition(() => underWay === 0);

  function refuseUnless(event: SubscriptionEvent): void {
    refuseInTrouble(lifecycle.attention, 'subscription');
    const { status } = lifecycle.state;
    if (nextStatus(status, event)) return;
    throw illegalTransition(
      `The subscription is ${status} and cannot ${inWords(event)}`,
      allowedTransitions(status),
    );
  }

  function renewalEvent(): 'renew' | 'late_renew' {
    return lifecycle.state.status === 'expired' ? 'late_renew' : 'renew';
  }

  function carryOut(wish: Wish, order: StepOrder): Promise<SubscriptionStep> {
    const step = { ...ref, ...order };
    switch (wish.kind) {
      case 'cancel':
        refuseUnless('cancel');
        return doing('cancel').cancelSubscription({ ...step, ...wish });
      case 'renew':
        refuseUnless(renewalEvent());
        return doing('renew').renewSubscription({ ...step, ...wish });
      case 'changeExpiry':
        refuseUnless('change_expiry');
        return doing('move the expiry').changeSubscriptionExpiry({ ...step, ...wish });
      case 'endorse':
        refuseUnless('endorse');
        return doing('endorse').endorseSubscription({ ...step, ...wish });
      case 'chargeInvoice':
        refuseUnless('charge');
        return doing('collect an invoice').chargeInvoice({ ...step, ...wish });
      case 'reinstate':
        refuseUnless('reinstate');
        return doing('reinstate').reinstateSubscription({ ...step, ...wish });
      case 'moveDeadline':
        refuseUnless('move_deadline');
        return doing('move a deadline').moveBillingDeadline({ ...step, ...wish });
      default:
        return wish satisfies never;
    }
  }

  function fire({ name, occurrence }: DueTimer, order: StepOrder): Promise<SubscriptionStep> {
    return doing(inWords(name)).fireSubscriptionTimer({
      companyId,
      subscriptionId,
      ...order,
      name,
      occurrence,
    });
  }

  function isRunComplete(): boolean {
    return lifecycle.state.termNo !== input.state.termNo || workflowInfo().continueAsNewSuggested;
  }

  /** Has premiums collected, and takes note of how that ended. Without a bill nothing happens here. */
  async function advance(): Promise<void> {
    // The next run begins them: a child that is started with the end of this one may be lost.
    const payments = isRunComplete() ? [] : (lifecycle.state.payments ?? []);
    for (const paymentId of payments) {
      if (awaited.has(paymentId)) continue;
      awaited.add(paymentId);
      underWay += 1;
      void noteEnd(paymentId);
    }
    const paymentId = ended.shift();
    if (paymentId === undefined) return;
    await lifecycle.persist('the end of a payment', () =>
      doing('note the payment').settlePremium({
        ...ref,
        ...lifecycle.order(`subscription/${subscriptionId}/settle_premium/${paymentId}`),
        paymentId,
      }),
    );
  }

  /** The payment has its own course; the subscription goes on taking commands meanwhile. */
  async function noteEnd(paymentId: string): Promise<void> {
    if (!(await awaitPayment({ companyId, paymentId }))) return;
    underWay -= 1;
    ended.push(paymentId);
  }

  function startNextRun(): Promise<never> {
    return continueAsNew<typeof subscriptionLifecycle>({
      ...input,
      state: lifecycle.state,
      notificationIds: lifecycle.undelivered,
      answered: lifecycle.answered,
    });
  }

  function finish(): Promise<SubscriptionStep> {
    const { status, termNo, timers } = lifecycle.state;
    if (status !== 'active' && status !== 'grace') {
      const name = lastTimer[status];
      const occurrence = timers.find((timer) => timer.name === name)?.occurrence ?? termNo;
      return fire(
        { name, occurrence, dueAt: Date.now() },
        lifecycle.order(`subscription/${subscriptionId}/${name}/${occurrence}`),
      );
    }
    return doing('cancelled by an operator').cancelSubscription({
      companyId,
      subscriptionId,
      ...lifecycle.order(`subscription/${subscriptionId}/operator_cancel/1`),
      effectiveDate: null,
      reason: 'Cancelled by an operator',
    });
  }
}
