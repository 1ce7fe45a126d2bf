import { isIPv4, isIPv6 } from 'node:net';
import { Counter as Count, type Registry } from 'prom-client';
import { principalOf, type Actor } from '../../context.ts';
import { Refusal, Unavailable } from '../../errors.ts';
import type { Config } from '../../config.ts';
import type { Counter, Limit, RateLimitStore, Taken } from '../../models/rateLimitStore.ts';
import type { Context, Middleware } from '../state.ts';

export interface RateLimits {
  /**
   * Counts a request against whoever sends it, or against the address while that is not known, and
   * tells in its headers what is left.
   * @throws Refusal RATE_LIMITED
   */
  admit(ctx: Context, sender: Actor | undefined): Promise<void>;
}

/** Guessing passwords, codes and addresses: so many tries a minute from one address, per route. */
const signInsPerMinute = 10;

interface Rule {
  readonly points: number;
  readonly count: Counter;
}

/**
 * Without its store the general limit goes on in this process alone and a metric counts it; what
 * guards passwords refuses instead.
 * @param fallback of this process, which is never away
 */
export function createRateLimits({
  limits: { perMinute, perHour },
  store,
  fallback,
  registry,
}: {
  readonly limits: Pick<Config['rateLimits'], 'perMinute' | 'perHour'>;
  readonly store: RateLimitStore;
  readonly fallback: RateLimitStore;
  readonly registry: Registry;
}): RateLimits {
  const refused = new Count({
    name: 'rate_limited_requests_total',
    help: 'Requests answered with 429, by what they were counted against',
    labelNames: ['limit'],
    registers: [registry],
  });
  const failures = new Count({
    name: 'rate_limit_store_failures_total',
    help: 'Requests that the store of the rate limits could not count',
    registers: [registry],
  });
  const noteFailure = (): void => failures.inc();

  const lasting = (limit: Limit): Rule => {
    const [count, countHere] = [store.counter(limit), fallback.counter(limit)];
    return {
      points: limit.points,
      count: (key) => count(key).catch(() => (noteFailure(), countHere(key))),
    };
  };
  const general = [
    lasting({ name: 'minute', points: perMinute, seconds: 60 }),
    lasting({ name: 'hour', points: perHour, seconds: 3600 }),
  ];
  const countSignIn = store.counter({ name: 'sign-in', points: signInsPerMinute, seconds: 60 });
  const signIns: Rule = {
    points: signInsPerMinute,
    count: (key) =>
      countSignIn(key).catch(() => {
        noteFailure();
        throw new Unavailable('Signing in is not possible right now; try again in a moment');
      }),
  };

  /** The rule with the least left decides, and is the one that the headers tell of. */
  const take = async (ctx: Context, name: string, key: string, rules: Rule[]): Promise<void> => {
    const taken = await Promise.all(
      rules.map(async ({ points, count }) => ({ points, ...(await count(key)) })),
    );
    const [least] = taken.toSorted(leastFirst);
    if (!least) return;
    const secondsLeft = Math.ceil(least.msLeft / 1000);
    ctx.set({
      'X-RateLimit-Limit': String(least.points),
      'X-RateLimit-Remaining': String(least.remaining),
      'X-RateLimit-Reset': String(Math.ceil((Date.now() + least.msLeft) / 1000)),
    });
    if (least.isAllowed) return;
    refused.inc({ limit: name });
    throw new Refusal(429, 'RATE_LIMITED', `Too many requests; try again in ${secondsLeft} s`, {
      headers: { 'Retry-After': String(secondsLeft) },
    });
  };

  return {
    async admit(ctx, sender) {
      const { state } = ctx;
      state.isCounted = true;
      const limit = state.route?.limit;
      if (limit === 'none') return;
      const address = networkOf(ctx.ip);
      const [name, key] = sender
        ? ['principal', `${sender.companyId}/${principalOf(sender)}`]
        : ['address', address];
      await take(ctx, name, key, general);
      if (limit !== 'sign-in') return;
      await take(ctx, 'sign-in', `${state.endpoint}/${address}`, [signIns]);
    },
  };
}

/**
 * What failed before its sender was known counts against the address: bad tokens, unknown paths and
 * hosts. Whoever sends too many of those is told 429 instead.
 */
export const countFailures =
  (limits: RateLimits): Middleware =>
  async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (!ctx.state.isCounted) await limits.admit(ctx, undefined);
      throw error;
    }
  };

/** Refusals first, the longest first. */
const leastFirst = (a: Taken, b: Taken): number =>
  Number(a.isAllowed) - Number(b.isAllowed) ||
  (a.isAllowed ? a.remaining - b.remaining : b.msLeft - a.msLeft);

/**
 * What one client can be told from: an IPv4 address, or the 64 bits that a network gives out of
 * IPv6. Text that is no address, which only a proxy that sets no header lets through, is one client.
 */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(ip)?.[1] ?? ip;
  if (isIPv4(mapped)) return mapped;
  if (!isIPv6(ip)) return 'unknown';
  const [head = '', tail = ''] = ip.replace(/%.*$/, '').split('::');
  const groups = (text: string): string[] => text.split(':').filter(Boolean);
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const network = [...before, ...zeros, ...after].slice(0, 4);
  return network.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
