import type { AppDependencies } from '../../../src/api/app.ts';
import { createMetrics } from '../../../src/api/middleware/metrics.ts';
import { createRateLimits, networkOf } from '../../../src/api/middleware/rateLimits.ts';
import { route } from '../../../src/api/route.ts';
import { memoryStore, postgresStore } from '../../../src/models/rateLimitStore.ts';
import { openTestApi } from '../../support/api.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { bearer, buildApp, companyId, sampleRoutes } from './harness.ts';

/** The app with limits, and a route that is guarded like signing in. */
function buildLimited({
  perMinute = 3,
  perHour = 1000,
  store = memoryStore(),
  trustProxy = false,
  ...changes
}: Partial<AppDependencies> & {
  perMinute?: number;
  perHour?: number;
  store?: ReturnType<typeof memoryStore>;
  trustProxy?: boolean;
} = {}) {
  const metrics = createMetrics();
  const limits = { perMinute, perHour };
  const rateLimits = createRateLimits({
    limits,
    store,
    fallback: memoryStore(),
    registry: metrics,
  });
  const enter = route({
    method: 'POST',
    path: '/enter',
    permission: 'public',
    company: false,
    summary: 'Signs in',
    tag: 'Plans',
    limit: 'sign-in',
    handle: () => undefined,
  });
  const config = { apiPrefix: '/api/v1', corsOrigins: [], trustProxy };
  const routes = [...sampleRoutes(), enter];
  const { api, denials } = buildApp({ config, metrics, rateLimits, routes, ...changes });
  const figure = async (name: string): Promise<number> =>
    (await metrics.getSingleMetric(name)?.get())?.values.reduce((sum, v) => sum + v.value, 0) ?? 0;
  return { api, denials, figure };
}

type Api = ReturnType<typeof buildLimited>['api'];
const statusesOf = async (count: number, send: () => PromiseLike<{ status: number }>) => {
  const statuses: number[] = [];
  for (let sent = 0; sent < count; sent += 1) statuses.push((await send()).status);
  return statuses;
};
const plans = (api: Api) => api.get('/api/v1/plans');

describe('the rate limits', () => {
  it('tell what is left, then refuse until the window closes', async () => {
    const { api, figure } = buildLimited();
    const before = Math.floor(Date.now() / 1000);

    const first = await plans(api);
    await plans(api);
    const third = await plans(api);
    const fourth = await plans(api);

    expect(first.headers).toMatchObject({
      'x-ratelimit-limit': '3',
      'x-ratelimit-remaining': '2',
    });
    expect(Number(first.headers['x-ratelimit-reset'])).toBeGreaterThan(before);
    expect(Number(first.headers['x-ratelimit-reset'])).toBeLessThanOrEqual(before + 90);
    expect(third).toMatchObject({ status: 200, headers: { 'x-ratelimit-remaining': '0' } });
    expect(fourth).toMatchObject({
      status: 429,
      body: { success: false, code: 'RATE_LIMITED', error: 'Too Many Requests' },
      headers: { 'x-ratelimit-remaining': '0', 'retry-after': expect.stringMatching(/^[1-9]\d?$/) },
    });
    expect(await figure('rate_limited_requests_total')).toBe(1);
  });

  it('have a limit for an hour, whose rest is told where it is the smaller one', async () => {
    const { api } = buildLimited({ perMinute: 50, perHour: 2 });

    const first = await plans(api);
    const statuses = await statusesOf(2, () => plans(api));
    const refused = await plans(api);

    expect(first.headers).toMatchObject({ 'x-ratelimit-limit': '2' });
    expect(statuses).toEqual([200, 429]);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(60);
  });

  it('count people apart from each other and from strangers at the same address', async () => {
    const sessions: AppDependencies['sessions'] = {
      async actorOf(payload) {
        const { role } = { ...Object(payload) };
        return { type: 'user', userId: String(role), companyId, roles: [], sessionId: null };
      },
    };
    const { api } = buildLimited({ sessions });
    const ada = await bearer('adjuster');
    const bob = await bearer('auditor');

    const strangers = await statusesOf(4, () => plans(api));
    const adas = await statusesOf(4, () => plans(api).set('Authorization', ada));
    const bobs = await statusesOf(1, () => plans(api).set('Authorization', bob));

    expect(strangers).toEqual([200, 200, 200, 429]);
    expect(adas).toEqual([200, 200, 200, 429]);
    expect(bobs).toEqual([200]);
  });

  it.each([
    ['bad tokens', 401, (api: Api) => plans(api).set('Authorization', 'Bearer nonsense')],
    ['unknown paths', 404, (api: Api) => api.get('/api/v1/nothing')],
    ['wrong methods', 405, (api: Api) => api.patch('/api/v1/payments')],
    ['unknown hosts', 400, (api: Api) => plans(api).set('Host', 'elsewhere.example')],
  ])('count %s against the address', async (_what, status, send) => {
    const { api, denials } = buildLimited();

    const statuses = await statusesOf(5, () => send(api));

    expect(statuses).toEqual([status, status, status, 429, 429]);
    expect(await statusesOf(1, () => plans(api))).toEqual([429]);
    // A flood of them is not a flood of audit lines.
    expect(denials).toHaveLength(status === 401 ? 3 : 0);
  });

  it('look up no more names for an address that tries one after another', async () => {
    let looked = 0;
    let tried = 0;
    const companies: AppDependencies['companies'] = {
      async isAllowedHost(_host, beforeAsking) {
        await beforeAsking();
        looked += 1;
        return false;
      },
      byHost: () => Promise.reject(new Error('Nobody comes so far')),
      resolve: () => Promise.reject(new Error('Nobody comes so far')),
    };
    const { api } = buildLimited({ companies });

    const statuses = await statusesOf(5, () =>
      plans(api).set('Host', `name${(tried += 1)}.example`),
    );

    expect(statuses).toEqual([400, 400, 400, 429, 429]);
    expect(looked).toBe(3);
  });

  it('let monitoring and the documentation pass uncounted', async () => {
    const { api } = buildLimited({ perMinute: 1 });

    for (const path of ['/health/live', '/health/ready', '/metrics', '/api/docs/']) {
      expect(await statusesOf(3, () => api.get(path))).toEqual([200, 200, 200]);
    }
    expect((await api.get('/health/live')).headers).not.toHaveProperty('x-ratelimit-limit');
    expect(await statusesOf(2, () => api.get('/version'))).toEqual([200, 429]);
  });

  it('guard signing in more closely, and leave the rest alone', async () => {
    const { api } = buildLimited({ perMinute: 100 });

    const statuses = await statusesOf(11, () => api.post('/api/v1/enter'));
    const elsewhere = await plans(api);

    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 429]);
    expect(elsewhere).toMatchObject({ status: 200, headers: { 'x-ratelimit-limit': '100' } });
  });
});

