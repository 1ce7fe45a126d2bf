import { bearer, buildApp, planId } from './harness.ts';

describe('an answer', () => {
  it('wraps one thing and names its version in the ETag', async () => {
    const { api } = buildApp();

    const response = await api.get(`/api/v1/plans/${planId}`);

    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject({
      etag: expect.stringMatching(/^"3-[\w-]{16}"$/),
      'cache-control': 'no-store',
    });
    expect(response.body).toEqual({
      success: true,
      message: 'OK',
      data: expect.objectContaining({ id: planId, is_active: true, version: 3 }),
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      request_id: expect.stringMatching(/^req_/),
    });
    expect(response.headers['x-request-id']).toBe(response.body.request_id);
  });

  it('wraps a page with its pagination', async () => {
    const { api } = buildApp();

    const response = await api.get('/api/v1/plans?page=2&size=20');

    expect(response.body).toEqual({
      success: true,
      message: 'OK',
      items: [expect.objectContaining({ id: planId })],
      pagination: { page: 2, size: 20, total: 41, pages: 3, has_next: true, has_prev: true },
      timestamp: expect.any(String),
      request_id: expect.any(String),
    });
  });

  it('is 201 with the declared message for what was created', async () => {
    const { api } = buildApp();

    const response = await api
      .post('/api/v1/plans')
      .set('Authorization', await bearer('tenant_admin'))
      .send({ name: 'Home', premium: '120', coverage_level: 'basic' });

    expect(response.status).toBe(201);
    expect(response.body).toMatchObject({
      message: 'Plan created',
      data: { name: 'Home', premium: '120.00', is_active: true },
    });
  });

  it('is empty for 204', async () => {
    const { api } = buildApp();

    const response = await api
      .delete(`/api/v1/plans/${planId}`)
      .set('Authorization', await bearer('tenant_admin'));

    expect([response.status, response.text]).toEqual([204, '']);
  });

  it('is 304 without a body when the caller has it already', async () => {
    const { api } = buildApp();
    const path = `/api/v1/plans/${planId}`;
    const first = await api.get(path);

    const response = await api.get(path).set('If-None-Match', String(first.headers['etag']));

    expect([response.status, response.text]).toEqual([304, '']);
  });

  it('is compressed when it is large and the caller can read that', async () => {
    const { api } = buildApp();

    const response = await api.get('/').set('Accept-Encoding', 'gzip');

    expect(response.headers['content-encoding']).toBe('gzip');
    expect(response.body.data.endpoints.length).toBeGreaterThan(10);
  });

  it('takes over a well-formed request id and replaces any other', async () => {
    const { api } = buildApp();

    const good = await api.get('/version').set('X-Request-ID', 'gateway-0001.a');
    const bad = await api.get('/version').set('X-Request-ID', 'a b<script>');

    expect(good.body.request_id).toBe('gateway-0001.a');
    expect(bad.body.request_id).toMatch(/^req_/);
  });

  it('comes under older paths too, marked as deprecated', async () => {
    const { api } = buildApp();

    const list = await api.get('/api/plans/');
    const one = await api.get(`/api/plans/${planId}`);
    const current = await api.get('/api/v1/plans/');

    expect([list.status, one.status, current.status]).toEqual([200, 200, 200]);
    expect(list.headers['deprecation']).toMatch(/^@\d+$/);
    expect(list.headers['link']).toBe('</api/v1/plans>; rel="successor-version"');
    expect(one.headers['link']).toBe(`</api/v1/plans/${planId}>; rel="successor-version"`);
    expect(current.headers['deprecation']).toBeUndefined();
  });

  it('says until when older paths are there, where that is decided', async () => {
    const { api } = buildApp({
      config: {
        apiPrefix: '/api/v1',
        corsOrigins: [],
        trustProxy: false,
        olderPathsEnd: new Date('2027-06-30T00:00:00Z'),
      },
    });

    const { headers } = await api.get('/api/plans/');

    expect(headers['sunset']).toBe('Wed, 30 Jun 2027 00:00:00 GMT');
  });

  it('prefers a literal path to one with a parameter, whatever is declared first', async () => {
    const { api } = buildApp();

    const response = await api.get('/api/v1/plans/featured');

    expect(response.body.data).toEqual({ featured: true });
  });

  it('carries the security headers, HSTS only over HTTPS', async () => {
    const { api } = buildApp();
    const behindProxy = buildApp({
      config: { apiPrefix: '/api/v1', corsOrigins: [], trustProxy: true },
    });

    const plain = await api.get('/version');
    const secure = await behindProxy.api.get('/version').set('X-Forwarded-Proto', 'https');

    expect(plain.headers).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'x-xss-protection': '0',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    });
    expect(plain.headers['strict-transport-security']).toBeUndefined();
    expect(secure.headers['strict-transport-security']).toContain('max-age=31536000');
  });
});

