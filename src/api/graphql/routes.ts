import { GraphQLError } from 'graphql';
import { readBody } from '../body.ts';
import type { Settle } from '../middleware/errors.ts';
import type { Route } from '../route.ts';
import { freeForm, nullable, object, optional, text } from '../schema.ts';
import type { Context } from '../state.ts';
import { carryOut, understand, type Rules } from './answer.ts';
import { badQuery, failureOf, hasCode } from './failures.ts';
import { graphqlSchema } from './schema.ts';
import { scopeOf, type Carrier } from './scope.ts';

export interface GraphqlOptions {
  /** Undefined where routes are only declared. */
  readonly carrier: Carrier | undefined;
  readonly prefix: string;
  /** Whether the schema may be asked about itself, as developers do. */
  readonly isOpen: boolean;
  readonly routes: () => readonly Route[];
}

/** The operations that `operations.ts` names, in one route beside REST. */
export function graphqlRoutes({ carrier, prefix, isOpen, routes }: GraphqlOptions): Route[] {
  let rules: Rules | undefined;
  const answer = async (ctx: Context): Promise<void> => {
    if (!carrier) throw new Error('Routes that are only declared cannot be run');
    rules ??= { schema: graphqlSchema(routes()), isOpen };
    const understood = understand(await readBody(ctx), rules);
    if (!('document' in understood)) {
      write(
        ctx,
        400,
        understood.map((error) => (hasCode(error) ? error : badQuery(error))),
      );
      return;
    }
    // The request itself has been counted.
    for (let more = 1; more < understood.fields; more += 1) await carrier.gate.count(ctx);
    const { data, errors = [] } = await carryOut(understood, rules, scopeOf(ctx, carrier, prefix));
    const told = await Promise.all(errors.map((error) => settled(ctx, error, carrier.settle)));
    write(ctx, 200, told, data ?? null);
  };

  return [
    {
      root: true,
      method: 'POST',
      path: '/graphql',
      permission: 'public',
      company: 'optional',
      summary: 'Queries and mutations of GraphQL, each as REST carries it out',
      tag: 'GraphQL',
      kind: 'raw',
      mediaTypes: ['application/json'],
      schemas: { body: requestBody },
      examples: { body: { query: '{ plans(size: 5) { items { name premium } } }' } },
      run: answer,
    },
  ];
}

/** As the document tells it; what is wrong with a request is answered in the way of GraphQL. */
const requestBody = object({
  query: text(100_000),
  variables: optional(nullable(freeForm())),
  operationName: optional(nullable(text(200))),
}).id('GraphqlRequest');

/** An error under a code of ours. What has none is a fault of the query, or else a bug of ours. */
async function settled(ctx: Context, error: GraphQLError, settle: Settle): Promise<GraphQLError> {
  if (hasCode(error)) return error;
  const { originalError } = error;
  if (!originalError || originalError instanceof GraphQLError) return badQuery(error);
  const refusal = await settle(originalError, ctx);
  return failureOf(refusal, error);
}

function write(
  ctx: Context,
  status: number,
  errors: readonly GraphQLError[],
  data?: unknown,
): void {
  const { requestId } = ctx.state;
  const told = errors.map((error) => {
    const { message, extensions = {}, ...where } = error.toJSON();
    return { message, ...where, extensions: { status, ...extensions, request_id: requestId } };
  });
  ctx.status = status;
  ctx.type = 'application/json; charset=utf-8';
  ctx.body = JSON.stringify({
    ...(errors.length > 0 && { errors: told }),
    ...(data !== undefined && { data }),
  });
}
