import { subscriptionPlans } from '../../rules/companies.ts';
import { listQuery } from '../listQuery.ts';
import {
  boolean,
  email,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  text,
} from '../schema.ts';

const fields = {
  name: text(200).description('Unique in the company'),
  subscription_type: oneOf(...subscriptionPlans).default('free'),
  contact_email: nullable(email()).default(null),
};
const version = integer(1, 2_147_483_647);

export const customerPath = object({ id: id() });

export const createCustomerBody = object(fields).id('CreateCustomer');
export const replaceCustomerBody = object({ ...fields, version: optional(version) });
export const editCustomerBody = partial({ ...fields, version });

export const customersQuery = listQuery({
  filters: {
    name: text(200).description('The whole name, in any case'),
    subscription_type: oneOf(...subscriptionPlans),
    is_self: boolean(),
  },
  sorts: ['name', 'subscription_type', 'created_at'],
  defaultSort: 'name',
});

export const customerAnswer = object({
  id: id(),
  name: text(200),
  subscription_type: oneOf(...subscriptionPlans),
  is_self: boolean().description("The company's own staff"),
  contact_email: nullable(email()),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('Customer');

export const customerExample = {
  id: '01998e3a-7d10-7b2c-8e41-5d6f70819203',
  name: 'Harbour Logistics',
  subscription_type: 'standard',
  is_self: false,
  contact_email: 'office@harbour.example',
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;
