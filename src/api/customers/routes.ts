import type { Customers } from '../../commands/customers.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentCustomer } from './present.ts';
import {
  createCustomerBody,
  customerAnswer,
  customerExample,
  customerPath,
  customersQuery,
  editCustomerBody,
  replaceCustomerBody,
} from './schema.ts';

const all = { path: '/customers', aliases: ['/customers'], tag: 'Compliance' } as const;
const one = {
  path: '/customers/:id',
  aliases: ['/customers/:id'],
  tag: 'Compliance',
  params: customerPath,
} as const;
const answersCustomer = { answer: presentCustomer, answerSchema: customerAnswer } as const;

const { name, subscription_type, contact_email } = customerExample;
const examples = { body: { name, subscription_type, contact_email }, answer: customerExample };

export const customerRoutes = ({ customers }: { readonly customers: Customers }): Route[] => [
  listRoute({
    ...all,
    permission: 'customer:read',
    summary: 'Organisations whose workforce this company looks after, its own among them',
    businessRules: true,
    query: customersQuery,
    ...answersCustomer,
    handle: ({ actor, query }) => customers.list(actor, query),
    examples: { answer: customerExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'customer:write',
    summary: 'Add a customer',
    businessRules: true,
    message: 'Customer created',
    status: 201,
    idempotency: 'optional',
    body: createCustomerBody,
    ...answersCustomer,
    handle: ({ body, once }) => customers.create(body, once),
    examples,
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'customer:read',
    summary: 'One customer',
    ...answersCustomer,
    handle: ({ actor, params }) => customers.get(actor, params.id),
    several: ({ actor }, ids) => customers.several(actor, ids),
    examples: { answer: customerExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'customer:write',
    ifMatch: true,
    summary: 'Replace a customer',
    businessRules: true,
    message: 'Customer replaced',
    body: replaceCustomerBody,
    ...answersCustomer,
    handle: ({ actor, params, body, expectedVersion }) =>
      customers.edit(actor, params.id, body, expectedVersion),
    examples,
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'customer:write',
    ifMatch: true,
    summary: 'Change some fields of a customer',
    businessRules: true,
    message: 'Customer changed',
    body: editCustomerBody,
    ...answersCustomer,
    handle: ({ actor, params, body, expectedVersion }) =>
      customers.edit(actor, params.id, body, expectedVersion),
    examples: { body: { subscription_type }, answer: customerExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'customer:write',
    ifMatch: true,
    summary: "Archive a customer that nothing needs; the company's own staff stays",
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      customers.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/customers/:id/restore',
    permission: 'customer:write',
    ifMatch: true,
    summary: 'Bring an archived customer back',
    message: 'Customer restored',
    tag: 'Compliance',
    params: customerPath,
    ...answersCustomer,
    handle: ({ actor, params, expectedVersion }) =>
      customers.restore(actor, params.id, expectedVersion),
    examples: { answer: customerExample },
  }),
];
