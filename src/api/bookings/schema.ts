import { bookingStatuses, cancellers } from '../../rules/bookings.ts';
import { paymentStatuses } from '../../rules/payments.ts';
import { cancellationPolicies, longestStay } from '../../rules/properties.ts';
import { stayRefundRules } from '../../rules/bookingRefunds.ts';
import { listQuery } from '../listQuery.ts';
import {
  boolean,
  calendarDate,
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '../schema.ts';

const version = integer(1, 2_147_483_647);
const reason = text(500);
const guests = integer(1, 100);

const stay = {
  start_date: calendarDate().description('The first night'),
  end_date: calendarDate().description('The day after the last night'),
};

export const bookingPath = object({ id: id() });

export const bookBody = object({ property_id: id(), ...stay, guests: guests.default(1) }).id(
  'CreateBooking',
);

export const bookingsQuery = listQuery({
  filters: {
    status: oneOf(...bookingStatuses),
    property_id: id(),
    guest_id: id(),
    host_id: id(),
    from: calendarDate().description('Stays of which a night is on or after that day'),
    to: calendarDate().description('Stays of which a night is before that day'),
    host_strike: boolean().description('Stays that the host gave up although they were confirmed'),
  },
  sorts: ['created_at', 'start_date', 'total_amount'],
  defaultSort: '-created_at',
  takes: ['created_after', 'created_before'],
});

/** Of a step that needs nothing but somebody who wants it. */
export const stepBody = object({ version: optional(version) });
export const reasonBody = object({ reason: optional(reason), version: optional(version) });

export const bookingAnswer = object({
  id: id(),
  property_id: id(),
  property_name: text(200),
  guest_id: id(),
  host_id: id(),
  ...stay,
  nights: integer(1, longestStay),
  guests,
  price_per_night: money().description('As it was when the stay was booked'),
  total_amount: money(),
  currency: text(3),
  cancellation_policy: oneOf(...cancellationPolicies),
  instant_book: boolean(),
  status: oneOf(...bookingStatuses),
  hold_expires_at: instant().description('Until when the nights are held for the payment'),
  accepted_at: nullable(instant()).description('When the host confirmed'),
  payment_id: nullable(id()),
  payment_status: nullable(oneOf(...paymentStatuses)).description('Of the latest charge'),
  paid_at: nullable(instant()),
  confirmed_at: nullable(instant()),
  cancelled_at: nullable(instant()),
  cancelled_by: nullable(
    oneOf(...cancellers).description(
      'hold: not paid in time; request: not confirmed in time; refund: all that was paid went back by hand',
    ),
  ),
  cancellation_reason: nullable(reason),
  host_strike: boolean().description('The host gave up a stay that was confirmed'),
  refund_amount: money(),
  refund_id: nullable(id()),
  refund_status: nullable(oneOf(...paymentStatuses)),
  completed_at: nullable(instant()),
  workflow: object({ id: text(200), state: oneOf('starting', 'running', 'closed') }),
  created_at: instant(),
  updated_at: instant(),
  version,
  state_version: version,
}).id('Booking');

export const cancellationAnswer = object({
  booking_id: id(),
  as: oneOf('guest', 'host'),
  paid_amount: money(),
  refund_amount: money(),
  currency: text(3),
  rule: oneOf(...stayRefundRules).description('Why so much goes back'),
  host_strike: boolean(),
}).id('BookingCancellation');

export const bookingExample = {
  id: '01998e3a-8e00-7a11-9b22-0c33d44e55f8',
  property_id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  property_name: 'House by the lake',
  guest_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e90',
  host_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  start_date: '2026-07-10',
  end_date: '2026-07-14',
  nights: 4,
  guests: 2,
  price_per_night: '120.00',
  total_amount: '480.00',
  currency: 'EUR',
  cancellation_policy: 'moderate',
  instant_book: false,
  status: 'pending',
  hold_expires_at: '2026-01-31T09:45:00.000Z',
  accepted_at: null,
  payment_id: null,
  payment_status: null,
  paid_at: null,
  confirmed_at: null,
  cancelled_at: null,
  cancelled_by: null,
  cancellation_reason: null,
  host_strike: false,
  refund_amount: '0.00',
  refund_id: null,
  refund_status: null,
  completed_at: null,
  workflow: {
    id: 'booking/01998e39-0000-7a11-9b22-0c33d44e55f0/01998e3a-8e00-7a11-9b22-0c33d44e55f8',
    state: 'starting',
  },
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  version: 1,
  state_version: 1,
} as const;

export const cancellationExample = {
  booking_id: bookingExample.id,
  as: 'guest',
  paid_amount: '480.00',
  refund_amount: '240.00',
  currency: 'EUR',
  rule: 'half',
  host_strike: false,
} as const;
