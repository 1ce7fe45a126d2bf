import { lookup as lookUp, type LookupAddress } from 'node:dns';
import http, { type ClientRequest, type RequestOptions } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { errorCode } from '../errors.ts';
import { urlProblem } from '../rules/webhooks.ts';
import { isPublicAddress } from './publicAddresses.ts';

export interface WebhookMessage {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came of it: the status that was answered, or a code for why there was none. */
export type WebhookOutcome =
  | { readonly status: number }
  | { readonly error: 'ADDRESS_REFUSED' | 'TIMEOUT' | 'ANSWER_TOO_LONG' | 'CONNECTION_FAILED' };

export type SendWebhook = (message: WebhookMessage) => Promise<WebhookOutcome>;

/** All the addresses that a name has at present. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export interface WebhookSending {
  /** Origins that are not looked at, for development: `http://127.0.0.1:4000`. */
  readonly allowedOrigins: readonly string[];
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
}

const mostBytes = 64 * 1024;

/**
 * Posts to addresses that clients have chosen: never into a network of ours. Every address of the host
 * is looked at when the connection is made, which then goes to the one that was looked at and nowhere
 * else; redirects are not followed, and nobody is shown the answer.
 */
export function outgoingWebhooks({
  allowedOrigins,
  timeoutMs = 15_000,
  resolve = resolveAll,
}: WebhookSending): SendWebhook {
  return async ({ url: address, headers, body }) => {
    const url = new URL(address);
    const isAllowed = allowedOrigins.includes(url.origin);
    if (urlProblem(url, allowedOrigins) || !(isAllowed || mayBePublic(url))) return refused;
    const options: RequestOptions = {
      method: 'POST',
      headers: {
        ...headers,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        'User-Agent': 'Surety-Webhooks/1',
      },
      // A connection that is kept was looked at long ago.
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      ...(!isAllowed && { lookup: publicLookup(resolve) }),
    };
    const isSecure = url.protocol === 'https:';
    return outcomeOf(isSecure ? https.request(url, options) : http.request(url, options), body);
  };
}

/** A literal address is never looked up. */
export function mayBePublic({ hostname }: URL): boolean {
  const literal = hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) === 0 || isPublicAddress(literal);
}

const refused: WebhookOutcome = { error: 'ADDRESS_REFUSED' };

const outcomeOf = (sending: ClientRequest, body: string): Promise<WebhookOutcome> =>
  new Promise((resolve) => {
    const settle = (outcome: WebhookOutcome): void => {
      resolve(outcome);
      sending.destroy();
    };
    sending.on('error', (error) => settle({ error: failureOf(error) }));
    const unanswered = (): void => settle({ error: 'CONNECTION_FAILED' });
    sending.on('close', unanswered);
    sending.on('response', (response) => {
      // A connection may close before what came through it has been read.
      sending.off('close', unanswered);
      const status = response.statusCode ?? 0;
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > mostBytes) settle({ error: 'ANSWER_TOO_LONG' });
      });
      response.on('end', () => settle({ status }));
      response.on('error', (error) => settle({ error: failureOf(error) }));
      response.on('close', () => settle({ error: 'CONNECTION_FAILED' }));
    });
    sending.end(body);
  });

function failureOf(error: Error): 'ADDRESS_REFUSED' | 'TIMEOUT' | 'CONNECTION_FAILED' {
  if (errorCode(error) === 'ADDRESS_REFUSED') return 'ADDRESS_REFUSED';
  return error.name === 'TimeoutError' || errorCode(error) === 'ABORT_ERR'
    ? 'TIMEOUT'
    : 'CONNECTION_FAILED';
}

/** Hands the connection one address, and only if every address of the name is public. */
const publicLookup =
  (resolve: Resolve): LookupFunction =>
  (host, options, done) => {
    resolve(host).then(
      (found) => {
        const [first] = found;
        if (!first || !found.every(({ address }) => isPublicAddress(address))) {
          const error = Object.assign(new Error('No public address'), { code: 'ADDRESS_REFUSED' });
          done(error, '', 0);
        } else if (options.all) {
          done(null, [first]);
        } else {
          done(null, first.address, first.family);
        }
      },
      (error: NodeJS.ErrnoException) => done(error, '', 0),
    );
  };

const resolveAll: Resolve = (host) =>
  new Promise((resolve, reject) => {
    lookUp(host, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });
