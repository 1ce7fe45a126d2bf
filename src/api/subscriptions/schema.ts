import { invoiceReasons, invoiceStatuses } from '../../rules/billing.ts';
import { subscriptionStatuses } from '../../rules/subscriptions.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  optional,
  positiveMoney,
  text,
} from '../schema.ts';

export const subscriptionPath = object({ id: id() });

/** May be below zero. */
const signedMoney = () => text(22).pattern(/^-?\d{1,18}\.\d\d$/);

export const subscribeBody = object({
  insurance_plan_id: id(),
  start_date: optional(calendarDate().description('Today to 90 days ahead; today unless told')),
  insured_property_id: optional(id().description('A property that is listed, or one’s own')),
  auto_renew: boolean().default(false),
});

export const cancelBody = object({
  effective_date: optional(calendarDate().description('Today unless told')),
  reason: optional(text(500).description("Needed for another person's subscription")),
});

export const cancelPreviewBody = object({ effective_date: optional(calendarDate()) });

export const renewBody = object({ reason: optional(text(500)) });

export const autoRenewBody = object({
  auto_renew: boolean(),
  version: optional(integer(1, 2_147_483_647)),
});

export const endorseBody = object({
  premium: optional(money().description('Of a whole term; as it is unless told')),
  coverage_amount: optional(positiveMoney().description('As it is unless told')),
  reason: text(500),
});

export const endorsePreviewBody = object({
  premium: optional(money().description('Of a whole term; as it is unless told')),
  coverage_amount: optional(positiveMoney().description('As it is unless told')),
});

export const subscriptionsQuery = listQuery({
  filters: {
    status: oneOf(...subscriptionStatuses),
    insurance_plan_id: id(),
    user_id: id(),
  },
  sorts: ['created_at', 'start_date', 'end_date', 'status'],
  defaultSort: '-created_at',
  // Nobody can archive a subscription.
  takes: ['search', 'created_after', 'created_before'],
});

export const subscriptionAnswer = object({
  id: id(),
  user_id: nullable(id()),
  insurance_plan_id: nullable(id()),
  policy_id: id(),
  policy_number: text(60).allow(''),
  insured_property_id: nullable(id()),
  source: oneOf('plan', 'direct'),
  status: oneOf(...subscriptionStatuses),
  cancel_pending: boolean().description('A cancellation takes effect on a later day'),
  start_date: calendarDate(),
  end_date: calendarDate().description('The first day without cover'),
  expires_at: instant(),
  term_no: integer(1, 10_000),
  price_snapshot: object({
    plan_name: text(200).description('What it is called; of a direct policy the title of its type'),
    plan_version: nullable(integer(1, 2_147_483_647)).description('Null without a plan'),
    premium: money(),
    coverage_amount: money(),
    currency: text(3),
    duration_months: nullable(integer(1, 600)).description(
      'Null where the term is no whole number of months',
    ),
  }),
  auto_renew: boolean(),
  cancel_reason: nullable(text(500)),
  cancel_effective_date: nullable(calendarDate()),
  refund_amount: nullable(money()),
  workflow: object({ id: text(200), state: oneOf('starting', 'running', 'closed') }),
  version: integer(1, 2_147_483_647),
  state_version: integer(1, 2_147_483_647),
  created_at: instant(),
  updated_at: instant(),
});

export const cancelPreviewAnswer = object({
  effective_date: calendarDate(),
  is_immediate: boolean(),
  refund_amount: money().description('Of what was paid; nothing where premiums are not billed'),
  would_refund: money().description('By the days that are left, paid or not'),
  cooling_off_ends_on: calendarDate(),
  terms: array(
    object({
      term_no: integer(1, 10_000),
      amount: money(),
      rule: oneOf('claim_paid', 'cooling_off', 'pro_rata'),
      unused_days: integer(0, 100_000),
      term_days: integer(0, 100_000),
    }),
    { max: 100 },
  ),
});

export const endorsePreviewAnswer = object({
  effective_on: calendarDate().description('The first day at the new price and cover'),
  premium: money().description('Of a whole term'),
  coverage_amount: money(),
  currency: text(3),
  remaining_days: integer(0, 100_000),
  term_days: integer(1, 100_000),
  delta: signedMoney().description('For the rest of the term: charged, or below zero given back'),
});

export const payBody = object({
  invoice_id: optional(id().description('The oldest that is due unless told')),
});

export const reinstateBody = object({
  reason: optional(text(500).description("Needed for another person's subscription")),
});

export const invoicesQuery = object({
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

export const invoiceAnswer = object({
  id: id(),
  subscription_id: id(),
  term_no: integer(1, 10_000),
  reason: oneOf(...invoiceReasons),
  amount: money(),
  currency: text(3),
  period_start: calendarDate(),
  period_end: calendarDate().description('The first day that it is not for'),
  due_date: calendarDate(),
  status: oneOf(...invoiceStatuses),
  paid_at: nullable(instant()),
  payment_id: nullable(id()).description('The payment that is under way for it'),
  created_at: instant(),
  updated_at: instant(),
});
