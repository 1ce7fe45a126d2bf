import type { WebhookEndpoints } from '../../commands/webhookEndpoints.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentDelivery, presentEndpoint, presentNewSecret } from './present.ts';
import {
  createEndpointBody,
  deliveriesQuery,
  deliveryAnswer,
  deliveryExample,
  deliveryPath,
  editEndpointBody,
  endpointAnswer,
  endpointExample,
  endpointPath,
  endpointsQuery,
  newSecretAnswer,
} from './schema.ts';

const manages = { permission: 'webhook:manage', tag: 'Notifications' } as const;
const all = { ...manages, path: '/webhook-endpoints' } as const;
const one = { ...manages, path: '/webhook-endpoints/:id', params: endpointPath } as const;
const answersEndpoint = { answer: presentEndpoint, answerSchema: endpointAnswer } as const;
const answersSecret = { answer: presentNewSecret, answerSchema: newSecretAnswer } as const;
const answersDelivery = { answer: presentDelivery, answerSchema: deliveryAnswer } as const;

const { url, events } = endpointExample;
const withSecret = { ...endpointExample, secret: `whsec_${'A'.repeat(43)}=` } as const;

/** What shows a secret takes no Idempotency-Key: it would be stored. */
export const webhookEndpointRoutes = ({
  webhookEndpoints,
}: {
  readonly webhookEndpoints: WebhookEndpoints;
}): Route[] => [
  listRoute({
    ...all,
    summary: 'Where the company’s own programs are told of what happens',
    query: endpointsQuery,
    ...answersEndpoint,
    handle: ({ actor, query }) => webhookEndpoints.list(actor, query),
    examples: { answer: endpointExample },
  }),
  route({
    ...all,
    method: 'POST',
    summary: 'Have a program told of what happens; this answer alone shows the secret',
    message: 'Webhook endpoint created',
    status: 201,
    businessRules: true,
    body: createEndpointBody,
    ...answersSecret,
    handle: ({ actor, body }) => webhookEndpoints.create(actor, body),
    examples: { body: { url, events }, answer: withSecret },
  }),
  route({
    ...one,
    method: 'GET',
    summary: 'One webhook endpoint',
    ...answersEndpoint,
    handle: ({ actor, params }) => webhookEndpoints.get(actor, params.id),
    examples: { answer: endpointExample },
  }),
  route({
    ...one,
    method: 'PATCH',
    ifMatch: true,
    summary: 'Change where it is and what it is told of, or switch it off or on',
    message: 'Webhook endpoint changed',
    businessRules: true,
    body: editEndpointBody,
    ...answersEndpoint,
    handle: ({ actor, params, body, expectedVersion }) =>
      webhookEndpoints.edit(actor, params.id, body, expectedVersion),
    examples: { body: { events }, answer: endpointExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    ifMatch: true,
    summary: 'Tell it nothing any more',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      webhookEndpoints.remove(actor, params.id, expectedVersion),
  }),
  route({
    ...one,
    path: '/webhook-endpoints/:id/rotate-secret',
    method: 'POST',
    summary: 'Another secret, which this answer alone shows; the one before signs along for a day',
    message: 'Secret rotated',
    ...answersSecret,
    handle: ({ actor, params }) => webhookEndpoints.rotateSecret(actor, params.id),
    examples: { answer: withSecret },
  }),
  listRoute({
    ...one,
    path: '/webhook-endpoints/:id/deliveries',
    summary: 'What it was told or is to be told, the newest first, and how that went',
    query: deliveriesQuery,
    ...answersDelivery,
    handle: ({ actor, params, query }) => webhookEndpoints.deliveries(actor, params.id, query),
    examples: { answer: deliveryExample },
  }),
  route({
    ...manages,
    method: 'POST',
    path: '/webhook-endpoints/:id/deliveries/:deliveryId/redeliver',
    params: deliveryPath,
    summary:
      'Tell it once more, or at once where it waits, under the id that it had; tried like the first time',
    message: 'Delivery promised',
    status: 202,
    idempotency: 'optional',
    ...answersDelivery,
    handle: ({ params, once }) => webhookEndpoints.redeliver(params.id, params.deliveryId, once),
    examples: { answer: deliveryExample },
  }),
];
