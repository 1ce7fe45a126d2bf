import type Joi from 'joi';
import { acceptedEndings, uploadLimits } from '../rules/documents.ts';
import { scopesFor } from '../rules/permissions.ts';
import { eventStream, type Route } from './route.ts';
import { canonicalPath } from './router.ts';
import { jsonSchemaOf } from './schema.ts';

type Json = Readonly<Record<string, unknown>>;

export interface DocumentOptions {
  readonly prefix: string;
  readonly title: string;
  readonly version: string;
}

/** The OpenAPI 3.1 document of the declared routes, older paths included. */
export function openApiDocument(
  routes: readonly Route[],
  { prefix, title, version }: DocumentOptions,
): Json {
  const schemas = new Map(Object.entries(envelopeSchemas));
  const paths: Record<string, Record<string, Json>> = {};
  const add = (path: string, route: Route, isOlder: boolean): void => {
    const template = path.replace(/:(\w+)/g, '{$1}');
    (paths[template] ??= {})[route.method.toLowerCase()] = operation(route, {
      id: `${route.method.toLowerCase()}${template.replace(/\W+/g, '_')}`,
      isOlder,
      schemas,
    });
  };
  for (const route of routes) {
    add(canonicalPath(route, prefix), route, route.successor !== undefined);
    for (const alias of route.aliases ?? []) add(alias, route, true);
  }

  return {
    openapi: '3.1.0',
    info: { title, version },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      parameters,
      headers,
      responses: Object.fromEntries(
        Object.entries(refusals).map(([status, description]) => [
          `Refusal${status}`,
          { description, headers: headersOf(status), content: json(ref('Refusal')) },
        ]),
      ),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
    },
  };
}

function operation(
  route: Route,
  { id, isOlder, schemas }: { id: string; isOlder: boolean; schemas: Map<string, Json> },
): Json {
  const { permission, businessRules, examples, upload, isTable } = route;
  const { params, query, body } = route.schemas;
  return {
    operationId: id,
    summary: route.summary,
    tags: [route.tag],
    ...(isOlder && { deprecated: true }),
    ...(businessRules && { 'x-business-rules': true }),
    ...(upload && { 'x-upload': true }),
    'x-permission': permission,
    security: [
      ...(permission === 'public' ? [{}] : []),
      { bearer: [] },
      ...(mayBeOfKey(route) ? [{ apiKey: [] }] : []),
    ],
    parameters: [
      ...fieldsOf(params).map((field) => ({ ...field, in: 'path', required: true })),
      ...fieldsOf(query).map((field) => ({ ...field, in: 'query' })),
      ...headerNames(route).map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ],
    ...(body && {
      requestBody: {
        // What is not sent is read as an object without fields.
        required: body.validate({}).error !== undefined,
        content: json(component(body, schemas), examples?.body),
      },
    }),
    ...(upload && { requestBody: { required: true, content: multipart(upload, isTable) } }),
    responses: { ...success(route, schemas), ...refused(route) },
  };
}

/** What is for people alone takes no key. */
function mayBeOfKey({ permission, company }: Route): boolean {
  if (permission === 'public') return company !== false;
  return permission !== 'signed-in' && scopesFor(permission).length > 0;
}

function success(route: Route, schemas: Map<string, Json>): Json {
  const { kind, mediaTypes = [], message = 'OK', examples } = route;
  const status = route.status ?? 200;
  if (kind === 'raw') {
    const rawContent =
      examples?.answer === undefined
        ? {}
        : { schema: { type: 'string' }, example: examples.answer };
    const content = Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, rawContent]));
    return { [status]: { description: message, content } };
  }
  if (status === 204) return { 204: { description: 'Done, nothing to show' } };

  const { answer } = route.schemas;
  const data = answer ? component(answer, schemas) : {};
  const sample = { success: true, message, ...exampleOrigin };
  const [schema, example] =
    kind === 'list'
      ? [
          { allOf: [ref('Page'), { properties: { items: { type: 'array', items: data } } }] },
          { ...sample, items: [examples?.answer], pagination: examplePagination },
        ]
      : [
          { allOf: [ref('Success'), { properties: { data } }] },
          { ...sample, data: examples?.answer },
        ];
  const answered = {
    description: message,
    headers: headersOf(String(status)),
    content: json(schema, examples?.answer === undefined ? undefined : example),
  };
  return {
    ...(route.dryRuns && { 200: { ...answered, description: 'A dry run: nothing was begun' } }),
    [status]: answered,
    ...(route.method === 'GET' &&
      kind === 'one' && { 304: { description: 'Still the version the caller has' } }),
  };
}

