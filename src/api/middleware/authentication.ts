import jwt from 'koa-jwt';
import type { ApiKeys } from '../../commands/apiKeys.ts';
import type { Sessions } from '../../commands/sessions.ts';
import type { Tokens } from '../../commands/tokens.ts';
import type { Actor } from '../../context.ts';
import { BadRequest, Refusal, Unauthenticated } from '../../errors.ts';
import type { Context } from '../state.ts';

/** How access tokens are checked: one algorithm, one audience, one issuer a deployment. */
export type VerifyingTokens = Omit<Tokens, 'sign' | 'keySet'>;

const clockTolerance = 5;

/**
 * Answers who sends a request, undefined where neither a token nor a key came along.
 * @throws Unauthenticated for one that is not good, also on public routes
 * @throws BadRequest for both at once: nobody could tell who acts
 */
export function authentication(
  { keyFor, algorithm, audience, issuer }: VerifyingTokens,
  { actorOf }: Pick<Sessions, 'actorOf'>,
  apiKeys: Pick<ApiKeys, 'actorOf'>,
): (ctx: Context) => Promise<Actor | undefined> {
  const options = { algorithms: [algorithm], audience, issuer, clockTolerance };
  const verify = jwt({ ...options, secret: '', key: 'payload', passthrough: true });

  return async (ctx) => {
    const key = ctx.headers['x-api-key'];
    if (key !== undefined) {
      if (ctx.headers.authorization) throw new BadRequest('Send an access token or an API key');
      return apiKeys.actorOf(String(key));
    }
    if (!ctx.headers.authorization) return undefined;
    // koa-jwt's own option is typed as text or bytes, which would be parsed again for every request
    // (150 to 340 µs); its documented way by the state takes ready keys.
    const state: VerifierState = Object.assign(ctx.state, { secret: keyFor });
    await verify(ctx, async () => {});
    const { payload } = state;
    if (!payload) throw unauthenticated(state.jwtOriginalError);
    ctx.state.signedInUntil = new Date(Number(payload['exp']) * 1000);
    return actorOf(payload);
  };
}

interface VerifierState {
  readonly secret: Tokens['keyFor'];
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly jwtOriginalError?: unknown;
}

function unauthenticated(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return error instanceof Error && error.name === 'TokenExpiredError'
    ? new Unauthenticated('The access token has expired', 'TOKEN_EXPIRED')
    : new Unauthenticated('The access token is not valid');
}
