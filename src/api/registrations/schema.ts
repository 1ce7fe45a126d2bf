import { businessTypes, isolations, subscriptionPlans } from '../../rules/companies.ts';
import { registrationStatuses } from '../../rules/onboarding.ts';
import { listQuery } from '../listQuery.ts';
import {
  currency,
  email,
  hostName,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '../schema.ts';

const phone = (max: number) => text(max).pattern(/^\+?[0-9 ()./-]{4,30}$/);

export const registrationBody = object({
  company_name: text(200),
  business_type: oneOf(...businessTypes).default('other'),
  company_phone: optional(nullable(phone(30))),
  contact_email: optional(email()).description('That of the administrator unless told'),
  company_address: optional(nullable(text(500))),
  company_linkedin: optional(nullable(text(300))),
  requested_domain: optional(nullable(hostName())),
  admin_email: email(),
  admin_username: text(30),
  admin_password: text(256).description('Kept as a hash until the account has it; never sent'),
  admin_phone: optional(nullable(phone(15))),
  default_currency: currency().default('EUR'),
  subscription_plan: oneOf(...subscriptionPlans).default('free'),
}).id('Register company');

export const verifyBody = object({ code: text(200) });

export const registrationPath = object({ id: id() });

export const approveBody = object({
  isolation: optional(oneOf(...isolations)).description(
    'Where its business rows stand: among those of others (the default), or in a schema of its own',
  ),
  plan: optional(oneOf(...subscriptionPlans)).description('Instead of the one that was asked for'),
  note: optional(text(500)),
});

export const rejectBody = object({ reason: text(500) });

export const rejectQuery = object({ reason: text(500).default('unspecified') });

export const retryBody = object({ reason: optional(text(500)) });

export const registrationsQuery = listQuery({
  filters: { status: oneOf(...registrationStatuses, 'all') },
  sorts: ['created_at', 'company_name', 'expires_at'],
  defaultSort: '-created_at',
  takes: ['search', 'created_after', 'created_before'],
});

export const registrationAnswer = object({
  id: id(),
  company_name: text(200),
  business_type: oneOf(...businessTypes),
  company_phone: nullable(text(30)),
  contact_email: email(),
  company_address: nullable(text(500)),
  company_linkedin: nullable(text(300)),
  requested_domain: nullable(text(253)),
  admin_email: email(),
  admin_username: text(30),
  admin_phone: nullable(text(15)),
  default_currency: text(3),
  subscription_plan: oneOf(...subscriptionPlans),
  isolation: oneOf(...isolations),
  status: oneOf(...registrationStatuses),
  reason: nullable(text(500)),
  note: nullable(text(500)),
  reviewed_by: nullable(id()),
  reviewed_at: nullable(instant()),
  expires_at: instant().description('When it runs out undecided'),
  email_verified_at: nullable(instant()),
  company_id: nullable(id()).description('Once it is set up'),
  activated_at: nullable(instant()).description('The first sign-in of its administrator'),
  last_error: nullable(text(500)),
  workflow: object({ id: text(200), state: oneOf('starting', 'running', 'closed') }),
  version: integer(1, 2_147_483_647),
  state_version: integer(1, 2_147_483_647),
  created_at: instant(),
  updated_at: instant(),
}).id('Registration');

export const submittedAnswer = object({
  id: id(),
  company_name: text(200),
  requested_domain: nullable(text(253)),
  status: oneOf(...registrationStatuses),
  expires_at: instant(),
  workflow: object({ id: text(200), state: oneOf('starting', 'running', 'closed') }),
}).id('Submitted registration');
