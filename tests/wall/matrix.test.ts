import {
  may,
  roleCodes,
  scopeCodes,
  scopesFor,
  type Permission,
  type Role,
} from '../../src/rules/permissions.ts';
import { access, ownership } from './access.ts';
import { byRole, column, ownPaths, places, rowOf, send } from './columns.ts';
import {
  bearer,
  buildFull,
  personOf,
  sessionOf,
  stayingSignedIn,
  useWall,
  type Full,
  type Wall,
} from './people.ts';
import type { Place } from './registry.ts';

/** What belongs to the company and to nobody in it. */
const ownerless =
  / \/(plans|categories|customers|employees|compliances|customer-compliance|evidence-packs|compliance-policies|policy-configurations|campaigns|templates)\//;

/** What an administrator can give to a key. */
const keyScopes = scopeCodes.filter((scope) => may(['tenant_admin'], scope));

let wall: Wall;
let suspended: Full;
useWall((opened) => void (wall = opened));

beforeAll(async () => {
  suspended = await buildFull(wall.api);
  await wall.api.database.sql(`UPDATE platform.companies SET status = 'suspended' WHERE id = $1`, [
    suspended.id,
  ]);
});

const keyWith = async (scopes: readonly Permission[]): Promise<string> => {
  const { token } = await sessionOf(personOf(wall.ours.people, 'tenant_admin'));
  const wish = { name: `${scopes[0]} of ${scopes.length}`, scopes: [...scopes] };
  const made = await wall.api.nowhere.post('/api-keys', wish, bearer(token));
  return made.body.data.key;
};

/** Each of these opens it to a key; none does where only people may, and to what is public no key is needed. */
const scopesOf = ({ route: { permission } }: Place): readonly Permission[] =>
  permission === 'public' || permission === 'signed-in' ? [] : scopesFor(permission);

/** Of the older paths, one role that may nearly everything sees that they ask for the company too. */
const pathsFor = (role: Role): readonly Place[] => (role === 'tenant_admin' ? places : ownPaths);

describe('the authorisation matrix', () => {
  it('has a row for every route, and for every route with an owner', () => {
    const endpoints = [...new Set(places.map(({ endpoint }) => endpoint))];
    const owned = endpoints.filter((endpoint) => /:id/.test(endpoint) && !ownerless.test(endpoint));

    expect(Object.keys(access).toSorted()).toEqual(endpoints.toSorted());
    expect(Object.keys(ownership).toSorted()).toEqual(owned.toSorted());
  });

  it('says what the routes declare', () => {
    const declared = places.map(({ route, endpoint }) => {
      const { permission } = route;
      if (permission === 'public') return [endpoint, route.company === false ? 'open' : 'public'];
      const isIn = (role: Role): boolean => permission === 'signed-in' || may([role], permission);
      return [endpoint, roleCodes.filter(isIn)];
    });

    expect(Object.fromEntries(declared)).toEqual(access);
  });

  it.each(roleCodes)('lets a %s do what the table says', async (role) => {
    const tokenFor = stayingSignedIn(personOf(wall.ours.people, role));
    await column(
      role,
      async (place) => send(wall.api.nowhere, place, { headers: bearer(await tokenFor(place)) }),
      byRole(role),
    );
  });

  it('lets a global administrator do in an entered company what the table says', async () => {
    const tokenFor = stayingSignedIn(personOf(wall.ours.people, 'global_admin'));
    await column(
      'global_admin inside',
      async (place) => {
        const headers = { ...bearer(await tokenFor(place)), 'X-Company-Id': wall.ours.id };
        return send(wall.api.nowhere, place, { headers });
      },
      byRole('global_admin'),
    );
  });

  it.each(keyScopes)('lets a key with %s do what needs that', async (scope) => {
    const key = await keyWith([scope]);
    await column(
      `key ${scope}`,
      (place) => send(wall.api.nowhere, place, { headers: { 'X-API-Key': key } }),
      () => 'allowed',
      places.filter((place) => scopesOf(place).includes(scope)),
    );
  });

  it('lets a key with all other scopes do nothing of it, nor what only people do', async () => {
    const keys = new Map<string, string>();
    await column(
      'keys with all other scopes',
      async (place) => {
        const missing = scopesOf(place);
        const key =
          keys.get(missing.join()) ??
          (await keyWith(keyScopes.filter((scope) => !missing.includes(scope))));
        keys.set(missing.join(), key);
        return send(wall.api.nowhere, place, { headers: { 'X-API-Key': key } });
      },
      ({ route: { permission } }) => (permission === 'public' ? 'allowed' : '403 FORBIDDEN'),
      ownPaths,
    );
  });

  it('lets nobody else enter a company by its id', async () => {
    const seen = await wall.api
      .as(personOf(wall.other.people, 'tenant_admin'))
      .get('/plans', {}, { 'X-Company-Id': wall.ours.id });

    expect(JSON.stringify(seen.body)).not.toContain(wall.ours.objects['plans']);
  });

  it.each(roleCodes.filter((role) => role !== 'global_admin'))(
    'refuses a %s at the address of another company',
    async (role) => {
      await wall.api.visiting(wall.other.id).get('/plans');
      const tokenFor = stayingSignedIn(personOf(wall.ours.people, role));
      await column(
        `${role} elsewhere`,
        async (place) => {
          const headers = { ...bearer(await tokenFor(place)), Host: `${wall.other.id}.example` };
          return send(wall.api.nowhere, place, { headers });
        },
        (place) => (place.route.company === false ? byRole(role)(place) : '403 TENANT_MISMATCH'),
        pathsFor(role),
      );
    },
  );

  it.each(roleCodes.filter((role) => role !== 'global_admin'))(
    'lets a %s of a suspended company read only',
    async (role) => {
      const tokenFor = stayingSignedIn(personOf(suspended.people, role));
      await column(
        `${role} suspended`,
        async (place) => send(wall.api.nowhere, place, { headers: bearer(await tokenFor(place)) }),
        (place) => {
          const { route } = place;
          const allowed = byRole(role)(place);
          const isRead = route.method === 'GET' || route.company === false;
          if (allowed !== 'allowed' || isRead || typeof rowOf(place) === 'string') return allowed;
          return '403 TENANT_SUSPENDED';
        },
        pathsFor(role),
      );
    },
  );
});
