import { bearer, buildApp, companyId, planId } from './harness.ts';

const plan = { name: 'Home', premium: '120.00', coverage_level: 'basic' };

async function post(body: string | object, headers: Record<string, string> = {}) {
  const { api } = buildApp();
  return api
    .post('/api/v1/plans')
    .set({
      Authorization: await bearer('tenant_admin'),
      'Content-Type': 'application/json',
      ...headers,
    })
    .send(body);
}

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('a body', () => {
  it('is refused with one detail a field', async () => {
    const response = await post({ name: '', premium: '-1', coverage_level: 'gold', colour: 1 });

    expect(response).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR' } });
    const found = response.body.details.map((each: { field: string; code: string }) => [
      each.field,
      each.code,
    ]);
    expect(found).toEqual([
      ['name', 'REQUIRED'],
      ['premium', 'INVALID_FORMAT'],
      ['coverage_level', 'INVALID_CHOICE'],
      ['colour', 'UNKNOWN_FIELD'],
    ]);
  });

  it.each([
    ['malformed JSON', '{"name":', 400],
    ['no object', '"text"', 400],
    ['__proto__ as a key', '{"__proto__":{"a":1}}', 400],
    ['constructor as a key', '{"settings":{"constructor":{"prototype":{}}}}', 400],
    ['33 levels', `{"settings":${nested(32)}}`, 400],
    ['NUL in free-form text', JSON.stringify({ ...plan, settings: { a: 'x\0' } }), 422],
    ['a lone surrogate', '{"name":"\\ud800"}', 422],
    ['a number for text', { ...plan, name: 5 }, 422],
    ['text for a boolean', { ...plan, is_active: 'true' }, 422],
    ['money as a number', { ...plan, premium: 120 }, 422],
    ['money of zero where it must be positive', { ...plan, premium: '0.00' }, 422],
    ['a third decimal place', { ...plan, premium: '1.005' }, 422],
    ['a day that is not in the calendar', { ...plan, starts_on: '2026-02-30' }, 422],
    ['a year out of range', { ...plan, starts_on: '2201-01-01' }, 422],
    ['too many items', { ...plan, tags: ['a', 'b', 'c', 'd'] }, 422],
    ['too long a text', { ...plan, name: 'x'.repeat(51) }, 422],
  ])('is refused for %s', async (_, body, status) => {
    const response = await post(body);

    expect([response.status, response.body.success]).toEqual([status, false]);
  });

  it('may be 32 levels deep, and free-form content keeps its names', async () => {
    const response = await post(`{"name":"a","premium":"1","coverage_level":"basic",
      "settings":${nested(31)}}`);

    expect(response.status).toBe(201);
  });

  it('counts characters and not code units', async () => {
    const response = await post({ ...plan, name: '🏠'.repeat(50) });

    expect(response.status).toBe(201);
  });

  it('is refused above 1 MB, in another type, and compressed', async () => {
    const large = await post({ ...plan, name: 'x'.repeat(1_100_000) });
    const form = await post('name=Home', { 'Content-Type': 'application/x-www-form-urlencoded' });
    const patch = await post('[]', { 'Content-Type': 'application/json-patch+json' });
    const packed = await post('{}', { 'Content-Encoding': 'gzip' });

    expect(large).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } });
    for (const response of [form, patch, packed]) {
      expect(response).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
    }
  });

  it('is not read before the sender may do what is asked', async () => {
    const { api } = buildApp();

    const response = await api.post('/api/v1/plans').type('json').send('{"name":');

    expect(response.status).toBe(401);
  });

  it('is refused where none is declared', async () => {
    const { api } = buildApp();

    const response = await api
      .post('/api/v1/payments')
      .set({ Authorization: await bearer('policyholder'), 'Idempotency-Key': 'k1' })
      .send({ amount: '1' });

    expect(response.body.details).toEqual([
      { field: 'amount', message: 'amount is not allowed', code: 'UNKNOWN_FIELD' },
    ]);
  });
});

