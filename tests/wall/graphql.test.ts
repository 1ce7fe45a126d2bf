import {
  getNamedType,
  getNullableType,
  GraphQLID,
  GraphQLInt,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
} from 'graphql';
import type { Response } from 'supertest';
import { v7 as uuid } from 'uuid';
import { limits } from '../../src/api/graphql/limits.ts';
import { mutations, queries } from '../../src/api/graphql/operations.ts';
import { DateScalar } from '../../src/api/graphql/scalars.ts';
import { graphqlSchema } from '../../src/api/graphql/schema.ts';
import { camelCase } from '../../src/api/schema.ts';
import { addDays, dateAt, daysBetween } from '../../src/rules/calendar.ts';
import {
  may,
  roleCodes,
  scopeCodes,
  scopesFor,
  type Permission,
  type Role,
} from '../../src/rules/permissions.ts';
import { withIdentity } from '../../src/models/database.ts';
import { RefreshToken } from '../../src/models/RefreshToken.ts';
import { comparable } from '../support/api.ts';
import { access } from './access.ts';
import { cells, ownPaths, unauthenticated } from './columns.ts';
import { forgeries } from './forgeries.ts';
import {
  bearer,
  buildFull,
  objectAt,
  personOf,
  sessionOf,
  useWall,
  type Full,
  type Person,
  type Wall,
} from './people.ts';

const schema = graphqlSchema(ownPaths.map(({ route }) => route));
const tables = [
  ['query', queries, schema.getQueryType()],
  ['mutation', mutations, schema.getMutationType()],
] as const;

/** Every field that GraphQL begins with, whichever table it came by, and a call that has all it needs. */
const operations = tables.flatMap(([kind, table, type]) =>
  Object.values(type?.getFields() ?? {}).map((field) => {
    const endpoint = new Map(Object.entries<string>(table)).get(field.name);
    const route = ownPaths.find((place) => place.endpoint === endpoint)?.route;
    if (!endpoint || !route) throw new Error(`${field.name} leads nowhere`);
    return { name: field.name, kind, endpoint, route, field, call: callOf(field) };
  }),
);
type Operation = (typeof operations)[number];

/** As many in a request as it may hold: each is let in or refused by itself, and answered so. */
const requests = tables.flatMap(([kind]) => {
  const ofKind = operations.filter((operation) => operation.kind === kind);
  const count = Math.ceil(ofKind.length / limits.fields);
  return Array.from({ length: count }, (_, index) => {
    const asked = ofKind.slice(index * limits.fields, (index + 1) * limits.fields);
    return { asked, query: `${kind} { ${asked.map(({ call }) => call).join(' ')} }` };
  });
});

function callOf({ name, args, type }: GraphQLField<unknown, unknown>): string {
  const given = args.filter(isRequiredArgument).map((arg) => `${arg.name}: ${valueOf(arg.type)}`);
  const call = given.length > 0 ? `${name}(${given.join(', ')})` : name;
  return isLeafType(getNullableType(type)) ? call : `${call} { __typename }`;
}

/** Of the type, though seldom valid: who may is decided before that is looked at. */
function valueOf(type: GraphQLInputType): string {
  const wanted = getNullableType(type);
  if (isListType(wanted)) return '[]';
  if (isEnumType(wanted)) return wanted.getValues()[0]?.name ?? '';
  if (isInputObjectType(wanted)) {
    const fields = Object.values(wanted.getFields()).filter(isRequiredInputField);
    return `{ ${fields.map((field) => `${field.name}: ${valueOf(field.type)}`).join(', ')} }`;
  }
  const values: Readonly<Record<string, string>> = {
    ID: `"${uuid()}"`,
    Int: '1',
    Float: '1',
    Boolean: 'true',
  };
  return values[wanted.name] ?? '"x"';
}

