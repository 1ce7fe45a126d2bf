import {
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  execute,
  getOperationAST,
  getVariableValues,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { badQuery } from './failures.ts';
import { complexityRule, fieldsOf, refuseManyTokens } from './limits.ts';
import type { Scope } from './scope.ts';

/** A request that was understood: nothing of it has been carried out yet. */
export interface Understood {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  /** How many requests of REST it is worth. */
  readonly fields: number;
}

export interface Rules {
  readonly schema: GraphQLSchema;
  /** Whether the schema may be asked about itself. */
  readonly isOpen: boolean;
}

/** Reads a request, or answers with what is wrong with it. */
export function understand(
  body: unknown,
  { schema, isOpen }: Rules,
): Understood | readonly GraphQLError[] {
  try {
    const { query, variables, operationName } = requestIn(body);
    refuseManyTokens(query);
    const document = parse(query);
    const hideSuggestions = !isOpen;
    const checks = [
      // The first that finds something ends it: what is too much is not looked at any closer.
      [complexityRule(variables)],
      [...specifiedRules, ...(isOpen ? [] : [NoSchemaIntrospectionCustomRule])],
    ];
    for (const rules of checks) {
      const errors = validate(schema, document, rules, { maxErrors: 20, hideSuggestions });
      if (errors.length > 0) return errors;
    }

    const operation = getOperationAST(document, operationName);
    if (!operation) return [badQuery('Say by operationName which operation is meant')];
    if (!schema.getRootType(operation.operation)) {
      return [badQuery(`There is nothing to ${operation.operation} here`)];
    }
    const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, {
      maxErrors: 20,
      hideSuggestions,
    });
    if (errors) return errors;
    const fields = fieldsOf(operation, document);
    return { document, operation, operationName, variables, fields };
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

export async function carryOut(
  { document, operationName, variables }: Understood,
  { schema, isOpen }: Rules,
  scope: Scope,
): Promise<ExecutionResult> {
  return execute({
    schema,
    document,
    operationName,
    variableValues: variables,
    contextValue: scope,
    hideSuggestions: !isOpen,
  });
}

/** @throws GraphQLError BAD_REQUEST */
function requestIn(body: unknown) {
  if (Array.isArray(body)) throw badQuery('Send one request at a time: there are no batches');
  const sent: Readonly<Record<string, unknown>> = Object(body);
  const { query, variables, operationName } = sent;
  if (typeof query !== 'string') throw badQuery('Send the query as text, in the field "query"');
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    throw badQuery('operationName is text');
  }
  if (!isRecord(variables ?? {})) throw badQuery('variables are an object');
  const given: Readonly<Record<string, unknown>> = Object(variables ?? {});
  return { query, variables: given, operationName: operationName ?? undefined };
}

const isRecord = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
