import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';
import type { Middleware } from '../state.ts';

/**
 * Helmet's headers, computed once: they do not depend on the request, except HSTS, which is for
 * HTTPS. Tenant data is not to be stored on the way; what may be says so itself.
 */
export function securityHeaders(): Middleware {
  const { 'strict-transport-security': hsts = '', ...always } = fixedHeaders();
  const headers = { ...always, 'cache-control': 'no-store' };
  return (ctx, next) => {
    ctx.set(headers);
    if (ctx.secure) ctx.set('Strict-Transport-Security', hsts);
    return next();
  };
}

function fixedHeaders(): Record<string, string> {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    frameguard: { action: 'deny' },
    strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true },
  })(response.req, response, () => {});
  return Object.fromEntries(
    Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]),
  );
}
