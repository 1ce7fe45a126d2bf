import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { buildSchema, getNamedType, isObjectType, type GraphQLObjectType } from 'graphql';
import { camelCase } from '../../src/api/schema.ts';

type Json = Readonly<Record<string, unknown>>;

const schema = buildSchema(readFileSync('docs/schema.graphql', 'utf8'));
const waitMs = 60_000;

/** Somebody who asks both APIs of a running product. */
export function openBoth(origin: string, authorization: string) {
  const send = async (method: string, path: string, body?: object): Promise<Json> => {
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: {
        authorization,
        'content-type': 'application/json',
        ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const answer: Json = JSON.parse(await response.text());
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const rest = async (method: string, path: string, body?: object): Promise<Json> => {
    const answer = await send(method, `/api/v1${path}`, body);
    return { items: answer['items'], ...Object(answer['data']) };
  };
  const graphql = async (query: string, variables: object): Promise<Json> => {
    const answer = await send('POST', '/graphql', { query, variables });
    if (answer['errors']) throw new Error(JSON.stringify(answer['errors']));
    return Object(answer['data']);
  };

  return {
    rest,

    /** Carries out a mutation. @returns the object's id, where it answers one */
    async mutate(
      name: string,
      given: { readonly id?: string; readonly blockId?: string; readonly input?: object },
    ) {
      const field = schema.getMutationType()?.getFields()[name];
      if (!field) throw new Error(`There is no mutation ${name}`);
      const { args, type } = field;
      const values: Json = { ...given, idempotencyKey: randomUUID() };
      const used = args.filter((each) => values[each.name] !== undefined);
      const declared = used.map((each) => `$${each.name}: ${String(each.type)}`).join(', ');
      const passed = used.map((each) => `${each.name}: $${each.name}`).join(', ');
      const variables = Object.fromEntries(used.map((each) => [each.name, values[each.name]]));
      const shown = isObjectType(getNamedType(type)) ? '{ id }' : '';
      const data = await graphql(
        `mutation (${declared}) { ${name}(${passed}) ${shown} }`,
        variables,
      );
      return String(Object(data[name]).id);
    },

    /** The same object, or page, by both: REST's under names in camelCase, and all of its fields by GraphQL. */
    async both(name: string, id: string, { method, path }: { method: string; path: string }) {
      const { items, ...one } = await rest(method, path, method === 'POST' ? {} : undefined);
      const data = items === undefined ? one : { items };
      const type = getNamedType(schema.getQueryType()?.getFields()[name]?.type);
      if (!isObjectType(type)) throw new Error(`There is no query ${name}`);
      const found = await graphql(`query ($id: ID!) { ${name}(id: $id) ${chosen(type, data)} }`, {
        id,
      });
      return { byRest: renamed(type, data), byGraphql: found[name] };
    },

    async until(path: string, isSo: (data: Json) => boolean): Promise<Json> {
      for (const end = Date.now() + waitMs; ; await pause(200)) {
        const data = await rest('GET', path);
        if (isSo(data)) return data;
        if (Date.now() > end) throw new Error(`${path} stays ${JSON.stringify(data)}`);
      }
    },
  };
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The type of a field that is an object with fields of its own; what is free in form has none. */
function typeOf(type: GraphQLObjectType, name: string): GraphQLObjectType | undefined {
  const field = type.getFields()[name];
  if (!field) throw new Error(`${type.name} has no field ${name}`);
  const named = getNamedType(field.type);
  return isObjectType(named) ? named : undefined;
}

/** Every field of an answer of REST, as a query asks for it. */
function chosen(type: GraphQLObjectType, data: Json): string {
  const fields = Object.entries(data).map(([key, value]) => {
    const name = camelCase(key);
    const within = typeOf(type, name);
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (!within) return name;
    // Of what is not there only that it is not.
    return `${name} ${isObject(first) ? chosen(within, first) : '{ __typename }'}`;
  });
  return `{ ${fields.join(' ')} }`;
}

function renamed(type: GraphQLObjectType, data: Json): Json {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      const name = camelCase(key);
      const within = typeOf(type, name);
      const into = (each: unknown) => (within && isObject(each) ? renamed(within, each) : each);
      return [name, Array.isArray(value) ? value.map(into) : into(value)];
    }),
  );
}
