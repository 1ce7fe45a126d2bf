import { randomUUID } from 'node:crypto';
import { runInContext } from '../../context.ts';
import type { Middleware } from '../state.ts';

/** Names the request, by the caller's X-Request-ID if it is well-formed, for logs, audit and answer. */
export const requestContext: Middleware = (ctx, next) => {
  const given = ctx.get('X-Request-ID');
  const requestId = wellFormed.test(given) ? given : `req_${randomUUID()}`;
  ctx.state.requestId = requestId;
  ctx.set('X-Request-ID', requestId);
  return runInContext(
    { requestId, ip: ctx.ip, userAgent: ctx.get('User-Agent').slice(0, 255) },
    next,
  );
};

const wellFormed = /^[A-Za-z0-9][A-Za-z0-9._-]{7,99}$/;
