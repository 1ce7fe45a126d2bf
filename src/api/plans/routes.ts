import type { Plans } from '../../commands/plans.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentPlan, presentQuote } from './present.ts';
import {
  createPlanBody,
  editPlanBody,
  planAnswer,
  planBodyExample,
  planExample,
  planPath,
  plansQuery,
  quoteAnswer,
  quoteBody,
  quoteExample,
  replacePlanBody,
} from './schema.ts';

const all = { path: '/plans', aliases: ['/api/plans'], tag: 'Catalogue' } as const;
const one = {
  path: '/plans/:id',
  aliases: ['/api/plans/:id'],
  tag: 'Catalogue',
  params: planPath,
} as const;
const answersPlan = { answer: presentPlan, answerSchema: planAnswer } as const;
const examples = { body: planBodyExample, answer: planExample };

export const planRoutes = ({ plans }: { readonly plans: Plans }): Route[] => [
  listRoute({
    ...all,
    permission: 'public',
    summary: 'Plans for sale; administrators and auditors also see inactive and archived ones',
    businessRules: true,
    query: plansQuery,
    ...answersPlan,
    handle: ({ company, visitor, query }) => plans.list(company.id, visitor, query),
    ofEach: {
      property_category: ({ company, visitor }, ids, size) =>
        plans.ofCategories(company.id, visitor, ids, size),
    },
    examples: { answer: planExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'plan:write',
    summary: 'Add a plan',
    message: 'Plan created',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: createPlanBody,
    ...answersPlan,
    handle: ({ company, body, once }) => plans.create(company, body, once),
    examples,
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'public',
    summary: 'One plan',
    ...answersPlan,
    handle: ({ company, visitor, params }) => plans.get(company.id, visitor, params.id),
    several: ({ company, visitor }, ids) => plans.several(company.id, visitor, ids),
    examples: { answer: planExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'plan:write',
    ifMatch: true,
    summary: 'Replace a plan; what was sold keeps its terms',
    message: 'Plan replaced',
    businessRules: true,
    body: replacePlanBody,
    ...answersPlan,
    handle: ({ company, params, body, expectedVersion }) =>
      plans.replace(company, params.id, body, expectedVersion),
    examples,
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'plan:write',
    ifMatch: true,
    summary: 'Change some fields of a plan; what was sold keeps its terms',
    message: 'Plan changed',
    businessRules: true,
    body: editPlanBody,
    ...answersPlan,
    handle: ({ company, params, body, expectedVersion }) =>
      plans.edit(company.id, params.id, body, expectedVersion),
    examples: { body: { premium: '365.00' }, answer: planExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'plan:write',
    ifMatch: true,
    summary: 'Archive a plan; its subscriptions run on',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      plans.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/plans/:id/restore',
    permission: 'plan:write',
    ifMatch: true,
    summary: 'Bring an archived plan back',
    message: 'Plan restored',
    tag: 'Catalogue',
    params: planPath,
    ...answersPlan,
    handle: ({ actor, params, expectedVersion }) =>
      plans.restore(actor, params.id, expectedVersion),
    examples: { answer: planExample },
  }),
  route({
    method: 'POST',
    path: '/plans/:id/quote',
    permission: 'public',
    summary: 'Price, dates and timers of a purchase; nothing is stored',
    message: 'Quote',
    tag: 'Catalogue',
    businessRules: true,
    params: planPath,
    body: quoteBody,
    answer: presentQuote,
    answerSchema: quoteAnswer,
    handle: ({ company, visitor, params, body }) =>
      plans.quote(company, visitor, params.id, body.startDate),
    examples: { body: { start_date: '2026-02-01' }, answer: quoteExample },
  }),
];
