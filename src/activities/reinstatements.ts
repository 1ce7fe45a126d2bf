import { Conflict } from '../errors.ts';
import { tellHolder, type Contract } from '../models/contract.ts';
import { append, flush } from '../models/database.ts';
import type { Step } from '../models/moveRow.ts';
import { PremiumInvoice } from '../models/PremiumInvoice.ts';
import { issueInvoice } from '../models/premiums.ts';
import { reinstatementOf, type Reinstatement } from '../models/reinstatement.ts';
import { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
import { Timer } from '../models/Timer.ts';
import { isPositive } from '../rules/money.ts';
import { policyStatus } from '../rules/subscriptions.ts';
import { billStretch, cancelBillingTimers } from './billing.ts';
import { inOneStep } from './subscriptionStep.ts';
import type { SubscriptionOrder, SubscriptionStep } from './subscriptionStep.ts';

export interface ReinstateSubscription {
  /** Cover at once and the arrears billed; otherwise the cover waits for them. */
  readonly onCredit: boolean;
  readonly reason: string | null;
}

export const reinstatementActivities = () => ({
  /** Safe to repeat: a reinstatement that already committed answers with what is. */
  reinstateSubscription: (
    order: SubscriptionOrder & ReinstateSubscription,
  ): Promise<SubscriptionStep> =>
    inOneStep(order, async (contract, step) => {
      const reinstatement = await reinstatementOf(contract, order.at);
      if (order.onCredit || !isPositive(reinstatement.arrears)) {
        await PremiumInvoice.settle(await PremiumInvoice.dueOf(order.subscriptionId), 'void');
        await beginPart(contract, step, reinstatement);
        billStretch(contract, step, arrearsInvoice(contract, reinstatement));
      } else {
        await askForArrears(contract, step, reinstatement);
      }
    }),
});

/** The arrears have come: cover goes on from today; the days since the lapse stay without. */
export const reinstateNow = async (contract: Contract, step: Step): Promise<void> =>
  beginPart(contract, step, await reinstatementOf(contract, step.at.getTime()));

const arrearsInvoice = (
  { subscription }: Contract,
  { arrears, startDate, endDate }: Reinstatement,
) => ({
  termNo: subscription.termNo,
  reason: 'reinstatement' as const,
  amount: arrears,
  periodStart: startDate,
  periodEnd: endDate,
});

async function askForArrears(
  contract: Contract,
  step: Step,
  reinstatement: Reinstatement,
): Promise<void> {
  const { subscription } = contract;
  if ((await PremiumInvoice.dueOf(subscription.id)).length > 0) {
    throw new Conflict('PAYMENT_UNDER_WAY', 'A payment of the arrears is under way');
  }
  const timers = await Timer.scheduledFor(subscription.id);
  const close = timers.find(({ name }) => name === 'reinstatement_close');
  await subscription.move('ask_reinstatement', {
    ...step,
    facts: { arrears: reinstatement.arrears },
  });
  const invoice = issueInvoice(contract, {
    ...arrearsInvoice(contract, reinstatement),
    dueAt: close?.dueAt.getTime() ?? step.at.getTime(),
    at: step.at,
  });
  tellHolder(contract, 'premium_due', `${step.commandId}/invoice`, {
    amount: invoice.amount,
    dueDate: invoice.dueDate,
  });
}

async function beginPart(
  contract: Contract,
  step: Step,
  { startDate, endDate, gapDays, premium, part, writtenOff }: Reinstatement,
): Promise<void> {
  const { subscription, policy } = contract;
  const { id: subscriptionId, termNo, priceSnapshot } = subscription;
  await subscription.move('reinstate', { ...step, facts: { gap_days: gapDays } });
  await policy.follow({ status: policyStatus(subscription.status, true) });
  const id = append(SubscriptionTerm, {
    subscriptionId,
    termNo,
    partNo: part.partNo + 1,
    startDate,
    endDate,
    premium,
    coverageAmount: priceSnapshot.coverageAmount,
    origin: 'reinstatement',
    gapDays,
    lifecycle: part.lifecycle ?? null,
    createdAt: step.at,
  });
  await flush();
  await PremiumInvoice.update(
    { replacedBy: id },
    { where: { id: writtenOff.map((invoice) => invoice.id) } },
  );
  await goOn(contract, step);
  tellHolder(contract, 'subscription_reinstated', step.commandId, {
    coverEndedOn: part.endDate,
    coverFrom: startDate,
  });
}

/** The clocks that stood still go on. Notices that are past are not made up for, decisions are. */
async function goOn({ subscription }: Contract, step: Step): Promise<void> {
  await cancelBillingTimers(subscription, 'The cover is reinstated');
  const stood = (await Timer.setFor(subscription.id)).filter(({ status }) => status === 'paused');
  const at = step.at.getTime();
  const isNeeded = ({ name, dueAt }: Timer): boolean =>
    dueAt.getTime() > at || name === 'expiry' || name === 'cancellation';
  await Timer.cancel(
    stood.filter((timer) => !isNeeded(timer)),
    'Its time passed during the lapse',
  );
  await Timer.resume(
    stood.filter(isNeeded).map((timer) => ({ timer, dueAt: Math.max(at, timer.dueAt.getTime()) })),
  );
}
