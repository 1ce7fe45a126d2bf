import type { Policies } from '../../commands/policies.ts';
import type { Timelines } from '../../commands/timelines.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentTimeline } from '../workflows/present.ts';
import { timelineAnswer } from '../workflows/schema.ts';
import { presentPolicy } from './present.ts';
import { policiesQuery, policyAnswer, policyPath, policySearchQuery } from './schema.ts';

const tag = 'Policies';

export const policyRoutes = ({
  policies,
  timelines,
}: {
  readonly policies: Policies;
  readonly timelines: Pick<Timelines, 'timeline'>;
}): Route[] => [
  listRoute({
    path: '/policies',
    permission: 'policy:read_own',
    summary: 'Own policies; staff see all of the company',
    businessRules: true,
    tag,
    query: policiesQuery,
    answer: presentPolicy,
    answerSchema: policyAnswer,
    handle: ({ actor, query }) => policies.list(actor, query),
  }),
  listRoute({
    path: '/policies/search',
    aliases: ['/policies/search'],
    permission: 'policy:read_own',
    summary: 'Finds policies by a word, the closest first: own ones; staff all of the company',
    tag,
    query: policySearchQuery,
    answer: presentPolicy,
    answerSchema: policyAnswer,
    handle: ({ actor, query }) => policies.search(actor, query),
  }),
  route({
    method: 'GET',
    path: '/policies/:id',
    permission: 'policy:read_own',
    summary: 'One policy',
    tag,
    params: policyPath,
    answer: presentPolicy,
    answerSchema: policyAnswer,
    handle: ({ actor, params }) => policies.get(actor, params.id),
  }),
  route({
    method: 'GET',
    path: '/policies/:id/timeline',
    permission: 'policy:read_own',
    summary: 'What happened, and what will happen by itself and when',
    tag,
    params: policyPath,
    answer: presentTimeline,
    answerSchema: timelineAnswer,
    handle: async ({ actor, params }) =>
      timelines.timeline(actor, await policies.subscriptionOf(actor, params.id)),
  }),
];
