import { v7 as uuid } from 'uuid';
import { spreadRefund, type InvoiceReason } from '../rules/billing.ts';
import { dateAt, type CalendarDate } from '../rules/calendar.ts';
import { add, isPositive, zero, type Money } from '../rules/money.ts';
import { AuditLog } from './AuditLog.ts';
import { append, execute, select } from './database.ts';
import type { Payment } from './Payment.ts';
import { openPayment, promisePayment } from './paymentStart.ts';
import type { Policy } from './Policy.ts';
import type { PolicySubscription } from './PolicySubscription.ts';
import { PremiumInvoice } from './PremiumInvoice.ts';

interface Billed {
  readonly subscription: PolicySubscription;
  readonly policy: Policy;
  readonly company: { readonly timeZone: string };
}

interface IssueInvoice {
  readonly termNo: number;
  readonly reason: InvoiceReason;
  readonly amount: Money;
  readonly periodStart: CalendarDate;
  readonly periodEnd: CalendarDate;
  /** Epoch milliseconds. */
  readonly dueAt: number;
  readonly at: Date;
}

/** Issues an invoice and opens its payment, which the subscription's workflow carries out. */
export function issueInvoice(
  { subscription, policy, company }: Billed,
  { dueAt, at, ...wish }: IssueInvoice,
): PremiumInvoice {
  const id = uuid();
  const invoice = PremiumInvoice.build({
    ...wish,
    id,
    companyId: subscription.companyId,
    subscriptionId: subscription.id,
    currency: subscription.priceSnapshot.currency,
    dueDate: dateAt(dueAt, company.timeZone),
    dueAt: new Date(dueAt),
    status: 'open',
    version: 1,
    createdAt: at,
    updatedAt: at,
  });
  const payment = openPremium({ subscription, policy }, invoice, 1, at);
  invoice.paymentId = payment.id;
  append(PremiumInvoice, invoice.get());
  const { termNo, reason, amount, currency, dueDate } = invoice;
  AuditLog.record(
    'CREATE',
    { type: PremiumInvoice.entityType, id },
    { after: { subscriptionId: subscription.id, termNo, reason, amount, currency, dueDate } },
  );
  return invoice;
}

/** @param count how many payments there are of the invoice with this one */
export const openPremium = (
  { subscription, policy }: Pick<Billed, 'subscription' | 'policy'>,
  { id, amount, currency }: PremiumInvoice,
  count: number,
  at: Date,
): Payment =>
  openPayment({
    purpose: 'premium',
    invoiceId: id,
    userId: subscription.userId,
    payeeName: policy.policyholderName,
    payeeEmail: policy.policyholderEmail,
    amount,
    currency,
    idempotencyKey: `invoice/${id}/${count}`,
    at,
  });

/**
 * Notes with a completed payment that its invoice is paid. Money for what was cancelled, lapsed or
 * never taken up meanwhile goes back in full.
 */
export async function settleInvoice(payment: Payment, invoiceId: string, at: Date): Promise<void> {
  const [invoice] = await select<{ isDue: boolean }>(
    `SELECT status IN ('open', 'overdue') AS "isDue" FROM premium_invoices WHERE id = $1 FOR UPDATE`,
    [invoiceId],
  );
  if (!invoice) return;
  if (invoice.isDue) {
    await execute(
      `UPDATE premium_invoices SET status = 'paid', paid_at = $2, updated_at = now() WHERE id = $1`,
      [invoiceId, at],
    );
    AuditLog.record(
      'STATUS_CHANGE',
      { type: PremiumInvoice.entityType, id: invoiceId },
      { after: { status: 'paid', paymentId: payment.id } },
    );
    return;
  }
  const { amount } = payment;
  await payment.setAside(amount);
  giveBack(payment, amount, 'The invoice was no longer due', at);
}

/** Whether the invoice of a payment was paid otherwise or given up meanwhile. */
export async function isNoLongerDue(paymentId: string): Promise<boolean> {
  const [invoice] = await select<{ isDue: boolean }>(
    `SELECT i.status IN ('open', 'overdue') AS "isDue"
     FROM payments p JOIN premium_invoices i ON i.company_id = p.company_id AND i.id = p.invoice_id
     WHERE p.id = $1`,
    [paymentId],
  );
  return invoice?.isDue === false;
}

/** What a holder paid for a subscription, and what of it is left; the latest first. */
interface PaidPremium {
  readonly id: string;
  readonly refundable: Money;
  readonly userId: string | null;
  readonly payeeName: string;
  readonly payeeEmail: string | null;
  readonly currency: string;
}

const paidPremiums = (subscriptionId: string): Promise<PaidPremium[]> =>
  select<PaidPremium>(
    `SELECT p.id, (p.amount - p.refunded_amount)::text AS refundable, p.user_id AS "userId",
       p.payee_name AS "payeeName", p.payee_email AS "payeeEmail", p.currency
     FROM payments p JOIN premium_invoices i ON i.company_id = p.company_id AND i.id = p.invoice_id
     WHERE i.subscription_id = $1 AND i.status = 'paid' AND p.status = 'completed'
       AND p.refunded_amount < p.amount
     ORDER BY p.id DESC LIMIT 100`,
    [subscriptionId],
  );

/** How much of an amount could be given back of what was paid. */
export async function refundablePremium(subscriptionId: string, amount: Money): Promise<Money> {
  return isPositive(amount)
    ? sumOf(spreadRefund(amount, await paidPremiums(subscriptionId)))
    : zero;
}

/** Gives premiums back, the latest first. @returns how much that is */
export async function refundPremiums(
  subscriptionId: string,
  amount: Money,
  reason: string,
  at: Date,
): Promise<Money> {
  if (!isPositive(amount)) return zero;
  const shares = spreadRefund(amount, await paidPremiums(subscriptionId));
  if (shares.length === 0) return zero;
  // A refund that somebody else opens meanwhile breaks the check, and the step is tried again.
  await execute(
    `UPDATE payments AS p SET refunded_amount = p.refunded_amount + v.amount, updated_at = now()
     FROM unnest($1::uuid[], $2::numeric[]) AS v (id, amount) WHERE p.id = v.id`,
    [shares.map(({ payment }) => payment.id), shares.map((share) => share.amount)],
  );
  for (const { payment, amount: share } of shares) giveBack(payment, share, reason, at);
  return sumOf(shares);
}

function giveBack(
  payment: Pick<PaidPremium, 'id' | 'userId' | 'payeeName' | 'currency'> & {
    readonly payeeEmail?: string | null;
  },
  amount: Money,
  reason: string,
  at: Date,
): void {
  const { id, userId, payeeName, payeeEmail = null, currency } = payment;
  AuditLog.record('UPDATE', { type: 'payment', id }, { after: { givenBack: amount, reason } });
  promisePayment(
    openPayment({
      purpose: 'refund',
      parentPaymentId: id,
      userId,
      payeeName,
      payeeEmail,
      currency,
      amount,
      reason,
      at,
    }),
  );
}

const sumOf = (shares: readonly { readonly amount: Money }[]): Money =>
  shares.reduce((sum, { amount }) => add(sum, amount), zero);
