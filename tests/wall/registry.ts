import { Registry } from 'prom-client';
import { allRoutes } from '../../src/api/app.ts';
import type { Route } from '../../src/api/route.ts';
import { canonicalPath } from '../../src/api/router.ts';
import { resourceRoutes, type ResourceDependencies } from '../../src/api/routes.ts';

const prefix = '/api/v1';

/** One way to a declared route: its own path, or an older one. */
export interface Place {
  readonly route: Route;
  /** `POST /plans/:id/quote`, the same for all ways to a route. */
  readonly endpoint: string;
  readonly path: string;
  readonly isOlder: boolean;
}

/** All that the API declares. The handlers lead nowhere: only what stands on a route is read. */
export function registry(): Place[] {
  const uncalled: ResourceDependencies = JSON.parse(
    JSON.stringify({ prefix, devMailDir: '/nowhere' }),
  );
  const routes = allRoutes({
    config: { apiPrefix: prefix, corsOrigins: [], trustProxy: false, environment: 'development' },
    about: { name: 'Surety', version: '0', features: async () => ({}) },
    metrics: new Registry(),
    probes: {},
    vital: [],
    watched: [],
    lifecycle: { isStopping: false },
    companies: { byHost: async () => undefined },
    routes: resourceRoutes(uncalled),
  });
  return routes.flatMap((route) => {
    const endpoint = `${route.method} ${route.path}`;
    return [canonicalPath(route, prefix), ...(route.aliases ?? [])].map((path, index) => ({
      route,
      endpoint,
      path,
      isOlder: index > 0,
    }));
  });
}

/** The path with its parameters filled in. */
export const fill = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? name);
