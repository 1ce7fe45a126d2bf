import {
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLField,
  type GraphQLInputType,
} from 'graphql';
import type { Response } from 'supertest';
import { v7 as uuid } from 'uuid';
import { limits } from '../../src/api/graphql/limits.ts';
import { mutations, queries } from '../../src/api/graphql/operations.ts';
import { graphqlSchema } from '../../src/api/graphql/schema.ts';
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
import { access } from './access.ts';
import { cells, ownPaths, unauthenticated } from './columns.ts';
import { forgeries } from './forgeries.ts';
import {
  bearer,
  buildFull,
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
    return { name: field.name, kind, endpoint, route, call: callOf(field) };
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
