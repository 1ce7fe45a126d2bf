import DataLoader from 'dataloader';
import { Refusal } from '../../errors.ts';
import { checkFields } from '../body.ts';
import { presentPagination } from '../envelope.ts';
import type { Gate } from '../gate.ts';
import { decisionOn } from '../middleware/accessLog.ts';
import type { Settle } from '../middleware/errors.ts';
import { isUuid } from '../ownTypes.ts';
import type { Performed, Route } from '../route.ts';
import { canonicalPath } from '../router.ts';
import { keyIn } from '../sent.ts';
import type { Context, RequestState } from '../state.ts';
import type { Asking } from './arguments.ts';
import { failureOf } from './failures.ts';

/** Carries out what a request of GraphQL asks for. */
export interface Scope {
  readonly perform: (route: Route, asking: Asking) => Promise<unknown>;
  /** What a relation leads to, together with all that the same level of the query asks for. */
  readonly load: (relation: Loaded, id: string, size: number) => Promise<unknown>;
}

/** The route that a relation leads to, and by which of its parameters. */
export interface Loaded {
  readonly route: Route;
  readonly parameter: string;
}

/** How an operation is let in, and what it is refused by. */
export interface Carrier {
  readonly gate: Gate;
  readonly settle: Settle;
}

/** One operation passes the same checks as a request of its own; so does what a relation leads to. */
export function scopeOf(ctx: Context, { gate, settle }: Carrier, prefix: string): Scope {
  let loaders = new Map<string, DataLoader<string, unknown>>();
  return {
    async perform(route, asking) {
      // What was loaded before a change may be another thing after it.
      if (route.method !== 'GET') loaders = new Map();
      const state = stateFor(ctx, route, asking.params, prefix);
      try {
        const { perform } = route;
        if (!perform) throw new Error(`${route.path} cannot be performed`);
        const performed = await gate.enter(ctx, state, route, () => {
          // A literal is no part of the body that was looked at.
          for (const part of [asking.params, asking.query, asking.body]) checkFields(part);
          return perform({
            ctx,
            state,
            query: () => asking.query,
            idempotencyKey: () => keyIn(asking.idempotencyKey),
            expectedVersion: () => asking.expectedVersion,
            body: async () => asking.body,
          });
        });
        note(ctx.state, state, 200);
        return shown(route, performed);
      } catch (error) {
        const refusal = await settle(error, refusedIn(ctx, state, route));
        note(ctx.state, state, refusal.status);
        throw failureOf(refusal);
      }
    },

    load(relation, id, size) {
      const key = `${relation.route.path} ${relation.parameter} ${size}`;
      const known = loaders.get(key);
      if (known) return known.load(id);
      const loader = new DataLoader((ids: readonly string[]) => loadAll(relation, ids, size));
      loaders.set(key, loader);
      return loader.load(id);
    },
  };

  async function loadAll(
    { route, parameter }: Loaded,
    ids: readonly string[],
    size: number,
  ): Promise<unknown[]> {
    const state = stateFor(ctx, route, {}, prefix);
    try {
      const related = route.related?.[parameter];
      if (!related) throw new Error(`${route.path} cannot be a relation by ${parameter}`);
      const found = await gate.enter(ctx, state, route, () => related(state, ids, size));
      return ids.map((id) => found.get(id) ?? (route.kind === 'list' ? [] : null));
    } catch (error) {
      if (error instanceof Refusal && notToBeSeen.has(error.status)) return ids.map(() => null);
      throw failureOf(await settle(error, refusedIn(ctx, state, route)));
    }
  }
}

const refusedIn = ({ ip, headers }: Context, state: RequestState, { method }: Route) => ({
  state,
  method,
  ip,
  headers,
});

/** For the access log. */
function note(request: RequestState, state: RequestState, status: number): void {
  const { route, params } = state;
  const { id } = params;
  request.operations ??= [];
  request.operations.push({
    route: `${route?.method} ${state.endpoint}`,
    decision: decisionOn(status, state),
    id: id !== undefined && isUuid(id) ? id : null,
  });
}

/** A relation that the sender may not follow is as one that leads nowhere. */
const notToBeSeen = new Set([401, 403, 404]);

function stateFor(
  ctx: Context,
  route: Route,
  params: Asking['params'],
  prefix: string,
): RequestState {
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
