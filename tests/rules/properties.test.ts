import fc from 'fast-check';
import { regionAround } from '../../src/rules/properties.ts';

const earthKm = 6371;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** The point that one comes to after so many kilometres in a direction. */
function away(
  from: { latitude: number; longitude: number },
  km: number,
  bearing: number,
): { latitude: number; longitude: number } {
  const [lat, angle] = [radians(from.latitude), km / earthKm];
  const sine =
    Math.sin(lat) * Math.cos(angle) + Math.cos(lat) * Math.sin(angle) * Math.cos(bearing);
  const turn = Math.atan2(
    Math.sin(bearing) * Math.sin(angle) * Math.cos(lat),
    Math.cos(angle) - Math.sin(lat) * sine,
  );
  const longitude = from.longitude + (turn * 180) / Math.PI;
  return {
    latitude: (Math.asin(Math.max(-1, Math.min(1, sine))) * 180) / Math.PI,
    longitude: ((longitude + 540) % 360) - 180,
  };
}

describe('the region around a place', () => {
  it('holds every point within the radius, also across the date line and at the poles', () => {
    const slack = 1e-6;
    fc.assert(
      fc.property(
        fc.record({
          latitude: fc.double({ min: -90, max: 90, noNaN: true }),
          longitude: fc.double({ min: -180, max: 180, noNaN: true }),
        }),
        fc.double({ min: 0.1, max: 500, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }),
        (centre, radius, share, bearing) => {
          const region = regionAround(centre, radius);

          const { latitude, longitude } = away(centre, radius * share, bearing);

          expect(latitude).toBeGreaterThanOrEqual(region.south - slack);
          expect(latitude).toBeLessThanOrEqual(region.north + slack);
          expect(longitude).toBeGreaterThanOrEqual(region.west - slack);
          expect(longitude).toBeLessThanOrEqual(region.east + slack);
        },
      ),
    );
  });

  it('is small where the circle is', () => {
    const { south, north, west, east } = regionAround({ latitude: 60, longitude: 10 }, 111.195);

    expect([north - south, east - west].map(Math.round)).toEqual([2, 4]);
  });
});
