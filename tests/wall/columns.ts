import type { Response } from 'supertest';
import { v7 as uuid } from 'uuid';
import type { Role } from '../../src/rules/permissions.ts';
import type { Caller } from '../support/api.ts';
import { report } from '../support/report.ts';
import { access } from './access.ts';
import { fill, registry, type Place } from './registry.ts';

export const places = registry();

/** For columns beside those of the roles, in which older paths have been seen to be the same routes. */
export const ownPaths = places.filter(({ isOlder }) => !isOlder);

/** How many answers each column compared. */
export const cells = new Map<string, number>();

export const reportCells = (): void =>
  report(
    `${[...cells.values()].reduce((sum, each) => sum + each, 0)} cells in ${cells.size} columns`,
  );

export function send(
  caller: Caller,
  { route, path }: Place,
  {
    id = uuid(),
    body = {},
    headers: given = {},
  }: { id?: string; body?: object; headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  const headers = {
    ...(route.idempotency === 'required' && { 'Idempotency-Key': uuid() }),
    ...given,
  };
  // From the root on: an older path is asked as itself.
  const at = `/${fill(path, { id, name: 'expiry', domainId: uuid(), blockId: uuid(), claimId: uuid(), deliveryId: uuid(), number: '1' })}`;
  switch (route.method) {
    case 'GET':
      return caller.get(
        at,
        path.endsWith('/as-of') ? { at: new Date().toISOString() } : {},
        headers,
      );
    case 'DELETE':
      return caller.delete(at, headers);
    case 'POST':
      return caller.post(at, body, headers);
    case 'PUT':
      return caller.put(at, body, headers);
    default:
      return caller.patch(at, body, headers);
  }
}

export const outcome = ({ status, body }: Response): string =>
  status === 401 || status === 403 ? `${status} ${body.code}` : 'allowed';

/** One column of the matrix: what each route answers, beside what it must. */
export async function column(
  name: string,
  ask: (place: Place) => Promise<Response>,
  expected: (place: Place) => string,
  asked: readonly Place[] = places,
): Promise<void> {
  const seen: string[] = [];
  for (const place of asked) {
    seen.push(`${place.route.method} ${place.path}: ${outcome(await ask(place))}`);
  }
  cells.set(name, seen.length);
  expect(seen).toEqual(
    asked.map((place) => `${place.route.method} ${place.path}: ${expected(place)}`),
  );
}

export const unauthenticated = '401 UNAUTHENTICATED';
export const rowOf = ({ endpoint }: Place) => access[endpoint];

export const byRole =
  (role: Role) =>
  (place: Place): string => {
    const row = rowOf(place);
    return typeof row === 'string' || row?.includes(role) ? 'allowed' : '403 FORBIDDEN';
  };
