import { setTimeout as pause } from 'node:timers/promises';
import { may, roleCodes, scopeCodes, scopesFor, type Role } from '../../src/rules/permissions.ts';
import { comparable, type Caller } from '../support/api.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { byRole, cells, column, ownPaths, rowOf, send, unauthenticated } from './columns.ts';
import {
  bearer,
  buildFull,
  objectAt,
  personOf,
  sessionOf,
  useWall,
  type Person,
  type Wall,
} from './people.ts';
import type { Place } from './registry.ts';

/** Columns of the matrix: who was somebody once, or is somebody elsewhere only. */
let wall: Wall;
useWall((opened) => void (wall = opened));

const sql = (text: string, values: unknown[]) =>
  wall.api.database.sql<{ id: string }>(text, values);

/** The answers to whoever sends these headers. */
const columnOf = (
  name: string,
  headers: Readonly<Record<string, string>>,
  expected: (place: Place) => string,
): Promise<void> => column(name, (place) => send(wall.api.nowhere, place, { headers }), expected);

/** The same for a person, who signs in anew for each of them: some sign out. */
const columnFor = (
  name: string,
  person: Person,
  expected: (place: Place) => string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> =>
  column(
    name,
    async (place) => {
      const { token } = await sessionOf(person);
      return send(wall.api.nowhere, place, { headers: { ...bearer(token), ...headers } });
    },
    expected,
  );

const unlessOpen =
  (refusal: string) =>
  (place: Place): string =>
    rowOf(place) === 'open' ? 'allowed' : refusal;

async function administratorOfNewCompany(): Promise<Person> {
  const { id: companyId } = await buildCompany();
  return buildActor({ companyId, role: 'tenant_admin' });
}

/** All that an administrator can give to a key. */
const keyScopes = scopeCodes.filter((scope) => may(['tenant_admin'], scope));

async function newKey(admin: Person): Promise<{ id: string; headers: Record<string, string> }> {
  const made = await wall.api.as(admin).post('/api-keys', { name: 'All', scopes: keyScopes });
  return { id: made.body.data.id, headers: { 'X-API-Key': String(made.body.data.key) } };
}

const byAllScopes = ({ route: { permission } }: Place): string => {
  if (permission === 'public') return 'allowed';
  const isMeant =
    permission !== 'signed-in' && scopesFor(permission).some((scope) => keyScopes.includes(scope));
  return isMeant ? 'allowed' : '403 FORBIDDEN';
};

const suspendedBy =
  (allowed: (place: Place) => string) =>
  (place: Place): string => {
    const { method, permission, company } = place.route;
    const isRead = method === 'GET' || permission === 'public' || company === false;
    return isRead || allowed(place) !== 'allowed' ? allowed(place) : '403 TENANT_SUSPENDED';
  };

/** Suspends it, and waits until the API has seen that. */
async function suspend(admin: Person): Promise<void> {
  await sql(`UPDATE platform.companies SET status = 'suspended' WHERE id = $1`, [admin.companyId]);
  const write = () => wall.api.as(admin).post('/notifications/read-all');
  while ((await write()).status !== 403) await pause(100);
}

describe('every route', () => {
  it.each([
    [
      'deactivated in the company',
      'UPDATE platform.memberships SET is_active = false WHERE user_id = $1',
    ],
    ['deactivated everywhere', 'UPDATE platform.users SET is_active = false WHERE id = $1'],
    ['archived', 'UPDATE platform.memberships SET archived_at = now() WHERE user_id = $1'],
    [
      'a former member',
      `UPDATE platform.memberships SET valid_from = now() - interval '2 d', valid_to = now()
       WHERE user_id = $1`,
    ],
    [
      'a member from tomorrow on',
      `UPDATE platform.memberships SET valid_from = now() + interval '1 d' WHERE user_id = $1`,
    ],
    [
      'of a closed company',
      `UPDATE platform.companies SET status = 'closed'
       WHERE id = (SELECT company_id FROM platform.memberships WHERE user_id = $1)`,
    ],
  ])('refuses somebody who is %s', async (name, change) => {
    const person = await administratorOfNewCompany();
    const { token } = await sessionOf(person);
    await sql(change, [person.userId]);

    await columnOf(name, bearer(token), unlessOpen(unauthenticated));
  });

  it('gives a policyholder nothing for what they are in another company', async () => {
    const elsewhere = roleCodes.filter((role) => role !== 'global_admin');
    const person = await buildActor({ companyId: wall.ours.id });
    await sql(
      `INSERT INTO platform.memberships (company_id, id, user_id, role)
       SELECT $1, gen_random_uuid(), $2, role FROM unnest($3::text[]) AS r (role)`,
      [wall.other.id, person.userId, elsewhere],
    );

    await columnFor('policyholder, all elsewhere', person, byRole('policyholder'));
  });

  it.each(['tenant_admin', 'operator', 'auditor'] satisfies Role[])(
    'leaves a %s in their own company, whichever they name',
    async (role) => {
      const person = personOf(wall.ours.people, role);
      const theirs = Object.values(wall.other.objects);
      const leaks: string[] = [];

      await column(
        `${role} naming another company`,
        async (place) => {
          const { token } = await sessionOf(person);
          const headers = { ...bearer(token), 'X-Company-Id': wall.other.id };
          const answer = await send(wall.api.nowhere, place, { headers });
          const shown = JSON.stringify(answer.body);
          if (theirs.some((id) => shown.includes(id))) leaks.push(place.path);
          return answer;
        },
        byRole(role),
      );

      expect(leaks).toEqual([]);
    },
  );

  it('but those of /auth refuses who must have a second factor and has none', async () => {
    const person = await administratorOfNewCompany();
    await sql('UPDATE platform.companies SET settings = $2 WHERE id = $1', [
      person.companyId,
      { security: { requireMfaFor: ['tenant_admin'] } },
    ]);

    await columnFor('without a second factor', person, (place) => {
      const isLimited = typeof rowOf(place) !== 'string' && !place.route.path.startsWith('/auth/');
      return isLimited ? '403 MFA_ENROLMENT_REQUIRED' : byRole('tenant_admin')(place);
    });
  });

  it('of the public ones answers who must have a second factor and has none as a stranger', async () => {
    const { id, objects } = await buildFull(wall.api);
    const of = (table: string, change: string) =>
      sql(`UPDATE ${table} SET ${change} WHERE company_id = $1`, [id]);
    await of('shared.insurance_plans', 'is_active = false');
    await of('shared.properties', "status = 'unlisted'");
    await sql('UPDATE platform.companies SET settings = $2 WHERE id = $1', [
      id,
      { security: { requireMfaFor: ['tenant_admin'] } },
    ]);
    const admin = wall.api.as(await buildActor({ companyId: id, role: 'tenant_admin' }));
    const asked = ownPaths.filter(
      (place) => rowOf(place) === 'public' && !place.route.path.startsWith('/auth/'),
    );
    const answers = (caller: Caller) =>
      Promise.all(
        asked.map(async (place) => {
          const object = objectAt(place.endpoint, objects);
          const body = Object(place.route.examples?.body);
          const answer = await send(caller, place, { id: object ?? id, body });
          return `${place.endpoint}: ${comparable(answer)}`;
        }),
      );

    const seen = await answers(admin);

    cells.set('public without a second factor', seen.length);
    expect(seen).toEqual(await answers(wall.api.visiting(id)));
  });

  it('lets a global administrator in a suspended company read only', async () => {
    const admin = await administratorOfNewCompany();
    await suspend(admin);

    await columnFor(
      'global_admin inside a suspended company',
      personOf(wall.ours.people, 'global_admin'),
      suspendedBy(byRole('global_admin')),
      { 'X-Company-Id': admin.companyId },
    );
  });
});

describe('every route, asked with a key', () => {
  it.each([
    ['revoked', 'UPDATE core.api_keys SET revoked_at = now() WHERE id = $1'],
    [
      'out of time',
      `UPDATE core.api_keys SET created_at = now() - interval '2 d', expires_at = now() WHERE id = $1`,
    ],
    [
      'of a company that is closed',
      `UPDATE platform.companies SET status = 'closed' WHERE id = (SELECT company_id FROM core.api_keys WHERE id = $1)`,
    ],
  ])('refuses one that is %s', async (name, change) => {
    const { id, headers } = await newKey(await administratorOfNewCompany());
    await sql(change, [id]);

    await columnOf(`key ${name}`, headers, unlessOpen(unauthenticated));
  });

  it.each([
    ['of nobody', (key: string) => `${key.slice(0, 30)}${'A'.repeat(key.length - 30)}`],
    ['cut', (key: string) => key.slice(0, -4)],
  ])('refuses one that is %s', async (name, forge) => {
    const { headers } = await newKey(await administratorOfNewCompany());
    const forged = { 'X-API-Key': forge(headers['X-API-Key'] ?? '') };

    await columnOf(`key ${name}`, forged, unlessOpen(unauthenticated));
  });

  it('refuses one at the address of another company', async () => {
    await wall.api.visiting(wall.other.id).get('/plans');
    const { headers } = await newKey(await administratorOfNewCompany());

    await columnOf('key elsewhere', { ...headers, Host: `${wall.other.id}.example` }, (place) =>
      place.route.company === false ? byAllScopes(place) : '403 TENANT_MISMATCH',
    );
  });

  it('lets one of a suspended company read only', async () => {
    const admin = await administratorOfNewCompany();
    const { headers } = await newKey(admin);
    await suspend(admin);

    await columnOf('key suspended', headers, suspendedBy(byAllScopes));
  });
});
