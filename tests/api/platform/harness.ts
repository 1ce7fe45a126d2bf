import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type Koa from 'koa';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { ConnectionAcquireTimeoutError, ConnectionRefusedError } from 'sequelize';
import supertest from 'supertest';
import { createApp, type AppDependencies } from '../../../src/api/app.ts';
import { listQuery } from '../../../src/api/listQuery.ts';
import type { DeniedRequest } from '../../../src/api/middleware/errors.ts';
import { createMetrics } from '../../../src/api/middleware/metrics.ts';
import { listRoute, route, type Route } from '../../../src/api/route.ts';
import {
  array,
  boolean,
  calendarDate,
  email,
  freeForm,
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  positiveMoney,
  text,
} from '../../../src/api/schema.ts';
import type { RequestState } from '../../../src/api/state.ts';
import { Replay } from '../../../src/commands/idempotency.ts';
import { Conflict, NotFound, Unauthenticated, type Refusal } from '../../../src/errors.ts';
import { roleCodes, type Role } from '../../../src/rules/permissions.ts';

export const companyId = '0199a7c2-0000-7000-8000-000000000001';
export const planId = '0199a7c2-0000-7000-8000-00000000000a';
const userId = '0199a7c2-0000-7000-8000-0000000000aa';
const issuer = 'http://surety.test';
const audience = 'surety-api';
const prefix = '/api/v1';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const publicPem = publicKey.export({ type: 'spki', format: 'pem' });

/** The app with a few declared routes; everything below the API is replaced by memory. */
export function buildApp(changes: Partial<AppDependencies> = {}) {
  const denials: { refusal: Refusal; request: DeniedRequest }[] = [];
  const accessLines: Record<string, unknown>[] = [];
  const keep = { write: (line: string) => void accessLines.push(JSON.parse(line)) };
  const dependencies: AppDependencies = {
    config: {
      apiPrefix: prefix,
      corsOrigins: ['http://localhost:8080'],
      trustProxy: false,
    },
    log: pino({ level: 'silent' }),
    access: pino({}, keep),
    metrics: createMetrics(),
    about: { name: 'Surety', version: '1.2.3', features: async () => ({ billing: false }) },
    probes: { database: async () => ({ pool: 3 }) },
    vital: ['database'],
    watched: ['audit'],
    lifecycle: { isStopping: false },
    tokens: {
      algorithm: 'RS256',
      audience,
      issuer,
      keyFor: async (): Promise<KeyObject> => publicKey,
    },
    sessions: {
      async actorOf(payload) {
        const { sub, role }: { sub?: string; role?: string } = { ...Object(payload) };
        if (sub !== userId) throw new Unauthenticated('This session has ended; sign in again');
        const roles = roleCodes.filter((code) => code === role);
        return { type: 'user', userId, companyId, roles, sessionId: null };
      },
    },
    apiKeys: {
      async actorOf() {
        throw new Unauthenticated('The API key is not valid');
      },
    },
    companies: {
      byHost: async (host) => (host === 'acme.example' ? company : undefined),
      isAllowedHost: async (host) => ['127.0.0.1', 'acme.example'].includes(host),
      async resolve({ host }) {
        if (host !== '127.0.0.1') throw new NotFound('No company belongs', 'TENANT_UNKNOWN');
        return company;
      },
    },
    onDenied: async (refusal, request) => void denials.push({ refusal, request }),
    routes: sampleRoutes(),
    ...changes,
  };
  const app: Koa<RequestState> = createApp(dependencies);
  return { app, denials, accessLines, dependencies, api: supertest(app.callback()) };
}

export const tokenFor = (role: Role, changes: { aud?: string; sub?: string; exp?: string } = {}) =>
  new SignJWT({ role })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(changes.aud ?? audience)
    .setSubject(changes.sub ?? userId)
    .setExpirationTime(changes.exp ?? '5m')
    .sign(privateKey);

export const bearer = async (role: Role) => `Bearer ${await tokenFor(role)}`;

const company = {
  id: companyId,
  code: 'acme',
  name: 'Acme',
  timeZone: 'Europe/Berlin',
  currency: 'EUR',
  status: 'active',
  settings: {},
} as const;

const planFields = {
  name: text(50),
  premium: positiveMoney(),
  coverage_level: oneOf('basic', 'standard'),
  starts_on: optional(calendarDate()),
  contact: optional(email()),
  tags: optional(array(text(10), { max: 3 })),
  settings: optional(freeForm()),
  is_active: boolean().default(true),
};

export const createPlan = object({ ...planFields, version: optional(integer(1, 1_000_000)) }).id(
  'CreatePlan',
);