describe('the address that is counted', () => {
  it('is not what a client says it is', async () => {
    const { api } = buildLimited();
    let sent = 0;

    const statuses = await statusesOf(4, () =>
      plans(api).set('X-Forwarded-For', `198.51.100.${(sent += 1)}`),
    );

    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  it('is behind our proxy the one that the proxy appended', async () => {
    const { api } = buildLimited({ trustProxy: true });
    let sent = 0;
    const from = (address: string) =>
      plans(api).set('X-Forwarded-For', `198.51.100.${(sent += 1)}, ${address}`);

    const one = await statusesOf(4, () => from('192.0.2.1'));
    const other = await statusesOf(1, () => from('192.0.2.2'));

    expect(one).toEqual([200, 200, 200, 429]);
    expect(other).toEqual([200]);
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    ['x'.repeat(5000), 'unknown'],
    ['', 'unknown'],
  ])('of %p is %p', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });
});

describe('without its store', () => {
  const broken = {
    counter: () => async () => {
      throw new Error('away');
    },
    close: async () => undefined,
  };

  it('requests pass and are counted in this process, and a metric tells', async () => {
    const { api, figure } = buildLimited({ store: broken });

    const statuses = await statusesOf(4, () => plans(api));

    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(await figure('rate_limit_store_failures_total')).toBe(8);
  });

  it('nobody may try passwords', async () => {
    const { api } = buildLimited({ store: broken });

    const answer = await api.post('/api/v1/enter');

    expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    expect(answer.headers).toHaveProperty('retry-after');
  });
});

describe('several API processes', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  it('count together in Postgres, however many ask at once', async () => {
    // A busy machine may let thirty wait longer than a request should.
    const open = () => postgresStore(database.apiUrl, { patienceMs: 60_000 });
    const stores = [open(), open()];
    const [one, two] = stores.map((store) => buildLimited({ store, perMinute: 10 }).api);
    if (!one || !two) throw new Error('Two were built');

    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => plans(index % 2 ? one : two)),
    );

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(20);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('go on alone when their database is gone', async () => {
    const store = postgresStore('postgres://nobody@127.0.0.1:1/none');
    const { api, figure } = buildLimited({ store });

    expect(await statusesOf(4, () => plans(api))).toEqual([200, 200, 200, 429]);
    expect(await figure('rate_limit_store_failures_total')).toBe(8);
    await store.close();
  });
});

it.each(['memory', 'postgres'])('the API as it runs limits logins, by %s', async (store) => {
  const api = await openTestApi({ RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_STORE: store });
  const login = () =>
    api.nowhere.post('/auth/login', { email: 'nobody@example.com', password: 'Wrong-One-1234' });

  const statuses = await statusesOf(12, login);
  const alias = await api.nowhere.post('/api/auth/login', {});

  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
  expect(alias.status).toBe(429);
  await api.close();
});
