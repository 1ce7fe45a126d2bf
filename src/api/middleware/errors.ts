import { ConnectionError, DatabaseError } from 'sequelize';
import { principalOf, type Actor } from '../../context.ts';
import { Refusal, Unavailable, errorCode } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { answerRefusal } from '../envelope.ts';
import { isUuid } from '../ownTypes.ts';
import type { Context, Middleware } from '../state.ts';

/** What a security event says about a request that was denied. */
export interface DeniedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly route: string | undefined;
  readonly permission: string | undefined;
  /** Only if it can be the id of something: the audit keeps no text of strangers. */
  readonly objectId: string | undefined;
  readonly actor: Actor | undefined;
  readonly companyId: string | undefined;
  readonly ip: string;
  readonly userAgent: string;
}

/** Records a 401 or 403, in a transaction of its own: the request's has been rolled back. */
export type OnDenied = (refusal: Refusal, request: DeniedRequest) => Promise<void>;

interface Telling {
  readonly log: Logger;
  readonly onDenied: OnDenied;
}

/** What a request, or one operation of it, was refused by. */
export type Settle = (error: unknown, of: RefusedRequest) => Promise<Refusal>;
type RefusedRequest = Pick<Context, 'state' | 'method' | 'ip' | 'headers'>;

/**
 * The one place where what was thrown becomes a refusal, which is told as it is; a database that is
 * away becomes 503, everything else is our bug: logged, and 500. Denials are recorded.
 */
export const settling =
  ({ log, onDenied }: Telling): Settle =>
  async (thrown, of) => {
    const refusal = refusalOf(thrown);
    if (refusal.status >= 500) log.error({ err: thrown, code: refusal.code }, 'request failed');
    if (refusal.status === 401 || refusal.status === 403) {
      const request = denied(of);
      log.warn({ stream: 'security', code: refusal.code, ...told(request) }, 'denied');
      await onDenied(refusal, request).catch((cause: unknown) =>
        log.error({ err: cause }, 'a denial could not be recorded'),
      );
    }
    return refusal;
  };

/** Answers with what a request was refused by. */
export const errors =
  ({ settle, showStack }: { settle: Settle; showStack: boolean }): Middleware =>
  async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const refusal = await settle(error, ctx);
      const stack = showStack && error instanceof Error ? error.stack : undefined;
      answerRefusal(ctx, refusal, stack);
    }
  };

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (isDatabaseAway(error)) return new Unavailable('The database cannot be reached right now');
  return new Refusal(500, 'INTERNAL_ERROR', 'Something went wrong on our side');
}

/** No connection to be had (Sequelize counts the pool's timeout among these), or one that was cut. */
function isDatabaseAway(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  const isOfStatement = error instanceof DatabaseError;
  const code = errorCode(isOfStatement ? error.original : error);
  // The server gives every failure a code: one without was never answered.
  if (isOfStatement && code === undefined) return true;
  return code !== undefined && (code.startsWith('08') || awayCodes.has(code));
}

const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  '40001', // conflicts with others, three times in a row
  '40P01', // a deadlock, three times in a row
  '53300', // too many connections
  '55P03', // a lock that was not given in time
  '57014', // statement timeout
  '57P01', // shut down by an administrator
  '57P02', // crashed
  '57P03', // starting up
]);

/** Ids only: what a stranger sent stays out of the log. */
const told = ({ method, route, permission, actor, companyId, objectId }: DeniedRequest) => ({
  method,
  route: route ?? 'unmatched',
  permission: permission ?? null,
  principal: actor ? principalOf(actor) : null,
  company: companyId ?? null,
  id: objectId ?? null,
});

function denied({ state, method, ip, headers }: RefusedRequest): DeniedRequest {
  const { id } = state.params ?? {};
  return {
    requestId: state.requestId,
    method,
    route: state.endpoint,
    permission: state.route?.permission,
    objectId: id !== undefined && isUuid(id) ? id.toLowerCase() : undefined,
    actor: state.visitor,
    companyId: state.company?.id ?? state.visitor?.companyId,
    ip,
    userAgent: (headers['user-agent'] ?? '').slice(0, 255),
  };
}
