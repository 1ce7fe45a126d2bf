import { AuditLog } from '../models/AuditLog.ts';
import { tellHolder, type Contract } from '../models/contract.ts';
import {
  deadlineMoveOf,
  type DeadlineMove,
  type MoveBillingDeadline,
} from '../models/deadlineMove.ts';
import type { Step } from '../models/moveRow.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { PremiumInvoice } from '../models/PremiumInvoice.ts';
import { Timer } from '../models/Timer.ts';
import type { MovableDeadline } from '../rules/billing.ts';
import { dateAt } from '../rules/calendar.ts';
import { lastPart, sumOf } from './billing.ts';
import { inOneStep, type SubscriptionOrder, type SubscriptionStep } from './subscriptionStep.ts';

export const deadlineActivities = () => ({
  /** Safe to repeat: a move that already committed answers with what is. */
  moveBillingDeadline: (
    order: SubscriptionOrder & MoveBillingDeadline,
  ): Promise<SubscriptionStep> =>
    inOneStep(order, (contract, step) => moveDeadline(contract, step, order)),
});

async function moveDeadline(
  contract: Contract,
  step: Step,
  { name, dueAt, reason }: MoveBillingDeadline,
): Promise<void> {
  const { subscription, company } = contract;
  const at = step.at.getTime();
  const { timer, invoices, cancelled } = await deadlineMoveOf(contract, { name, dueAt, at });
  const before = timer.dueAt;
  await subscription.move('move_deadline', {
    ...step,
    facts: { timer: name, due_at: new Date(dueAt).toISOString() },
  });
  await Timer.move(
    subscription.id,
    [{ name, occurrence: timer.occurrence, dueAt }],
    reason,
    'command',
  );
  await Timer.cancel(cancelled, reason);
  AuditLog.record(
    'TIMER_CHANGE',
    { type: PolicySubscription.entityType, id: subscription.id },
    {
      before: { timer: name, dueAt: before },
      after: { timer: name, dueAt: new Date(dueAt), reason },
    },
  );
  await moveInvoices(invoices, dueAt, company.timeZone);
  await tellOfDate(contract, step, { name, invoices, date: dateAt(dueAt, company.timeZone) });
}

/** They are due with their clock. */
async function moveInvoices(
  invoices: readonly PremiumInvoice[],
  dueAt: number,
  timeZone: string,
): Promise<void> {
  if (invoices.length === 0) return;
  const dueDate = dateAt(dueAt, timeZone);
  for (const { id, dueDate: before } of invoices) {
    AuditLog.record(
      'UPDATE',
      { type: PremiumInvoice.entityType, id },
      { before: { dueDate: before }, after: { dueDate } },
    );
  }
  await PremiumInvoice.update(
    { dueAt: new Date(dueAt), dueDate },
    { where: { id: invoices.map(({ id }) => id) } },
  );
}

/** Whoever was told the old date is told the new one. */
async function tellOfDate(
  contract: Contract,
  { commandId }: Step,
  {
    name,
    invoices,
    date,
  }: Pick<DeadlineMove, 'invoices'> & { name: MovableDeadline; date: string },
): Promise<void> {
  switch (name) {
    case 'payment_window':
    case 'invoice_due':
      if (invoices.length === 0) return;
      tellHolder(contract, 'premium_due_moved', commandId, {
        amount: sumOf(invoices),
        dueDate: date,
      });
      return;
    case 'grace_end':
      tellHolder(contract, 'grace_reminder', commandId, {
        amount: sumOf(await PremiumInvoice.dueOf(contract.subscription.id)),
        graceEndsOn: date,
      });
      return;
    case 'reinstatement_close':
      tellHolder(contract, 'subscription_lapsed', commandId, {
        coverEndedOn: lastPart(contract).endDate,
        reinstateUntil: date,
      });
      return;
    default:
      name satisfies never;
  }
}
