import Router from '@koa/router';
import type { Gate } from './gate.ts';
import { methodNotAllowed } from './middleware/unmatched.ts';
import type { Route } from './route.ts';
import type { Context, Middleware, RequestState } from './state.ts';

export interface RouterOptions {
  readonly prefix: string;
  readonly olderPathsEnd: Date | undefined;
  readonly gate: Gate;
}

/** The path from the root under which a route is found. */
export const canonicalPath = ({ root, path }: Route, prefix: string): string =>
  root ? path : `${prefix}${path}`;

/**
 * Every declared route at its path and at its older ones, behind the same checks. A request is compared
 * with the paths that begin as it does, not with all six hundred.
 */
export function createRouter(
  routes: readonly Route[],
  { prefix, olderPathsEnd, gate }: RouterOptions,
): Middleware {
  const routers = new Map<string, Router<RequestState>>();
  const headOf = headsBelow(prefix);
  const routerOf = (path: string): Router<RequestState> => {
    const head = headOf(path);
    // Without `strict` a route would also catch its path with a slash, and the documentation loops.
    const router = routers.get(head) ?? new Router<RequestState>({ strict: true });
    routers.set(head, router);
    return router;
  };
  const places = routes.flatMap((route) => {
    const path = canonicalPath(route, prefix);
    return [
      { path, route, endpoint: path, successor: route.successor && `${prefix}${route.successor}` },
      ...(route.aliases ?? []).map((alias) => ({
        path: alias,
        route,
        endpoint: path,
        successor: path,
      })),
    ];
  });

  const literal = methodsOfLiteralPaths(places);
  for (const { path, route, endpoint, successor } of places.toSorted(literalFirst)) {
    routerOf(path).register(path, [route.method], async (ctx) => {
      const allowed = path.includes(':') ? literal.get(ctx.path) : undefined;
      if (allowed) throw methodNotAllowed(ctx.method, allowed);
      if (successor) markDeprecated(ctx, successor, olderPathsEnd);
      ctx.state.endpoint = endpoint;
      ctx.state.route = route;
      ctx.state.params = ctx.params;
      await gate.admit(ctx, route);
      await gate.enter(ctx, ctx.state, route, () => route.run(ctx));
    });
  }
  // OPTIONS would name the methods of the path with a parameter as well.
  const patterns = places
    .filter(({ path }) => path.includes(':'))
    .map(({ path }) => new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`));
  for (const [path, methods] of literal) {
    if (!patterns.some((pattern) => pattern.test(path))) continue;
    routerOf(path).register(path, ['OPTIONS'], (ctx) => {
      ctx.status = 200;
      ctx.set('Allow', methods);
    });
  }
  const entrances = new Map([...routers].map(([head, router]) => [head, entranceOf(router)]));
  return (ctx, next) => entrances.get(headOf(ctx.path))?.(ctx, next) ?? next();
}

function entranceOf(router: Router<RequestState>): Middleware {
  const enter = router.routes();
  return (ctx, next) => enter(Object.assign(ctx, { params: {}, router }), next);
}

/** Of a path the first word after the prefix, of older paths the first at all; paths are the same in capitals. */
function headsBelow(prefix: string): (path: string) => string {
  const start = `${prefix.toLowerCase()}/`;
  return (path) => {
    const lower = path.toLowerCase();
    const from = lower.startsWith(start) ? start.length : 1;
    const end = lower.indexOf('/', from);
    return end < 0 ? lower.slice(from) : lower.slice(from, end);
  };
}

/** Literal segments go before parameters, so that the order of declaration does not matter. */
const literalFirst = (a: { path: string }, b: { path: string }): number => {
  const [first, second] = [a, b].map(({ path }) => path.replace(/:\w+/g, '\uffff'));
  return first === second ? 0 : String(first) < String(second) ? -1 : 1;
};

/**
 * `/users/add-user` is no user's path, whatever the method: which methods a path without parameters
 * has, as Allow names them.
 */
function methodsOfLiteralPaths(
  places: readonly { readonly path: string; readonly route: Pick<Route, 'method'> }[],
): ReadonlyMap<string, string> {
  const literal = new Map<string, string>();
  for (const { path, route } of places) {
    if (path.includes(':')) continue;
    const methods = route.method === 'GET' ? 'HEAD, GET' : route.method;
    const others = literal.get(path);
    literal.set(path, others === undefined ? methods : `${others}, ${methods}`);
  }
  return literal;
}

/** Since when older paths are deprecated: the day of the first version, as RFC 9745 writes it. */
const deprecatedSince = `@${Date.UTC(2026, 0, 1) / 1000}`;

function markDeprecated(
  ctx: Context & Parameterised,
  successor: string,
  end: Date | undefined,
): void {
  const path = successor.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(ctx.params[name] ?? ''),
  );
  ctx.set('Deprecation', deprecatedSince);
  if (end) ctx.set('Sunset', end.toUTCString());
  ctx.append('Link', `<${path}>; rel="successor-version"`);
}

interface Parameterised {
  readonly params: Readonly<Record<string, string>>;
}
