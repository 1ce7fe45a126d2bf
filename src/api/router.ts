import Router from '@koa/router';
import type { ApiKeys } from '../commands/apiKeys.ts';
import type { Companies, KnownCompany } from '../commands/companies.ts';
import type { Sessions } from '../commands/sessions.ts';
import { currentContext, principalOf, runInContext, type Actor } from '../context.ts';
import { BadRequest, Forbidden, Refusal, Unauthenticated } from '../errors.ts';
import { allows } from '../rules/permissions.ts';
import { tenantUnknown } from './asked.ts';
import { authentication, type VerifyingTokens } from './middleware/authentication.ts';
import { methodNotAllowed } from './middleware/unmatched.ts';
import type { RateLimits } from './middleware/rateLimits.ts';
import { isUuid } from './ownTypes.ts';
import type { Route } from './route.ts';
import type { Context, RequestState } from './state.ts';

export interface RouterOptions {
  readonly prefix: string;
  readonly olderPathsEnd: Date | undefined;
  readonly tokens: VerifyingTokens;
  readonly sessions: Pick<Sessions, 'actorOf'>;
  readonly apiKeys: Pick<ApiKeys, 'actorOf'>;
  readonly companies: Pick<Companies, 'resolve'>;
  readonly rateLimits?: RateLimits | undefined;
}

/** The path from the root under which a route is found. */
export const canonicalPath = ({ root, path }: Route, prefix: string): string =>
  root ? path : `${prefix}${path}`;

/** Every declared route at its path and at its older ones, behind the same checks. */
export function createRouter(
  routes: readonly Route[],
  options: RouterOptions,
): Router<RequestState> {
  const { prefix, olderPathsEnd } = options;
  const serve = guarded(options);
  // Without `strict` a route would also catch its path with a slash, and the documentation loops.
  const router = new Router<RequestState>({ strict: true });
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
    router.register(path, [route.method], async (ctx) => {
      const allowed = path.includes(':') ? literal.get(ctx.path) : undefined;
      if (allowed) throw methodNotAllowed(ctx.method, allowed);
      if (successor) markDeprecated(ctx, successor, olderPathsEnd);
      ctx.state.endpoint = endpoint;
      await serve(route, ctx);
    });
  }
  // OPTIONS would name the methods of the path with a parameter as well.
  const patterns = places
    .filter(({ path }) => path.includes(':'))
    .map(({ path }) => new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`));
  for (const [path, methods] of literal) {
    if (!patterns.some((pattern) => pattern.test(path))) continue;
    router.register(path, ['OPTIONS'], (ctx) => {
      ctx.status = 200;
      ctx.set('Allow', methods);
    });
  }
  return router;
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

/** The order of the checks: who, how often, where, whether; only then is the request read. */
function guarded({ tokens, sessions, apiKeys, companies, rateLimits }: RouterOptions) {
  const authenticate = authentication(tokens, sessions, apiKeys);

  return async (route: Route, ctx: Context & Parameterised): Promise<void> => {
    const { state } = ctx;
    state.route = route;
    state.params = ctx.params;
    // Signing in must also work for whoever still sends an old token.
    const isOpen = route.permission === 'public' && route.company === false;
    const sender = isOpen ? undefined : await authenticate(ctx);
    if (sender) state.visitor = sender;
    await rateLimits?.admit(ctx, sender);
    const company = await companyOf(route, ctx, sender);
    const visitor = inside(company, sender);
    if (visitor) state.visitor = visitor;
    if (company) state.company = company;
    checkAccess(route, visitor);
    state.isGranted = true;
    if (company) refuseSuspended(company, route);

    const work = {
      ...currentContext(),
      companyId: company?.id ?? visitor?.companyId,
      actorId: visitor && principalOf(visitor),
      actorType: visitor?.type,
    };
    await runInContext(work, () => route.run(ctx));
  };

  async function companyOf(
    route: Route,
    ctx: Context,
    sender: Actor | undefined,
  ): Promise<KnownCompany | undefined> {
    if (route.company === false) return undefined;
    try {
      return await companies.resolve({
        host: ctx.state.host,
        tokenCompanyId: sender?.companyId,
        requestedId: enteredCompany(ctx, sender),
        sender,
      });
    } catch (error) {
      const isUnknown = error instanceof Refusal && error.code === tenantUnknown().code;
      if (route.company === 'optional' && isUnknown) return undefined;
      throw error;
    }
  }
}

/** Which company a global administrator enters. */
function enteredCompany(ctx: Context, sender: Actor | undefined): string | undefined {
  const id = ctx.headers['x-company-id'];
  if (id === undefined) return undefined;
  if (typeof id !== 'string' || !isUuid(id)) {
    throw new BadRequest('X-Company-Id takes the id of a company');
  }
  return sender?.roles.includes('global_admin') ? id.toLowerCase() : undefined;
}

/** A global administrator who entered a company acts in it; everyone else is in theirs already. */
const inside = (company: KnownCompany | undefined, sender: Actor | undefined): Actor | undefined =>
  company && sender?.roles.includes('global_admin') ? { ...sender, companyId: company.id } : sender;

function checkAccess({ permission, path }: Route, visitor: Actor | undefined): void {
  if (permission === 'public') return;
  if (!visitor) throw new Unauthenticated();
  if (visitor.mustEnrol && !path.startsWith('/auth/')) {
    throw new Forbidden('Enable a second factor first', 'MFA_ENROLMENT_REQUIRED');
  }
  if (permission === 'signed-in') {
    if (visitor.key) throw new Forbidden('This is for people; a key cannot do it');
    return;
  }
  if (allows(visitor, permission)) return;
  throw new Forbidden(`Your ${visitor.key ? 'key' : 'role'} does not allow ${permission}`);
}

/** Whoever belongs to a suspended tenant may still sign in and read. */
function refuseSuspended({ status, code }: KnownCompany, { method, permission }: Route): void {
  if (status === 'suspended' && method !== 'GET' && permission !== 'public') {
    throw new Forbidden(
      `The company ${code} is suspended and can only be read`,
      'TENANT_SUSPENDED',
    );
  }
}
