import { GraphQLError } from 'graphql';
import type { Refusal } from '../../errors.ts';
import { camelCase } from '../schema.ts';

/**
 * A refusal as an error of GraphQL; fields are told by the names that GraphQL knows them by.
 * @param at the error that tells where it happened
 */
export const failureOf = (
  { message, status, code, details, facts }: Refusal,
  at?: GraphQLError,
): GraphQLError =>
  new GraphQLError(message, {
    nodes: at?.nodes ?? null,
    path: at?.path ?? null,
    extensions: {
      ...facts,
      code,
      status,
      details: details.map(({ field, message: problem, code: problemCode }) => {
        const known = field.split('.').map(camelCase).join('.');
        return { field: known, message: problem.replace(field, known), code: problemCode };
      }),
    },
  });

/** What is wrong with the query itself. */
export const badQuery = (what: string | GraphQLError): GraphQLError => {
  const extensions = { code: 'BAD_REQUEST', status: 400, details: [] };
  if (typeof what === 'string') return new GraphQLError(what, { extensions });
  const { message, nodes, source, positions, path } = what;
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions,
  });
};

export const hasCode = ({ extensions }: GraphQLError): boolean =>
  typeof extensions['code'] === 'string';
