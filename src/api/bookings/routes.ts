import type { Bookings } from '../../commands/bookings.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentBooking, presentCancellation } from './present.ts';
import {
  bookBody,
  bookingAnswer,
  bookingExample,
  bookingPath,
  bookingsQuery,
  cancellationAnswer,
  cancellationExample,
  reasonBody,
  stepBody,
} from './schema.ts';

const tag = 'Bookings';
const answersBooking = { answer: presentBooking, answerSchema: bookingAnswer } as const;
const example = { answer: bookingExample };

/** A step of one booking. */
const step = {
  method: 'POST',
  permission: 'booking:process_own',
  ifMatch: true,
  idempotency: 'optional',
  businessRules: true,
  params: bookingPath,
  tag,
  ...answersBooking,
} as const;

export const bookingRoutes = ({ bookings }: { readonly bookings: Bookings }): Route[] => [
  listRoute({
    path: '/bookings',
    permission: 'booking:read_own',
    summary: 'Bookings as guest and as host; administrators and auditors see all of the company',
    businessRules: true,
    tag,
    query: bookingsQuery,
    ...answersBooking,
    handle: ({ actor, query }) => bookings.list(actor, query),
    ofEach: {
      guest_id: ({ actor }, guestIds, size) => bookings.ofGuests(actor, guestIds, size),
      property_id: ({ actor }, ids, size) => bookings.ofProperties(actor, ids, size),
    },
    examples: example,
  }),
  route({
    method: 'POST',
    path: '/bookings',
    permission: 'booking:create',
    summary: 'Book nights of a property; they are held until the booking is paid',
    message: 'Booked',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    tag,
    body: bookBody,
    ...answersBooking,
    handle: ({ actor, body, once }) => bookings.book(actor, body, once),
    examples: {
      body: {
        property_id: bookingExample.property_id,
        start_date: bookingExample.start_date,
        end_date: bookingExample.end_date,
        guests: 2,
      },
      ...example,
    },
  }),
  route({
    method: 'GET',
    path: '/bookings/:id',
    permission: 'booking:read_own',
    summary: 'One booking',
    params: bookingPath,
    tag,
    ...answersBooking,
    handle: ({ actor, params }) => bookings.get(actor, params.id),
    several: ({ actor }, ids) => bookings.several(actor, ids),
    examples: example,
  }),
  route({
    ...step,
    path: '/bookings/:id/pay',
    summary: 'Pay as the guest; the booking tells when the money has arrived',
    message: 'Payment begun',
    idempotency: 'required',
    body: stepBody,
    handle: ({ actor, params, once, expectedVersion }) =>
      bookings.pay(actor, { id: params.id, once, expectedVersion }),
    examples: { body: {}, ...example },
  }),
  route({
    ...step,
    path: '/bookings/:id/confirm',
    summary: 'Take the guest as the host; the stay is confirmed once it is paid as well',
    message: 'Accepted',
    body: stepBody,
    handle: ({ actor, params, once, expectedVersion }) =>
      bookings.confirm(actor, { id: params.id, once, expectedVersion }),
    examples: { body: {}, ...example },
  }),
  route({
    ...step,
    path: '/bookings/:id/decline',
    summary: 'Decline as the host; what was paid goes back, for which a key is needed',
    message: 'Declined',
    body: reasonBody,
    handle: ({ actor, params, body, once, expectedVersion }) =>
      bookings.decline(actor, { id: params.id, reason: body.reason, once, expectedVersion }),
    examples: { body: { reason: 'The boiler is broken' }, ...example },
  }),
  route({
    ...step,
    path: '/bookings/:id/cancel',
    summary:
      'Cancel as guest or host; what goes back is what the preview shows, and once a payment has begun a key is needed',
    message: 'Cancelled',
    body: reasonBody,
    handle: ({ actor, params, body, once, expectedVersion }) =>
      bookings.cancel(actor, { id: params.id, reason: body.reason, once, expectedVersion }),
    examples: { body: { reason: 'We are ill' }, ...example },
  }),
  route({
    method: 'POST',
    path: '/bookings/:id/cancel/preview',
    permission: 'booking:process_own',
    summary: 'What cancelling now would mean; nothing is stored',
    businessRules: true,
    params: bookingPath,
    tag,
    answer: presentCancellation,
    answerSchema: cancellationAnswer,
    handle: ({ actor, params }) => bookings.previewCancel(actor, params.id),
    examples: { answer: cancellationExample },
  }),
];
