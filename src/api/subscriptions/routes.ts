import type { Endorsements } from '../../commands/endorsements.ts';
import type { PremiumInvoices } from '../../commands/premiumInvoices.ts';
import type { Subscriptions } from '../../commands/subscriptions.ts';
import type { Timelines } from '../../commands/timelines.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentTimeline } from '../workflows/present.ts';
import { timelineAnswer } from '../workflows/schema.ts';
import {
  presentCancellation,
  presentEndorsement,
  presentInvoice,
  presentSubscription,
} from './present.ts';
import {
  autoRenewBody,
  cancelBody,
  cancelPreviewAnswer,
  cancelPreviewBody,
  endorseBody,
  endorsePreviewAnswer,
  endorsePreviewBody,
  invoiceAnswer,
  invoicesQuery,
  payBody,
  reinstateBody,
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
  endorsements,
  premiumInvoices,
  subscriptions,
  timelines,
}: {
  readonly endorsements: Endorsements;
  readonly premiumInvoices: PremiumInvoices;
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
    idempotency: 'where-billed',
    businessRules: true,
    body: subscribeBody,
    ...answersSubscription,
    handle: ({ actor, company, body, once }) => subscriptions.subscribe(actor, company, body, once),
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
    ofEach: { user_id: ({ actor }, userIds, size) => subscriptions.ofUsers(actor, userIds, size) },
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
    several: ({ actor }, ids) => subscriptions.several(actor, ids),
  }),
  route({
    method: 'PATCH',
    path: '/subscriptions/:id/cancel',
    aliases: ['/api/subscriptions/:id/cancel'],
    permission: 'subscription:cancel_own',
    ifMatch: true,
    summary: 'Cancel now or on a later day',
    message: 'Cancelled',
    idempotency: 'where-billed',
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
    idempotency: 'where-billed',
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
    method: 'POST',
    path: '/subscriptions/:id/endorse',
    permission: 'subscription:endorse',
    ifMatch: true,
    summary: 'Change premium or cover from today on; the difference is reckoned by days',
    message: 'Endorsed',
    idempotency: 'required',
    businessRules: true,
    body: endorseBody,
    ...one,
    ...answersSubscription,
    handle: ({ actor, params, body, once, expectedVersion }) =>
      endorsements.endorse(actor, params.id, { ...body, expectedVersion }, once),
    examples: { body: { coverage_amount: '300000.00', premium: '420.00', reason: 'A new roof' } },
  }),
  route({
    method: 'POST',
    path: '/subscriptions/:id/endorse/preview',
    permission: 'subscription:endorse',
    summary: 'What an endorsement of today would mean; nothing is stored',
    businessRules: true,
    body: endorsePreviewBody,
    ...one,
    answer: presentEndorsement,
    answerSchema: endorsePreviewAnswer,
    handle: ({ actor, params, body }) => endorsements.preview(actor, params.id, body),
    examples: { body: { premium: '420.00' } },
  }),
  listRoute({
    path: '/subscriptions/:id/invoices',
    permission: 'subscription:read_own',
    summary: 'What was billed for it, the latest first',
    ...one,
    query: invoicesQuery,
    answer: presentInvoice,
    answerSchema: invoiceAnswer,
    handle: ({ actor, params, query }) => premiumInvoices.list(actor, params.id, query),
  }),
  route({
    method: 'POST',
    path: '/subscriptions/:id/pay',
    permission: 'subscription:pay_own',
    summary: 'Try now to collect what is due',
    message: 'Payment opened',
    idempotency: 'required',
    body: payBody,
    ...one,
    ...answersSubscription,
    handle: ({ actor, params, body, once }) => premiumInvoices.pay(actor, params.id, body, once),
    examples: { body: {} },
  }),
  route({
    method: 'POST',
    path: '/subscriptions/:id/reinstate',
    permission: 'subscription:reinstate_own',
    ifMatch: true,
    summary: 'Get a lapsed cover back: the holder by paying the arrears, an administrator at once',
    message: 'Reinstatement asked for',
    idempotency: 'required',
    businessRules: true,
    body: reinstateBody,
    ...one,
    ...answersSubscription,
    handle: ({ actor, params, body, once, expectedVersion }) =>
      premiumInvoices.reinstate(actor, params.id, { ...body, expectedVersion }, once),
    examples: { body: { reason: 'The bank had returned the payment by mistake' } },
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