/** What became of one operation of a request; a request that is refused as a whole refuses each. */
function outcome({ status, body }: Response, { name }: Operation): string {
  if (status !== 200) return `${status} ${body.code ?? body.errors?.[0]?.message}`;
  const errors: readonly Refused[] = body.errors ?? [];
  const extensions = errors.find(({ path }) => path[0] === name)?.extensions;
  return extensions && [401, 403].includes(extensions.status)
    ? `${extensions.status} ${extensions.code}`
    : 'allowed';
}

interface Refused {
  readonly path: readonly string[];
  readonly extensions: { readonly status: number; readonly code: string };
}

async function column(
  name: string,
  ask: (query: string) => Promise<Response>,
  expected: (operation: Operation) => string,
): Promise<void> {
  const seen: string[] = [];
  for (const { asked, query } of requests) {
    const answer = await ask(query);
    seen.push(...asked.map((operation) => `${operation.name}: ${outcome(answer, operation)}`));
  }
  cells.set(name, seen.length);
  expect(seen).toEqual(operations.map((each) => `${each.name}: ${expected(each)}`));
}

let wall: Wall;
let suspended: Full;
useWall((opened) => void (wall = opened));

beforeAll(async () => {
  suspended = await buildFull(wall.api);
  await wall.api.database.sql(`UPDATE platform.companies SET status = 'suspended' WHERE id = $1`, [
    suspended.id,
  ]);
});

const asking =
  (person: Person, headers = {}) =>
  (query: string): Promise<Response> =>
    wall.api.as(person).post('/graphql', { query }, headers);

const byRole =
  (role: Role) =>
  ({ endpoint }: Operation): string => {
    const row = access[endpoint];
    return typeof row === 'string' || row?.includes(role) ? 'allowed' : '403 FORBIDDEN';
  };

/** What an administrator can give to a key. */
const keyScopes = scopeCodes.filter((scope) => may(['tenant_admin'], scope));

const keyWith = async (scope: Permission): Promise<string> => {
  const { token } = await sessionOf(personOf(wall.ours.people, 'tenant_admin'));
  const made = await wall.api.nowhere.post(
    '/api-keys',
    { name: scope, scopes: [scope] },
    bearer(token),
  );
  return made.body.data.key;
};

describe('the authorisation matrix of GraphQL', () => {
  it('has a row for every operation of the tables and of the schema', () => {
    const named = [...Object.keys(queries), ...Object.keys(mutations)];

    expect(operations.map(({ name }) => name).toSorted()).toEqual(named.toSorted());
    expect(operations.filter(({ endpoint }) => access[endpoint] === undefined)).toEqual([]);
    expect(operations.length).toBeGreaterThan(140);
  });

  it.each(roleCodes)('lets a %s do what the table of REST says', async (role) => {
    await column(role, asking(personOf(wall.ours.people, role)), byRole(role));
  });

  it('lets a global administrator do in an entered company what the table says', async () => {
    const headers = { 'X-Company-Id': wall.ours.id };
    const ask = asking(personOf(wall.ours.people, 'global_admin'), headers);
    await column('global_admin inside', ask, byRole('global_admin'));
  });

  it('lets a stranger do what is public', async () => {
    await column(
      'anonymous',
      (query) => wall.api.visiting(wall.ours.id).post('/graphql', { query }),
      ({ endpoint }) => (typeof access[endpoint] === 'string' ? 'allowed' : unauthenticated),
    );
  });

  it.each(forgeries)(
    'refuses every operation to a token that is %s',
    async (name, refusal, forge) => {
      const { token } = await sessionOf(personOf(wall.ours.people, 'tenant_admin'));
      const headers = bearer(await forge(token, wall.other.id));
      await column(
        name,
        (query) => wall.api.nowhere.post('/graphql', { query }, headers),
        () => refusal,
      );
    },
  );

  it('refuses every operation to a revoked session', async () => {
    const admin = personOf(wall.ours.people, 'tenant_admin');
    const { token, sessionId } = await sessionOf(admin);
    await withIdentity(wall.ours.id, () =>
      RefreshToken.revoke({ userId: admin.userId, familyId: sessionId }),
    );
    await column(
      'revoked',
      (query) => wall.api.nowhere.post('/graphql', { query }, bearer(token)),
      () => unauthenticated,
    );
  });

  it.each(keyScopes)('lets a key with %s do what needs that', async (scope) => {
    const headers = { 'X-API-Key': await keyWith(scope) };
    await column(
      `key ${scope}`,
      (query) => wall.api.nowhere.post('/graphql', { query }, headers),
      ({ route: { permission } }) => {
        if (permission === 'public') return 'allowed';
        const isMeant = permission !== 'signed-in' && scopesFor(permission).includes(scope);
        return isMeant ? 'allowed' : '403 FORBIDDEN';
      },
    );
  });

  it('refuses everybody at the address of another company', async () => {
    await wall.api.visiting(wall.other.id).get('/plans');
    const headers = { Host: `${wall.other.id}.example` };
    await column(
      'elsewhere',
      asking(personOf(wall.ours.people, 'tenant_admin'), headers),
      () => '403 TENANT_MISMATCH',
    );
  });

  it('lets people of a suspended company read only', async () => {
    await column('suspended', asking(personOf(suspended.people, 'tenant_admin')), (operation) => {
      const allowed = byRole('tenant_admin')(operation);
      const { method, permission } = operation.route;
      const isRead = method === 'GET' || permission === 'public';
      return allowed === 'allowed' && !isRead ? '403 TENANT_SUSPENDED' : allowed;
    });
  });
});

