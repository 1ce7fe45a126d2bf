import { NotFound, Refusal } from '../../errors.ts';
import type { Middleware } from '../state.ts';

/** Gives what the router left alone its 404 or 405. TRACE is refused before anything could echo it. */
export const unmatched: Middleware = async (ctx, next) => {
  if (ctx.method === 'TRACE')
    throw methodNotAllowed('TRACE', 'GET, HEAD, POST, PUT, PATCH, DELETE');
  await next();
  if (ctx.state.route || (ctx.method === 'OPTIONS' && ctx.status === 200)) return;
  const allow = ctx.response.get('Allow');
  throw allow ? methodNotAllowed(ctx.method, allow) : new NotFound('There is nothing here');
};

export const methodNotAllowed = (method: string, allow: string): Refusal =>
  new Refusal(405, 'METHOD_NOT_ALLOWED', `${method} is not possible here, but ${allow}`, {
    headers: { Allow: allow },
  });
