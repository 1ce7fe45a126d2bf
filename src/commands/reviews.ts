import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Booking } from '../models/Booking.ts';
import { append, execute, flush, withTenant } from '../models/database.ts';
import {
  columnsOf,
  madeWithin,
  newestFirst,
  selectFirstOfEach,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { Notification, type Recipient, type TemplateCode } from '../models/Notification.ts';
import { Property } from '../models/Property.ts';
import { Review } from '../models/Review.ts';
import { editRow, getRow, noSuch } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { allows } from '../rules/permissions.ts';
import { isEditable, reviewEditHours } from '../rules/reviews.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { getPerson } from './people.ts';
import { isOwner, visibleProperty } from './properties.ts';
import { typedLine, typedText } from './typedText.ts';

export interface ReviewWish {
  readonly rating: number;
  readonly comment?: string | null | undefined;
}

export interface ReviewFilters extends ListAsked<keyof typeof sortColumns> {
  readonly rating?: number | undefined;
}

export interface ReportedFilters extends ReviewFilters {
  readonly status?: Review['status'] | undefined;
  readonly reported?: boolean | undefined;
  readonly propertyId?: string | undefined;
}

const sortColumns = { createdAt: 'r.created_at', rating: 'r.rating' } as const;

/** What guests say of stays that are over. Anybody reads what is published. */
export const createReviews = () => ({
  listOfProperty: (
    companyId: string,
    visitor: Actor | undefined,
    propertyId: string,
    filters: ReviewFilters,
  ) =>
    withTenant(companyId, async () => {
      await visibleProperty(visitor, propertyId);
      return pageOf(filters, [["r.status = 'published'"], ['r.property_id = $', propertyId]]);
    }),

  /** For each property the newest that are published. */
  ofProperties: (companyId: string, propertyIds: readonly string[], size: number) =>
    withTenant(companyId, () =>
      selectFirstOfEach<Review>(
        columnsOf(Review, 'r'),
        'reviews r',
        ['r.property_id', propertyIds],
        [["r.status = 'published'"]],
        { ...newestFirst('r'), size },
      ),
    ),

  /** Also hidden and reported ones, for whoever decides about them. */
  list: (actor: Actor, { status, reported, propertyId, ...filters }: ReportedFilters) =>
    withTenant(actor.companyId, () =>
      pageOf(filters, [
        ...(status ? [['r.status = $', status] as const] : []),
        ...(propertyId ? [['r.property_id = $', propertyId] as const] : []),
        ...(reported === undefined
          ? []
          : [[`r.reported_at IS ${reported ? 'NOT NULL' : 'NULL'}`] as const]),
      ]),
    ),

  /** All that somebody has written, hidden ones too: for them, and for whoever decides about reviews. */
  listOfReviewer: (actor: Actor, userId: string, filters: ReviewFilters) =>
    withTenant(actor.companyId, async () => {
      if (!seesAllOf(actor, userId)) throw noSuch('user', userId);
      await getPerson(userId);
      return pageOf(filters, [['r.reviewer_id = $', userId]]);
    }),

  /** For each person the newest that `listOfReviewer` would answer. */
  ofReviewers: (actor: Actor, userIds: readonly string[], size: number) =>
    withTenant(actor.companyId, () =>
      selectFirstOfEach<Review>(
        columnsOf(Review, 'r'),
        'reviews r',
        ['r.reviewer_id', userIds.filter((userId) => seesAllOf(actor, userId))],
        [],
        { ...newestFirst('r'), size },
      ),
    ),

  get: (companyId: string, visitor: Actor | undefined, id: string): Promise<Review> =>
    withTenant(companyId, () => visibleReview(visitor, id)),

  /**
   * Of one's own stay there that is over, while it may be reviewed; the latest unless told.
   * @throws Forbidden for who has not stayed; Conflict REVIEW_WINDOW_CLOSED, ALREADY_REVIEWED
   */
  create: (
    actor: Actor,
    propertyId: string,
    { bookingId, ...wish }: ReviewWish & { readonly bookingId?: string | undefined },
    once: Once,
  ): Promise<Review | Replay> =>
    rowsOnce(once, async () => {
      const booking = await reviewable(actor, propertyId, bookingId);
      const property = await getRow(Property, propertyId, { lock: true, archived: true });
      const values = { ...written(wish), propertyId, bookingId: booking.id };
      const id = append(Review, { ...values, reviewerId: booking.guestId });
      AuditLog.record('CREATE', { type: Review.entityType, id }, { after: values });
      await flush();
      await keepAverage(propertyId);
      tellPerson(property, id, property.ownerId, 'review_published', { rating: values.rating });
      return getRow(Review, id);
    }),

  /** @throws Conflict REVIEW_SETTLED after 48 hours */
  edit: (
    actor: Actor,
    id: string,
    changes: { readonly [Name in keyof ReviewWish]?: ReviewWish[Name] | undefined },
    expectedVersion: number | undefined,
  ): Promise<Review> =>
    withTenant(actor.companyId, async () => {
      const review = await visibleReview(actor, id);
      if (review.reviewerId !== actor.userId) throw new Forbidden('Its writer changes a review');
      if (!isEditable(review.createdAt.getTime(), Date.now())) {
        throw new Conflict(
          'REVIEW_SETTLED',
          `A review can be changed for ${reviewEditHours} hours after it was written`,
        );
      }
      await getRow(Property, review.propertyId, { lock: true, archived: true });
      const { rating = review.rating, comment = review.comment } = changes;
      await editRow(Review, review, written({ rating, comment }), expectedVersion);
      await keepAverage(review.propertyId);
      return review.reload();
    }),

  /** By the owner of the property; a later one takes its place. */
  reply: (
    actor: Actor,
    id: string,
    reply: string,
    expectedVersion: number | undefined,
  ): Promise<Review> =>
    withTenant(actor.companyId, async () => {
      const review = await visibleReview(actor, id);
      const property = await getRow(Property, review.propertyId, { archived: true });
      if (!isOwner(actor, property)) throw new Forbidden('The host replies to a review');
      const isFirst = review.hostReply === null;
      const hostReply = typedText('reply', reply);
      await editRow(Review, review, { hostReply, repliedAt: new Date() }, expectedVersion);
      if (isFirst) tellPerson(property, id, review.reviewerId, 'review_reply', {});
      return review;
    }),

  /** Administrators are told once; it stays as it is until they decide. */
  report: (actor: Actor, id: string, reason: string): Promise<Review> =>
    withTenant(actor.companyId, async () => {
      const review = await visibleReview(actor, id);
      if (review.reportedAt) return review;
      const property = await getRow(Property, review.propertyId, { archived: true });
      await editRow(
        Review,
        review,
        {
          reportedAt: new Date(),
          reportedBy: actor.userId,
          reportReason: typedLine('reason', reason),
        },
        undefined,
      );
      tell(property, id, { channel: 'in_app', role: 'tenant_admin' }, 'review_reported', {
        key: `review/${id}/reported/${review.version}`,
      });
      return review;
    }),

  hide: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<Review> =>
    decide(actor, id, 'hidden', expectedVersion),

  /** Others see it again, and it counts; what was reported is settled. */
  restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<Review> =>
    decide(actor, id, 'published', expectedVersion),
});

export type Reviews = ReturnType<typeof createReviews>;

const pageOf = (filters: ReviewFilters, conditions: readonly Condition[]) =>
  selectPage<Review>(
    columnsOf(Review, 'r'),
    'reviews r',
    [
      ...conditions,
      ...(filters.rating ? [['r.rating = $', filters.rating] as const] : []),
      ...madeWithin('r', filters),
    ],
    sortedBy(sortColumns, filters, 'r.id'),
  );

const seesAllOf = (actor: Actor, userId: string): boolean =>
  actor.userId === userId || allows(actor, 'review:moderate');

/** What is published, one's own, and all for whoever decides about them. */
async function visibleReview(visitor: Actor | undefined, id: string): Promise<Review> {
  const review = await getRow(Review, id);
  const isSeen = visitor !== undefined && seesAllOf(visitor, review.reviewerId);
  if (review.status === 'hidden' && !isSeen) throw noSuch(Review.entityType, id);
  return review;
}

const decide = (
  actor: Actor,
  id: string,
  status: Review['status'],
  expectedVersion: number | undefined,
): Promise<Review> =>
  withTenant(actor.companyId, async () => {
    const review = await getRow(Review, id);
    await getRow(Property, review.propertyId, { lock: true, archived: true });
    const settled = { reportedAt: null, reportedBy: null, reportReason: null };
    const changes = { status, ...(status === 'published' && settled) };
    await editRow(Review, review, changes, expectedVersion, 'STATUS_CHANGE');
    await keepAverage(review.propertyId);
    return review;
  });

/** The stay that a review is about. Another person's is a 404 like an unknown one. */
async function reviewable(
  actor: Actor,
  propertyId: string,
  bookingId: string | undefined,
): Promise<Booking> {
  const { userId } = actor;
  if (userId === null) throw new Forbidden('Only a person can do this');
  await visibleProperty(actor, propertyId);
  const mine = { propertyId, guestId: userId, ...(bookingId && { id: bookingId }) };
  const booking = await Booking.findOne({
    where: { ...mine, status: 'completed' },
    order: [['completedAt', 'DESC']],
  });
  if (!booking) {
    if (bookingId === undefined) throw new Forbidden('Only who has stayed there reviews it');
    throw invalidField('booking_id', 'No stay of yours there that is over', 'BOOKING_UNKNOWN');
  }
  const timers = await Timer.scheduledFor(booking.id);
  const window = timers.find(({ name }) => name === 'review_window');
  if (!window || window.dueAt.getTime() < Date.now()) {
    throw new Conflict(
      'REVIEW_WINDOW_CLOSED',
      `The time in which the stay ${booking.id} could be reviewed is over`,
    );
  }
  return booking;
}

const written = ({ rating, comment }: ReviewWish) => ({
  rating,
  comment: comment == null ? null : typedText('comment', comment),
});

/** From the rows as they are; whoever changes one holds the property until the commit. */
const keepAverage = (propertyId: string): Promise<number> =>
  execute(
    `UPDATE properties SET average_rating = r.average, review_count = r.count, updated_at = now()
     FROM (SELECT avg(rating)::numeric(3,2) AS average, count(*)::integer AS count FROM reviews
       WHERE property_id = $1 AND status = 'published') AS r
     WHERE id = $1`,
    [propertyId],
  );

/** In the application alone: nothing here waits for them. */
function tellPerson(
  property: Property,
  id: string,
  userId: string,
  template: TemplateCode,
  facts: Readonly<Record<string, string | number>>,
): void {
  tell(property, id, { channel: 'in_app', userId }, template, {
    key: `review/${id}/${template}`,
    facts,
  });
}

function tell(
  property: Property,
  id: string,
  to: Recipient,
  template: TemplateCode,
  {
    key,
    facts = {},
  }: { readonly key: string; readonly facts?: Readonly<Record<string, string | number>> },
): void {
  Notification.queue({
    to,
    template,
    payload: { reviewId: id, propertyId: property.id, propertyName: property.name, ...facts },
    key,
    about: { type: Review.entityType, id },
  });
}
