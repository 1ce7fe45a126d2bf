import {
  propertySearch as propertySearchBefore,
  propertySearchBody as propertySearchBodyBefore,
} from './0051Bookings.ts';

const listedOnly = ` AND p.archived_at IS NULL AND p.status = ''listed''`;

/**
 * As before, but an owner's search, or an auditor's, has what is not listed (`withUnlisted`), and if they
 * say so what is archived (`withArchived`). Who may say it is decided where the list without a search is.
 * @param schema in which the properties stand
 */
export const propertySearchBody = (schema: string): string =>
  propertySearchBodyBefore(schema)
    .replace(
      '\nBEGIN\n',
      () => `
  shown text := CASE WHEN (wish ->> 'withArchived')::boolean THEN '' ELSE ' AND p.archived_at IS NULL' END
    || CASE WHEN (wish ->> 'withUnlisted')::boolean THEN '' ELSE ' AND p.status = ''listed''' END;
BEGIN
`,
    )
    .replace(listedOnly, () => `' || shown || '`);

/** In the schema that comes first on the search path. */
export const propertySearch = propertySearchBefore.replace(propertySearchBodyBefore('%1$I'), () =>
  propertySearchBody('%1$I'),
);

const drop = 'DROP FUNCTION search_property_ids(jsonb);';

const business = { up: drop + propertySearch, down: drop + propertySearchBefore };

export const ownPropertySearch = { name: '0055-own-property-search', business };
