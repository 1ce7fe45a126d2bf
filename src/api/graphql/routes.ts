import { GraphQLError } from 'graphql';
import { checkFields, readBody } from '../body.ts';
import { presentPagination } from '../envelope.ts';
import type { Gate } from '../gate.ts';
import type { Settle } from '../middleware/errors.ts';
import type { Performed, Route } from '../route.ts';
import { canonicalPath } from '../router.ts';
import { freeForm, nullable, object, optional, text } from '../schema.ts';
import { keyIn } from '../sent.ts';
import type { Context, RequestState } from '../state.ts';
import { carryOut, understand, type Rules } from './answer.ts';
import type { Asking } from './arguments.ts';
import { badQuery, failureOf, hasCode } from './failures.ts';
import { graphqlSchema, type Scope } from './schema.ts';

/** How an operation is let in, and what it is refused by. */
export interface Carrier {
  readonly gate: Gate;
  readonly settle: Settle;
}

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

/** One operation passes the same checks as a request of its own. */
function scopeOf(ctx: Context, { gate, settle }: Carrier, prefix: string): Scope {
  return {
    async perform(route, asking) {
      const state = stateFor(ctx, route, asking, prefix);
      try {
        const { perform } = route;
        if (!perform) throw new Error(`${route.path} cannot be performed`);
        return shown(
          route,
          await gate.enter(ctx, state, route, () => {
            checkFields(asking);
            return perform({
              ctx,
              state,
              query: () => asking.query,
              idempotencyKey: () => keyIn(asking.idempotencyKey),
              expectedVersion: () => asking.expectedVersion,
              body: async () => asking.body,
            });
          }),
        );
      } catch (error) {
        const { ip, headers } = ctx;
        throw failureOf(await settle(error, { state, method: route.method, ip, headers }));
      }
    },
  };
}

function stateFor(ctx: Context, route: Route, { params }: Asking, prefix: string): RequestState {
  const { requestId, host, sender, signedInUntil } = ctx.state;
  return {
    requestId,
    host,
    route,
    endpoint: canonicalPath(route, prefix),
    params: Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, String(value)]),
    ),
    ...(sender && { sender, visitor: sender }),
    ...(signedInUntil && { signedInUntil }),
  };
}

/** A page, one thing, or that it is done. */
const shown = (route: Route, { data, pagination }: Performed): unknown => {
  if (pagination) return { items: data, pagination: presentPagination(pagination) };
  return route.schemas.answer ? data : true;
};

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
