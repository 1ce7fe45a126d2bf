import type { Policies } from '../../commands/policies.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentPolicy } from './present.ts';
import { policiesQuery, policyAnswer, policyPath } from './schema.ts';

const tag = 'Policies';

export const policyRoutes = ({ policies }: { readonly policies: Policies }): Route[] => [
  listRoute({
    path: '/policies',
    permission: 'signed-in',
    summary: 'Own policies; staff see all of the company',
    businessRules: true,
    tag,
    query: policiesQuery,
    answer: presentPolicy,
    answerSchema: policyAnswer,
    handle: ({ actor, query }) => policies.list(actor, query),
  }),
  route({
    method: 'GET',
    path: '/policies/:id',
    permission: 'signed-in',
    summary: 'One policy',
    tag,
    params: policyPath,
    answer: presentPolicy,
    answerSchema: policyAnswer,
    handle: ({ actor, params }) => policies.get(actor, params.id),
  }),
];
