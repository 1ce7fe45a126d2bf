import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT, importPKCS8 } from 'jose';
import type { Response } from 'supertest';
import { v7 as uuid } from 'uuid';
import { createTokens } from '../../src/commands/tokens.ts';
import { readConfig } from '../../src/config.ts';
import { platformCompanyId, withIdentity } from '../../src/models/database.ts';
import { RefreshToken } from '../../src/models/RefreshToken.ts';
import { may, rolesInUse, type Role } from '../../src/rules/permissions.ts';
import { comparable, openTestApi, type Caller, type TestApi } from '../support/api.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { fill, registry, type Place } from './registry.ts';

type Person = Awaited<ReturnType<typeof buildActor>>;
type Headers = Readonly<Record<string, string>>;

const everyone = rolesInUse;
const readers: readonly Role[] = ['tenant_admin', 'call_center', 'auditor'];

/**
 * Who gets past the route's permission, written down apart from the code: `open` routes do not even
 * look at a token, `public` ones take a good one or none. A route that is missing here fails.
 */
const access: Readonly<Record<string, 'open' | 'public' | readonly Role[]>> = {
  'GET /': 'open',
  'GET /version': 'open',
  'GET /status': 'open',
  'GET /health/live': 'open',
  'GET /health/ready': 'open',
  'GET /metrics': 'open',
  'GET /api/openapi.json': 'open',
  'GET /api/docs': 'open',
  'GET /api/docs/': 'open',
  'GET /api/docs/start.js': 'open',
  'GET /api/docs/swagger-ui.css': 'open',
  'GET /api/docs/swagger-ui-bundle.js': 'open',
  'GET /api/docs/swagger-ui-standalone-preset.js': 'open',
  'GET /api/docs/favicon-16x16.png': 'open',
  'GET /api/docs/favicon-32x32.png': 'open',
  'GET /dev/mail': 'open',
  'GET /dev/mails': 'open',
  'GET /set-password': 'open',
  'POST /auth/register': 'public',
  'POST /auth/login': 'open',
  'POST /auth/refresh': 'open',
  'POST /auth/password-reset/confirm': 'open',
  'POST /auth/logout': everyone,
  'GET /auth/me': everyone,
  'GET /auth/logins': everyone,
  'GET /categories': 'public',
  'POST /categories': ['tenant_admin'],
  'GET /categories/:id': 'public',
  'PUT /categories/:id': ['tenant_admin'],
  'PATCH /categories/:id': ['tenant_admin'],
  'DELETE /categories/:id': ['tenant_admin'],
  'POST /categories/:id/restore': ['tenant_admin'],
  'GET /categories/:id/history': ['global_admin', 'tenant_admin', 'auditor'],
  'GET /plans': 'public',
  'POST /plans': ['tenant_admin'],
  'GET /plans/:id': 'public',
  'PUT /plans/:id': ['tenant_admin'],
  'PATCH /plans/:id': ['tenant_admin'],
  'DELETE /plans/:id': ['tenant_admin'],
  'POST /plans/:id/restore': ['tenant_admin'],
  'POST /plans/:id/quote': 'public',
  'GET /plans/:id/history': ['global_admin', 'tenant_admin', 'auditor'],
  'POST /subscriptions': everyone,
  'GET /subscriptions': everyone,
  'GET /subscriptions/:id': everyone,
  'PATCH /subscriptions/:id/cancel': everyone,
  'POST /subscriptions/:id/cancel/preview': everyone,
  'POST /subscriptions/:id/renew': everyone,
  'PATCH /subscriptions/:id/auto-renew': everyone,
  'GET /subscriptions/:id/timeline': everyone,
  'GET /subscriptions/:id/history': everyone,
  'GET /policies': everyone,
  'GET /policies/:id': everyone,
  'GET /policies/:id/history': everyone,
  'GET /notifications': everyone,
  'PATCH /notifications/:id/read': everyone,
  'POST /notifications/read-all': everyone,
  'GET /workflows/subscription/:id/timeline': ['global_admin', 'tenant_admin', 'operator'],
  'GET /workflows/subscription/:id/explain': ['global_admin', 'tenant_admin', 'operator'],
  'PATCH /workflows/subscription/:id/timers/:name': ['tenant_admin', 'operator'],
  'GET /audit-logs': ['global_admin', 'tenant_admin', 'auditor'],
};

/** Who, not being the owner, reaches somebody's object in their company, and who is told 403. */
const ownership: Readonly<
  Record<string, { readonly reach: readonly Role[]; readonly told?: readonly Role[] }>
