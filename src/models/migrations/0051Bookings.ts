import { eraseFunctions, replacing } from '../eraseInAudit.ts';
import { erasedValue as erasedValueBefore } from './0027ClaimPrivacy.ts';
import { entityTypes, eraseInAudit as eraseInAuditBefore, personalNames } from './0038Employees.ts';
import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * The first 10,000 listed properties, in the order that is asked for, that are found by what the wish has.
 * `area` is a place (longitude, latitude) and a radius in kilometres on a sphere, `region` holds all of it and
 * is what the index is asked for. Of `nights` all are free, and the property takes as many.
 * @param schema in which the properties stand
 */
export const propertySearchBody = (schema: string): string => `
DECLARE
  distance text := '12742 * asin(least(1, sqrt(sin(radians(p.latitude::float8 - (center($6))[1]) / 2) ^ 2
    + cos(radians((center($6))[1])) * cos(radians(p.latitude::float8))
      * sin(radians(p.longitude::float8 - (center($6))[0]) / 2) ^ 2)))';
  direction text := CASE wish ->> 'sortOrder' WHEN 'asc' THEN ' ASC' ELSE ' DESC' END;
  ordering text := CASE wish ->> 'sortBy' WHEN 'pricePerNight' THEN 'p.price_minor'
    WHEN 'name' THEN 'lower(p.name)' WHEN 'distance' THEN distance ELSE 'p.created_at' END;
BEGIN
  RETURN QUERY EXECUTE '
  WITH taken AS MATERIALIZED (
    SELECT DISTINCT r.property_id FROM ${schema}.reservations r
    WHERE r.company_id = (SELECT app.company_id()) AND r.archived_at IS NULL
      AND daterange(r.start_date, r.end_date, ''[)'') && $8)
  SELECT p.id FROM ${schema}.properties p
  WHERE p.company_id = (SELECT app.company_id()) AND p.archived_at IS NULL AND p.status = ''listed''
    AND ($1 IS NULL OR p.name ILIKE $1 OR p.description ILIKE $1 OR p.address ILIKE $1)
    AND ($2 IS NULL OR p.price_minor >= $2)
    AND ($3 IS NULL OR p.price_minor <= $3)
    AND ($4 IS NULL OR p.max_guests >= $4)
    AND ($5 IS NULL OR p.category_id = $5)
    AND ($6 IS NULL OR (point(p.longitude::float8, p.latitude::float8) <@ $7
      AND ' || distance || ' <= radius($6)))
    AND ($8 IS NULL OR (upper($8) - lower($8) BETWEEN p.min_nights AND p.max_nights
      AND p.id NOT IN (SELECT t.property_id FROM taken t)))
    AND ($9 IS NULL OR p.owner_id = $9)
    AND ($10 IS NULL OR p.created_at >= $10)
    AND ($11 IS NULL OR p.created_at < $11)
  ORDER BY ' || ordering || direction || ', p.id' || direction || ' LIMIT 10000'
  USING wish ->> 'pattern', (wish ->> 'leastMinor')::bigint, (wish ->> 'mostMinor')::bigint,
    (wish ->> 'guests')::integer, (wish ->> 'categoryId')::uuid, (wish ->> 'area')::circle,
    (wish ->> 'region')::box, (wish ->> 'nights')::daterange, (wish ->> 'ownerId')::uuid,
    (wish ->> 'createdAfter')::timestamptz, (wish ->> 'createdBefore')::timestamptz;
END
`;

const kinds = `'subscription', 'claim', 'payment', 'report', 'onboarding', 'policy-approval', 'acknowledgement'`;

/** Of what runs are the ones that are operated on many at once, and compared with their rows. */
const allow = (more: string, check = ''): string => `
ALTER TABLE core.bulk_items DROP CONSTRAINT bulk_items_kind_check;
ALTER TABLE core.bulk_items
  ADD CONSTRAINT bulk_items_kind_check CHECK (kind IN (${kinds}, 'document'${more})) ${check};
ALTER TABLE core.workflow_drifts DROP CONSTRAINT workflow_drifts_kind_check;
ALTER TABLE core.workflow_drifts
  ADD CONSTRAINT workflow_drifts_kind_check CHECK (kind IN (${kinds}${more})) ${check};
`;

/** In the schema that comes first on the search path, like `policySearch` of 0007. */
export const propertySearch = `
DO $search$
DECLARE
  here text := current_schema();
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.search_property_ids(wish jsonb) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog AS $$${propertySearchBody('%1$I')}$$;
REVOKE EXECUTE ON FUNCTION %1$I.search_property_ids(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION %1$I.search_property_ids(jsonb) TO app_api, app_worker;
GRANT CREATE ON SCHEMA %1$I TO app_search;
ALTER FUNCTION %1$I.search_property_ids(jsonb) OWNER TO app_search;
REVOKE CREATE ON SCHEMA %1$I FROM app_search;
$create$, here);
END
$search$;
`;

/**
 * What people let to others, who has booked it, and the nights that are not free. A reservation is archived
 * when its nights are free again; two that hold share no night, whatever the program does. What was agreed
 * is frozen with the booking: price, times, rules.
 */
