import type { Reviews } from '../../commands/reviews.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentReportedReview, presentReview } from './present.ts';
import {
  createReviewBody,
  editReviewBody,
  replyBody,
  reportedReviewAnswer,
  reportedReviewsQuery,
  reportReviewBody,
  reviewAnswer,
  reviewExample,
  reviewPath,
  reviewsQuery,
} from './schema.ts';

const tag = 'Reviews';
const one = { params: reviewPath, tag } as const;
const answersReview = { answer: presentReview, answerSchema: reviewAnswer } as const;
const example = { answer: reviewExample };

export const reviewRoutes = ({ reviews }: { readonly reviews: Reviews }): Route[] => [
  listRoute({
    ...one,
    path: '/properties/:id/reviews',
    permission: 'public',
    summary: 'What guests say of a property, the newest first',
    businessRules: true,
    query: reviewsQuery,
    ...answersReview,
    handle: ({ company, visitor, params, query }) =>
      reviews.listOfProperty(company.id, visitor, params.id, query),
    ofEach: { id: ({ company }, ids, size) => reviews.ofProperties(company.id, ids, size) },
    examples: example,
  }),
  route({
    ...one,
    method: 'POST',
    path: '/properties/:id/reviews',
    permission: 'review:create',
    summary:
      'Review one’s own stay there, for as many days after its end as the company’s settings say',
    message: 'Review published',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: createReviewBody,
    ...answersReview,
    handle: ({ actor, params, body, once }) => reviews.create(actor, params.id, body, once),
    examples: { body: { rating: 5, comment: 'Quiet, and the boat is a joy' }, ...example },
  }),
  listRoute({
    path: '/reviews',
    tag,
    permission: 'review:moderate',
    summary: 'Reviews of all properties, also hidden and reported ones',
    businessRules: true,
    query: reportedReviewsQuery,
    answer: presentReportedReview,
    answerSchema: reportedReviewAnswer,
    handle: ({ actor, query }) => reviews.list(actor, query),
  }),
  route({
    ...one,
    method: 'GET',
    path: '/reviews/:id',
    permission: 'public',
    summary: 'One review',
    ...answersReview,
    handle: ({ company, visitor, params }) => reviews.get(company.id, visitor, params.id),
    examples: example,
  }),
  route({
    ...one,
    method: 'PATCH',
    path: '/reviews/:id',
    permission: 'review:update_own',
    ifMatch: true,
    summary: 'Change one’s own review within 48 hours',
    message: 'Review changed',
    businessRules: true,
    body: editReviewBody,
    ...answersReview,
    handle: ({ actor, params, body, expectedVersion }) =>
      reviews.edit(actor, params.id, body, expectedVersion),
    examples: { body: { rating: 4 }, ...example },
  }),
  route({
    ...one,
    method: 'POST',
    path: '/reviews/:id/reply',
    permission: 'review:update_own',
    ifMatch: true,
    summary: 'Reply as the host',
    message: 'Reply published',
    businessRules: true,
    body: replyBody,
    ...answersReview,
    handle: ({ actor, params, body, expectedVersion }) =>
      reviews.reply(actor, params.id, body.reply, expectedVersion),
    examples: { body: { reply: 'Come again!' }, ...example },
  }),
  route({
    ...one,
    method: 'POST',
    path: '/reviews/:id/report',
    permission: 'review:report',
    summary: 'Tell administrators that a review should not be here',
    message: 'Reported',
    businessRules: true,
    body: reportReviewBody,
    ...answersReview,
    handle: ({ actor, params, body }) => reviews.report(actor, params.id, body.reason),
    examples: { body: { reason: 'It names a neighbour' }, ...example },
  }),
  route({
    ...one,
    method: 'DELETE',
    path: '/reviews/:id',
    permission: 'review:moderate',
    ifMatch: true,
    summary: 'Hide a review; it no longer counts',
    status: 204,
    handle: ({ actor, params, expectedVersion }) => reviews.hide(actor, params.id, expectedVersion),
  }),
  route({
    ...one,
    method: 'POST',
    path: '/reviews/:id/restore',
    permission: 'review:moderate',
    ifMatch: true,
    summary: 'Show a hidden review again, or find that a reported one may stay',
    message: 'Review restored',
    ...answersReview,
    handle: ({ actor, params, expectedVersion }) =>
      reviews.restore(actor, params.id, expectedVersion),
    examples: example,
  }),
];
