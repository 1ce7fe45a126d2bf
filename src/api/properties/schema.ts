import Joi from 'joi';
import { mostDays } from '../../commands/availability.ts';
import { bookingBounds } from '../../rules/bookingSettings.ts';
import { cancellationPolicies, longestStay, propertyStatuses } from '../../rules/properties.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  currency,
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  positiveMoney,
  text,
} from '../schema.ts';

const version = integer(1, 2_147_483_647);
const latitude = Joi.number().min(-90).max(90).description('Degrees, kept to eight places');
const longitude = Joi.number().min(-180).max(180).description('Degrees, kept to eight places');
const timeZone = text(64).description('IANA name, such as Europe/Berlin');
const timeOfDay = text(5).pattern(/^([01]\d|2[0-3]):[0-5]\d$/);
const guests = integer(1, 100);
const { holdMinutes: hold, hostConfirmationHours: confirmation } = bookingBounds;
const holdMinutes = integer(hold.min, hold.max).description("Instead of the company's");
const hostConfirmationHours = integer(confirmation.min, confirmation.max).description(
  "Instead of the company's",
);
const nights = integer(1, longestStay);

const fields = {
  name: text(200),
  description: text(5000),
  address: text(500),
  latitude: optional(nullable(latitude)),
  longitude: optional(nullable(longitude)),
  category_id: optional(nullable(id())),
  price_per_night: positiveMoney(),
  currency: optional(currency().description("The company's unless told")),
  time_zone: optional(timeZone.description("IANA name; the company's unless told")),
  check_in_time: timeOfDay.default('15:00'),
  check_out_time: timeOfDay.default('11:00'),
  max_guests: guests,
  min_nights: nights.default(1),
  max_nights: nights.default(longestStay),
  instant_book: boolean().default(false).description('Nobody has to confirm what is booked'),
  cancellation_policy: oneOf(...cancellationPolicies).default('moderate'),
  status: oneOf(...propertyStatuses).default('listed'),
  hold_minutes: optional(nullable(holdMinutes)),
  host_confirmation_hours: optional(nullable(hostConfirmationHours)),
};

export const propertyPath = object({ id: id() });
export const blockPath = object({ id: id(), blockId: id() });

export const createPropertyBody = object(fields).id('CreateProperty');
export const replacePropertyBody = object({ ...fields, version: optional(version) });
export const editPropertyBody = partial({ ...fields, version });

export const propertiesQuery = listQuery({
  filters: {
    owner_id: id(),
    category_id: id(),
    min_price: money(),
    max_price: money(),
    guests,
    free_from: calendarDate().description('The first night that has to be free'),
    free_to: calendarDate().description('The day after the last'),
    latitude,
    longitude,
    radius_km: Joi.number().min(0.1).max(500).description('Around the place; 25 unless told'),
  },
  sorts: ['created_at', 'price_per_night', 'name', 'distance'],
  defaultSort: '-created_at',
});

export const propertyAnswer = object({
  id: id(),
  owner_id: id(),
  category_id: nullable(id()),
  name: text(200),
  description: text(5000),
  address: text(500),
  latitude: nullable(latitude),
  longitude: nullable(longitude),
  coordinates: nullable(
    object({ latitude, longitude }).description('null unless both of them are known'),
  ),
  price_per_night: money(),
  currency: text(3),
  time_zone: timeZone,
  check_in_time: timeOfDay,
  check_out_time: timeOfDay,
  max_guests: guests,
  min_nights: nights,
  max_nights: nights,
  instant_book: boolean(),
  cancellation_policy: oneOf(...cancellationPolicies),
  status: oneOf(...propertyStatuses),
  average_rating: nullable(text(4).pattern(/^[1-5]\.\d\d$/)).description('Of published reviews'),
  review_count: integer(0, 2_147_483_647),
  hold_minutes: nullable(holdMinutes),
  host_confirmation_hours: nullable(hostConfirmationHours),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('Property');

export const availabilityQuery = object({
  from: optional(calendarDate().description('Today at the property unless told')),
  to: optional(calendarDate().description(`90 days later unless told, at most ${mostDays}`)),
});

const stay = {
  start_date: calendarDate().description('The first night'),
  end_date: calendarDate().description('The day after the last night'),
};

export const availabilityAnswer = object({
  property_id: id(),
  from: calendarDate(),
  to: calendarDate(),
  taken: array(object(stay), { max: mostDays }),
  free: array(object(stay), { max: mostDays }),
}).id('Availability');

export const blocksQuery = listQuery({
  filters: {},
  sorts: ['start_date'],
  defaultSort: 'start_date',
  takes: [],
});

const reason = text(500).description('For the owner alone');

export const createBlockBody = object({ ...stay, reason: optional(reason) }).id('CreateBlock');

export const blockAnswer = object({
  id: id(),
  property_id: id(),
  ...stay,
  reason: nullable(reason),
  created_at: instant(),
}).id('AvailabilityBlock');

export const propertyBodyExample = {
  name: 'House by the lake',
  description: 'Three rooms, a garden and a boat',
  address: 'Seestrasse 4, Lindau',
  latitude: 47.546,
  longitude: 9.684,
  category_id: null,
  price_per_night: '120.00',
  currency: 'EUR',
  time_zone: 'Europe/Berlin',
  check_in_time: '15:00',
  check_out_time: '11:00',
  max_guests: 5,
  min_nights: 2,
  max_nights: 28,
  instant_book: false,
  cancellation_policy: 'moderate',
  status: 'listed',
  hold_minutes: null,
  host_confirmation_hours: 12,
} as const;

export const propertyExample = {
  ...propertyBodyExample,
  id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  owner_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  coordinates: { latitude: 47.546, longitude: 9.684 },
  average_rating: '4.50',
  review_count: 2,
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;

export const blockBodyExample = {
  start_date: '2026-07-01',
  end_date: '2026-07-08',
  reason: 'We are there ourselves',
} as const;

export const blockExample = {
  id: '01998e3a-7d00-7a11-9b22-0c33d44e55f7',
  property_id: propertyExample.id,
  ...blockBodyExample,
  created_at: '2026-01-31T09:30:00.000Z',
} as const;

export const availabilityExample = {
  property_id: propertyExample.id,
  from: '2026-06-01',
  to: '2026-08-30',
  taken: [{ start_date: '2026-07-01', end_date: '2026-07-08' }],
  free: [
    { start_date: '2026-06-01', end_date: '2026-07-01' },
    { start_date: '2026-07-08', end_date: '2026-08-30' },
  ],
};