/** The refusals that can happen on a route, as references. */
function refused(route: Route): Json {
  const { method, permission, company, schemas, kind, limit, conflicts } = route;
  const hasBody = schemas.body !== undefined || route.upload !== undefined;
  const happens: Readonly<Record<string, boolean>> = {
    400: true,
    401: true,
    403: permission !== 'public' && (permission !== 'signed-in' || method !== 'GET'),
    404: company !== false || schemas.params !== undefined,
    405: true,
    406: isEventStream(route),
    409: method !== 'GET' || conflicts === true,
    413: hasBody,
    414: true,
    415: hasBody,
    422: true,
    429: limit !== 'none',
    500: true,
    503: kind !== 'raw' || company !== false,
  };
  return Object.fromEntries(
    Object.entries(happens)
      .filter(([, can]) => can)
      .map(([status]) => [status, { $ref: `#/components/responses/Refusal${status}` }]),
  );
}

/** A schema with an id becomes a component that is referred to; others are written where they stand. */
function component(schema: Joi.AnySchema, schemas: Map<string, Json>): Json {
  const { $defs = {}, ...own } = movedDefinitions(jsonSchemaOf(schema));
  for (const [name, definition] of Object.entries($defs)) schemas.set(name, definition);
  const name = schema._flags['id'];
  if (typeof name !== 'string') return own;
  schemas.set(name, own);
  return ref(name);
}

interface ObjectJson extends Json {
  readonly $defs?: Readonly<Record<string, Json>>;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
}

const movedDefinitions = (schema: Json): ObjectJson =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));

function fieldsOf(schema: Joi.AnySchema | undefined): Json[] {
  if (!schema) return [];
  const { properties, required } = movedDefinitions(jsonSchemaOf(schema));
  return Object.entries(properties ?? {}).map(([name, { description, ...field }]) => ({
    name,
    ...(description !== undefined && { description }),
    required: required?.includes(name) ?? false,
    schema: field,
  }));
}

const isEventStream = ({ mediaTypes }: Route): boolean =>
  mediaTypes?.includes(eventStream) ?? false;

function headerNames(route: Route): string[] {
  const { idempotency, ifMatch, company } = route;
  return [
    'XRequestId',
    ...(company === false ? [] : ['XCompanyId']),
    ...(idempotency === 'optional' ? ['IdempotencyKey'] : []),
    ...(idempotency === 'required' ? ['IdempotencyKeyRequired'] : []),
    ...(idempotency === 'where-billed' ? ['IdempotencyKeyWhereBilled'] : []),
    ...(ifMatch ? ['IfMatch'] : []),
    ...(isEventStream(route) ? ['LastEventId'] : []),
  ];
}

const requestId = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{7,99}$' };

const headers = {
  'X-Request-ID': { schema: requestId },
  'X-RateLimit-Limit': { schema: { type: 'integer' } },
  'X-RateLimit-Remaining': { schema: { type: 'integer' } },
  'X-RateLimit-Reset': {
    description: 'When all is allowed again, in seconds since 1970',
    schema: { type: 'integer' },
  },
  Allow: { schema: { type: 'string' } },
  'Retry-After': { schema: { type: 'integer' } },
};

const limitHeaders = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'];

const headersOf = (status: string): Json =>
  Object.fromEntries(
    [
      'X-Request-ID',
      ...(status.startsWith('2') || status === '429' ? limitHeaders : []),
      ...(status === '405' ? ['Allow'] : []),
      ...(['429', '503'].includes(status) ? ['Retry-After'] : []),
    ].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );

const json = (schema: Json, example?: unknown): Json => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
});

