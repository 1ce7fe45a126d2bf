import { tellHolder, type Contract } from '../models/contract.ts';
import type { Step } from '../models/moveRow.ts';
import { Notification, type TemplateCode } from '../models/Notification.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { PremiumInvoice } from '../models/PremiumInvoice.ts';
import { issueInvoice } from '../models/premiums.ts';
import type { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
import { Timer } from '../models/Timer.ts';
import { invoiceDueAt } from '../rules/billing.ts';
import { startOfDay } from '../rules/calendar.ts';
import { add, isPositive, zero, type Money } from '../rules/money.ts';
import { isBillingTimer } from '../rules/termTimers.ts';
import { aboutSubscription } from './subscriptionStep.ts';

/** What is open and overdue is given up with the end of the cover. */
export async function writeOffDue(
  { id }: PolicySubscription,
  status: 'void' | 'written_off',
): Promise<void> {
  await PremiumInvoice.settle(await PremiumInvoice.dueOf(id), status);
}

export async function cancelBillingTimers(
  { id }: PolicySubscription,
  reason: string,
  startingWith = '',
): Promise<void> {
  const timers = await Timer.scheduledFor(id);
  await Timer.cancel(
    timers.filter(({ name }) => isBillingTimer(name) && name.startsWith(startingWith)),
    reason,
  );
}

/** Bills a stretch of cover that is sold already; unpaid in time it leads into the grace. */
export function billStretch(
  contract: Contract,
  step: Step,
  wish: Pick<PremiumInvoice, 'termNo' | 'reason' | 'amount' | 'periodStart' | 'periodEnd'>,
): void {
  if (!isPositive(wish.amount)) return;
  const { subscription, company, lifecycle } = contract;
  const dueAt = invoiceDueAt({
    issuedAt: step.at.getTime(),
    coverStartsAt: startOfDay(wish.periodStart, company.timeZone),
    lifecycle,
  });
  const invoice = issueInvoice(contract, { ...wish, dueAt, at: step.at });
  Timer.schedule(aboutSubscription(subscription), [
    {
      name: 'invoice_due',
      occurrence: step.expectedVersion,
      dueAt,
      source: lifecycle.paymentWindowHours.source,
    },
  ]);
  tellHolder(contract, 'premium_due', `${step.commandId}/invoice`, {
    amount: invoice.amount,
    dueDate: invoice.dueDate,
  });
}

export function lastPart({ subscription, terms }: Contract): SubscriptionTerm {
  const part = terms.at(-1);
  if (!part) throw new Error(`The subscription ${subscription.id} has no term`);
  return part;
}

export function tellStaff(
  { subscription, policy }: Contract,
  role: string,
  template: TemplateCode,
  { commandId }: Step,
  amount: Money,
): void {
  Notification.queue({
    to: { channel: 'in_app', role },
    template,
    payload: {
      policyNumber: policy.policyNumber,
      amount,
      currency: subscription.priceSnapshot.currency,
    },
    key: commandId,
    about: { type: PolicySubscription.entityType, id: subscription.id },
  });
}

export const sumOf = (invoices: readonly PremiumInvoice[]): Money =>
  invoices.reduce((sum, { amount }) => add(sum, amount), zero);