/** One of the ids that an operation takes: `id`, or `input.propertyId`. */
interface Place {
  readonly operation: Operation;
  readonly at: string;
}

const idPlaces = operations.flatMap((operation) =>
  operation.field.args.flatMap(({ name, type }) =>
    placesIn(type, name).map((at): Place => ({ operation, at })),
  ),
);

function placesIn(type: GraphQLInputType, at: string): string[] {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return named === GraphQLID ? [at] : [];
  return Object.values(named.getFields()).flatMap((field) =>
    placesIn(field.type, `${at}.${field.name}`),
  );
}

/** Whose id is asked for under such a name. */
const kinds: Readonly<Record<string, string>> = {
  propertyCategory: 'categories',
  propertyCategoryId: 'categories',
  categoryId: 'categories',
  insurancePlanId: 'plans',
  propertyId: 'properties',
  insuredPropertyId: 'properties',
  blockId: 'blocks',
  bookingId: 'bookings',
  claimId: 'claims',
  duplicateOf: 'claims',
  invoiceId: 'invoices',
  parentPaymentId: 'payments',
  policyId: 'compliance-policies',
  customerId: 'customers',
  audienceCustomerId: 'customers',
  complianceId: 'compliances',
  customerComplianceId: 'customer-compliance',
  campaignId: 'campaigns',
  templateId: 'templates',
  employeeId: 'employees',
  employeeIds: 'employees',
  managerId: 'employees',
  userId: 'users',
  assignedTo: 'users',
  ownerId: 'users',
  guestId: 'users',
  hostId: 'users',
  approvers: 'users',
};

function objectOf({ operation: { endpoint }, at }: Place, { objects }: Full): string {
  const name = at.split('.').at(-1) ?? '';
  const isInsured = name === 'policyId' && endpoint.endsWith('/claims');
  const id =
    at === 'id'
      ? objectAt(`${endpoint}/`, objects)
      : objects[isInsured ? 'policies' : (kinds[name] ?? '')];
  if (id === undefined) throw new Error(`What is ${at} of ${endpoint}?`);
  return id;
}

/** The examples were written on that day: what is ahead in them is still to come. */
const daysSince = daysBetween('2026-01-31', dateAt(Date.now(), 'UTC'));

