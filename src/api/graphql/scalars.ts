import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';

/** Text to GraphQL; the route's own schema says whether it is good. */
const textScalar = (name: string, description: string): GraphQLScalarType =>
  new GraphQLScalarType({
    name,
    description,
    serialize: String,
    parseValue(value) {
      if (typeof value !== 'string') throw new GraphQLError(`${name} is written as text`);
      return value;
    },
    parseLiteral(node) {
      if (node.kind !== Kind.STRING) throw new GraphQLError(`${name} is written as text`);
      return node.value;
    },
  });

export const DateScalar = textScalar('Date', 'A day, `2026-01-31`');
export const DateTimeScalar = textScalar('DateTime', 'An instant, `2026-01-31T09:30:00.000Z`');
export const MoneyScalar = textScalar('Money', 'Decimal text, never a number: `"120.00"`');

export const JsonScalar = new GraphQLScalarType({
  name: 'JSON',
  description: 'Any JSON value; its names stay as they are',
  parseValue: (value) => value,
  // A plain copy: what GraphQL reads from a literal has no prototype.
  parseLiteral: (node, variables) => plain(valueFromASTUntyped(node, variables)),
});

const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));