describe('a refusal', () => {
  it('has one envelope, with facts beside the code', async () => {
    const { api } = buildApp();

    const response = await api
      .patch(`/api/v1/plans/${planId}`)
      .set('Authorization', await bearer('tenant_admin'))
      .set('If-Match', '"2"')
      .send({});

    expect(response.status).toBe(409);
    expect(response.body).toEqual({
      success: false,
      error: 'Conflict',
      code: 'VERSION_CONFLICT',
      message: 'Changed meanwhile',
      details: [],
      current_version: 3,
      timestamp: expect.any(String),
      request_id: expect.any(String),
    });
  });

  it('is 404 for what is not there and 405 with Allow for a wrong method', async () => {
    const { api } = buildApp();

    const unknown = await api.get('/api/v1/nothing');
    const wrong = await api.put('/api/v1/plans');
    const older = await api.delete('/api/plans/');
    const trace = await api.trace('/api/v1/plans');

    expect(unknown).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(wrong).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
    expect(wrong.headers['allow']).toBe('HEAD, GET, POST');
    expect(older.headers['allow']).toBe('HEAD, GET, POST');
    expect(trace).toMatchObject({ status: 405 });
    expect(trace.headers['allow']).toContain('GET');
  });

  it('is 500 without a word about the cause, except to a developer', async () => {
    const { api } = buildApp();
    const { api: developers } = buildApp({
      config: {
        showStack: true,
        apiPrefix: '/api/v1',
        corsOrigins: [],
        trustProxy: false,
      },
    });

    const response = await api.post('/api/v1/faults').send({ kind: 'bug' });
    const shown = await developers.post('/api/v1/faults').send({ kind: 'bug' });

    expect(response).toMatchObject({ status: 500, body: { code: 'INTERNAL_ERROR' } });
    expect(response.text).not.toMatch(/secret detail|stack/);
    expect(shown.body.stack_trace).toContain('secret detail');
  });

  it('is 503 with Retry-After when the database or its pool gives nothing', async () => {
    const { api } = buildApp();

    for (const kind of ['database', 'pool']) {
      const response = await api.post('/api/v1/faults').send({ kind });

      expect(response).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
      expect(response.headers['retry-after']).toBe('5');
      expect(response.body.message).not.toContain('5432');
      expect(response.text).not.toContain('127.0.0.1');
    }
  });
});

describe('cross-origin requests', () => {
  it('are allowed from the configured origins only', async () => {
    const { api } = buildApp();
    const ask = (origin: string) =>
      api
        .options('/api/v1/plans')
        .set('Origin', origin)
        .set('Access-Control-Request-Method', 'POST');

    const ours = await ask('http://localhost:8080');
    const other = await ask('http://evil.example');

    expect(ours.status).toBe(204);
    expect(ours.headers['access-control-allow-origin']).toBe('http://localhost:8080');
    expect(ours.headers['access-control-allow-headers']).toContain('Idempotency-Key');
    expect(ours.headers['access-control-allow-credentials']).toBeUndefined();
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('can read refusals as well', async () => {
    const { api } = buildApp();

    const response = await api.get('/api/v1/nothing').set('Origin', 'http://localhost:8080');

    expect(response.headers['access-control-allow-origin']).toBe('http://localhost:8080');
  });
});
