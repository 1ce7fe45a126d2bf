import type { ApiKeys } from '../../commands/apiKeys.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentKey, presentNewKey } from './present.ts';
import {
  createKeyBody,
  keyAnswer,
  keyExample,
  keyPath,
  keysQuery,
  newKeyAnswer,
  rotateKeyBody,
} from './schema.ts';

const all = { path: '/api-keys', permission: 'apikey:manage', tag: 'Identity' } as const;
const one = { ...all, path: '/api-keys/:id', params: keyPath } as const;
const answersKey = { answer: presentNewKey, answerSchema: newKeyAnswer } as const;
const key = `${keyExample.prefix}_${'A'.repeat(43)}_0a1b2c`;
const { name, scopes, expires_at } = keyExample;

/** Nothing here takes an Idempotency-Key: keys would be stored. */
export const apiKeyRoutes = ({ apiKeys }: { readonly apiKeys: ApiKeys }): Route[] => [
  listRoute({
    ...all,
    summary: "The keys of this company's programs, the newest first, ended ones too",
    query: keysQuery,
    answer: presentKey,
    answerSchema: keyAnswer,
    handle: ({ actor, query }) => apiKeys.list(actor, query),
    examples: { answer: keyExample },
  }),
  route({
    ...all,
    method: 'POST',
    summary: 'Make a key; this answer alone shows it',
    message: 'Key created',
    status: 201,
    businessRules: true,
    body: createKeyBody,
    ...answersKey,
    handle: ({ actor, body }) => apiKeys.create(actor, body),
    examples: { body: { name, scopes, expires_at }, answer: { ...keyExample, key } },
  }),
  route({
    ...one,
    path: '/api-keys/:id/rotate',
    method: 'POST',
    summary: 'Make the key that follows this one, which works on for the overlap',
    message: 'Key rotated',
    status: 201,
    body: rotateKeyBody,
    ...answersKey,
    handle: ({ actor, params, body }) => apiKeys.rotate(actor, params.id, body),
    examples: { body: { overlap_hours: 12 }, answer: { ...keyExample, key } },
  }),
  route({
    ...one,
    method: 'DELETE',
    summary: 'Revoke a key',
    status: 204,
    handle: ({ actor, params }) => apiKeys.revoke(actor, params.id),
  }),
];
