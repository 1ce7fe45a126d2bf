import { businessTypes } from '../../rules/companies.ts';
import { riskLevels } from '../../rules/premiums.ts';
import { maxDurationMonths } from '../../rules/terms.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  currency,
  email,
  freeForm,
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
import { subscriptionExample } from '../subscriptions/schema.ts';

export const policyStatuses = [
  'draft',
  'active',
  'grace',
  'lapsed',
  'expired',
  'cancelled',
] as const;
const productType = oneOf(...businessTypes).description('Older name of policy_type');
export const policyPath = object({ id: id() });

export const policiesQuery = listQuery({
  filters: {
    status: oneOf(...policyStatuses),
    policy_type: oneOf(...businessTypes),
    product_type: productType,
    expires_before: calendarDate(),
    expires_after: calendarDate(),
  },
  sorts: ['created_at', 'end_date', 'policy_number'],
  defaultSort: '-created_at',
});

/** Sorted by closeness, so nothing but the page is asked for. */
export const policySearchQuery = object({
  key_word: text(200).description(
    'In number, name, e-mail or phone of the holder; of a company the newest 500 are ranked',
  ),
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

const version = integer(1, 2_147_483_647);

const holder = {
  policyholder_name: text(400),
  policyholder_email: email(),
  policyholder_phone: optional(nullable(text(50))),
  user_id: optional(nullable(id()).description("The holder's account in the company")),
  metadata: freeForm().default({}),
};

/** What an edit may repeat and does not change. */
const agreed = {
  policy_number: optional(text(60).description('Never changes')),
  policy_type: optional(oneOf(...businessTypes).description('Cannot be edited')),
  product_type: optional(productType),
  status: optional(oneOf(...policyStatuses).description('Changes by its course alone')),
  start_date: optional(calendarDate().description('Cannot be edited')),
  end_date: optional(calendarDate().description('Changes by a renewal')),
  premium: optional(money().description('Changes by a renewal')),
  coverage_amount: optional(positiveMoney().description('Changes by a renewal')),
  currency: optional(currency().description('Cannot be edited')),
  insured_property_id: optional(nullable(id()).description('Cannot be edited')),
};

export const issueBody = object({
  ...holder,
  policy_number: optional(
    text(60).description("Unique in the company; the next one of the company's series unless told"),
  ),
  policy_type: optional(
    oneOf(...businessTypes).description('Needed, under this name or the older'),
  ),
  product_type: optional(productType),
  start_date: calendarDate().description('Up to 90 days ahead; cover may have begun already'),
  end_date: calendarDate().description('The first day without cover, after today'),
  premium: money(),
  coverage_amount: positiveMoney(),
  currency: optional(currency().description("The company's unless told")),
  insured_property_id: optional(nullable(id()).description('A property of the company')),
}).id('IssuePolicy');

export const replacePolicyBody = object({ ...holder, ...agreed, version: optional(version) });
export const editPolicyBody = partial({ ...holder, ...agreed, version });

export const renewPolicyBody = object({
  end_date: optional(calendarDate().description('The first day without cover')),
  duration_months: optional(
    integer(1, maxDurationMonths).description("Instead of end_date; the plan's unless told"),
  ),
  premium: optional(money().description("The plan's of today, or as before, unless told")),
  coverage_amount: optional(
    positiveMoney().description("The plan's of today, or as before, unless told"),
  ),
  reason: optional(text(500)),
  version: optional(version),
}).id('RenewPolicy');

export const premiumBody = object({
  policy_type: oneOf(...businessTypes),
  coverage_amount: positiveMoney(),
  start_date: calendarDate(),
  end_date: calendarDate(),
  risk_level: oneOf(...riskLevels).default('standard'),
  previous_claims: integer(0, 100).default(0).description('Of the past five years; five count'),
  currency: optional(currency().description("The company's unless told")),
});

export const versionsQuery = object({
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

const policyFields = {
  id: id(),
  policy_number: text(60),
  policy_type: oneOf(...businessTypes),
  product_type: productType,
  status: oneOf(...policyStatuses),
  is_active: boolean().description('Not archived'),
  is_valid: boolean().description("Covers today, by the company's calendar"),
  user_id: nullable(id()),
  policyholder_name: text(400),
  policyholder_email: text(320),
  policyholder_phone: nullable(text(50)),
  coverage_amount: money(),
  coverage_used: money().description(
    'By approved claims of the term that runs today, else of the latest',
  ),
  coverage_remaining: money(),
  premium: money(),
  premium_paid_to: calendarDate().description('The first day that is not paid for'),
  currency: text(3),
  start_date: calendarDate(),
  end_date: calendarDate().description('The first day without cover'),
  insured_property_id: nullable(id()),
  metadata: freeForm(),
  subscription_id: nullable(id()).description('Carries its course'),
  version,
  created_at: instant(),
  updated_at: instant(),
};

const workflow = object({ id: text(200), state: oneOf('starting', 'running') });

export const policyAnswer = object(policyFields).id('Policy');

export const issuedAnswer = object({ ...policyFields, workflow });

export const renewedAnswer = object({
  ...policyFields,
  term: object({
    term_no: integer(1, 10_000),
    start_date: calendarDate(),
    end_date: calendarDate(),
    premium: money(),
    coverage_amount: money(),
    gap_days: integer(0, 100_000).description('Without cover before it'),
  }),
  workflow,
});

export const versionAnswer = object({
  number: integer(1, 10_000),
  start_date: calendarDate(),
  end_date: calendarDate().description('The first day without cover'),
  premium: money(),
  coverage_amount: money(),
  origin: oneOf('new', 'renewal', 'endorsement', 'reinstatement'),
  gap_days: integer(0, 100_000).description('Without cover before it'),
  made_at: instant(),
  made_by: nullable(id()).description('Null: by itself, or with a key'),
});

export const premiumAnswer = object({
  premium: money(),
  yearly_premium: money().description('Of 365 days at the rate of the type'),
  term_days: integer(1, 100_000),
  factors: array(object({ name: oneOf('risk', 'previous_claims'), percent: integer(1, 1000) }), {
    max: 10,
  }),
  is_least: boolean().description('Raised to the least premium of the type'),
  currency: text(3),
  pricing: object({
    asked: oneOf('ai', 'standard').description('By the flag enable_ai_pricing'),
    used: oneOf('standard'),
    note: nullable(text(200)),
  }),
});

const holderExample = {
  policyholder_name: 'Ada Lovelace',
  policyholder_email: 'ada@example.com',
  policyholder_phone: '+49 30 1234567',
};

export const issueExample = {
  ...holderExample,
  policy_type: 'auto',
  start_date: '2026-02-01',
  end_date: '2027-02-01',
  premium: '540.00',
  coverage_amount: '18000.00',
  metadata: { licence_plate: 'B-AL 1815' },
} as const;

export const replaceExample = { ...holderExample, metadata: {} } as const;

export const premiumExample = {
  policy_type: 'auto',
  coverage_amount: '18000.00',
  start_date: '2026-02-01',
  end_date: '2027-02-01',
  risk_level: 'standard',
  previous_claims: 1,
} as const;

export const policyExample = {
  ...issueExample,
  id: subscriptionExample.policy_id,
  policy_number: subscriptionExample.policy_number,
  product_type: 'auto',
  status: 'active',
  is_active: true,
  is_valid: true,
  user_id: subscriptionExample.user_id,
  coverage_used: '900.00',
  coverage_remaining: '17100.00',
  premium_paid_to: '2027-02-01',
  currency: 'EUR',
  insured_property_id: null,
  subscription_id: subscriptionExample.id,
  version: 1,
  created_at: '2026-02-01T09:30:00.000Z',
  updated_at: '2026-02-01T09:30:00.000Z',
} as const;

export const issuedPolicyExample = {
  ...policyExample,
  coverage_used: '0.00',
  coverage_remaining: '18000.00',
  workflow: { ...subscriptionExample.workflow, state: 'starting' },
} as const;

export const renewedPolicyExample = {
  ...issuedPolicyExample,
  end_date: '2028-02-01',
  premium: '560.00',
  term: {
    term_no: 2,
    start_date: '2027-02-01',
    end_date: '2028-02-01',
    premium: '560.00',
    coverage_amount: '18000.00',
    gap_days: 0,
  },
} as const;

export const versionExample = {
  number: 1,
  start_date: '2026-02-01',
  end_date: '2027-02-01',
  premium: '540.00',
  coverage_amount: '18000.00',
  origin: 'new',
  gap_days: 0,
  made_at: '2026-02-01T09:30:00.000Z',
  made_by: policyExample.user_id,
} as const;

export const premiumAnswerExample = {
  premium: '621.00',
  yearly_premium: '540.00',
  term_days: 365,
  factors: [
    { name: 'risk', percent: 100 },
    { name: 'previous_claims', percent: 115 },
  ],
  is_least: false,
  currency: 'EUR',
  pricing: { asked: 'standard', used: 'standard', note: null },
} as const;
