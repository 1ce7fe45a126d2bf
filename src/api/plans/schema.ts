import Joi from 'joi';
import type { Bounds } from '../../rules/bounds.ts';
import { lifecycleBounds } from '../../rules/lifecycle.ts';
import { maxDurationMonths } from '../../rules/terms.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  currency,
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  positiveMoney,
  text,
} from '../schema.ts';

const coverageLevels = ['basic', 'standard', 'premium'] as const;

const whole = ({ min, max }: Bounds) => optional(integer(min, max));
const days = ({ min, max }: Bounds) => optional(array(integer(min, max), { max: 10 }));
const share = ({ min, max }: Bounds) => optional(Joi.number().min(min).max(max));

export const lifecycleConfig = object({
  renewal_offer_days: whole(lifecycleBounds.renewalOfferDays),
  renewal_reminder_days: days(lifecycleBounds.renewalReminderDays),
  renewal_call_days: whole(lifecycleBounds.renewalCallDays),
  late_renewal_days: whole(lifecycleBounds.lateRenewalDays),
  cooling_off_days: whole(lifecycleBounds.coolingOffDays),
  short_rate: share(lifecycleBounds.shortRate),
  payment_window_hours: whole(lifecycleBounds.paymentWindowHours),
  grace_days: whole(lifecycleBounds.graceDays),
  grace_reminder_days: days(lifecycleBounds.graceReminderDays),
  reinstatement_days: whole(lifecycleBounds.reinstatementDays),
}).id('LifecycleConfig');

const durationMonths = integer(1, maxDurationMonths).description('A multiple of 6');
const version = integer(1, 2_147_483_647);

const fields = {
  name: text(200).description('Unique in the company'),
  property_category_id: id(),
  coverage_level: oneOf(...coverageLevels),
  coverage_amount: positiveMoney().description('More than the premium'),
  premium: positiveMoney(),
  currency: optional(currency().description("The company's unless told")),
  duration_months: durationMonths,
  description: text(5000).allow('').default(''),
  is_active: boolean().default(true).description('Whether it is for sale'),
  lifecycle_config: optional(lifecycleConfig),
};

export const planPath = object({ id: id() });

export const createPlanBody = object(fields).id('CreatePlan');
export const replacePlanBody = object({ ...fields, version: optional(version) });
export const editPlanBody = partial({ ...fields, version });

export const plansQuery = listQuery({
  filters: {
    property_category: id().description('Id of a category'),
    coverage_level: oneOf(...coverageLevels),
    min_premium: money(),
    max_premium: money(),
    is_active: boolean().description('Others than administrators only see active plans'),
  },
  sorts: ['premium', 'coverage_amount', 'name', 'created_at', 'duration_months'],
  defaultSort: '-created_at',
});

export const planAnswer = object({
  id: id(),
  name: text(200),
  property_category_id: id(),
  property_category_name: text(100),
  coverage_level: oneOf(...coverageLevels),
  coverage_amount: money(),
  premium: money(),
  currency: text(3),
  duration_months: durationMonths,
  description: text(5000).allow(''),
  is_active: boolean(),
  lifecycle_config: lifecycleConfig,
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('Plan');

export const quoteBody = object({
  start_date: optional(calendarDate().description('Today to 90 days ahead; today unless told')),
});

export const quoteAnswer = object({
  plan_id: id(),
  premium: money(),
  daily_premium: money().description('The premium by day of the term, rounded'),
  coverage_amount: money(),
  currency: text(3),
  duration_months: durationMonths,
  start_date: calendarDate(),
  end_date: calendarDate().description('The first day without cover'),
  term_days: integer(1, 100_000),
  cooling_off_ends_on: calendarDate(),
  timers: array(
    object({
      name: text(60),
      due_at: instant(),
      source: oneOf('plan', 'setting', 'default', 'term', 'command'),
    }),
    { max: 50 },
  ).description('What would happen by itself, and when'),
}).id('Quote');

const categoryId = '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f';

export const planBodyExample = {
  name: 'Home Standard',
  property_category_id: categoryId,
  coverage_level: 'standard',
  coverage_amount: '250000.00',
  premium: '365.00',
  currency: 'EUR',
  duration_months: 12,
  description: 'Fire, water and storm',
  is_active: true,
  lifecycle_config: { renewal_reminder_days: [30, 7], cooling_off_days: 14 },
} as const;

export const planExample = {
  ...planBodyExample,
  id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  property_category_name: 'Detached House',
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;

export const quoteExample = {
  plan_id: planExample.id,
  premium: '365.00',
  daily_premium: '1.00',
  coverage_amount: '250000.00',
  currency: 'EUR',
  duration_months: 12,
  start_date: '2026-02-01',
  end_date: '2027-02-01',
  term_days: 365,
  cooling_off_ends_on: '2026-02-15',
  timers: [
    { name: 'renewal_reminder_30', due_at: '2027-01-02T00:00:00.000Z', source: 'plan' },
    { name: 'expiry', due_at: '2027-02-01T00:00:00.000Z', source: 'term' },
  ],
} as const;
