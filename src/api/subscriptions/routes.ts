import type { Subscriptions } from '../../commands/subscriptions.ts';
import type { Timelines } from '../../commands/timelines.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentTimeline } from '../workflows/present.ts';
import { timelineAnswer } from '../workflows/schema.ts';
import { presentCancellation, presentSubscription } from './present.ts';
import {
  autoRenewBody,
  cancelBody,
  cancelPreviewAnswer,
  cancelPreviewBody,
  renewBody,
  subscribeBody,
  subscriptionAnswer,
  subscriptionPath,
  subscriptionsQuery,
} from './schema.ts';

const tag = 'Subscriptions';
const one = { params: subscriptionPath, tag } as const;
const answersSubscription = {
  answer: presentSubscription,
  answerSchema: subscriptionAnswer,
} as const;

export const subscriptionRoutes = ({
  subscriptions,
  timelines,
}: {
  readonly subscriptions: Subscriptions;
  readonly timelines: Timelines;
}): Route[] => [
  route({
    method: 'POST',
    path: '/subscriptions',
    aliases: ['/api/subscriptions'],
    permission: 'subscription:create',
    summary: 'Buy a plan; a workflow carries the subscription from then on',
    message: 'Subscribed',
    tag,
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: subscribeBody,
    ...answersSubscription,
    handle: ({ actor, body, once }) => subscriptions.subscribe(actor, body, once),
    examples: {
      body: { insurance_plan_id: '0190b1a0-0000-7000-8000-000000000001', auto_renew: false },
    },
  }),
  listRoute({
    path: '/subscriptions',
    aliases: ['/api/subscriptions'],
    permission: 'subscription:read_own',
    summary: 'Own subscriptions; staff see all of the company',
    businessRules: true,
    tag,
    query: subscriptionsQuery,
    ...answersSubscription,
    handle: ({ actor, query }) => subscriptions.list(actor, query),
  }),
  route({
    method: 'GET',
    path: '/subscriptions/:id',
    aliases: ['/api/subscriptions/:id'],
    permission: 'subscription:read_own',
    summary: 'One subscription',
    ...one,
    ...answersSubscription,
    handle: ({ actor, params }) => subscriptions.get(actor, params.id),
  }),
  route({
    method: 'PATCH',
    path: '/subscriptions/:id/cancel',
    aliases: ['/api/subscriptions/:id/cancel'],
    permission: 'subscription:cancel_own',
    ifMatch: true,
    summary: 'Cancel now or on a later day',
    message: 'Cancelled',
    idempotency: 'optional',
    businessRules: true,
    body: cancelBody,
    ...one,
    ...answersSubscription,
    handle: ({ actor, params, body, once, expectedVersion }) =>
      subscriptions.cancel(actor, params.id, { ...body, expectedVersion }, once),
    examples: { body: { reason: 'The house is sold' } },
  }),
  route({
    method: 'POST',
    path: '/subscriptions/:id/cancel/preview',
    permission: 'subscription:cancel_own',
    summary: 'What a cancellation on that day would mean; nothing is stored',
    businessRules: true,
    body: cancelPreviewBody,
    ...one,
    answer: presentCancellation,
    answerSchema: cancelPreviewAnswer,
    handle: ({ actor, params, body }) =>
      subscriptions.previewCancel(actor, params.id, body.effectiveDate),
    examples: { body: {} },
  }),
  route({
    method: 'POST',
    path: '/subscriptions/:id/renew',
    permission: 'subscription:renew_own',
    ifMatch: true,
    summary: "Renew for another term at the plan's price of today",
    message: 'Renewed',
    idempotency: 'optional',
    body: renewBody,
    ...one,
    ...answersSubscription,
    handle: ({ actor, params, body, once, expectedVersion }) =>
      subscriptions.renew(actor, params.id, { ...body, expectedVersion }, once),
    examples: { body: {} },
  }),
  route({
    method: 'PATCH',
    path: '/subscriptions/:id/auto-renew',
    permission: 'subscription:renew_own',
    ifMatch: true,
    summary: 'Whether it renews by itself at the end of the term',
    body: autoRenewBody,
    ...one,
    ...answersSubscription,
    handle: ({ actor, params, body, expectedVersion }) =>
      subscriptions.setAutoRenew(actor, params.id, body.autoRenew, expectedVersion),
    examples: { body: { auto_renew: true } },
  }),
  route({
    method: 'GET',
    path: '/subscriptions/:id/timeline',
    permission: 'subscription:read_own',
    summary: 'What happened, and what will happen by itself and when',
    ...one,
    answer: presentTimeline,
    answerSchema: timelineAnswer,
    handle: ({ actor, params }) => timelines.timeline(actor, params.id),
  }),
];