/** The fields of the form and its files, whose field stands in no schema: their content is no text. */
function multipart(form: Joi.AnySchema, isTable = false): Json {
  const { properties, required = [], ...rest }: ObjectJson = movedDefinitions(jsonSchemaOf(form));
  const maxItems = isTable ? 1 : uploadLimits.files;
  const files = {
    type: 'array',
    items: { type: 'string', format: 'binary' },
    minItems: 1,
    maxItems,
    description: `Up to ${uploadLimits.fileBytes / 1024 / 1024} MB each: ${isTable ? 'CSV' : acceptedEndings.join(', ')}`,
  };
  const schema = {
    ...rest,
    required: [...required, 'files'],
    properties: { ...properties, files },
  };
  return { 'multipart/form-data': { schema } };
}

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const refusals = {
  400: 'The request is malformed, or the host is not served here',
  401: 'No access token where one is needed, or one that is not valid any more',
  403: 'The role does not allow this',
  404: 'There is no such thing in this company',
  405: 'This method is not possible here',
  406: 'A stream of events is for whoever accepts one',
  409: 'The current state does not allow this, or somebody was faster',
  413: 'The body is larger than 1 MB, or an upload has too many files or too large ones',
  414: 'The address is longer than 8192 characters',
  415: 'The body is not application/json, or of an upload not multipart, or a file is not of a type that is taken',
  422: 'Some fields are not valid',
  429: 'Too many requests; try again after Retry-After seconds',
  500: 'A fault on our side',
  503: 'A part this needs is away; try again after Retry-After seconds',
} as const;

const timestamp = { type: 'string', format: 'date-time' };
const count = { type: 'integer', minimum: 0 };
const exampleOrigin = {
  timestamp: '2026-01-31T09:30:00.000Z',
  request_id: 'req_0199a7c2-6d1e-7c3a-9f10-2b7d3c5e8a41',
};
const examplePagination = {
  page: 1,
  size: 20,
  total: 1,
  pages: 1,
  has_next: false,
  has_prev: false,
};

const objectOf = (properties: Json, optional: readonly string[] = []): Json => ({
  type: 'object',
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
});

const envelopeSchemas = {
  Success: objectOf({
    success: { const: true },
    message: { type: 'string' },
    data: {},
    timestamp,
    request_id: requestId,
  }),
  Page: objectOf({
    success: { const: true },
    message: { type: 'string' },
    items: { type: 'array' },
    pagination: ref('Pagination'),
    timestamp,
    request_id: requestId,
  }),
  Pagination: objectOf(
    {
      page: count,
      size: count,
      total: count,
      pages: count,
      has_next: { type: 'boolean' },
      has_prev: { type: 'boolean' },
      next_cursor: {
        type: ['string', 'null'],
        description: 'Of lists that are also walked by cursor',
      },
    },
    ['next_cursor'],
  ),
  Refusal: objectOf(
    {
      success: { const: false },
      error: { type: 'string' },
      code: { type: 'string', pattern: '^[A-Z][A-Z0-9_]*$' },
      message: { type: 'string' },
      details: { type: 'array', items: ref('FieldProblem') },
      timestamp,
      request_id: requestId,
      stack_trace: { type: 'string', description: 'In development only' },
    },
    ['stack_trace'],
  ),
  FieldProblem: objectOf({
    field: { type: 'string' },
    message: { type: 'string' },
    code: { type: 'string' },
  }),
} as const;

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
};

const parameters = {
  XRequestId: {
    name: 'X-Request-ID',
    in: 'header',
    description:
      'Names the request in the answer and in our logs: 8 to 100 letters, digits, dots, dashes and underscores; anything else is replaced',
    schema: { type: 'string' },
  },
  XCompanyId: {
    name: 'X-Company-Id',
    in: 'header',
    description: 'The company a global administrator enters',
    schema: { type: 'string', format: 'uuid' },
  },
  IdempotencyKey: {
    ...idempotencyKey,
    description: 'Repeating a request with its key answers again and has no second effect',
  },
  IdempotencyKeyRequired: {
    ...idempotencyKey,
    required: true,
    description: 'Money moves here: a repetition carries the same key and has no second effect',
  },
  IdempotencyKeyWhereBilled: {
    ...idempotencyKey,
    description:
      'Needed where the company bills its premiums, since money moves then; a repetition carries the same key and has no second effect',
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'The version or ETag the change is meant for; 409 if there is a newer version',
    schema: {
      type: 'string',
      pattern: '^(\\*|(W/)?("[0-9]{1,9}(-[A-Za-z0-9_-]{1,40})?"|[0-9]{1,9}))$',
    },
  },
  LastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'Of the last event that has arrived: what came since is told first',
    schema: { type: 'string', format: 'uuid' },
  },
} as const;
