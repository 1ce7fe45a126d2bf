import type { Actor } from '../context.ts';
import { Conflict, Forbidden, Invalid, invalidField, type FieldProblem } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Booking } from '../models/Booking.ts';
import { append, flush, select, withTenant } from '../models/database.ts';
import {
  byId,
  containing,
  madeWithin,
  newestFirst,
  readPage,
  selectFirstOfEach,
  selectThose,
  selectWidePage,
  columnsOf,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { Property } from '../models/Property.ts';
import { archiveRow, editRow, getRow, noSuch, restoreRow } from '../models/rows.ts';
import { openBookingStatuses } from '../rules/bookings.ts';
import { isTimeZone, type CalendarDate } from '../rules/calendar.ts';
import { fractionProblem } from '../rules/currencies.ts';
import { compare, type Money } from '../rules/money.ts';
import {
  regionAround,
  type CancellationPolicy,
  type Coordinates,
  type PropertyStatus,
} from '../rules/properties.ts';
import { holdCategory, seesAll } from './categories.ts';
import type { KnownCompany } from './companies.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { typedLine, typedText } from './typedText.ts';

/** What its owner may set; left out, currency and zone are the company's. */
export interface PropertyWish {
  readonly name: string;
  readonly description: string;
  readonly address: string;
  /** Degrees; both or none. */
  readonly latitude?: number | null | undefined;
  readonly longitude?: number | null | undefined;
  readonly categoryId?: string | null | undefined;
  readonly pricePerNight: Money;
  readonly currency?: string | undefined;
  readonly timeZone?: string | undefined;
  readonly checkInTime: string;
  readonly checkOutTime: string;
  readonly maxGuests: number;
  readonly minNights: number;
  readonly maxNights: number;
  readonly instantBook: boolean;
  readonly cancellationPolicy: CancellationPolicy;
  readonly status: PropertyStatus;
  /** Instead of the company's. */
  readonly holdMinutes?: number | null | undefined;
  readonly hostConfirmationHours?: number | null | undefined;
}

/** What is undefined stays as it is. */
export type PropertyChanges = {
  readonly [Name in keyof PropertyWish]?: PropertyWish[Name] | undefined;
};

export interface PropertyFilters extends ListAsked<keyof typeof sortColumns | 'distance'> {
  readonly ownerId?: string | undefined;
  readonly categoryId?: string | undefined;
  readonly minPrice?: Money | undefined;
  readonly maxPrice?: Money | undefined;
  readonly guests?: number | undefined;
  /** The nights that have to be free; both or none. */
  readonly freeFrom?: CalendarDate | undefined;
  readonly freeTo?: CalendarDate | undefined;
  /** Where it has to be near; both or none. */
  readonly latitude?: number | undefined;
  readonly longitude?: number | undefined;
  /** Around the place; 25 unless told. */
  readonly radiusKm?: number | undefined;
  readonly includeArchived: boolean;
}

const sortColumns = {
  createdAt: 'p.created_at',
  pricePerNight: 'p.price_minor',
  name: 'lower(p.name)',
} as const;

/** What people let by the night. Anybody may find what is listed; its owner alone changes it. */
export const createProperties = () => ({
  /** What is searched for by words, place or free nights is found among the first 1,000 that match. */
  list: (companyId: string, visitor: Actor | undefined, filters: PropertyFilters) => {
    const wish = searchOf(visitor, filters);
    return withTenant(companyId, () => (wish ? foundBy(wish, filters) : pageOf(visitor, filters)));
  },

  get: (companyId: string, visitor: Actor | undefined, id: string): Promise<Property> =>
    withTenant(companyId, () => visibleProperty(visitor, id)),

  /** Those of `ids` that `get` would answer. */
  several: (companyId: string, visitor: Actor | undefined, ids: readonly string[]) =>
    withTenant(companyId, async () =>
      byId(
        await selectThose<Property>(
          columnsOf(Property, 'p'),
          'properties p',
          ['p.id', ids],
          seesAll(visitor) ? [] : [[`(${publicOrOwn} OR ${booked})`, visitor?.userId ?? null]],
        ),
      ),
    ),

  /** For each owner the first that `list` would answer. */
  ofOwners: (
    companyId: string,
    visitor: Actor | undefined,
    ownerIds: readonly string[],
    size: number,
  ) =>
    withTenant(companyId, () =>
      selectFirstOfEach<Property>(
        columnsOf(Property, 'p'),
        'properties p',
        ['p.owner_id', ownerIds],
        [
          ['p.archived_at IS NULL'],
          ...(seesAll(visitor) ? [] : [[publicOrOwn, visitor?.userId ?? null] as const]),
        ],
        { ...newestFirst('p'), size },
      ),
    ),

  create: (
    actor: Actor,
    company: Pick<KnownCompany, 'currency' | 'timeZone'>,
    wish: PropertyWish,
    once: Once,
  ): Promise<Property | Replay> => {
    const ownerId = personOf(actor);
    return rowsOnce(once, async () => {
      const values = { ...checked(wish, company), ownerId };
      await holdKnownCategory(values.categoryId);
      const id = append(Property, values);
      AuditLog.record('CREATE', { type: Property.entityType, id }, { after: values });
      await flush();
      return getRow(Property, id);
    });
  },

  replace: (
    actor: Actor,
    company: KnownCompany,
    id: string,
    wish: PropertyWish,
    expectedVersion: number | undefined,
  ): Promise<Property> => edit(actor, id, () => checked(wish, company), expectedVersion),

  edit: (
    actor: Actor,
    company: KnownCompany,
    id: string,
    changes: PropertyChanges,
    expectedVersion: number | undefined,
  ): Promise<Property> =>
    edit(actor, id, (property) => checked(changed(property, changes), company), expectedVersion),

  archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<Property> =>
    withTenant(actor.companyId, async () =>
      archiveRow(Property, await unbooked(await ownProperty(actor, id)), expectedVersion),
    ),

  restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<Property> =>
    withTenant(actor.companyId, async () => {
      const property = await ownProperty(actor, id, { archived: true });
      await holdKnownCategory(property.categoryId);
      return restoreRow(Property, property, expectedVersion);
    }),
});

export type Properties = ReturnType<typeof createProperties>;

/** In the open transaction. @throws NotFound also for what is not listed, except by its owner and guests */
export async function visibleProperty(visitor: Actor | undefined, id: string): Promise<Property> {
  const property = await getRow(Property, id, { archived: true });
  const isOwn = isOwner(visitor, property);
  const isPublic = property.status === 'listed' && !property.archivedAt;
  if (isPublic || isOwn || seesAll(visitor) || (await hasBooked(visitor, id))) return property;
  throw noSuch(Property.entityType, id);
}

/** Guests still read where they go or have been, and review it, when the host lets it no more. */
async function hasBooked(visitor: Actor | undefined, propertyId: string): Promise<boolean> {
  const guestId = visitor?.userId;
  return guestId != null && (await Booking.count({ where: { propertyId, guestId } })) > 0;
}

/**
 * One's own, held until the commit: whoever books or blocks its nights waits.
 * @throws NotFound, Forbidden for somebody else's
 */
export async function ownProperty(
  actor: Actor,
  id: string,
  { archived = false } = {},
): Promise<Property> {
  const property = await getRow(Property, id, { lock: true, archived });
  if (isOwner(actor, property)) return property;
  if (property.status === 'unlisted' || property.archivedAt) throw noSuch(Property.entityType, id);
  throw new Forbidden('Only the owner of a property changes it');
}

/** @throws Conflict PROPERTY_BOOKED while stays in it are ahead */
async function unbooked(property: Property): Promise<Property> {
  const live = await Booking.count({
    where: { propertyId: property.id, status: [...openBookingStatuses] },
  });
  if (live === 0) return property;
  throw new Conflict(
    'PROPERTY_BOOKED',
    `The property ${property.id} is booked: decline or cancel its bookings first, or unlist it`,
    { live_bookings: live },
  );
}

export const isOwner = (
  actor: Actor | undefined,
  { ownerId }: Pick<Property, 'ownerId'>,
): boolean => actor?.userId === ownerId;

/** @throws Forbidden for a key, which owns nothing */
function personOf({ userId }: Actor): string {
  if (!userId) throw new Forbidden('This is for people; a key cannot do it');
  return userId;
}

function edit(
  actor: Actor,
  id: string,
  valuesOf: (property: Property) => ReturnType<typeof checked>,
  expectedVersion: number | undefined,
): Promise<Property> {
  return withTenant(actor.companyId, async () => {
    const property = await ownProperty(actor, id);
    const values = valuesOf(property);
    if (values.categoryId !== property.categoryId) await holdKnownCategory(values.categoryId);
    return editRow(Property, property, values, expectedVersion);
  });
}

const changed = (property: Property, changes: PropertyChanges): PropertyWish => ({
  name: changes.name ?? property.name,
  description: changes.description ?? property.description,
  address: changes.address ?? property.address,
  latitude: changes.latitude === undefined ? degrees(property.latitude) : changes.latitude,
  longitude: changes.longitude === undefined ? degrees(property.longitude) : changes.longitude,
  categoryId: changes.categoryId === undefined ? property.categoryId : changes.categoryId,
  pricePerNight: changes.pricePerNight ?? property.pricePerNight,
  currency: changes.currency ?? property.currency,
  timeZone: changes.timeZone ?? property.timeZone,
  checkInTime: changes.checkInTime ?? property.checkInTime,
  checkOutTime: changes.checkOutTime ?? property.checkOutTime,
  maxGuests: changes.maxGuests ?? property.maxGuests,
  minNights: changes.minNights ?? property.minNights,
  maxNights: changes.maxNights ?? property.maxNights,
  instantBook: changes.instantBook ?? property.instantBook,
  cancellationPolicy: changes.cancellationPolicy ?? property.cancellationPolicy,
  status: changes.status ?? property.status,
  holdMinutes: changes.holdMinutes === undefined ? property.holdMinutes : changes.holdMinutes,
  hostConfirmationHours:
    changes.hostConfirmationHours === undefined
      ? property.hostConfirmationHours
      : changes.hostConfirmationHours,
});

/** As the columns hold it. @throws Invalid with all that is wrong */
function checked(wish: PropertyWish, company: Pick<KnownCompany, 'currency' | 'timeZone'>) {
  const { latitude = null, longitude = null, categoryId = null, ...values } = wish;
  const { currency = company.currency, timeZone = company.timeZone } = wish;
  const problems: FieldProblem[] = [];
  if ((latitude === null) !== (longitude === null)) {
    const field = latitude === null ? 'latitude' : 'longitude';
    problems.push({ field, message: 'A place has both of them', code: 'REQUIRED' });
  }
  if (!isTimeZone(timeZone)) {
    const message = 'An IANA name, such as Europe/Berlin';
    problems.push({ field: 'time_zone', message, code: 'INVALID_FORMAT' });
  }
  if (values.minNights > values.maxNights) {
    const message = 'The shortest stay is longer than the longest';
    problems.push({ field: 'min_nights', message, code: 'OUT_OF_RANGE' });
  }
  if (compare(values.pricePerNight, mostPrice) > 0) {
    const message = `A night costs up to ${mostPrice}`;
    problems.push({ field: 'price_per_night', message, code: 'OUT_OF_RANGE' });
  }
  const fraction = fractionProblem(values.pricePerNight, currency);
  if (fraction) problems.push({ field: 'price_per_night', ...fraction });
  if (problems.length > 0) throw new Invalid(problems);
  return {
    ...values,
    name: typedLine('name', wish.name),
    description: typedText('description', wish.description),
    address: typedLine('address', wish.address),
    latitude: latitude?.toFixed(8) ?? null,
    longitude: longitude?.toFixed(8) ?? null,
    categoryId,
    holdMinutes: wish.holdMinutes ?? null,
    hostConfirmationHours: wish.hostConfirmationHours ?? null,
    currency,
    timeZone,
  };
}

/** What `numeric(12,2)` holds. */
const mostPrice: Money = '9999999999.99';

/** Eight places and three before them fit a double. */
const degrees = (stored: string | null): number | null => (stored === null ? null : Number(stored));

async function holdKnownCategory(id: string | null): Promise<void> {
  if (id === null || (await holdCategory(id))) return;
  throw invalidField('category_id', 'There is no such category', 'CATEGORY_UNKNOWN');
}

const publicOrOwn = `((p.status = 'listed' AND p.archived_at IS NULL) OR p.owner_id = $)`;
const booked = 'p.id IN (SELECT b.property_id FROM bookings b WHERE b.guest_id = $)';

/** What is listed; also what is not among one's own, or among all for whoever reads the audit. */
function shownTo(visitor: Actor | undefined, { ownerId, includeArchived }: PropertyFilters) {
  const isOwn = visitor?.userId != null && ownerId === visitor.userId;
  const withUnlisted = isOwn || seesAll(visitor);
  return { withUnlisted, withArchived: withUnlisted && includeArchived };
}

/** Of a list that nothing is searched in. */
function conditionsOf(filters: PropertyFilters): Condition[] {
  const { ownerId, categoryId, minPrice, maxPrice, guests } = filters;
  return [
    ...(ownerId ? [['p.owner_id = $', ownerId] as const] : []),
    ...(categoryId ? [['p.category_id = $', categoryId] as const] : []),
    ...(minPrice ? [['p.price_minor >= $', inMinorUnits(minPrice)] as const] : []),
    ...(maxPrice ? [['p.price_minor <= $', inMinorUnits(maxPrice)] as const] : []),
    ...(guests ? [['p.max_guests >= $', guests] as const] : []),
  ];
}

/** What `search_property_ids` is asked for. */
type PropertySearch = Readonly<Record<string, string | number | boolean | Date | null | undefined>>;

/**
 * What words, place and free nights find; undefined where none of them is asked for.
 * @throws Invalid for half of a pair
 */
function searchOf(
  visitor: Actor | undefined,
  filters: PropertyFilters,
): PropertySearch | undefined {
  const { search, minPrice, maxPrice, guests, categoryId, ownerId, freeFrom, freeTo } = filters;
  if (minPrice && maxPrice && compare(minPrice, maxPrice) > 0) {
    throw invalidField('min_price', 'The least price is above the greatest', 'OUT_OF_RANGE');
  }
  if (freeFrom !== undefined || freeTo !== undefined) {
    if (freeFrom === undefined || freeTo === undefined) {
      throw invalidField(freeFrom ? 'free_to' : 'free_from', 'Say both days', 'REQUIRED');
    }
    if (freeTo <= freeFrom) {
      throw invalidField('free_to', 'The last day comes after the first', 'END_BEFORE_START');
    }
  }
  const centre = centreOf(filters);
  if (search === undefined && freeFrom === undefined && !centre) return undefined;
  const { radiusKm = 25, sortBy, sortOrder, createdAfter, createdBefore } = filters;
  const region = centre && regionAround(centre, radiusKm);
  return {
    pattern: search && containing(search),
    leastMinor: minPrice && inMinorUnits(minPrice),
    mostMinor: maxPrice && inMinorUnits(maxPrice),
    area: centre && `<(${centre.longitude},${centre.latitude}),${radiusKm}>`,
    region: region && `(${region.west},${region.south}),(${region.east},${region.north})`,
    nights: freeFrom && `[${freeFrom},${freeTo})`,
    guests,
    categoryId,
    ownerId,
    createdAfter,
    createdBefore,
    sortBy,
    sortOrder,
    ...shownTo(visitor, filters),
  };
}

/** In the order in which they are found; the rows of the page alone are read. */
const foundBy = (wish: PropertySearch, page: Pick<PropertyFilters, 'page' | 'size'>) =>
  readPage(page, (limit, offset) =>
    select<Property & { total: string }>(
      `WITH found AS MATERIALIZED (SELECT f.id, f.place
         FROM search_property_ids($1::jsonb) WITH ORDINALITY AS f (id, place))
       SELECT ${columnsOf(Property, 'p')}, (SELECT count(*) FROM found) AS total
       FROM found JOIN properties p ON p.id = found.id
       WHERE found.place > $2 AND found.place <= $3 ORDER BY found.place`,
      [JSON.stringify(wish), offset, offset + limit],
    ),
  );

/** Of a list that nothing is searched in. */
function pageOf(visitor: Actor | undefined, filters: PropertyFilters) {
  const { sortBy, ...rest } = filters;
  const by = sortBy === 'distance' ? 'createdAt' : sortBy;
  const { withUnlisted, withArchived } = shownTo(visitor, filters);
  return selectWidePage<Property>(
    columnsOf(Property, 'p'),
    { from: 'properties p', narrow: 'properties p' },
    [
      ...(withArchived ? [] : [['p.archived_at IS NULL'] as const]),
      ...(withUnlisted ? [] : [["p.status = 'listed'"] as const]),
      ...madeWithin('p', filters),
      ...conditionsOf(filters),
    ],
    sortedBy(sortColumns, { ...rest, sortBy: by }, 'p.id'),
  );
}

/** The place that is searched around. */
function centreOf({ latitude, longitude, sortBy }: PropertyFilters): Coordinates | undefined {
  if (latitude === undefined && longitude === undefined) {
    if (sortBy !== 'distance') return undefined;
    throw invalidField('sort_by', 'By distance only from a place', 'INVALID_CHOICE');
  }
  if (latitude === undefined || longitude === undefined) {
    const missing = latitude === undefined ? 'latitude' : 'longitude';
    throw invalidField(missing, 'A place has both of them', 'REQUIRED');
  }
  return { latitude, longitude };
}

/** The column of minor units is a bigint; no price is above its bound. */
const inMinorUnits = (amount: Money): string =>
  compare(amount, mostPrice) > 0 ? mostPrice.replace('.', '') : amount.replace('.', '');
