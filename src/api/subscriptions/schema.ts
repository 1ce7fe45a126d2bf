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
import { planExample } from '../plans/schema.ts';

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

export const subscriptionExample = {
  id: '01998e3f-2a00-7c41-8d12-5e66f77a88b9',
  user_id: '01998e3a-9f10-7b22-8c33-1d44e55f66a7',
  insurance_plan_id: planExample.id,
  policy_id: '01998e3f-2a01-7d52-9e23-6f77a88b99c0',
  policy_number: 'POL-DEMO-2026-000004',
  insured_property_id: null,
  source: 'plan',
  status: 'active',
  cancel_pending: false,
  start_date: '2026-02-01',
  end_date: '2027-02-01',
  expires_at: '2027-01-31T23:00:00.000Z',
  term_no: 1,
  price_snapshot: {
    plan_name: planExample.name,
    plan_version: 1,
    premium: '365.00',
    coverage_amount: '250000.00',
    currency: 'EUR',
    duration_months: 12,
  },
  auto_renew: false,
  cancel_reason: null,
  cancel_effective_date: null,
  refund_amount: null,
  workflow: {
    id: 'subscription/01998e39-1d00-7f01-8a12-2b33c44d55e6/01998e3f-2a00-7c41-8d12-5e66f77a88b9',
    state: 'running',
  },
  version: 1,
  state_version: 1,
  created_at: '2026-02-01T09:30:00.000Z',
  updated_at: '2026-02-01T09:30:00.000Z',
} as const;

export const cancelPreviewExample = {
  effective_date: '2026-05-12',
  is_immediate: true,
  refund_amount: '265.00',
  would_refund: '265.00',
  cooling_off_ends_on: '2026-02-15',
  terms: [{ term_no: 1, amount: '265.00', rule: 'pro_rata', unused_days: 265, term_days: 365 }],
} as const;

export const endorsePreviewExample = {
  effective_on: '2026-05-12',
  premium: '420.00',
  coverage_amount: '250000.00',
  currency: 'EUR',
  remaining_days: 265,
  term_days: 365,
  delta: '39.93',
} as const;

export const invoiceExample = {
  id: '01998e3f-2a02-7e63-8f34-7a88b99c00d1',
  subscription_id: subscriptionExample.id,
  term_no: 1,
  reason: 'term',
  amount: '365.00',
  currency: 'EUR',
  period_start: '2026-02-01',
  period_end: '2027-02-01',
  due_date: '2026-02-04',
  status: 'paid',
  paid_at: '2026-02-01T09:31:12.000Z',
  payment_id: null,
  created_at: '2026-02-01T09:30:00.000Z',
  updated_at: '2026-02-01T09:31:12.000Z',
} as const;
