import type { ApiKeys } from '../commands/apiKeys.ts';
import type { Companies, KnownCompany } from '../commands/companies.ts';
import type { Sessions } from '../commands/sessions.ts';
import { currentContext, principalOf, runInContext, type Actor } from '../context.ts';
import { BadRequest, Forbidden, Refusal, Unauthenticated } from '../errors.ts';
import { allows } from '../rules/permissions.ts';
import { tenantUnknown } from './asked.ts';
import { authentication, type VerifyingTokens } from './middleware/authentication.ts';
import type { RateLimits } from './middleware/rateLimits.ts';
import { isUuid } from './ownTypes.ts';
import type { Route } from './route.ts';
import type { Context, RequestState } from './state.ts';

/** The order of the checks: who, how often, where, whether; only then is a request read. */
export interface Gate {
  /** Who sends the request, and whether not too often. */
  admit(ctx: Context, route: Route): Promise<void>;
  /** Counts one more against the sender. @throws Refusal RATE_LIMITED */
  count(ctx: Context): Promise<void>;
  /**
   * Where, and whether the route may be used there; then the work, in the context of who does it.
   * @param state what is found out is written here: the request's, or that of one operation in it
   */
  enter<T>(ctx: Context, state: RequestState, route: Route, work: () => Promise<T> | T): Promise<T>;
}

export interface GateOptions {
  readonly tokens: VerifyingTokens;
  readonly sessions: Pick<Sessions, 'actorOf'>;
  readonly apiKeys: Pick<ApiKeys, 'actorOf'>;
  readonly companies: Pick<Companies, 'resolve'>;
  readonly rateLimits?: RateLimits | undefined;
}

export function createGate({
  tokens,
  sessions,
  apiKeys,
  companies,
  rateLimits,
}: GateOptions): Gate {
  const authenticate = authentication(tokens, sessions, apiKeys);

  return {
    async admit(ctx, route) {
      const { state } = ctx;
      // Signing in must also work for whoever still sends an old token.
      const isOpen = route.permission === 'public' && route.company === false;
      const sender = isOpen ? undefined : await authenticate(ctx);
      if (sender) {
        state.sender = sender;
        state.visitor = sender;
      }
      await rateLimits?.admit(ctx, sender);
    },

    count: async (ctx) => rateLimits?.admit(ctx, ctx.state.sender),

    async enter(ctx, state, route, work) {
      const company = await companyOf(route, ctx);
      const visitor = seenBy(route, inside(company, state.sender));
      if (visitor) state.visitor = visitor;
      else delete state.visitor;
      if (company) state.company = company;
      checkAccess(route, visitor);
      state.isGranted = true;
      if (company) refuseSuspended(company, route);

      const whose = {
        ...currentContext(),
        companyId: company?.id ?? visitor?.companyId,
        actorId: visitor && principalOf(visitor),
        actorType: visitor?.type,
      };
      return runInContext(whose, async () => work());
    },
  };

  async function companyOf(route: Route, ctx: Context): Promise<KnownCompany | undefined> {
    if (route.company === false) return undefined;
    const { sender, host } = ctx.state;
    try {
      return await companies.resolve({
        host,
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

/**
 * A global administrator who entered a company acts in it, as nothing else that they are on the platform;
 * everyone else is in theirs already.
 */
const inside = (company: KnownCompany | undefined, sender: Actor | undefined): Actor | undefined =>
  company && company.id !== sender?.companyId && sender?.roles.includes('global_admin')
    ? { ...sender, companyId: company.id, roles: ['global_admin'] }
    : sender;

/** To a public route, whoever has yet to enable a second factor is a stranger. */
const seenBy = ({ permission }: Route, visitor: Actor | undefined): Actor | undefined =>
  permission === 'public' && visitor?.mustEnrol ? undefined : visitor;

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