/** A request that names `id` in the place, and things of `own` wherever else it needs some. */
function requestOf({ operation, at }: Place, id: string, own: Full): object {
  const { name, kind, field, route } = operation;

  /** As REST's example has it; undefined where nothing is said. */
  function said(type: GraphQLInputType, place: string, example: unknown): unknown {
    const wanted = getNullableType(type);
    const isAsked =
      example !== undefined || isNonNullType(type) || `${at}.`.startsWith(`${place}.`);
    if (!isAsked) return undefined;
    if (getNamedType(type) === GraphQLID) {
      const value = place === at ? id : objectOf({ operation, at: place }, own);
      return isListType(wanted) ? [value] : value;
    }
    if (isListType(wanted) && Array.isArray(example)) {
      return example.map((part) => said(wanted.ofType, place, part));
    }
    if (isInputObjectType(wanted)) {
      const given = Object.entries(Object(example));
      const parts = Object.values(wanted.getFields()).map((part) => {
        const known = given.find(([wire]) => camelCase(wire) === part.name);
        return [part.name, said(part.type, `${place}.${part.name}`, known?.[1])];
      });
      return Object.fromEntries(parts);
    }
    if (wanted === DateScalar && typeof example === 'string') return addDays(example, daysSince);
    if (example !== undefined) return example;
    return wanted === GraphQLInt ? 1 : uuid();
  }

  const given = field.args
    .map((arg) => {
      const example = arg.name === 'input' ? { ...Object(route.examples?.body) } : undefined;
      return { ...arg, value: said(arg.type, arg.name, example) };
    })
    .filter(({ value }) => value !== undefined);
  const declared = given.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const passed = given.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  return {
    query: `${kind} (${declared}) { ${name}(${passed}) ${shownOf(field.type)} }`,
    variables: Object.fromEntries(given.map((arg) => [arg.name, arg.value])),
  };
}

function shownOf(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  if (!isObjectType(named)) return '';
  return named.getFields()['pagination'] ? '{ pagination { total } }' : '{ __typename }';
}

describe('the id of what another company has', () => {
  /** What is answered to it, which is what is answered to an unknown one. */
  async function answersTo(person: Person, places: readonly Place[]): Promise<string[]> {
    const caller = wall.api.as(person);
    const answers: string[] = [];
    for (const place of places) {
      const ask = (id: string) => caller.post('/graphql', requestOf(place, id, wall.other));
      const foreign = await ask(objectOf(place, wall.ours));
      const unknown = await ask(uuid());

      const shown = `${place.operation.name} ${place.at}`;
      expect([shown, comparable(foreign)]).toEqual([shown, comparable(unknown)]);
      const refusal = foreign.body.errors?.[0];
      answers.push(`${shown}: ${refusal ? refusal.extensions.code : 'answered'}`);
    }
    cells.set(`ids of others, ${places.length} for ${person.roles.join()}`, places.length);
    return answers;
  }

  it.each(roleCodes)('is to a %s that of nothing, whatever is done with it', async (role) => {
    const places = idPlaces.filter(({ at }) => at === 'id');

    const answers = await answersTo(personOf(wall.other.people, role), places);

    expect(answers.filter((answer) => !/: (NOT_FOUND|FORBIDDEN)$/.test(answer))).toEqual([]);
    if (role === 'tenant_admin') {
      expect(answers.filter((answer) => answer.endsWith('FORBIDDEN'))).toEqual([]);
    }
  });

  it('is that of nothing wherever else it is named, and nothing is done with it', async () => {
    const places = idPlaces.filter(({ at }) => at !== 'id');

    for (const person of [personOf(wall.other.people, 'tenant_admin'), wall.other.holder]) {
      const answers = await answersTo(person, places);

      const done = answers.filter(
        (answer, place) =>
          answer.endsWith(': answered') && places[place]?.operation.kind === 'mutation',
      );
      expect(done).toEqual([]);
    }
  });
});
