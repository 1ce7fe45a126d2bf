import { Readable } from 'node:stream';
import type Joi from 'joi';
import { Replay } from '../commands/idempotency.ts';
import type { Permission } from '../rules/permissions.ts';
import { askerOf, reader, type Asked, type Asker } from './asked.ts';
import { answerList, answerOne, type Pagination } from './envelope.ts';
import type { ListQuery } from './listQuery.ts';
import type { Inner, Wire } from './schema.ts';
import { sentByHttp, type Sent } from './sent.ts';
import type { Context, RequestState } from './state.ts';

/** A role's permission, or one of the two doors that need none. */
export type Access = Permission | 'public' | 'signed-in';

/** What stands on a route besides its code: the router, OpenAPI and the access tests all read this. */
export interface RouteFacts {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the API prefix, `/plans/:id`, unless `root`. */
  readonly path: string;
  /** Stands outside the API prefix, like `/health/live`. */
  readonly root?: boolean;
  readonly permission: Access;
  readonly summary: string;
  readonly tag: string;
  /** The answer's sentence. */
  readonly message?: string;
  readonly status?: 200 | 201 | 202 | 204;
  /** What says of itself that it is a `dryRun` has begun nothing, and is answered with 200. */
  readonly dryRuns?: true;
  /** false: works without a tenant. 'optional': knows one if the address or the token names one. */
  readonly company?: false | 'optional';
  /**
   * Whether an Idempotency-Key is honoured or, where money moves, demanded: always, or of a company that
   * bills its premiums.
   */
  readonly idempotency?: 'optional' | 'required' | 'where-billed';
  /** A change that can be bound to the version the caller has seen. */
  readonly ifMatch?: true;
  /** Instead of a body in JSON: the fields of a multipart form that also brings `files`. */
  readonly upload?: Joi.AnySchema;
  /** The upload is one table in CSV, not documents. */
  readonly isTable?: true;
  /** The present state can refuse this read with 409. */
  readonly conflicts?: true;
  /** Valid input can still be refused with 422 by a rule that no schema states. */
  readonly businessRules?: boolean;
  /** `sign-in`: counted by itself too, few a minute from one address. `none`: monitoring, not counted. */
  readonly limit?: 'sign-in' | 'none';
  /** Older paths, from the root, with the same parameters: `/api/plans` for `/plans`. */
  readonly aliases?: readonly string[];
  /** This whole route is an older form of that path below the prefix. */
  readonly successor?: string;
  readonly examples?: { readonly body?: unknown; readonly answer?: unknown };
}

/** What came of a request, as it is shown. */
export interface Performed {
  readonly status: number;
  readonly message: string;
  /** One thing, or the rows of a page. */
  readonly data: unknown;
  readonly isReplay?: true;
  readonly pagination?: Pagination;
}

/** A declared route, its types closed over. */
export interface Route extends RouteFacts {
  readonly kind: 'one' | 'list' | 'raw';
  readonly schemas: Input & { readonly answer?: Joi.AnySchema | undefined };
  /** Those a raw answer can have. */
  readonly mediaTypes?: readonly string[];
  /** Carries out what is asked and has passed authentication and permission; a raw route cannot. */
  readonly perform?: (sent: Sent) => Promise<Performed>;
  /**
   * What the relations of many things lead to, in one query: each of `ids` presented, or of a list the
   * first rows that belong to each. What the sender may not see is not there. By the parameter that a
   * request would name one of them in.
   */
  readonly related?: Readonly<Record<string, Related>>;
  /** The same for an HTTP request, which it answers. */
  readonly run: (ctx: Context) => Promise<void>;
}

export type Related = (
  state: RequestState,
  ids: readonly string[],
  size: number,
) => Promise<ReadonlyMap<string, unknown>>;

/** The schemas a request is read with; one that is left out allows nothing to be sent. */
export interface Input<
  P extends Joi.AnySchema = Joi.AnySchema,
  Q extends Joi.AnySchema = Joi.AnySchema,
  B extends Joi.AnySchema = Joi.AnySchema,
> {
  readonly params?: P | undefined;
  readonly query?: Q | undefined;
  readonly body?: B | undefined;
}

export type Nothing = Joi.ObjectSchema<Record<never, never>>;

interface Handling<P extends Joi.AnySchema, Q extends Joi.AnySchema, B extends Joi.AnySchema, R>
  extends RouteFacts, Input<P, Q, B> {
  readonly handle: (asked: Asked<Inner<P>, Inner<Q>, Inner<B>>) => Promise<R> | R;
}

/** Answers with one thing, with what a command did, or with 204. `answer` presents in snake_case. */
export function route<
  P extends Joi.AnySchema = Nothing,
  Q extends Joi.AnySchema = Nothing,
  B extends Joi.AnySchema = Nothing,
  A extends Joi.AnySchema = Nothing,
  R = unknown,
