import { v7 as uuid } from 'uuid';
import { roleCodes } from '../../src/rules/permissions.ts';
import { comparable } from '../support/api.ts';
import { ownership } from './access.ts';
import { byRole, cells, outcome, places, send } from './columns.ts';
import { objectAt, personOf, useWall, type Full, type Wall } from './people.ts';
import type { Place } from './registry.ts';

let wall: Wall;
useWall((opened) => void (wall = opened));

/** Bodies that pass the schema and, once let through, do as little as possible. */
const harmless: Readonly<Record<string, object>> = {
  'PATCH /subscriptions/:id/cancel': { effective_date: '1990-01-01', reason: 'No more' },
  'POST /claims/:id/mark-duplicate': { reason: 'Twice', version: 999 },
  'POST /claims/:id/hold': { kind: 'legal', reason: 'A lawsuit', version: 999 },
  'POST /claims/:id/withdraw': { reason: 'Not needed', version: 999 },
};

/** Let through, they would take the object from whoever comes next; a version nobody saw keeps it. */
const taking = [
  'DELETE /claims/:id/location',
  'DELETE /documents/:id',
  'DELETE /notes/:id',
  'DELETE /notification-templates/:id',
  'DELETE /reports/:id',
  'DELETE /webhook-endpoints/:id',
  'DELETE /workflows/alert-rules/:id',
];
const seenByNobody = { 'If-Match': '"999999999"' };

describe("somebody's object", () => {
  const objectPlaces = places.filter(({ path }) => path.includes(':id'));
  const objectOf = ({ endpoint }: Place, { objects }: Full): string => {
    const id = objectAt(endpoint, objects);
    if (id === undefined) throw new Error(`What is the object of ${endpoint}?`);
    return id;
  };
  const bodyOf = ({ endpoint, route }: Place): object =>
    harmless[endpoint] ?? { ...Object(route.examples?.body) };

  it.each(roleCodes)('is reached by a %s as the table says', async (role) => {
    const seen: string[] = [];
    const expected: string[] = [];
    for (const place of objectPlaces) {
      const row = ownership[place.endpoint];
      if (!row || byRole(role)(place) !== 'allowed') continue;
      const isGlobal = role === 'global_admin';
      const person = personOf(wall.ours.people, role);
      const headers = {
        ...(isGlobal && { 'X-Company-Id': wall.ours.id }),
        ...(taking.includes(place.endpoint) && seenByNobody),
      };
      const caller = wall.api.as(person);
      const [known, unknown] = [objectOf(place, wall.ours), uuid()];
      const one = await send(caller, place, { id: known, body: bodyOf(place), headers });
      const none = await send(caller, place, { id: unknown, body: bodyOf(place), headers });
      const isHidden = comparable(one) === comparable(none);
      seen.push(`${place.path}: ${isHidden ? `hidden ${one.status}` : outcome(one)}`);
      const told = row.told?.includes(role) ? '403 FORBIDDEN' : 'hidden 404';
      expected.push(`${place.path}: ${row.reach.includes(role) ? 'allowed' : told}`);
    }
    cells.set(`${role} with another's object`, seen.length);

    expect(seen).toEqual(expected);
  });

  it.each(roleCodes)('of another company is to a %s what an unknown one is', async (role) => {
    const person = personOf(wall.other.people, role);
    // Registrations and companies are the platform's own: no global administrator is a stranger there.
    const foreignPlaces = objectPlaces.filter(
      ({ path }) =>
        role !== 'global_admin' || !/registration-requests|onboarding|\/companies\/:id/.test(path),
    );
    for (const place of foreignPlaces) {
      const id = objectOf(place, wall.ours);
      const foreign = await send(wall.api.as(person), place, { id, body: bodyOf(place) });
      // Refused whatever the object is.
      if (byRole(role)(place) !== 'allowed') {
        expect([place.path, outcome(foreign)]).toEqual([place.path, '403 FORBIDDEN']);
        continue;
      }
      const unknown = await send(wall.api.as(person), place, { body: bodyOf(place) });

      expect([place.path, comparable(foreign)]).toEqual([place.path, comparable(unknown)]);
      expect([place.path, foreign.headers['etag']]).toEqual([place.path, undefined]);
    }
    cells.set(`${role} with a foreign object`, foreignPlaces.length);
  });
});