> = {
  'GET /subscriptions/:id': { reach: readers },
  'PATCH /subscriptions/:id/cancel': { reach: ['tenant_admin'], told: ['call_center', 'auditor'] },
  'POST /subscriptions/:id/cancel/preview': { reach: readers },
  'POST /subscriptions/:id/renew': { reach: ['tenant_admin', 'call_center'], told: ['auditor'] },
  'PATCH /subscriptions/:id/auto-renew': {
    reach: ['tenant_admin', 'call_center'],
    told: ['auditor'],
  },
  'GET /subscriptions/:id/timeline': { reach: [...readers, 'operator', 'global_admin'] },
  'GET /subscriptions/:id/history': { reach: readers },
  'GET /policies/:id': { reach: readers },
  'GET /policies/:id/history': { reach: readers },
  'PATCH /notifications/:id/read': { reach: [] },
  'GET /workflows/subscription/:id/timeline': {
    reach: ['global_admin', 'tenant_admin', 'operator'],
  },
  'GET /workflows/subscription/:id/explain': {
    reach: ['global_admin', 'tenant_admin', 'operator'],
  },
  'PATCH /workflows/subscription/:id/timers/:name': { reach: ['tenant_admin', 'operator'] },
};

/** Bodies that pass the schema and, once let through, do as little as possible. */
const harmless: Readonly<Record<string, object>> = {
  'PATCH /subscriptions/:id/cancel': { effective_date: '1990-01-01', reason: 'No more' },
};

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
const settings = { JWT_ALGORITHM: 'RS256', JWT_PRIVATE_KEY: pem, DEV_MAIL_DIR: '/nowhere' };
const tokens = createTokens(
  readConfig({
    ENVIRONMENT: 'test',
    DATABASE_URL: 'postgres://nobody@127.0.0.1/none',
    ...settings,
  }),
);

let api: TestApi;
let ours: Full;
let other: Full;
let suspended: Full;
const places = registry();
const cells = new Map<string, number>();

beforeAll(async () => {
  api = await openTestApi(settings);
  ours = await buildFull();
  other = await buildFull();
  suspended = await buildFull();
  await api.database.sql(`UPDATE platform.companies SET status = 'suspended' WHERE id = $1`, [
    suspended.id,
  ]);
}, 60_000);
afterAll(async () => {
  console.info(`${[...cells.values()].reduce((sum, each) => sum + each, 0)} cells`, cells);
  await api.close();
});

/** A company with a person for each role and one thing of each kind. */
interface Full {
  readonly id: string;
  readonly people: ReadonlyMap<Role, Person>;
  readonly holder: Person;
  /** By the first segment of the path. */
  readonly objects: Readonly<Record<string, string>>;
}

async function buildFull(): Promise<Full> {
  const { id } = await buildCompany();
  const people = new Map<Role, Person>();
  for (const role of rolesInUse) {
    const companyId = role === 'global_admin' ? platformCompanyId : id;
    people.set(role, await buildActor({ companyId, role }));
  }
  const holder = await buildActor({ companyId: id });
  const admin = api.as(personOf(people, 'tenant_admin'));
  const category = await admin.post('/categories', { name: 'Houses', segment: 'residential' });
  const plan = await admin.post('/plans', {
    name: 'Home',
    property_category_id: category.body.data.id,
    coverage_level: 'basic',
    coverage_amount: '1000.00',
    premium: '10.00',
    duration_months: 12,
  });
  const bought = await api
    .as(holder)
    .post('/subscriptions', { insurance_plan_id: plan.body.data.id });
  const told = await api.as(holder).get('/notifications', { channel: 'in_app' });
  return {
    id,
    people,
    holder,
    objects: {
      categories: category.body.data.id,
      plans: plan.body.data.id,
      subscriptions: bought.body.data.id,
      workflows: bought.body.data.id,
      policies: bought.body.data.policy_id,
      notifications: told.body.items[0].id,
    },
  };
}

function personOf(people: ReadonlyMap<Role, Person>, role: Role): Person {
  const person = people.get(role);
  if (!person) throw new Error(`Nobody is ${role}`);
  return person;
}

