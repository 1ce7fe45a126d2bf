import {
  propertySearch as propertySearchBefore,
  propertySearchBody as propertySearchBodyBefore,
} from './0055OwnPropertySearch.ts';

/**
 * The first 1,000 that the wish finds, in the order that is asked for. The wall hides from the planner how
 * many rows have a word, so the first 200 in that order are looked at: where a tenth of them is found, the
 * rows are walked in their order until there are enough, so that not all of what most have is read and
 * sorted. Else, or where twice as many rows as that should take were not enough, the indexes find them;
 * OFFSET 0 keeps Postgres from walking then. By distance there is no order to walk in. `area` is a place
 * (longitude, latitude) and a radius in kilometres on a sphere, `region` holds all of it and is what the
 * index is asked for. Of `nights` all are free, and the property takes as many.
 * @param schema in which the properties stand
 */
export const propertySearchBody = (schema: string): string => `
DECLARE
  distance text := '12742 * asin(least(1, sqrt(sin(radians(p.latitude::float8 - (center($6))[1]) / 2) ^ 2
    + cos(radians((center($6))[1])) * cos(radians(p.latitude::float8))
      * sin(radians(p.longitude::float8 - (center($6))[0]) / 2) ^ 2)))';
  direction text := CASE wish ->> 'sortOrder' WHEN 'asc' THEN ' ASC' ELSE ' DESC' END;
  place text := CASE wish ->> 'sortBy' WHEN 'pricePerNight' THEN 'p.price_minor'
    WHEN 'name' THEN 'lower(p.name)' WHEN 'distance' THEN distance ELSE 'p.created_at' END;
  candidates text := '
    p.company_id = (SELECT app.company_id())'
    || CASE WHEN (wish ->> 'withArchived')::boolean THEN '' ELSE ' AND p.archived_at IS NULL' END
    || CASE WHEN (wish ->> 'withUnlisted')::boolean THEN '' ELSE ' AND p.status = ''listed''' END || '
    AND ($2 IS NULL OR p.price_minor >= $2)
    AND ($3 IS NULL OR p.price_minor <= $3)
    AND ($4 IS NULL OR p.max_guests >= $4)
    AND ($5 IS NULL OR p.category_id = $5)
    AND ($9 IS NULL OR p.owner_id = $9)
    AND ($10 IS NULL OR p.created_at >= $10)
    AND ($11 IS NULL OR p.created_at < $11)';
  found text := '
    ($1 IS NULL OR p.name ILIKE $1 OR p.description ILIKE $1 OR p.address ILIKE $1)
    AND ($6 IS NULL OR (point(p.longitude::float8, p.latitude::float8) <@ $7
      AND ' || distance || ' <= radius($6)))
    AND ($8 IS NULL OR (upper($8) - lower($8) BETWEEN p.min_nights AND p.max_nights
      AND p.id NOT IN (SELECT t.property_id FROM taken t)))';
  walk text := 'SELECT p.id, p.name, p.description, p.address, p.latitude, p.longitude, p.min_nights, p.max_nights
    FROM ${schema}.properties p
    WHERE ' || (wish ->> 'sortBy' IS DISTINCT FROM 'distance') || ' AND ' || candidates || '
    ORDER BY ' || place || direction || ', p.id' || direction || ' LIMIT ';
BEGIN
  RETURN QUERY EXECUTE '
  WITH taken AS MATERIALIZED (
    SELECT DISTINCT r.property_id FROM ${schema}.reservations r
    WHERE r.company_id = (SELECT app.company_id()) AND r.archived_at IS NULL
      AND daterange(r.start_date, r.end_date, ''[)'') && $8),
  sampled AS MATERIALIZED (SELECT count(*) AS hits FROM (' || walk || '200) AS p WHERE ' || found || '),
  walked AS MATERIALIZED (SELECT p.id FROM (' || walk || '
      (SELECT CASE WHEN hits < 20 THEN 0 ELSE 400000 / hits END FROM sampled)) AS p
    WHERE ' || found || ' LIMIT 1000)
  (SELECT w.id FROM walked w WHERE (SELECT count(*) FROM walked) = 1000)
  UNION ALL
  (SELECT f.id FROM (SELECT p.id, ' || place || ' AS place FROM ${schema}.properties p
      WHERE (SELECT count(*) FROM walked) < 1000 AND ' || candidates || ' AND ' || found || ' OFFSET 0) AS f
    ORDER BY f.place' || direction || ', f.id' || direction || ' LIMIT 1000)'
  USING wish ->> 'pattern', (wish ->> 'leastMinor')::bigint, (wish ->> 'mostMinor')::bigint,
    (wish ->> 'guests')::integer, (wish ->> 'categoryId')::uuid, (wish ->> 'area')::circle,
    (wish ->> 'region')::box, (wish ->> 'nights')::daterange, (wish ->> 'ownerId')::uuid,
    (wish ->> 'createdAfter')::timestamptz, (wish ->> 'createdBefore')::timestamptz;
END
`;

/** In the schema that comes first on the search path. */
export const propertySearch = propertySearchBefore.replace(propertySearchBodyBefore('%1$I'), () =>
  propertySearchBody('%1$I'),
);

const drop = 'DROP FUNCTION search_property_ids(jsonb);';

const business = {
  up: `
CREATE INDEX properties_name_idx ON properties (company_id, lower(name));
${drop}
${propertySearch}`,
  down: `
${drop}
${propertySearchBefore}
DROP INDEX properties_name_idx;
`,
};

export const boundedSearch = { name: '0091-bounded-search', business };