export const planSchema = object({
  id: id(),
  name: text(50),
  premium: money(),
  is_active: boolean(),
  archived_at: nullable(instant()),
  version: integer(1, 1_000_000),
}).id('Plan');

interface Plan {
  readonly id: string;
  readonly name: string;
  readonly premium: string;
  readonly isActive: boolean;
}

const presentPlan = (plan: Plan) => ({
  id: plan.id,
  name: plan.name,
  premium: plan.premium,
  is_active: plan.isActive,
  archived_at: null,
  version: 3,
});

const plan: Plan = { id: planId, name: 'Home', premium: '120.00', isActive: true };
const planPath = object({ id: id() });
const answerExample = presentPlan(plan);

export const sampleRoutes = (): Route[] => {
  const seen = new Set<string>();
  const tag = 'Plans';
  return [
    listRoute({
      path: '/plans',
      permission: 'public',
      summary: 'Plans on sale',
      tag,
      aliases: ['/api/plans'],
      query: listQuery({
        filters: { min_premium: money(), coverage_level: oneOf('basic', 'standard') },
        sorts: ['created_at', 'premium'],
        defaultSort: '-created_at',
      }),
      answer: (row: Plan & { asked?: unknown }) => presentPlan(row),
      answerSchema: planSchema,
      examples: { answer: answerExample },
      handle: ({ query }) => ({
        items: [{ ...plan, name: `${query.sortBy} ${query.sortOrder} ${query.size}` }],
        total: 41,
      }),
    }),
    route({
      method: 'POST',
      path: '/plans',
      permission: 'plan:write',
      summary: 'Adds a plan',
      tag,
      status: 201,
      message: 'Plan created',
      idempotency: 'optional',
      businessRules: true,
      aliases: ['/api/plans'],
      body: createPlan,
      answer: presentPlan,
      answerSchema: planSchema,
      examples: {
        body: { name: 'Home', premium: '120.00', coverage_level: 'basic' },
        answer: answerExample,
      },
      handle({ body, once }): Plan | Replay {
        if (once.key !== undefined && seen.has(once.key)) {
          return new Replay(once.status, once.present({ ...plan, ...body }), once.message);
        }
        if (once.key !== undefined) seen.add(once.key);
        return { ...plan, ...body };
      },
    }),
    route({
      method: 'GET',
      path: '/plans/:id',
      permission: 'public',
      summary: 'One plan',
      tag,
      aliases: ['/api/plans/:id'],
      params: planPath,
      answer: presentPlan,
      answerSchema: planSchema,
      handle({ params }) {
        if (params.id !== planId) throw new NotFound(`There is no plan ${params.id}`);
        return plan;
      },
    }),
    route({
      method: 'PATCH',
      path: '/plans/:id',
      permission: 'plan:write',
      ifMatch: true,
      summary: 'Changes a plan',
      tag,
      params: planPath,
      body: partial({ ...planFields, version: integer(1, 1_000_000) }),
      answer: (result: { version: number | undefined }) => result,
      handle({ expectedVersion }) {
        if (expectedVersion === 2) {
          throw new Conflict('VERSION_CONFLICT', 'Changed meanwhile', { current_version: 3 });
        }
        return { version: expectedVersion };
      },
    }),
    route({
      method: 'DELETE',
      path: '/plans/:id',
      permission: 'plan:write',
      summary: 'Archives a plan',
      tag,
      status: 204,
      params: planPath,
      handle: () => undefined,
    }),
    route({
      method: 'GET',
      path: '/plans/featured',
      permission: 'public',
      summary: 'A literal path beside a parameter',
      tag,
      handle: () => ({ featured: true }),
      answer: (result: object) => result,
    }),
    route({
      method: 'POST',
      path: '/payments',
      permission: 'signed-in',
      summary: 'Moves money',
      tag,
      idempotency: 'required',
      handle: ({ actor, company: { code }, once }) => ({
        actor: actor.userId,
        code,
        once: { ...once },
      }),
      answer: (result: object) => result,
    }),
    route({
      method: 'POST',
      path: '/faults',
      permission: 'public',
      company: false,
      summary: 'Fails as told',
      tag,
      body: object({ kind: oneOf('bug', 'database', 'pool') }),
      handle: ({ body }) => {
        throw faults[body.kind];
      },
    }),
  ];
};

const faults = {
  bug: new TypeError('secret detail'),
  database: new ConnectionRefusedError(new Error('127.0.0.1:5432')),
  pool: new ConnectionAcquireTimeoutError(new Error('pool')),
};
