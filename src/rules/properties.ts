/** Whether others find and book it; its owner sees it in any case. */
export const propertyStatuses = ['listed', 'unlisted'] as const;

export type PropertyStatus = (typeof propertyStatuses)[number];

/** What a guest gets back who cancels; the amounts are those of `refundOf`. */
export const cancellationPolicies = ['flexible', 'moderate', 'strict'] as const;

export type CancellationPolicy = (typeof cancellationPolicies)[number];

/** Nights of one stay; no property takes longer ones. */
export const longestStay = 365;

/** Degrees, north and east of the equator and Greenwich positive. */
export interface Coordinates {
  readonly latitude: number;
  readonly longitude: number;
}

/** A region that no point outside of it is nearer than the radius. Degrees, both ends included. */
export interface Region {
  readonly south: number;
  readonly north: number;
  readonly west: number;
  readonly east: number;
}

/**
 * The smallest region that holds the circle, or one around the whole earth where the circle crosses the
 * date line or reaches a pole.
 */
export function regionAround({ latitude, longitude }: Coordinates, radiusKm: number): Region {
  const high = radiusKm / kmPerDegree;
  const [south, north] = [latitude - high, latitude + high];
  const whole = { south: Math.max(south, -90), north: Math.min(north, 90), west: -180, east: 180 };
  if (south <= -90 || north >= 90) return whole;
  const reach = Math.sin(radians(high)) / Math.cos(radians(latitude));
  if (reach >= 1) return whole;
  const wide = (Math.asin(reach) * 180) / Math.PI;
  const [west, east] = [longitude - wide, longitude + wide];
  return west < -180 || east > 180 ? whole : { south, north, west, east };
}

/** Of the mean radius, 6,371 km. */
const kmPerDegree = 111.194_926;

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