>(
  declaration: Handling<P, Q, B, R | Replay> & {
    readonly answer?: (result: R) => Wire<A>;
    readonly answerSchema?: A;
    /** Several at once by their ids, as visible as `handle` makes one: for relations. */
    readonly several?: (
      asker: Asker,
      ids: readonly string[],
    ) => Promise<ReadonlyMap<string, NoInfer<R>>>;
  },
): Route {
  const { answer, answerSchema, handle, several, params, query, body, ...facts } = declaration;
  const { status = 200, message = 'OK' } = facts;
  const present = (result: R): unknown => answer?.(result);
  const read = reader<P, Q, B>(declaration, { status, message, present });

  const perform = async (sent: Sent): Promise<Performed> => {
    const result = await handle(await read(sent));
    if (result instanceof Replay) {
      return { status: result.status, message: result.message, data: result.data, isReplay: true };
    }
    if (status === 204) return { status, message, data: undefined };
    const isTrial = facts.dryRuns && isDryRun(result);
    return { status: isTrial ? 200 : status, message, data: present(result) };
  };

  return {
    ...facts,
    kind: 'one',
    schemas: { params, query, body, answer: answerSchema },
    perform,
    ...(several && {
      related: {
        id: async (state: RequestState, ids: readonly string[]) =>
          new Map(
            [...(await several(askerOf(state), ids))].map(([id, found]) => [id, present(found)]),
          ),
      },
    }),
    async run(ctx) {
      const performed = await perform(sentByHttp(ctx));
      if (performed.isReplay) ctx.set('Idempotent-Replayed', 'true');
      else if (status === 204) {
        ctx.status = 204;
        return;
      }
      answerOne(ctx, performed.status, performed.message, performed.data);
    },
  };
}

const isDryRun = (result: unknown): boolean =>
  typeof result === 'object' && result !== null && 'dryRun' in result && result.dryRun === true;

/** Answers with one page of what the query finds; `answer` presents each row. */
export function listRoute<
  Q extends Joi.AnySchema<Pick<ListQuery, 'page' | 'size'>>,
  A extends Joi.AnySchema,
  R,
  P extends Joi.AnySchema = Nothing,
>(
  declaration: Omit<
    Handling<
      P,
      Q,
      Nothing,
      { readonly items: readonly R[] } & Pick<Pagination, 'total' | 'nextCursor'>
    >,
    'method' | 'query'
  > & {
    readonly query: Q;
    readonly answer: (row: R) => Wire<A>;
    readonly answerSchema: A;
    /** The first rows of each of many things, by the parameter that names one of them. */
    readonly ofEach?: Readonly<
      Record<
        string,
        (
          asker: Asker,
          ids: readonly string[],
          size: number,
        ) => Promise<ReadonlyMap<string, readonly NoInfer<R>[]>>
      >
    >;
  },
): Route {
  const { answer, answerSchema, handle, ofEach, params, query, body, ...rest } = declaration;
  const facts = { ...rest, method: 'GET' } as const;
  const { message = 'OK' } = facts;
  const read = reader<P, Q, Nothing>({ ...facts, params, query, body });

  const performList = async (sent: Sent) => {
    const asked = await read(sent);
    const { items, total, nextCursor } = await handle(asked);
    const { page, size }: Pick<ListQuery, 'page' | 'size'> = asked.query;
    return {
      status: 200,
      message,
      data: items.map(answer),
      pagination: { page, size, total, nextCursor },
    };
  };

  const related = Object.entries(ofEach ?? {}).map(([parameter, firstOfEach]) => {
    const load: Related = async (state, ids, size) => {
      const found = await firstOfEach(askerOf(state), ids, size);
      return new Map([...found].map(([id, rows]) => [id, rows.map(answer)]));
    };
    return [parameter, load] as const;
  });

  return {
    ...facts,
    kind: 'list',
    schemas: { params, query, body, answer: answerSchema },
    perform: performList,
    related: Object.fromEntries(related),
    async run(ctx) {
      const { data, pagination } = await performList(sentByHttp(ctx));
      answerList(ctx, message, data, pagination);
    },
  };
}

type Content = string | Buffer | Readable;

/** Content that says itself what it is. */
export interface Served {
  readonly content: Content;
  readonly mediaType: string;
  /** Of a file that is to be saved, not shown. */
  readonly fileName?: string;
  /** In bytes. */
  readonly size?: number;
}

const isServed = (handled: Content | Served): handled is Served =>
  typeof handled === 'object' && 'mediaType' in handled;

/**
 * Answers with bytes or text of a media type of its own, without an envelope: files, pages, metrics.
 * Where it depends on the query, or on what is served, `mediaTypes` names all of them. What a stream
 * cannot go on with cuts the answer off.
 */
export function rawRoute<
  P extends Joi.AnySchema = Nothing,
  Q extends Joi.AnySchema = Nothing,
  B extends Joi.AnySchema = Nothing,
>(
  declaration: Handling<P, Q, B, Content | Served> &
    (
      | { readonly mediaType: string }
      | { readonly mediaType?: undefined; readonly mediaTypes: readonly string[] }
      | {
          readonly mediaType: (query: Inner<Q>) => string;
          readonly mediaTypes: readonly string[];
        }
    ),
): Route {
  const { handle, params, query, body, mediaType, ...facts } = declaration;
  const read = reader<P, Q, B>(declaration);

  return {
    ...facts,
    ...(typeof mediaType === 'string' && { mediaTypes: [mediaType] }),
    kind: 'raw',
    schemas: { params, query, body },
    async run(ctx) {
      const asked = await read(sentByHttp(ctx));
      const handled = await handle(asked);
      const declared = typeof mediaType === 'function' ? mediaType(asked.query) : mediaType;
      const served: Served = isServed(handled)
        ? handled
        : { content: handled, mediaType: declared ?? 'application/octet-stream' };
      const { content } = served;
      ctx.status = facts.status ?? 200;
      ctx.body = content;
      if (served.fileName !== undefined) attach(ctx, served.fileName);
      if (served.size !== undefined) ctx.length = served.size;
      ctx.type = served.mediaType;
      if (content instanceof Readable) {
        content.once('error', (error) => {
          ctx.app.emit('error', error, ctx);
          ctx.res.destroy(error);
        });
      }
    },
  };
}

/** Server-sent events. */
export const eventStream = 'text/event-stream';

/** Whatever a browser takes the file for, it gets nothing to run it with. */
function attach(ctx: Context, fileName: string): void {
  ctx.attachment(fileName);
  ctx.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; sandbox");
}
