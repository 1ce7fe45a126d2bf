import { ledgerAccounts, paymentPurposes, paymentStatuses } from '../../rules/payments.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  freeForm,
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  positiveMoney,
  text,
} from '../schema.ts';

export const paymentPath = object({ id: id() });

export const paymentsQuery = listQuery({
  filters: {
    status: oneOf(...paymentStatuses),
    purpose: oneOf(...paymentPurposes),
    claim_id: id(),
    invoice_id: id(),
    booking_id: id().description('Refunds of what was paid for it are found with it'),
    parent_payment_id: id(),
    user_id: id().description('Who pays or is paid'),
  },
  sorts: ['created_at', 'amount', 'payment_date'],
  defaultSort: '-created_at',
  takes: ['created_after', 'created_before'],
});

export const refundBody = object({
  amount: positiveMoney().description('At most what is left of the payment'),
  reason: text(500),
});

export const paymentAnswer = object({
  id: id(),
  purpose: oneOf(...paymentPurposes),
  claim_id: nullable(id()),
  invoice_id: nullable(id()),
  booking_id: nullable(id()),
  parent_payment_id: nullable(id()).description('The payment that this refund gives back'),
  user_id: nullable(id()).description('Who pays or is paid'),
  payee_name: text(400),
  amount: money(),
  currency: text(3),
  status: oneOf(...paymentStatuses),
  payment_date: nullable(calendarDate()),
  idempotency_key: text(200).description('The gateway moves the money once under it'),
  transaction_id: nullable(text(255)).description('Reference of the payment gateway'),
  failure_code: nullable(text(100)),
  attempts: integer(0, 2_147_483_647),
  refunded_amount: money().description('Given back, or on its way back'),
  refundable_amount: money(),
  reason: nullable(text(500)),
  version: integer(1, 2_147_483_647),
  state_version: integer(1, 2_147_483_647),
  created_at: instant(),
  updated_at: instant(),
});

/** What a gateway sends is its own; what is not about a payment of ours is let be. */
export const webhookBody = freeForm().keys({
  id: text(255).required(),
  type: text(100).required(),
  data: freeForm().required(),
});

/** May be below zero. */
const amount = text(33).pattern(/^-?\d{1,28}\.\d\d$/);

export const ledgerAnswer = object({
  is_even: boolean().description('Debits and credits of every currency are equal'),
  accounts: array(
    object({
      account: oneOf(...ledgerAccounts),
      currency: text(3),
      debit: amount,
      credit: amount,
      balance: amount,
    }),
    { max: 5000 },
  ),
});
