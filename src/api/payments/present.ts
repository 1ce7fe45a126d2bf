import { refundableOf, type LedgerSums, type PaymentView } from '../../commands/payments.ts';

export const presentPayment = (payment: PaymentView) => ({
  id: payment.id,
  purpose: payment.purpose,
  claim_id: payment.claimId ?? null,
  invoice_id: payment.invoiceId ?? null,
  booking_id: payment.bookingId ?? null,
  parent_payment_id: payment.parentPaymentId ?? null,
  user_id: payment.userId,
  payee_name: payment.payeeName,
  amount: payment.amount,
  currency: payment.currency,
  status: payment.status,
  payment_date: payment.paymentDate ?? null,
  idempotency_key: payment.idempotencyKey,
  transaction_id: payment.transactionId ?? null,
  failure_code: payment.failureCode ?? null,
  attempts: payment.attempts,
  refunded_amount: payment.refundedAmount,
  refundable_amount: refundableOf(payment),
  reason: payment.reason ?? null,
  version: payment.version,
  state_version: payment.stateVersion,
  created_at: payment.createdAt.toISOString(),
  updated_at: payment.updatedAt.toISOString(),
});

export const presentLedger = ({ accounts, isEven }: LedgerSums) => ({
  is_even: isEven,
  accounts: accounts.map(({ account, currency, debit, credit, balance }) => ({
    account,
    currency,
    debit,
    credit,
    balance,
  })),
});
