import {
  GraphQLInt,
  GraphQLNonNull,
  GraphQLString,
  type GraphQLFieldConfigArgumentMap,
} from 'graphql';
import type { Route } from '../route.ts';
import { camelCase } from '../schema.ts';
import { capitalised, describe, wireOf, type Described, type Types } from './types.ts';

type Values = Readonly<Record<string, unknown>>;

/** What an operation says to its route. */
export interface Asking {
  readonly params: Values;
  readonly query: Values;
  readonly body: unknown;
  readonly idempotencyKey: unknown;
  readonly expectedVersion: number | undefined;
}

/** The arguments of an operation, and how they are said to its route. */
export interface Arguments {
  readonly args: GraphQLFieldConfigArgumentMap;
  readonly asking: (values: Values) => Asking;
}

/** Older names of `size`, `sort_by` and `sort_order`. */
const olderNames = ['page_size', 'ordering'];

/**
 * Derived from the route's schemas: path and address as arguments, the body as `input`. What is sent in
 * the address for older clients, and a version in the body, have an argument already.
 */
export function argumentsOf(route: Route, name: string, types: Types): Arguments {
  const owner = capitalised(name);
  const params = keysOf(route.schemas.params);
  const body = bodyOf(route);
  const query = keysOf(route.schemas.query).filter(
    ([wire]) => !olderNames.includes(wire) && !(wire in (body?.keys ?? {})),
  );
  const { idempotency, ifMatch } = route;
  const argument = ([wire, described]: readonly [string, Described]) => [
    camelCase(wire),
    { type: types.input(described, owner, wire), ...descriptionOf(described) },
  ];
  const input = body && types.input(body, owner, '');

  return {
    args: {
      ...Object.fromEntries([...params, ...query].map(argument)),
      ...(input && { input: { type: input } }),
      ...(idempotency && {
        idempotencyKey: {
          type: idempotency === 'required' ? new GraphQLNonNull(GraphQLString) : GraphQLString,
          description: keyDescription(idempotency),
        },
      }),
      ...(ifMatch && {
        expectedVersion: {
          type: GraphQLInt,
          description:
            'The version that the change is meant for; VERSION_CONFLICT if there is a newer one',
        },
      }),
    },
    asking: (values) => ({
      params: said(params, values),
      query: said(query, values),
      body: body ? (wireOf(body, values['input']) ?? {}) : {},
      idempotencyKey: values['idempotencyKey'] ?? undefined,
      expectedVersion: numberIn(values['expectedVersion']),
    }),
  };
}

type Keys = readonly (readonly [string, Described])[];

const keysOf = (schema: Route['schemas']['params']): Keys =>
  schema ? Object.entries(describe(schema).keys ?? {}) : [];

/** What an argument is null for is not said. */
const said = (keys: Keys, values: Values): Values =>
  Object.fromEntries(
    keys
      .map(([wire, described]) => [wire, wireOf(described, values[camelCase(wire)])] as const)
      .filter(([, value]) => value !== undefined && value !== null),
  );

/** The body without the version, whose argument is `expectedVersion`; none where nothing is left. */
function bodyOf({ schemas: { body }, ifMatch }: Route): Described | undefined {
  if (!body) return undefined;
  const { keys = {}, ...described } = describe(body);
  const left = Object.entries(keys).filter(([wire]) => !(ifMatch && wire === 'version'));
  if (left.length === 0) return undefined;
  const presence = body.validate({}).error ? 'required' : 'optional';
  return { ...described, flags: { ...described.flags, presence }, keys: Object.fromEntries(left) };
}

const descriptionOf = ({ flags }: Described) =>
  flags?.description === undefined ? {} : { description: flags.description };

const keyDescription = (need: NonNullable<Route['idempotency']>): string =>
  need === 'where-billed'
    ? 'Needed where the company bills its premiums; a repetition carries the same key and has no second effect'
    : 'A repetition carries the same key and has no second effect';

const numberIn = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;
