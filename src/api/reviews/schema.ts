import { reviewStatuses } from '../../rules/reviews.ts';
import { listQuery } from '../listQuery.ts';
import {
  boolean,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  text,
} from '../schema.ts';

const version = integer(1, 2_147_483_647);
const rating = integer(1, 5);
const comment = text(5000);

export const reviewPath = object({ id: id() });

const fields = { rating, comment: optional(nullable(comment)) };

export const createReviewBody = object({
  ...fields,
  booking_id: optional(id().description('The latest stay there that is over unless told')),
}).id('CreateReview');

export const editReviewBody = partial({ ...fields, version });

export const replyBody = object({ reply: text(5000), version: optional(version) });

export const reportReviewBody = object({ reason: text(500) });

const listed = {
  sorts: ['created_at', 'rating'],
  defaultSort: '-created_at',
  takes: ['created_after', 'created_before'],
} as const;

export const reviewsQuery = listQuery({ ...listed, filters: { rating } });

export const reportedReviewsQuery = listQuery({
  ...listed,
  filters: {
    rating,
    status: oneOf(...reviewStatuses),
    reported: boolean().description('Somebody finds that it should not be there'),
    property_id: id(),
  },
});

const answer = {
  id: id(),
  property_id: id(),
  booking_id: id(),
  reviewer_id: id(),
  rating,
  comment: nullable(comment),
  host_reply: nullable(comment),
  replied_at: nullable(instant()),
  status: oneOf(...reviewStatuses),
  created_at: instant(),
  updated_at: instant(),
  version,
};

export const reviewAnswer = object(answer).id('Review');

export const reportedReviewAnswer = object({
  ...answer,
  reported_at: nullable(instant()),
  reported_by: nullable(id()),
  report_reason: nullable(text(500)),
}).id('ReportedReview');

export const reviewExample = {
  id: '01998e3a-9f00-7a11-9b22-0c33d44e55f9',
  property_id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  booking_id: '01998e3a-8e00-7a11-9b22-0c33d44e55f8',
  reviewer_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e90',
  rating: 5,
  comment: 'Quiet, and the boat is a joy',
  host_reply: null,
  replied_at: null,
  status: 'published',
  created_at: '2026-07-20T09:30:00.000Z',
  updated_at: '2026-07-20T09:30:00.000Z',
  version: 1,
} as const;
