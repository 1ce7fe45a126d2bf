import { bodyParser } from '@koa/bodyparser';
import { BadRequest, Invalid, Refusal, errorCode } from '../errors.ts';
import { isCleanText } from './ownTypes.ts';
import type { Context } from './state.ts';

/**
 * The JSON body, `{}` where none was sent. Read only after the caller may do what is asked, so that
 * strangers cannot make us parse.
 * @throws Refusal 400 malformed, 413 over 1 MB, 415 not plain JSON, 422 text nothing can store
 */
export async function readBody(ctx: Context): Promise<unknown> {
  if (ctx.headers['content-length'] === '0') return {};
  if (ctx.request.is('application/json') === false) {
    throw new Refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json');
  }
  if ((ctx.get('Content-Encoding') || 'identity') !== 'identity') {
    throw new Refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'Compressed bodies are not accepted');
  }
  await parse(ctx, async () => {});
  const { body } = ctx.request;
  checkShape(body, '', 1, { values: mostValues });
  return body ?? {};
}

/** The fields of a form, as text: what no schema needs to think of. */
export const checkFields = (fields: unknown): void =>
  checkShape(fields, '', 1, { values: mostValues });

/** Names that reach into prototypes wherever an object is copied key by key. */
export function refuseForbiddenName(name: string): void {
  if (forbiddenNames.has(name)) throw new BadRequest(`A field cannot be named ${name}`);
}

const parse = bodyParser({
  enableTypes: ['json'],
  jsonLimit: '1mb',
  parsedMethods: ['POST', 'PUT', 'PATCH', 'DELETE'],
  onError: (error) => {
    if ('type' in error && error.type === 'entity.too.large') {
      throw new Refusal(413, 'PAYLOAD_TOO_LARGE', 'A body may have up to 1 MB', {
        headers: { Connection: 'close' },
      });
    }
    if (error instanceof SyntaxError) throw new BadRequest('The body is not valid JSON');
    if (errorCode(error) === 'ECONNABORTED') throw new BadRequest('The body was cut off');
    throw new BadRequest('The body could not be read');
  },
});

const deepest = 32;
const mostValues = 20_000;
const forbiddenNames = new Set(['__proto__', 'constructor', 'prototype']);

/** What no schema needs to think of. The schema itself comes after this and may count on it. */
function checkShape(value: unknown, path: string, depth: number, left: { values: number }): void {
  if (--left.values < 0) throw new BadRequest(`A body may hold up to ${mostValues} values`);
  if (typeof value === 'string' && !isCleanText(value)) throw unclean(path);
  if (typeof value !== 'object' || value === null) return;
  if (depth > deepest) throw new BadRequest(`A body may be nested up to ${deepest} levels`);
  for (const [key, part] of Object.entries(value)) {
    refuseForbiddenName(key);
    if (!isCleanText(key)) throw unclean(path);
    checkShape(part, path ? `${path}.${key}` : key, depth + 1, left);
  }
}

const unclean = (path: string): Invalid =>
  new Invalid([
    {
      field: path.slice(0, 200),
      message: 'must not contain NUL or lone surrogates',
      code: 'INVALID_FORMAT',
    },
  ]);
