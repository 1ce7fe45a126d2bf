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
import type { Route } from '../route.ts';
import { argumentsOf, type Asking } from './arguments.ts';
import { mutations, queries, typeNames } from './operations.ts';
import { capitalised, createTypes, describe, singular, type Types } from './types.ts';

/** Carries out what a request of GraphQL asks for. */
export interface Scope {
  readonly perform: (route: Route, asking: Asking) => Promise<unknown>;
}

type Field = GraphQLFieldConfig<unknown, Scope>;

/** Queries and mutations of the routes that the tables name, with types derived from their schemas. */
export function graphqlSchema(routes: readonly Route[]): GraphQLSchema {
  const byEndpoint = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const types = createTypes(typeNames, () => ({}));
  const fieldsOf = (table: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(table).map(([name, endpoint]) => {
        const route = byEndpoint.get(endpoint);
        if (!route) throw new Error(`GraphQL: ${name} names ${endpoint}, which is no route`);
        return [name, operation(name, route, types)];
      }),
    );

  return new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: fieldsOf(queries) }),
    mutation: new GraphQLObjectType({ name: 'Mutation', fields: fieldsOf(mutations) }),
  });
}

function operation(name: string, route: Route, types: Types): Field {
  const { kind, upload, limit, summary } = route;
  if (kind === 'raw' || upload || limit) {
    throw new Error(`GraphQL: ${name} cannot be ${route.method} ${route.path}`);
  }
  const type = answerOf(name, route, types);
  const { args, asking } = argumentsOf(route, name, types);
  return {
    type,
    args,
    description: summary,
    resolve: (_root, values, { perform }) => perform(route, asking(values)),
  };
}

/**
 * What has nothing to show answers true. It may be null: an operation that is refused does not take
 * away what the others of its request answer.
 */
function answerOf(
  name: string,
  { kind, schemas: { answer } }: Route,
  types: Types,
): GraphQLOutputType {
  if (!answer) return GraphQLBoolean;
  const described = describe(answer);
  const wished = capitalised(kind === 'list' ? singular(name) : name);
  const type = types.output(described, wished);
  return kind === 'list' ? pageOf(type) : type;
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
