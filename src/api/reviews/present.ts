import type { Review } from '../../models/Review.ts';

export const presentReview = (review: Review) => ({
  id: review.id,
  property_id: review.propertyId,
  booking_id: review.bookingId,
  reviewer_id: review.reviewerId,
  rating: review.rating,
  comment: review.comment ?? null,
  host_reply: review.hostReply ?? null,
  replied_at: review.repliedAt?.toISOString() ?? null,
  status: review.status,
  created_at: review.createdAt.toISOString(),
  updated_at: review.updatedAt.toISOString(),
  version: review.version,
});

/** For whoever decides about it. */
export const presentReportedReview = (review: Review) => ({
  ...presentReview(review),
  reported_at: review.reportedAt?.toISOString() ?? null,
  reported_by: review.reportedBy ?? null,
  report_reason: review.reportReason ?? null,
});