const business = {
  up: `
CREATE TABLE properties (${baseColumns},
  owner_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  category_id uuid,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description text NOT NULL CHECK (length(description) BETWEEN 1 AND 5000),
  address text NOT NULL CHECK (length(address) BETWEEN 1 AND 500),
  latitude numeric(10,8) CHECK (latitude BETWEEN -90 AND 90),
  longitude numeric(11,8) CHECK (longitude BETWEEN -180 AND 180),
  price_per_night numeric(12,2) NOT NULL CHECK (price_per_night > 0),
  price_minor bigint NOT NULL GENERATED ALWAYS AS ((price_per_night * 100)::bigint) STORED,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  time_zone text NOT NULL CHECK (length(time_zone) BETWEEN 1 AND 100),
  check_in_time text NOT NULL CHECK (check_in_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  check_out_time text NOT NULL CHECK (check_out_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  max_guests integer NOT NULL CHECK (max_guests BETWEEN 1 AND 100),
  min_nights integer NOT NULL CHECK (min_nights >= 1),
  max_nights integer NOT NULL CHECK (max_nights <= 365),
  instant_book boolean NOT NULL,
  cancellation_policy text NOT NULL CHECK (cancellation_policy IN ('flexible', 'moderate', 'strict')),
  hold_minutes integer CHECK (hold_minutes BETWEEN 5 AND 60),
  host_confirmation_hours integer CHECK (host_confirmation_hours BETWEEN 1 AND 72),
  status text NOT NULL CHECK (status IN ('listed', 'unlisted')),
  average_rating numeric(3,2) CHECK (average_rating BETWEEN 1 AND 5),
  review_count integer NOT NULL DEFAULT 0 CHECK (review_count >= 0),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, category_id) REFERENCES property_categories (company_id, id) ON DELETE RESTRICT,
  CHECK (min_nights <= max_nights),
  CHECK ((review_count = 0) = (average_rating IS NULL)),
  CHECK ((latitude IS NULL) = (longitude IS NULL))
);
CREATE INDEX properties_owner_idx ON properties (company_id, owner_id, created_at);
CREATE INDEX properties_listed_idx ON properties (company_id, created_at)
  WHERE status = 'listed' AND archived_at IS NULL;
CREATE INDEX properties_price_idx ON properties (company_id, price_minor) INCLUDE (status)
  WHERE archived_at IS NULL;
CREATE INDEX properties_category_idx ON properties (company_id, category_id) WHERE category_id IS NOT NULL;
CREATE INDEX properties_place_idx ON properties
  USING gist (company_id, point(longitude::float8, latitude::float8)) WHERE latitude IS NOT NULL;
CREATE INDEX properties_search_idx ON properties USING gin (company_id ext.uuid_ops,
  name ext.gin_trgm_ops, description ext.gin_trgm_ops, address ext.gin_trgm_ops);
${baseIndexes('properties')}
${wall('properties')}

CREATE TABLE bookings (${baseColumns},
  property_id uuid NOT NULL,
  guest_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  host_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  start_date date NOT NULL,
  end_date date NOT NULL,
  nights integer NOT NULL CHECK (nights = end_date - start_date AND nights > 0),
  guests integer NOT NULL CHECK (guests BETWEEN 1 AND 100),
  price_per_night numeric(12,2) NOT NULL CHECK (price_per_night > 0),
  total_amount numeric(20,2) NOT NULL CHECK (total_amount = nights * price_per_night),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  status text NOT NULL CHECK (status IN ('pending', 'confirmed', 'cancelled', 'completed')),
  state_version integer NOT NULL DEFAULT 1 CHECK (state_version > 0),
  hold_expires_at timestamptz NOT NULL,
  accepted_at timestamptz,
  payment_id uuid,
  is_charging boolean NOT NULL DEFAULT false,
  paid_at timestamptz,
  confirmed_at timestamptz,
  cancelled_at timestamptz,
  cancelled_by text CHECK (cancelled_by IN ('guest', 'host', 'hold', 'request', 'operator')),
  cancellation_reason text CHECK (length(cancellation_reason) BETWEEN 1 AND 500),
  host_strike boolean NOT NULL DEFAULT false,
  refund_amount numeric(20,2) NOT NULL DEFAULT 0,
  refund_id uuid,
  is_refunding boolean NOT NULL DEFAULT false,
  completed_at timestamptz,
  config jsonb NOT NULL,
  workflow_closed_at timestamptz,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, property_id) REFERENCES properties (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, payment_id) REFERENCES payments (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, refund_id) REFERENCES payments (company_id, id) ON DELETE RESTRICT,
  CHECK (guest_id <> host_id),
  CHECK ((status = 'cancelled') = (cancelled_by IS NOT NULL AND cancelled_at IS NOT NULL)),
  CHECK (status NOT IN ('confirmed', 'completed') OR (paid_at IS NOT NULL AND confirmed_at IS NOT NULL)),
  CHECK (refund_amount BETWEEN 0 AND total_amount),
  CHECK (NOT is_charging OR payment_id IS NOT NULL),
  CHECK (NOT is_refunding OR refund_id IS NOT NULL)
);
CREATE INDEX bookings_guest_idx ON bookings (company_id, guest_id, created_at);
CREATE INDEX bookings_host_idx ON bookings (company_id, host_id, created_at);
CREATE INDEX bookings_property_idx ON bookings (company_id, property_id, start_date);
CREATE INDEX bookings_status_idx ON bookings (company_id, status, created_at);
CREATE INDEX bookings_strikes_idx ON bookings (company_id, created_at) WHERE host_strike;
CREATE INDEX bookings_open_idx ON bookings (company_id, created_at) WHERE workflow_closed_at IS NULL;
CREATE INDEX bookings_payment_idx ON bookings (company_id, payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX bookings_refund_idx ON bookings (company_id, refund_id) WHERE refund_id IS NOT NULL;
${baseIndexes('bookings')}
${wall('bookings')}

CREATE TABLE reservations (${baseColumns},
  property_id uuid NOT NULL,
  booking_id uuid,
  start_date date NOT NULL,
  end_date date NOT NULL,
  reason text CHECK (length(reason) BETWEEN 1 AND 500),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, property_id) REFERENCES properties (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, booking_id) REFERENCES bookings (company_id, id) ON DELETE RESTRICT,
  CHECK (end_date > start_date),
  CHECK (booking_id IS NULL OR reason IS NULL),
  CONSTRAINT reservations_nights_key EXCLUDE USING gist (company_id WITH =, property_id WITH =,
    daterange(start_date, end_date, '[)') WITH &&) WHERE (archived_at IS NULL)
);
CREATE UNIQUE INDEX reservations_booking_key ON reservations (company_id, booking_id)
  WHERE archived_at IS NULL AND booking_id IS NOT NULL;
CREATE INDEX reservations_booking_idx ON reservations (company_id, booking_id)
  WHERE booking_id IS NOT NULL;
CREATE INDEX reservations_property_idx ON reservations (company_id, property_id, start_date);
CREATE INDEX reservations_dates_idx ON reservations
  USING gist (company_id, daterange(start_date, end_date, '[)')) WHERE (archived_at IS NULL);
${baseIndexes('reservations')}
${wall('reservations')}

CREATE TABLE reviews (${baseColumns},
  property_id uuid NOT NULL,
  booking_id uuid NOT NULL,
  reviewer_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  rating integer NOT NULL CHECK (rating BETWEEN 1 AND 5),
  comment text CHECK (length(comment) BETWEEN 1 AND 5000),
  host_reply text CHECK (length(host_reply) BETWEEN 1 AND 5000),
  replied_at timestamptz,
  status text NOT NULL DEFAULT 'published' CHECK (status IN ('published', 'hidden')),
  reported_at timestamptz,
  reported_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  report_reason text CHECK (length(report_reason) BETWEEN 1 AND 500),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, property_id) REFERENCES properties (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, booking_id) REFERENCES bookings (company_id, id) ON DELETE RESTRICT,
  CHECK ((host_reply IS NULL) = (replied_at IS NULL)),
  CHECK ((reported_at IS NULL) = (report_reason IS NULL))
);
CREATE UNIQUE INDEX reviews_booking_key ON reviews (company_id, booking_id);
CREATE INDEX reviews_property_idx ON reviews (company_id, property_id, created_at);
CREATE INDEX reviews_reviewer_idx ON reviews (company_id, reviewer_id, created_at);
CREATE INDEX reviews_reported_idx ON reviews (company_id, reported_at) WHERE reported_at IS NOT NULL;
${baseIndexes('reviews')}
${wall('reviews')}

CREATE POLICY search ON properties FOR SELECT TO app_search USING (true);
GRANT SELECT (company_id, id, created_at, archived_at, status, name, description, address, price_minor,
  max_guests, category_id, owner_id, latitude, longitude, min_nights, max_nights) ON properties TO app_search;
CREATE POLICY search ON reservations FOR SELECT TO app_search USING (true);
GRANT SELECT (company_id, property_id, archived_at, start_date, end_date) ON reservations TO app_search;

${propertySearch}`,
  down: `
DROP FUNCTION search_property_ids(jsonb);
DROP TABLE reviews;
DROP TABLE reservations;
DROP TABLE bookings;
DROP TABLE properties;
`,
};

/** What stands about hosts and guests in the audit lines of properties and bookings. */
export const personalNamesOfStays = [
  ...personalNames,
  'latitude',
  'longitude',
  'cancellationReason',
  'comment',
  'hostReply',
  'reportReason',
];
export const entityTypesOfStays = [
  ...entityTypes,
  'property',
  'availability_block',
  'booking',
  'review',
];

export const { erasedValue, eraseInAudit } = eraseFunctions(
  personalNamesOfStays,
  entityTypesOfStays,
);

const up = allow(`, 'booking'`) + replacing(erasedValue) + replacing(eraseInAudit);

/** Rows of the kind that it takes back stay as they are. */
const down = replacing(erasedValueBefore) + replacing(eraseInAuditBefore) + allow('', 'NOT VALID');

export const bookings = { name: '0051-bookings', up, down, business };
