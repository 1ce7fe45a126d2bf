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
  text,
} from '../schema.ts';

export const subscriptionPath = object({ id: id() });

export const subscribeBody = object({
  insurance_plan_id: id(),
  start_date: optional(calendarDate().description('Today to 90 days ahead; today unless told')),
  insured_property_id: optional(id()),
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
    plan_name: text(200),
    plan_version: integer(1, 2_147_483_647),
    premium: money(),
    coverage_amount: money(),
    currency: text(3),
    duration_months: integer(6, 600),
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
  refund_amount: money().description('Nothing while premiums are not billed here'),
  would_refund: money().description('What would go back if they were'),
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
