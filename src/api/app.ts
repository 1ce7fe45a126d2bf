import cors from '@koa/cors';
import Router from '@koa/router';
import Koa from 'koa';
import compress from 'koa-compress';
import conditionalGet from 'koa-conditional-get';
import type { Registry } from 'prom-client';
import type { ApiKeys } from '../commands/apiKeys.ts';
import type { Companies } from '../commands/companies.ts';
import type { Sessions } from '../commands/sessions.ts';
import type { Config } from '../config.ts';
import { errorCode } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { docsRoutes } from './docs/routes.ts';
import { createGate } from './gate.ts';
import { explorerRoutes } from './graphql/explorer.ts';
import { graphqlRoutes } from './graphql/routes.ts';
import type { Carrier } from './graphql/scope.ts';
import { accessLog } from './middleware/accessLog.ts';
import { allowedHosts } from './middleware/allowedHosts.ts';
import type { VerifyingTokens } from './middleware/authentication.ts';
import { errors, settling, type OnDenied } from './middleware/errors.ts';
import { httpMetrics } from './middleware/metrics.ts';
import { countFailures, type RateLimits } from './middleware/rateLimits.ts';
import { requestContext } from './middleware/requestContext.ts';
import { securityHeaders } from './middleware/securityHeaders.ts';
import { tidyUrl } from './middleware/tidyUrl.ts';
import { unmatched } from './middleware/unmatched.ts';
import { openApiDocument } from './openapi.ts';
import { operationRoutes, type About, type Operations } from './operations/routes.ts';
import { eventStream, type Route } from './route.ts';
import { createRouter } from './router.ts';
import type { Context, RequestState } from './state.ts';

export interface AppDependencies {
  readonly config: Pick<Config, 'apiPrefix' | 'corsOrigins' | 'trustProxy'> &
    Partial<Pick<Config, 'environment' | 'metricsToken' | 'olderPathsEnd' | 'showStack'>>;
  readonly log: Logger;
  readonly access: Logger;
  readonly metrics: Registry;
  readonly about: About;
  readonly probes: Operations['probes'];
  readonly vital: Operations['vital'];
  readonly watched: Operations['watched'];
  readonly lifecycle: Operations['lifecycle'];
  readonly tokens: VerifyingTokens;
  readonly sessions: Pick<Sessions, 'actorOf'>;
  readonly apiKeys: Pick<ApiKeys, 'actorOf'>;
  readonly companies: Pick<Companies, 'resolve' | 'byHost' | 'isAllowedHost'>;
  readonly onDenied: OnDenied;
  /** Without them nothing is counted. */
  readonly rateLimits?: RateLimits | undefined;
  /** What the resource folders declare. */
  readonly routes: readonly Route[];
}

/** The HTTP side of the API, not listening yet. Requests pass the middleware from top to bottom. */
export function createApp(dependencies: AppDependencies): Koa<RequestState> {
  const { config, log, access, metrics, companies, onDenied, rateLimits } = dependencies;
  const { trustProxy, apiPrefix: prefix, olderPathsEnd } = config;
  const gate = createGate(dependencies);
  const settle = settling({ log, onDenied });
  const routes = allRoutes({ ...dependencies, carrier: { gate, settle } });
  // One proxy of ours: the address it appended last is the caller's, the others anyone may write.
  const app = new Koa<RequestState>({ proxy: trustProxy, maxIpsCount: 1 });

  app.use(requestContext);
  app.use(accessLog(access));
  app.use(httpMetrics(metrics));
  app.use(securityHeaders());
  app.use(cors(crossOrigin(config.corsOrigins)));
  app.use(compress());
  app.use(conditionalGet());
  app.use(errors({ settle, showStack: config.showStack ?? false }));
  if (rateLimits) app.use(countFailures(rateLimits));
  app.use(allowedHosts({ companies, rateLimits, trustProxy }));
  app.use(tidyUrl);
  app.use(unmatched);
  app.use(createRouter(routes, { gate, prefix, olderPathsEnd }));
  app.use(new Router<RequestState>().allowedMethods());
  // Only what fails outside `errors` arrives here, such as a caller that hung up.
  app.on('error', (error: unknown, ctx?: Context) => {
    // Listeners always leave in the middle of what they are told.
    if (ctx?.response.is(eventStream) && errorCode(error) === 'ERR_STREAM_PREMATURE_CLOSE') return;
    log.warn({ err: error }, 'answer not delivered');
  });
  return app;
}

/** The resources' routes together with the platform's own. */
export function allRoutes({
  config,
  about,
  routes,
  carrier,
  ...operations
}: RouteSources): Route[] {
  const { apiPrefix: prefix, environment = 'production', metricsToken } = config;
  const isOpen = environment !== 'production';
  const every: Route[] = [
    ...routes,
    ...operationRoutes({ ...operations, about, prefix, metricsToken, routes: () => every }),
    ...graphqlRoutes({ carrier, prefix, isOpen, routes: () => routes }),
    ...(isOpen ? explorerRoutes(about.name) : []),
    ...docsRoutes({
      title: about.name,
      document: () => openApiDocument(every, { prefix, title: about.name, version: about.version }),
    }),
  ];
  return every;
}

type RouteSources = Pick<
  AppDependencies,
  'config' | 'about' | 'routes' | 'metrics' | 'probes' | 'vital' | 'watched' | 'lifecycle'
> & {
  readonly companies: Operations['companies'];
  /** Needed to carry routes out, not to declare them. */
  readonly carrier?: Carrier;
};

const crossOrigin = (allowed: readonly string[]): cors.Options => {
  const origins = new Set(allowed);
  return {
    origin: ({ headers }) => (origins.has(headers.origin ?? '') ? (headers.origin ?? '') : ''),
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'Last-Event-ID',
      'X-API-Key',
      'X-Company-Id',
      'X-Request-ID',
    ],
    exposeHeaders: [
      'Deprecation',
      'Sunset',
      'ETag',
      'Idempotent-Replayed',
      'Link',
      'Retry-After',
      'X-RateLimit-Limit',
      'X-RateLimit-Remaining',
      'X-RateLimit-Reset',
      'X-Request-ID',
    ],
    maxAge: 600,
  };
};
