import type { Companies } from '../../commands/companies.ts';
import { Refusal } from '../../errors.ts';
import type { Middleware } from '../state.ts';
import type { RateLimits } from './rateLimits.ts';

/** `Insurance.Example:443` to `insurance.example`; undefined for what is no host name. */
export function hostName(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 255) return undefined;
  return /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d{1,5})?$/.exec(header.toLowerCase())?.[1];
}

/**
 * Lets in requests for the configured hosts and for the tenants' verified domains. Reads the raw
 * header, the forwarded one only behind our own proxy; monitoring may come by any name. Whoever tries
 * one name after another is counted before each is looked up, and soon refused without that.
 */
export function allowedHosts({
  companies,
  rateLimits,
  trustProxy,
}: {
  companies: Pick<Companies, 'isAllowedHost'>;
  rateLimits: RateLimits | undefined;
  trustProxy: boolean;
}): Middleware {
  return async (ctx, next) => {
    const forwarded = trustProxy ? ctx.get('X-Forwarded-Host').split(',', 1)[0]?.trim() : '';
    const host = hostName(forwarded || ctx.headers.host);
    ctx.state.host = host ?? '';
    const isMonitoring = ctx.path.startsWith('/health/') || ctx.path === '/metrics';
    const isAllowed = async (): Promise<boolean> =>
      host !== undefined &&
      companies.isAllowedHost(host, async () => rateLimits?.admit(ctx, undefined));
    if (!isMonitoring && !(await isAllowed())) {
      throw new Refusal(400, 'HOST_NOT_ALLOWED', 'This host name is not served here');
    }
    await next();
  };
}
