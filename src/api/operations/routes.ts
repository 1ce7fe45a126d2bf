import type { Registry } from 'prom-client';
import type { Companies } from '../../commands/companies.ts';
import { NotFound, Unauthenticated, Unavailable } from '../../errors.ts';
import { isSameSecret } from '../../secrets.ts';
import type { Asked } from '../asked.ts';
import { rawRoute, route, type Route } from '../route.ts';
import { canonicalPath } from '../router.ts';

/** Looks at one part we depend on and tells facts about it; throws where it is away. */
export type Probe = () => Promise<Readonly<Record<string, unknown>>>;

export interface About {
  readonly name: string;
  readonly version: string;
  /** What this installation has switched on; answers in any case. */
  readonly features: () => Promise<Readonly<Record<string, boolean>>>;
}

export interface Operations {
  readonly about: About;
  readonly prefix: string;
  readonly metrics: Registry;
  /** Without one whoever reaches the platform's own address sees its figures. */
  readonly metricsToken: string | undefined;
  readonly companies: Pick<Companies, 'byHost'>;
  /** Shown by /status: database, temporal, workers, outbox. */
  readonly probes: Readonly<Record<string, Probe>>;
  /** The probes this process cannot serve without. */
  readonly vital: readonly string[];
  /** The probes whose failure readiness tells of; requests are served all the same. */
  readonly watched: readonly string[];
  readonly lifecycle: { readonly isStopping: boolean };
  /** All routes of the API, known once they are all declared. */
  readonly routes: () => readonly Route[];
}

/**
 * What operators and monitoring ask; none of it knows a tenant. Figures are over all companies, and who
 * subtracts their own has those of the others: they are for whoever has the token.
 */
export const operationRoutes = (operations: Operations): Route[] => {
  const { about, prefix, metrics, probes, vital, watched, lifecycle, routes } = operations;
  const { metricsToken, companies } = operations;
  const open = { root: true, method: 'GET', permission: 'public', company: false } as const;
  const tag = 'Operations';
  const isTrusted = ({ header }: Where): boolean =>
    metricsToken === undefined || isSameSecret(header('Authorization'), `Bearer ${metricsToken}`);
  // While the database is away no name is known to be a company's, and monitoring is needed most.
  const isCompanys = async ({ host }: Where): Promise<boolean> =>
    (await companies.byHost(host).catch(() => undefined)) !== undefined;

  return [
    route({
      ...open,
      path: '/',
      summary: 'What this API is, and its endpoints',
      tag,
      handle: () => ({
        name: about.name,
        version: about.version,
        documentation: '/api/docs',
        openapi: '/api/openapi.json',
        endpoints: routes().map((each) => ({
          method: each.method,
          path: canonicalPath(each, prefix).replace(/:(\w+)/g, '{$1}'),
          summary: each.summary,
          permission: each.permission,
        })),
      }),
      answer: (information: object) => information,
    }),
    route({
      ...open,
      path: '/version',
      summary: 'Version and features',
      tag,
      handle: async () => ({ version: about.version, features: await about.features() }),
      answer: (information: object) => information,
    }),
    route({
      ...open,
      path: '/status',
      summary: 'How the parts this service depends on are',
      tag,
      async handle(asked) {
        const checks = await look(probes);
        return isTrusted(asked) && !(await isCompanys(asked)) ? checks : withoutFigures(checks);
      },
      answer: (checks: Checks) => ({
        status: Object.values(checks).every(({ status }) => status === 'up') ? 'up' : 'degraded',
        uptime_seconds: Math.round(process.uptime()),
        checks,
      }),
    }),
    route({
      ...open,
      path: '/health/live',
      limit: 'none',
      summary: 'Whether the process runs',
      tag,
      handle: () => ({ status: 'live' }),
      answer: (state: object) => state,
    }),
    route({
      ...open,
      path: '/health/ready',
      limit: 'none',
      summary: 'Whether the process takes requests',
      tag,
      async handle() {
        if (lifecycle.isStopping) throw new Unavailable('This process is stopping', 'NOT_READY');
        const checks = await look(
          Object.fromEntries(
            Object.entries(probes).filter(([name]) => [...vital, ...watched].includes(name)),
          ),
        );
        const down = (names: readonly string[]) =>
          names.filter((name) => checks[name]?.status === 'down');
        const away = down(vital);
        if (away.length > 0) throw new Unavailable(`Away: ${away.join(', ')}`, 'NOT_READY');
        return { status: 'ready', warnings: down(watched) };
      },
      answer: (state: object) => state,
    }),
    rawRoute({
      ...open,
      path: '/metrics',
      limit: 'none',
      summary: 'Prometheus metrics',
      tag,
      mediaType: metrics.contentType,
      async handle(asked) {
        if (!isTrusted(asked)) throw new Unauthenticated('The metrics want their own bearer token');
        if (await isCompanys(asked)) throw new NotFound('There are no metrics at this address');
        return metrics.metrics();
      },
    }),
  ];
};

type Where = Pick<Asked<unknown, unknown, unknown>, 'host' | 'header'>;

type Checks = Readonly<
  Record<string, { readonly status: 'up' | 'down'; readonly latency_ms: number }>
>;

const withoutFigures = (checks: Checks): Checks =>
  Object.fromEntries(
    Object.entries(checks).map(([name, { status, latency_ms }]) => [name, { status, latency_ms }]),
  );

const patienceMs = 3000;

/** All probes at once; one that answers too late counts as down. The reason stays in our logs. */
async function look(probes: Readonly<Record<string, Probe>>): Promise<Checks> {
  const checks = Object.entries(probes).map(async ([name, probe]) => {
    const startedAt = performance.now();
    const facts = await inTime(probe()).catch(() => undefined);
    const latency = { latency_ms: Math.round(performance.now() - startedAt) };
    return [
      name,
      facts
        ? { status: 'up' as const, ...latency, ...facts }
        : { status: 'down' as const, ...latency },
    ] as const;
  });
  return Object.fromEntries(await Promise.all(checks));
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The probe took too long')), patienceMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
