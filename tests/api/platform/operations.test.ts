import { once } from 'node:events';
import { connect } from 'node:net';
import { text as readAll } from 'node:stream/consumers';
import { startServer } from '../../../src/api/server.ts';
import { rawRoute } from '../../../src/api/route.ts';
import { buildApp, planId } from './harness.ts';

describe('the operations routes', () => {
  it('list the endpoints with their permission', async () => {
    const { api } = buildApp();

    const response = await api.get('/');

    expect(response.body.data.endpoints).toContainEqual({
      method: 'POST',
      path: '/api/v1/plans',
      summary: 'Adds a plan',
      permission: 'plan:write',
    });
  });

  it('tell the version, and the state of each part with its latency', async () => {
    const { api } = buildApp({
      probes: {
        database: async () => ({ pool: 3 }),
        temporal: () => Promise.reject(new Error('no route to 10.0.0.9')),
      },
    });

    const version = await api.get('/version');
    const status = await api.get('/status');

    expect(version.body.data).toEqual({ version: '1.2.3', features: { billing: false } });
    expect(status.body.data).toMatchObject({
      status: 'degraded',
      checks: {
        database: { status: 'up', pool: 3, latency_ms: expect.any(Number) },
        temporal: { status: 'down', latency_ms: expect.any(Number) },
      },
    });
    expect(status.text).not.toContain('10.0.0.9');
  });

  it('are ready unless a vital part is away or the process stops; live in any case', async () => {
    const { api: healthy } = buildApp();
    const { api: stopping } = buildApp({ lifecycle: { isStopping: true } });
    const { api: cut } = buildApp({ probes: { database: () => Promise.reject(new Error()) } });
    const ready = async (api: typeof healthy) => (await api.get('/health/ready')).status;

    expect([await ready(healthy), await ready(stopping), await ready(cut)]).toEqual([
      200, 503, 503,
    ]);
    expect((await stopping.get('/health/live')).status).toBe(200);
  });

  it('warn of what can wait', async () => {
    const { api: warned } = buildApp({
      probes: { database: async () => ({}), audit: () => Promise.reject(new Error()) },
    });
    const { api: healthy } = buildApp();

    const answers = [await warned.get('/health/ready'), await healthy.get('/health/ready')];

    expect(answers.map(({ status, body }) => [status, body.data])).toEqual([
      [200, { status: 'ready', warnings: ['audit'] }],
      [200, { status: 'ready', warnings: [] }],
    ]);
  });

  it('count requests by route and never by URL', async () => {
    const { api } = buildApp();
    await api.get(`/api/v1/plans/${planId}`);
    await api.get('/no/such/thing');

    const { text } = await api.get('/metrics');

    expect(text).toContain(
      'http_requests_total{method="GET",endpoint="/api/v1/plans/:id",status="200"} 1',
    );
    expect(text).toContain('http_requests_total{method="other",endpoint="unmatched",status="404"}');
    expect(text).toContain('http_request_duration_seconds_bucket');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    expect(text).not.toContain(planId);
  });
});

describe('figures over all companies', () => {
  const metricsToken = 'm'.repeat(32);
  const bearer = { Authorization: `Bearer ${metricsToken}` };
  const withToken = () =>
    buildApp({
      config: { apiPrefix: '/api/v1', corsOrigins: [], trustProxy: false, metricsToken },
      probes: { timers: async () => ({ overdue: 7 }) },
    }).api;
  const shown = { status: 'up', latency_ms: expect.any(Number) };

  it('are for whoever has the token, where there is one', async () => {
    const api = withToken();

    for (const headers of [{}, { Authorization: 'Bearer another' }]) {
      const metrics = await api.get('/metrics').set(headers);
      const status = await api.get('/status').set(headers);
      expect(metrics).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
      expect(metrics.text).not.toContain('http_requests_total');
      expect(status.body.data.checks).toEqual({ timers: shown });
    }
    const metrics = await api.get('/metrics').set({ ...bearer, Host: 'pod-7' });
    const status = await api.get('/status').set(bearer);
    expect(metrics.text).toContain('http_requests_total');
    expect(status.body.data.checks).toEqual({ timers: { ...shown, overdue: 7 } });
  });

  it.each([
    ['without a token', () => buildApp().api, {}],
    ['with the token', withToken, bearer],
  ])('are not shown at a company’s own domain, %s', async (_, open, headers) => {
    const api = open();
    const there = { ...headers, Host: 'acme.example' };

    const metrics = await api.get('/metrics').set(there);
    const status = await api.get('/status').set(there);

    expect(metrics).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    for (const check of Object.values(status.body.data.checks)) expect(check).toEqual(shown);
  });

  it('are shown while the database, and with it the names of companies, is away', async () => {
    const byHost = () => Promise.reject(new Error('no database'));
    const { dependencies } = buildApp();
    const { api } = buildApp({ companies: { ...dependencies.companies, byHost } });

    expect((await api.get('/metrics').set('Host', 'pod-7')).status).toBe(200);
  });
});

describe('the documentation', () => {
  it('is one page of our own files under its own policy, with and without a slash', async () => {
    const { api } = buildApp();

    for (const path of ['/api/docs', '/api/docs/']) {
      const page = await api.get(path);
      expect(page.status).toBe(200);
      expect(page.headers['content-security-policy']).toContain("script-src 'self';");
      const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file);
      expect(files).toHaveLength(6);
      for (const file of files) expect((await api.get(String(file))).status).toBe(200);
    }
  });

  it('serves the document, and 304 to whoever has it', async () => {
    const { api } = buildApp();

    const first = await api.get('/api/openapi.json');
    const again = await api
      .get('/api/openapi.json')
      .set('If-None-Match', String(first.headers['etag']));

    expect(first.body.openapi).toBe('3.1.0');
    expect(again.status).toBe(304);
  });
});

describe('the server', () => {
  it('finishes open requests before it stops, and starts no new ones', async () => {
    let started: () => void = () => undefined;
    const hasStarted = new Promise<void>((resolve) => (started = resolve));
    const slow = rawRoute({
      method: 'GET',
      path: '/slow',
      permission: 'public',
      summary: 'Takes its time',
      tag: 'Test',
      mediaType: 'text/plain',
      async handle() {
        started();
        await new Promise((resolve) => setTimeout(resolve, 150));
        return 'done';
      },
    });
    const lifecycle = { isStopping: false };
    const { app } = buildApp({ routes: [slow], lifecycle });
    const server = await startServer(app, { host: '127.0.0.1', port: 0, lifecycle });

    const answer = fetch(`${server.url}/api/v1/slow`);
    await hasStarted;
    const stopped = server.stop();

    expect(lifecycle.isStopping).toBe(true);
    expect(await (await answer).text()).toBe('done');
    await stopped;
    await expect(fetch(`${server.url}/version`)).rejects.toThrow();
  });

  it('lets in everybody who is connected already before it closes', async () => {
    const lifecycle = { isStopping: false };
    const { app } = buildApp({ lifecycle });
    const server = await startServer(app, { host: '127.0.0.1', port: 0, lifecycle });
    const { hostname, port } = new URL(server.url);
    let stopped: Promise<void> | undefined;

    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = connect({ host: hostname, port: Number(port) });
        await once(socket, 'connect');
        // The system has connected all of them; the server has met one.
        stopped ??= server.stop();
        socket.write(`GET /version HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
        return readAll(socket).catch((error: unknown) => String(error));
      }),
    );
    await stopped;

    expect(answers.map((answer) => answer.split('\r\n')[0])).toEqual(
      Array.from({ length: 50 }, () => 'HTTP/1.1 200 OK'),
    );
  });
});
