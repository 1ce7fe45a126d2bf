import { BadRequest, invalidField } from '../errors.ts';
import { readBody, refuseForbiddenName } from './body.ts';
import type { Context, RequestState } from './state.ts';

/** What a request says and what is known of it, by whichever way it came. Read in this order. */
export interface Sent {
  /** What the checks found out. Its `params` may be what was sent, as text. */
  readonly state: RequestState;
  /** The HTTP request that brought it. */
  readonly ctx: Context;
  readonly query: () => unknown;
  readonly idempotencyKey: () => string | undefined;
  readonly expectedVersion: () => number | undefined;
  readonly body: () => Promise<unknown>;
}

/** A request of its own. */
export const sentByHttp = (ctx: Context): Sent => ({
  state: ctx.state,
  ctx,
  query: () => singleValues(ctx.querystring),
  idempotencyKey: () => keyIn(ctx.headers['idempotency-key']),
  expectedVersion: () => versionInHeader(ctx),
  body: () => readBody(ctx),
});

/** @throws BadRequest for what cannot be a key */
export function keyIn(sent: unknown): string | undefined {
  if (sent === undefined) return undefined;
  if (typeof sent !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(sent)) {
    throw new BadRequest('An Idempotency-Key has 1 to 255 printable characters');
  }
  return sent;
}

/** In one pass: Koa's own `query` looks through all of them once more for each that is repeated. */
function singleValues(queryString: string): unknown {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(queryString)) {
    refuseForbiddenName(name);
    if (values.has(name)) {
      throw invalidField(name.slice(0, 200), 'may be given only once', 'REPEATED');
    }
    values.set(name, value);
  }
  return Object.fromEntries(values);
}

function versionInHeader(ctx: Context): number | undefined {
  const header = ctx.headers['if-match'];
  if (header === undefined || header === '*') return undefined;
  // Many clients leave the quotes out. After the dash an ETag goes on with what was shown.
  const version = /^(?:W\/)?("?)(\d{1,9})(?:-[\w-]{1,40})?\1$/.exec(header)?.[2];
  if (version === undefined) throw new BadRequest('If-Match takes one version, such as "3"');
  return Number(version);
}
