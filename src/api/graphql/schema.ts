import {
  GraphQLBoolean,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  getNamedType,
  type GraphQLFieldConfig,
  type GraphQLOutputType,
} from 'graphql';
import { invalidField } from '../../errors.ts';
import type { Route } from '../route.ts';
import { camelCase } from '../schema.ts';
import { argumentsOf } from './arguments.ts';
import { failureOf } from './failures.ts';
import { usualSize } from './limits.ts';
import { mutations, queries, typeNames } from './operations.ts';
import { relations } from './relations.ts';
import type { Loaded, Scope } from './scope.ts';
import { capitalised, createTypes, describe, singular, type Types } from './types.ts';

type Field = GraphQLFieldConfig<unknown, Scope>;

/** Queries and mutations of the routes that the tables name, with types derived from their schemas. */
export function graphqlSchema(routes: readonly Route[]): GraphQLSchema {
  const byEndpoint = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const types: Types = createTypes(typeNames, (typeName, fields) => {
    const leads = relations[typeName] ?? {};
    return Object.fromEntries(
      Object.entries(leads).map(([name, { by, route: endpoint, parameter = 'id' }]) => {
        const route = byEndpoint.get(endpoint);
        const type = route && answerOf(name, route, types);
        if (!route?.related?.[parameter] || !type || !(camelCase(by) in fields) || name in fields) {
          throw new Error(`GraphQL: ${typeName}.${name} cannot lead to ${endpoint}`);
        }
        return [name, relation({ route, parameter }, by, type)];
      }),
    );
  });
  const fieldsOf = (table: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(table).map(([name, endpoint]) => {
        const route = byEndpoint.get(endpoint);
        if (!route) throw new Error(`GraphQL: ${name} names ${endpoint}, which is no route`);
        return [name, operation(name, route, types)];
      }),
    );

  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: fieldsOf(queries) }),
    mutation: new GraphQLObjectType({ name: 'Mutation', fields: fieldsOf(mutations) }),
  });
  const strays = Object.keys(relations).filter((typeName) => !schema.getType(typeName));
  if (strays.length > 0) throw new Error(`GraphQL: relations of no type: ${strays.join()}`);
  return schema;
}

function operation(name: string, route: Route, types: Types): Field {
  const { kind, upload, limit, summary } = route;
  if (kind === 'raw' || upload || limit) {
    throw new Error(`GraphQL: ${name} cannot be ${route.method} ${route.path}`);
  }
  const answer = answerOf(name, route, types);
  const { args, asking } = argumentsOf(route, name, types);
  return {
    // Null is possible: an operation that is refused leaves the others of its request alone.
    type: answer ? (kind === 'list' ? pageOf(answer) : answer) : GraphQLBoolean,
    args,
    description: summary,
    resolve: (_root, values, { perform }) => perform(route, asking(values)),
  };
}

/** The type of one thing that it answers; what has nothing to show answers true. */
function answerOf(
  name: string,
  { kind, schemas: { answer } }: Route,
  types: Types,
): GraphQLOutputType | undefined {
  const wished = capitalised(kind === 'list' ? singular(name) : name);
  return answer && types.output(describe(answer), wished);
}

/** Null where there is none, or none that the sender may see. */
function relation(loaded: Loaded, by: string, type: GraphQLOutputType): Field {
  const idOf = (source: unknown): unknown => Object(source)[by];
  if (loaded.route.kind !== 'list') {
    return {
      type,
      resolve: (source, _values, { load }) => {
        const id = idOf(source);
        return typeof id === 'string' ? load(loaded, id, 1) : null;
      },
    };
  }
  return {
    type: new GraphQLList(new GraphQLNonNull(type)),
    description: 'The newest first',
    args: { size: { type: GraphQLInt, description: `Up to 100, ${usualSize} unless told` } },
    resolve: (source, values, { load }) => {
      const { size }: { size?: unknown } = values;
      const asked = size ?? usualSize;
      if (typeof asked !== 'number' || asked < 1 || asked > 100) {
        throw failureOf(invalidField('size', 'must be between 1 and 100', 'OUT_OF_RANGE'));
      }
      return load(loaded, String(idOf(source)), asked);
    },
  };
}

const pages = new WeakMap<object, GraphQLObjectType>();

function pageOf(item: GraphQLOutputType): GraphQLObjectType {
  const known = pages.get(item);
  if (known) return known;
  const page = new GraphQLObjectType({
    name: `${getNamedType(item).name}Page`,
    fields: {
      items: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(item))) },
      pagination: { type: new GraphQLNonNull(pagination) },
    },
  });
  pages.set(item, page);
  return page;
}

const wire = (name: string) => (source: unknown) => Object(source)[name];
const whole = { type: new GraphQLNonNull(GraphQLInt) };
const flag = { type: new GraphQLNonNull(GraphQLBoolean) };

const pagination = new GraphQLObjectType({
  name: 'Pagination',
  fields: {
    page: whole,
    size: whole,
    total: whole,
    pages: whole,
    hasNext: { ...flag, resolve: wire('has_next') },
    hasPrev: { ...flag, resolve: wire('has_prev') },
    nextCursor: {
      type: GraphQLString,
      description: 'Of lists that are also walked by cursor',
      resolve: wire('next_cursor'),
    },
  },
});