describe('a query', () => {
  it.each([
    ['', 'createdAt desc 20'],
    ['?size=5&sort_by=premium', 'premium asc 5'],
    ['?sort_by=premium&sort_order=desc', 'premium desc 20'],
    ['?page_size=7&ordering=-premium', 'premium desc 7'],
    ['?ordering=created_at&search=', 'createdAt asc 20'],
    ['?page=500&size=20', 'createdAt desc 20'],
    ['?created_after=2026-01-31&created_before=2026-01-31T09:30:00%2B01:00', 'createdAt desc 20'],
  ])('%s is understood as %s', async (query, understood) => {
    const { api } = buildApp();

    const response = await api.get(`/api/v1/plans${query}`);

    expect(response.body.items?.[0].name).toBe(understood);
  });

  it.each([
    ['colour=red', 'colour', 'UNKNOWN_FIELD'],
    ['sort_by=password', 'sort_by', 'INVALID_CHOICE'],
    ['ordering=-password', 'ordering', 'INVALID_CHOICE'],
    ['page=0', 'page', 'OUT_OF_RANGE'],
    ['size=101', 'size', 'OUT_OF_RANGE'],
    ['page=101&size=100', 'page', 'OUT_OF_RANGE'],
    ['size=5&page_size=5', 'page_size', 'INVALID_FORMAT'],
    ['page=1&page=2', 'page', 'REPEATED'],
    ['created_after=1850-01-01', 'created_after', 'INVALID_FORMAT'],
    ['search=%00', 'search', 'INVALID_FORMAT'],
    ['min_premium=1e3', 'min_premium', 'INVALID_FORMAT'],
  ])('%s is refused', async (query, field, code) => {
    const { api } = buildApp();

    const response = await api.get(`/api/v1/plans?${query}`);

    expect(response.status).toBe(422);
    expect(response.body.details).toEqual([{ field, message: expect.any(String), code }]);
  });

  it.each(['__proto__', 'constructor'])('cannot name %s', async (name) => {
    const { api } = buildApp();

    const response = await api.get(`/api/v1/plans?${name}=1`);

    expect(response).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
  });

  it('is refused where none is declared', async () => {
    const { api } = buildApp();

    const response = await api.get('/version?verbose=1');

    expect(response.status).toBe(422);
  });
});

describe('a path', () => {
  it('takes ids in any case and nothing else for an id', async () => {
    const { api } = buildApp();

    const upper = await api.get(`/api/v1/plans/${planId.toUpperCase()}`);
    const wrong = await api.get('/api/v1/plans/17');
    const broken = await api.get('/api/v1/plans/%E0%A4');

    expect(upper.status).toBe(200);
    expect(wrong.body.details).toMatchObject([{ field: 'id' }]);
    expect(broken.status).toBe(422);
  });

  it('is refused above 8 KiB', async () => {
    const { api } = buildApp();

    const response = await api.get(`/api/v1/plans?search=${'x'.repeat(8200)}`);

    expect(response).toMatchObject({ status: 414, body: { code: 'URI_TOO_LONG' } });
  });
});

describe('Idempotency-Key', () => {
  it('is demanded where money moves', async () => {
    const { api } = buildApp();
    const authorization = await bearer('policyholder');

    const without = await api.post('/api/v1/payments').set('Authorization', authorization);
    const empty = await api
      .post('/api/v1/payments')
      .set({ Authorization: authorization, 'Idempotency-Key': 'x'.repeat(256) });

    expect(without).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
    expect(empty).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
  });

  it('reaches the command with everything that makes a request the same', async () => {
    const { api } = buildApp();

    const response = await api
      .post('/api/v1/payments')
      .set({ Authorization: await bearer('policyholder'), 'Idempotency-Key': 'k1' });

    expect(response.body.data).toMatchObject({
      code: 'acme',
      once: {
        companyId,
        principal: response.body.data.actor,
        route: 'POST /payments',
        key: 'k1',
        bodyHash: expect.stringMatching(/^[\w-]{43}$/),
      },
    });
  });

  it('answers a repetition with the stored answer and says so, under an older path too', async () => {
    const { api } = buildApp();
    const headers = { Authorization: await bearer('tenant_admin'), 'Idempotency-Key': 'k1' };

    const first = await api.post('/api/v1/plans').set(headers).send(plan);
    const again = await api.post('/api/plans/').set(headers).send(plan);

    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect([again.status, again.body.data]).toEqual([first.status, first.body.data]);
  });
});

describe('the expected version', () => {
  const change = async (headers: Record<string, string>, body: object) => {
    const { api } = buildApp();
    return api
      .patch(`/api/v1/plans/${planId}`)
      .set({ Authorization: await bearer('tenant_admin'), ...headers })
      .send(body);
  };

  it('comes from If-Match, else from the body', async () => {
    const header = await change({ 'If-Match': '"7"' }, { version: 8 });
    const body = await change({}, { version: 8 });
    const etag = await change({ 'If-Match': '"7-x_Y-9"' }, { version: 8 });
    const none = await change({ 'If-Match': '*' }, {});

    expect(header.body.data).toEqual({ version: 7 });
    expect(etag.body.data).toEqual({ version: 7 });
    expect(body.body.data).toEqual({ version: 8 });
    expect(none.body.data).toEqual({});
  });

  it('is refused when it is no version', async () => {
    const response = await change({ 'If-Match': '"abc"' }, {});

    expect(response).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
  });
});
