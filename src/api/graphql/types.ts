import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLID,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
  type GraphQLFieldConfigMap,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLScalarType,
} from 'graphql';
import type Joi from 'joi';
import { camelCase } from '../schema.ts';
import type { Scope } from './scope.ts';
import { DateScalar, DateTimeScalar, JsonScalar, MoneyScalar } from './scalars.ts';

/** What Joi tells of a schema, as far as types are made of it. */
export interface Described {
  readonly type?: string;
  readonly flags?: {
    readonly id?: string;
    readonly presence?: string;
    readonly default?: unknown;
    readonly description?: string;
    readonly only?: boolean;
    readonly unknown?: boolean;
  };
  readonly allow?: readonly unknown[];
  readonly rules?: readonly { readonly name: string; readonly args?: { limit?: unknown } }[];
  readonly keys?: Readonly<Record<string, Described>>;
  readonly items?: readonly Described[];
  readonly patterns?: unknown;
}

/** Many operations answer the same thing. */
export function describe(schema: Joi.AnySchema): Described {
  const described: Described = known.get(schema) ?? Object(schema.describe());
  known.set(schema, described);
  return described;
}

const known = new WeakMap<Joi.AnySchema, Described>();

export const capitalised = (name: string): string =>
  `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** `invoices` to `invoice`, `policies` to `policy`. */
export const singular = (name: string): string => name.replace(/ies$/, 'y').replace(/s$/, '');

type Fields = GraphQLFieldConfigMap<unknown, Scope>;

/** The types of one schema: what is described alike is one type, and a name means one thing. */
export interface Types {
  /** @param name of an object whose schema has no id */
  output(described: Described, name: string): GraphQLOutputType;
  /** @param owner the type or operation that the field is part of, which new names begin with */
  input(described: Described, owner: string, field: string): GraphQLInputType;
}

/**
 * @param renamed what is known by another name than its schema's id, or than where it stands
 * @param relations fields that a type has besides those of its schema
 */
export function createTypes(
  renamed: Readonly<Record<string, string>>,
  relations: (typeName: string, fields: Readonly<Record<string, unknown>>) => Fields,
): Types {
  const made = new Map<string, GraphQLObjectType | GraphQLInputObjectType | GraphQLEnumType>();
  const names = new Map<string, string>();
  const claim = (name: string, content: string): string => {
    if ((names.get(name) ?? content) !== content) {
      throw new Error(`GraphQL: two different types would be named ${name}`);
    }
    names.set(name, content);
    return name;
  };
  const once = <T extends GraphQLObjectType | GraphQLInputObjectType | GraphQLEnumType>(
    content: string,
    kind: new (...args: never[]) => T,
    make: () => T,
  ): T => {
    const earlier = made.get(content);
    if (earlier instanceof kind) return earlier;
    const fresh = make();
    made.set(content, fresh);
    return fresh;
  };

  const enumOf = (words: readonly string[], owner: string, field: string): GraphQLEnumType => {
    const content = words.join('|');
    return once(content, GraphQLEnumType, () => {
      const name = content === 'asc|desc' ? 'SortOrder' : joined(owner, field);
      return new GraphQLEnumType({
        name: claim(renamed[name] ?? name, content),
        values: Object.fromEntries(words.map((word) => [word, { value: word }])),
      });
    });
  };

  const leafOf = (described: Described, owner: string, field: string) => {
    const words = wordsOf(described);
    return words ? enumOf(words, owner, field) : scalarOf(described);
  };

  const objectOf = (described: Described, wished: string): GraphQLObjectType => {
    const id = described.flags?.id;
    const content = `output ${id} ${JSON.stringify(described.keys)}`;
    return once(content, GraphQLObjectType, () => {
      const name = claim(renamed[id ?? wished] ?? id ?? wished, content);
      const fields: Fields = Object.fromEntries(
        Object.entries(described.keys ?? {}).map(([wire, part]) => [
          camelCase(wire),
          {
            type: outputOf(part, name, wire),
            ...descriptionOf(part),
            resolve: (source: unknown) => Object(source)[wire],
          },
        ]),
      );
      return new GraphQLObjectType({
        name,
        fields: () => ({ ...fields, ...relations(name, fields) }),
      });
    });
  };

  const outputOf = (described: Described, owner: string, field: string): GraphQLOutputType => {
    const item = itemOf(described);
    const type = item
      ? new GraphQLList(new GraphQLNonNull(nullableOutput(item, owner, singular(field))))
      : nullableOutput(described, owner, field);
    return isRequired(described) && !isNullable(described) ? new GraphQLNonNull(type) : type;
  };
  const nullableOutput = (described: Described, owner: string, field: string) =>
    isObject(described)
      ? objectOf(described, joined(owner, field))
      : leafOf(described, owner, field);

  const inputObjectOf = (described: Described, wished: string): GraphQLInputObjectType => {
    const id = described.flags?.id;
    const content = `input ${wished} ${JSON.stringify(described.keys)}`;
    const name = `${wished}Input`;
    return once(content, GraphQLInputObjectType, () => {
      const owner = id ?? wished;
      const fields = Object.entries(described.keys ?? {}).map(([wire, part]) => [
        camelCase(wire),
        { type: inputOf(part, owner, wire), ...descriptionOf(part) },
      ]);
      return new GraphQLInputObjectType({
        name: claim(name, content),
        fields: Object.fromEntries(fields),
      });
    });
  };

  const inputOf = (described: Described, owner: string, field: string): GraphQLInputType => {
    const item = itemOf(described);
    const type = item
      ? new GraphQLList(new GraphQLNonNull(nullableInput(item, owner, singular(field))))
      : nullableInput(described, owner, field);
    return isRequired(described) && !isNullable(described) ? new GraphQLNonNull(type) : type;
  };
  const nullableInput = (described: Described, owner: string, field: string) =>
    isObject(described)
      ? inputObjectOf(described, described.flags?.id ?? joined(owner, field))
      : leafOf(described, owner, field);

  return {
    output: (described, name) =>
      isObject(described) ? objectOf(described, name) : outputOf(described, name, ''),
    input: inputOf,
  };
}

/** What GraphQL read, under the names and in the shape that the route's schema takes. */
export function wireOf(described: Described, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  const item = itemOf(described);
  if (item && Array.isArray(value)) return value.map((part) => wireOf(item, part));
  if (!isObject(described)) return value;
  const given: Readonly<Record<string, unknown>> = Object(value);
  return Object.fromEntries(
    Object.entries(described.keys ?? {})
      .map(([wire, part]) => [wire, wireOf(part, given[camelCase(wire)])])
      .filter(([, part]) => part !== undefined),
  );
}

const isRequired = ({ flags }: Described): boolean => flags?.presence === 'required';
const isNullable = ({ allow }: Described): boolean => allow?.includes(null) ?? false;
const descriptionOf = ({ flags }: Described) =>
  flags?.description === undefined ? {} : { description: flags.description };

/** `Policy` and `policy_type` to `PolicyType`, `Claim` and `status` to `ClaimStatus`. */
function joined(owner: string, field: string): string {
  const own = capitalised(camelCase(field));
  return own.startsWith(owner) ? own : `${owner}${own}`;
}

/** An object whose fields GraphQL can name; any other is JSON. */
const isObject = ({ type, keys = {}, flags, patterns }: Described): boolean =>
  type === 'object' &&
  !flags?.unknown &&
  patterns === undefined &&
  Object.keys(keys).length > 0 &&
  Object.keys(keys).every((name) => /^[a-z]\w*$/.test(name));

const itemOf = ({ type, items = [] }: Described): Described | undefined =>
  type === 'array' && items.length === 1 ? items[0] : undefined;

/** The words of a list of choices that GraphQL can name. */
function wordsOf({ flags, allow = [] }: Described): string[] | undefined {
  const words = allow.filter((word) => typeof word === 'string');
  const isChoice = flags?.only === true && words.length > 0;
  const others = allow.filter((word) => word !== null && typeof word !== 'string');
  const areNames = words.every((word) => /^(?!__|true$|false$|null$)[A-Za-z_]\w*$/.test(word));
  return isChoice && areNames && others.length === 0 ? words : undefined;
}

function scalarOf({ type, rules = [], flags, allow = [] }: Described): GraphQLScalarType {
  switch (type) {
    case 'id':
      return GraphQLID;
    case 'money':
      return MoneyScalar;
    case 'calendarDate':
      return DateScalar;
    case 'instant':
    case 'date':
      return DateTimeScalar;
    case 'boolean':
      return GraphQLBoolean;
    case 'string':
    case 'text':
    case 'hostName':
    case 'currency':
      return flags?.only && allow.some((word) => typeof word === 'number')
        ? JsonScalar
        : GraphQLString;
    case 'number':
      return isSmallInteger(rules) ? GraphQLInt : GraphQLFloat;
    default:
      return JsonScalar;
  }
}

/** GraphQL's integers have 32 bits. */
function isSmallInteger(rules: NonNullable<Described['rules']>): boolean {
  const limitOf = (name: string) => rules.find((rule) => rule.name === name)?.args?.limit;
  const [min, max] = [limitOf('min'), limitOf('max')];
  return (
    rules.some(({ name }) => name === 'integer') &&
    typeof min === 'number' &&
    typeof max === 'number' &&
    min >= -2_147_483_648 &&
    max <= 2_147_483_647
  );
}