function send(
  caller: Caller,
  { route, path }: Place,
  { id = uuid(), body = {}, headers = {} }: { id?: string; body?: object; headers?: Headers } = {},
): Promise<Response> {
  const at = fill(path, { id, name: 'expiry' });
  switch (route.method) {
    case 'GET':
      return caller.get(at, {}, headers);
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

const outcome = ({ status, body }: Response): string =>
  status === 401 || status === 403 ? `${status} ${body.code}` : 'allowed';

/** One column of the matrix: what each route answers, beside what it must. */
async function column(
  name: string,
  ask: (place: Place) => Promise<Response>,
  expected: (place: Place) => string,
): Promise<void> {
  const seen: string[] = [];
  for (const place of places) {
    seen.push(`${place.route.method} ${place.path}: ${outcome(await ask(place))}`);
  }
  cells.set(name, seen.length);
  expect(seen).toEqual(
    places.map((place) => `${place.route.method} ${place.path}: ${expected(place)}`),
  );
}

const unauthenticated = '401 UNAUTHENTICATED';
const rowOf = ({ endpoint }: Place) => access[endpoint];

const byRole =
  (role: Role) =>
  (place: Place): string => {
    const row = rowOf(place);
    return typeof row === 'string' || row?.includes(role) ? 'allowed' : '403 FORBIDDEN';
  };

/** Signs in anew, so that a column may also sign out. */
async function sessionOf({ userId, companyId, roles }: Person) {
  const sessionId = uuid();
  const inAnHour = new Date(Date.now() + 3_600_000);
  await withIdentity(companyId, async () =>
    RefreshToken.issue({ userId, companyId, familyId: sessionId }, uuid(), inAnHour),
  );
  const { token } = await tokens.sign({ userId, companyId, roles, sessionId });
  return { sessionId, token };
}

const bearer = (token: string): Headers => ({ Authorization: `Bearer ${token}` });
const decoded = (part = ''): object => JSON.parse(Buffer.from(part, 'base64url').toString());
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A good token's parts, signed by our key again after `change`. */
async function resigned(
  token: string,
  change: { header?: object; payload?: object },
): Promise<string> {
  const [header, payload] = token.split('.');
  const { alg, ...rest }: { alg?: string } = decoded(header);
  return new SignJWT({ ...decoded(payload), ...change.payload })
    .setProtectedHeader({ alg: alg ?? 'RS256', ...rest, ...change.header })
    .sign(await importPKCS8(pem, 'RS256'));
}

const forgeries: readonly (readonly [string, string, (token: string) => Promise<string>])[] = [
  [
    'expired',
    '401 TOKEN_EXPIRED',
    (token) => resigned(token, { payload: { exp: Math.floor(Date.now() / 1000) - 60 } }),
  ],
  [
    'not valid yet',
    unauthenticated,
    (token) => resigned(token, { payload: { nbf: Math.floor(Date.now() / 1000) + 60 } }),
  ],
  [
    'badly signed',
    unauthenticated,
    async (token) => `${token.slice(0, -8)}${token.slice(-8) === 'AAAAAAAA' ? 'B' : 'A'.repeat(8)}`,
  ],
  [
    'of alg none',
    unauthenticated,
    async (token) => {
      const [header, payload] = token.split('.');
      return `${encoded({ ...decoded(header), alg: 'none' })}.${payload}.`;
    },
  ],
  [
    'signed HS256 with the public key',
    unauthenticated,
    async (token) => {
      const [header, payload] = token.split('.');
      const input = `${encoded({ ...decoded(header), alg: 'HS256' })}.${payload}`;
      return `${input}.${createHmac('sha256', publicPem).update(input).digest('base64url')}`;
    },
  ],
  [
    'for another audience',
    unauthenticated,
    (token) => resigned(token, { payload: { aud: 'other' } }),
  ],
  [
    'of another issuer',
    unauthenticated,
    (token) => resigned(token, { payload: { iss: 'http://other.example' } }),
  ],
  ['of another type', unauthenticated, (token) => resigned(token, { header: { typ: 'JWT' } })],
  [
    'of another company',
    unauthenticated,
    (token) => resigned(token, { payload: { company_id: other.id } }),
  ],
];

describe('the authorisation matrix', () => {
  it('has a row for every route, and for every route with an owner', () => {
    const endpoints = [...new Set(places.map(({ endpoint }) => endpoint))];
    const owned = endpoints.filter(
      (endpoint) => /:id/.test(endpoint) && !/ \/(plans|categories)\//.test(endpoint),
    );

    expect(Object.keys(access).toSorted()).toEqual(endpoints.toSorted());
    expect(Object.keys(ownership).toSorted()).toEqual(owned.toSorted());
  });

  it('says what the routes declare', () => {
    const declared = places.map(({ route, endpoint }) => {
      const { permission } = route;
      if (permission === 'public') return [endpoint, route.company === false ? 'open' : 'public'];
      const isIn = (role: Role): boolean => permission === 'signed-in' || may([role], permission);
      return [endpoint, rolesInUse.filter(isIn)];
    });

    expect(Object.fromEntries(declared)).toEqual(access);
  });

  it('lets nobody in without a token', async () => {
    const stranger = api.visiting(ours.id);

    await column(
      'anonymous',
      (place) => send(stranger, place),
      (place) => (typeof rowOf(place) === 'string' ? 'allowed' : unauthenticated),
    );
  });

  it.each(forgeries)('refuses a token that is %s', async (name, refusal, forge) => {
    const { token } = await sessionOf(personOf(ours.people, 'tenant_admin'));
    const headers = bearer(await forge(token));

    await column(
      name,
      (place) => send(api.nowhere, place, { headers }),
      (place) => (rowOf(place) === 'open' ? 'allowed' : refusal),
    );
  });

  it('refuses a revoked session', async () => {
    const admin = personOf(ours.people, 'tenant_admin');
    const { token, sessionId } = await sessionOf(admin);
    await withIdentity(ours.id, () =>
      RefreshToken.revoke({ userId: admin.userId, familyId: sessionId }),
    );

    await column(
      'revoked',
      (place) => send(api.nowhere, place, { headers: bearer(token) }),
      (place) => (rowOf(place) === 'open' ? 'allowed' : unauthenticated),
    );
  });

  it.each(rolesInUse)('lets a %s do what the table says', async (role) => {
    await column(
      role,
      async (place) => {
        const { token } = await sessionOf(personOf(ours.people, role));
        return send(api.nowhere, place, { headers: bearer(token) });
      },
      byRole(role),
    );
  });

  it('lets a global administrator do in an entered company what the table says', async () => {
    await column(
      'global_admin inside',
      async (place) => {
        const { token } = await sessionOf(personOf(ours.people, 'global_admin'));
        const headers = { ...bearer(token), 'X-Company-Id': ours.id };
        return send(api.nowhere, place, { headers });
      },
      byRole('global_admin'),
    );
  });

  it('lets nobody else enter a company by its id', async () => {
    const seen = await api
      .as(personOf(other.people, 'tenant_admin'))
      .get('/plans', {}, { 'X-Company-Id': ours.id });

    expect(JSON.stringify(seen.body)).not.toContain(ours.objects['plans']);
  });

  it.each(rolesInUse.filter((role) => role !== 'global_admin'))(
    'refuses a %s at the address of another company',
    async (role) => {
      await api.visiting(other.id).get('/plans');
      await column(
        `${role} elsewhere`,
        async (place) => {
          const { token } = await sessionOf(personOf(ours.people, role));
          const headers = { ...bearer(token), Host: `${other.id}.example` };
          return send(api.nowhere, place, { headers });
        },
        (place) => (place.route.company === false ? 'allowed' : '403 TENANT_MISMATCH'),
      );
    },
  );

  it.each(rolesInUse.filter((role) => role !== 'global_admin'))(
    'lets a %s of a suspended company read only',
    async (role) => {
      await column(
        `${role} suspended`,
        async (place) => {
          const { token } = await sessionOf(personOf(suspended.people, role));
          return send(api.nowhere, place, { headers: bearer(token) });
        },
        (place) => {
          const { route } = place;
          const allowed = byRole(role)(place);
          const isRead = route.method === 'GET' || route.company === false;
          if (allowed !== 'allowed' || isRead || typeof rowOf(place) === 'string') return allowed;
          return '403 TENANT_SUSPENDED';
        },
      );
    },
  );
});

describe("somebody's object", () => {
  const objectPlaces = places.filter(({ path }) => path.includes(':id'));
  const objectOf = ({ endpoint }: Place, { objects }: Full): string => {
    const id = objects[endpoint.split('/')[1] ?? ''];
    if (id === undefined) throw new Error(`What is the object of ${endpoint}?`);
    return id;
  };
  const bodyOf = ({ endpoint, route }: Place): object =>
    harmless[endpoint] ?? { ...Object(route.examples?.body) };

  it.each(rolesInUse)('is reached by a %s as the table says', async (role) => {
    const seen: string[] = [];
    const expected: string[] = [];
    for (const place of objectPlaces) {
      const row = ownership[place.endpoint];
      if (!row || byRole(role)(place) !== 'allowed') continue;
      const isGlobal = role === 'global_admin';
      const person = personOf(ours.people, role);
      const headers = isGlobal ? { 'X-Company-Id': ours.id } : {};
      const caller = api.as(person);
      const [known, unknown] = [objectOf(place, ours), uuid()];
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

  it.each(rolesInUse)('of another company is to a %s what an unknown one is', async (role) => {
    const person = personOf(other.people, role);
    for (const place of objectPlaces) {
      const id = objectOf(place, ours);
      const foreign = await send(api.as(person), place, { id, body: bodyOf(place) });
      const unknown = await send(api.as(person), place, { body: bodyOf(place) });

      expect([place.path, comparable(foreign)]).toEqual([place.path, comparable(unknown)]);
      expect([place.path, foreign.headers['etag']]).toEqual([place.path, undefined]);
    }
    cells.set(`${role} with a foreign object`, objectPlaces.length);
  });
});
