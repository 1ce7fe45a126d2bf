import { createHash } from 'node:crypto';
import type { Refusal } from '../errors.ts';
import type { Context } from './state.ts';

export interface Pagination {
  readonly page: number;
  readonly size: number;
  readonly total: number;
  /** Of lists that are also walked by cursor; null at their end. */
  readonly nextCursor?: string | null | undefined;
}

/**
 * One thing, or the outcome of a command. Where `data` has a version, the ETag is that version and a
 * digest of all that is shown: a workflow's step changes the answer but not the version of the edits.
 */
export function answerOne(ctx: Context, status: number, message: string, data: unknown): void {
  const version = versionOf(data);
  if (version !== undefined) ctx.set('ETag', `"${version}-${digest(data)}"`);
  write(ctx, status, { success: true, message, data: data ?? null });
}

export const answerList = (
  ctx: Context,
  message: string,
  items: readonly unknown[],
  pagination: Pagination,
): void =>
  write(ctx, 200, { success: true, message, items, pagination: presentPagination(pagination) });

export function presentPagination({ page, size, total, nextCursor }: Pagination) {
  const pages = Math.ceil(total / size);
  return {
    page,
    size,
    total,
    pages,
    has_next: nextCursor === undefined ? page < pages : nextCursor !== null,
    has_prev: page > 1,
    ...(nextCursor !== undefined && { next_cursor: nextCursor }),
  };
}

/** `stack` only where the caller is a developer. Facts cannot hide the envelope's own fields. */
export function answerRefusal(ctx: Context, refusal: Refusal, stack?: string): void {
  const { status, code, message, details, facts, headers } = refusal;
  ctx.set({ ...headers });
  write(ctx, status, {
    ...facts,
    success: false,
    error: errorNames[status] ?? (status < 500 ? 'Bad Request' : 'Internal Server Error'),
    code,
    message,
    details,
    ...(stack !== undefined && { stack_trace: stack }),
  });
}

const errorNames: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  413: 'Payload Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};

/** Text is written here once; as an object Koa and the compressor would each serialise it to measure it. */
function write(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.type = 'application/json; charset=utf-8';
  ctx.body = JSON.stringify({
    ...body,
    timestamp: new Date().toISOString(),
    request_id: ctx.state.requestId,
  });
}

const versionOf = (data: unknown): number | undefined =>
  typeof data === 'object' && data !== null && 'version' in data && typeof data.version === 'number'
    ? data.version
    : undefined;

/** Of the content, whatever the order of its fields: a stored answer comes back in another one. */
const digest = (data: unknown): string =>
  createHash('sha256').update(JSON.stringify(data, inOrder)).digest('base64url').slice(0, 16);

const inOrder = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;
