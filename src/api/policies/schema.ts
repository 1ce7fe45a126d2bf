import { listQuery } from '../listQuery.ts';
import {
  calendarDate,
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
export const policyTypes = [
  'auto',
  'home',
  'life',
  'health',
  'business',
  'travel',
  'other',
] as const;

export const policyPath = object({ id: id() });

export const policiesQuery = listQuery({
  filters: {
    status: oneOf('draft', 'active', 'expired', 'cancelled'),
    policy_type: oneOf(...policyTypes),
    expires_before: calendarDate(),
    expires_after: calendarDate(),
  },
  sorts: ['created_at', 'end_date', 'policy_number'],
  defaultSort: '-created_at',
});

export const policyAnswer = object({
  id: id(),
  policy_number: text(60),
  policy_type: oneOf(...policyTypes),
  status: oneOf(...policyStatuses),
  user_id: nullable(id()),
  policyholder_name: text(400),
  policyholder_email: text(320),
  coverage_amount: money(),
  premium: money(),
  currency: text(3),
  start_date: calendarDate(),
  end_date: calendarDate().description('The first day without cover'),
  insured_property_id: nullable(id()),
  version: integer(1, 2_147_483_647),
  created_at: instant(),
  updated_at: instant(),
});
