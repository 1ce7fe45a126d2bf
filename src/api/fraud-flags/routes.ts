import type { FraudFlags } from '../../commands/fraudFlags.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentFlag } from './present.ts';
import {
  decideFlagBody,
  flagAnswer,
  flagExample,
  flagPath,
  flagsQuery,
  raiseFlagBody,
} from './schema.ts';

const shared = {
  tag: 'Claims',
  params: flagPath,
  answer: presentFlag,
  answerSchema: flagAnswer,
} as const;
const all = { ...shared, path: '/claims/:id/fraud-flags' } as const;

export const fraudFlagRoutes = ({ fraudFlags }: { readonly fraudFlags: FraudFlags }): Route[] => [
  listRoute({
    ...all,
    permission: 'fraud:read',
    businessRules: true,
    summary: 'Why a claim may be fraud',
    query: flagsQuery,
    handle: ({ actor, params, query }) => fraudFlags.list(actor, params.id, query),
    examples: { answer: flagExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'fraud:write',
    summary: 'Raise a suspicion; a weighty one holds the approval of the claim',
    message: 'Fraud flag raised',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: raiseFlagBody,
    handle: ({ actor, params, body, once }) => fraudFlags.raise(actor, params.id, body, once),
    examples: {
      body: { reason: 'The photos are older than the policy', score: 60 },
      answer: {
        ...flagExample,
        rule: 'manual',
        score: 60,
        evidence: { suspicion: 'The photos are older than the policy' },
      },
    },
  }),
  route({
    ...shared,
    method: 'PATCH',
    path: '/fraud-flags/:id',
    permission: 'fraud:decide',
    ifMatch: true,
    summary: 'Clear or confirm a suspicion',
    message: 'Fraud flag decided',
    businessRules: true,
    body: decideFlagBody,
    handle: ({ actor, params, body, expectedVersion }) =>
      fraudFlags.decide(actor, params.id, body, expectedVersion),
    examples: {
      body: { state: 'cleared', reason: 'The broker had the photos before' },
      answer: {
        ...flagExample,
        state: 'cleared',
        reason: 'The broker had the photos before',
        decided_by: '01998e3a-4a00-7b11-8c22-0d33e44f55a6',
        decided_at: '2026-02-02T10:00:00.000Z',
        version: 2,
      },
    },
  }),
];
