import type { Payments } from '../../commands/payments.ts';
import type { PaymentTimelines } from '../../commands/paymentTimelines.ts';
import type { PaymentWebhooks } from '../../commands/paymentWebhooks.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentTimeline } from '../workflows/present.ts';
import { timelineAnswer } from '../workflows/schema.ts';
import { presentLedger, presentPayment } from './present.ts';
import {
  ledgerAnswer,
  paymentAnswer,
  paymentPath,
  paymentsQuery,
  refundBody,
  webhookBody,
} from './schema.ts';

const tag = 'Payments';
const one = { params: paymentPath, tag } as const;
const answersPayment = { answer: presentPayment, answerSchema: paymentAnswer } as const;

export const paymentRoutes = ({
  payments,
  paymentTimelines,
  paymentWebhooks,
}: {
  readonly payments: Payments;
  readonly paymentTimelines: Pick<PaymentTimelines, 'timeline'>;
  readonly paymentWebhooks: PaymentWebhooks;
}): Route[] => [
  listRoute({
    path: '/payments',
    permission: 'payment:read_own',
    summary: 'Payments to and by oneself; staff see all of the company',
    businessRules: true,
    tag,
    query: paymentsQuery,
    ...answersPayment,
    handle: ({ actor, query }) => payments.list(actor, query),
    ofEach: { claim_id: ({ actor }, claimIds, size) => payments.ofClaims(actor, claimIds, size) },
  }),
  route({
    method: 'POST',
    path: '/payments/webhook',
    permission: 'public',
    company: false,
    summary: 'What the payment gateway tells, signed in its own way; repetitions do no harm',
    message: 'Heard',
    tag,
    businessRules: true,
    body: webhookBody,
    handle: ({ header, rawBody }) => paymentWebhooks.take(header, rawBody),
    examples: { body: { id: 'evt_1', type: 'transfer.completed', data: {} } },
  }),
  route({
    method: 'GET',
    path: '/payments/:id',
    permission: 'payment:read_own',
    summary: 'One payment',
    ...one,
    ...answersPayment,
    handle: ({ actor, params }) => payments.get(actor, params.id),
    several: ({ actor }, ids) => payments.several(actor, ids),
  }),
  route({
    method: 'POST',
    path: '/payments/:id/refund',
    permission: 'payment:refund_own',
    summary:
      'Give money back, in full or in part; by administrators, and by hosts of stays. A confirmed stay that is not over keeps part of it, or is cancelled',
    message: 'Refund opened',
    status: 201,
    idempotency: 'required',
    businessRules: true,
    body: refundBody,
    ...one,
    ...answersPayment,
    handle: ({ actor, params, body, once }) => payments.refund(actor, params.id, body, once),
    examples: { body: { amount: '20.00', reason: 'The stay was cut short' } },
  }),
  route({
    method: 'GET',
    path: '/payments/:id/timeline',
    permission: 'payment:read_own',
    summary: 'What happened, and what will happen by itself and when',
    ...one,
    answer: presentTimeline,
    answerSchema: timelineAnswer,
    handle: ({ actor, params }) => paymentTimelines.timeline(actor, params.id),
  }),
  route({
    method: 'GET',
    path: '/ledger',
    permission: 'ledger:read',
    summary: 'What is booked on each account, by currency',
    tag,
    answer: presentLedger,
    answerSchema: ledgerAnswer,
    handle: ({ actor }) => payments.ledger(actor),
  }),
];
