import { businessTypes } from '../../rules/companies.ts';
import { listQuery } from '../listQuery.ts';
import {
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
  text,
} from '../schema.ts';

export const policyStatuses = [
  'draft',
  'active',
  'grace',
  'lapsed',
  'expired',
  'cancelled',
] as const;
export const policyPath = object({ id: id() });

export const policiesQuery = listQuery({
  filters: {
    status: oneOf('draft', 'active', 'expired', 'cancelled'),
    policy_type: oneOf(...businessTypes),
    product_type: oneOf(...businessTypes).description('Older name of policy_type'),
    expires_before: calendarDate(),
    expires_after: calendarDate(),
  },
  sorts: ['created_at', 'end_date', 'policy_number'],
  defaultSort: '-created_at',
});

/** Sorted by closeness, so nothing but the page is asked for. */
export const policySearchQuery = object({
  key_word: text(200).description('In number, name, e-mail or phone of the holder'),
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

export const policyAnswer = object({
  id: id(),
  policy_number: text(60),
  policy_type: oneOf(...businessTypes),
  status: oneOf(...policyStatuses),
  is_active: boolean().description('Not archived'),
  is_valid: boolean().description("Covers today, by the company's calendar"),
  user_id: nullable(id()),
  policyholder_name: text(400),
  policyholder_email: text(320),
  policyholder_phone: nullable(text(50)),
  coverage_amount: money(),
  coverage_used: money().description('By approved claims of this term'),
  coverage_remaining: money(),
  premium: money(),
  currency: text(3),
  start_date: calendarDate(),
  end_date: calendarDate().description('The first day without cover'),
  insured_property_id: nullable(id()),
  metadata: freeForm(),
  version: integer(1, 2_147_483_647),
  created_at: instant(),
  updated_at: instant(),
});
