import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import { bearer, buildApp, companyId, planId, publicPem, tokenFor } from './harness.ts';

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function forged(header: object, sign: (input: string) => string): Promise<string> {
  const payload = (await tokenFor('tenant_admin')).split('.')[1];
  const input = `${encode(header)}.${payload}`;
  return `Bearer ${input}.${sign(input)}`;
}

const withPublicKey = (input: string): string =>
  createHmac('sha256', publicPem).update(input).digest('base64url');

describe('a token', () => {
  it.each([
    ['of alg none', () => forged({ alg: 'none', typ: 'at+jwt' }, () => '')],
    ['signed HS256 with the public key', () => forged({ alg: 'HS256' }, withPublicKey)],
    ['with a broken signature', () => forged({ alg: 'RS256', typ: 'at+jwt' }, withPublicKey)],
    ['for another audience', async () => `Bearer ${await tokenFor('tenant_admin', { aud: 'x' })}`],
    ['of an ended session', async () => `Bearer ${await tokenFor('tenant_admin', { sub: 'x' })}`],
    ['that is none', async () => 'Bearer nonsense'],
    ['of another scheme', async () => 'Basic dXNlcjpwdw=='],
  ])('%s is refused, on public routes too', async (_, authorization) => {
    const { api, denials } = buildApp();
    const header = await authorization();

    const own = await api.post('/api/v1/plans').set('Authorization', header).send({});
    const open = await api.get('/api/v1/plans').set('Authorization', header);

    for (const response of [own, open]) {
      expect(response).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
      expect(response.headers['www-authenticate']).toBe('Bearer');
    }
    expect(denials).toHaveLength(2);
  });

  it('that has expired is refused by its own code', async () => {
    const { api } = buildApp();
    const token = await tokenFor('tenant_admin', { exp: '-1m' });

    const response = await api.get('/api/v1/plans').set('Authorization', `Bearer ${token}`);

    expect(response).toMatchObject({ status: 401, body: { code: 'TOKEN_EXPIRED' } });
  });
});

describe('permission', () => {
  it('is refused to strangers with 401 and to a wrong role with 403, both recorded', async () => {
    const { api, denials } = buildApp();
    const path = `/api/v1/plans/${planId}`;

    const stranger = await api.delete(path);
    const wrongRole = await api.delete(path).set('Authorization', await bearer('policyholder'));

    expect(stranger).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(wrongRole).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(denials.map(({ refusal }) => refusal.status)).toEqual([401, 403]);
    expect(denials[1]?.request).toMatchObject({
      method: 'DELETE',
      route: '/api/v1/plans/:id',
      permission: 'plan:write',
      objectId: planId,
      companyId,
      actor: { roles: ['policyholder'] },
    });
  });

  it('still answers when the denial cannot be recorded', async () => {
    const { api } = buildApp({ onDenied: () => Promise.reject(new Error('no database')) });

    const response = await api.delete(`/api/v1/plans/${planId}`);

    expect(response.status).toBe(401);
  });

  it('that is refused is a line of the security stream, without a value of the URL', async () => {
    const lines: unknown[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const { api } = buildApp({ log });

    await api
      .delete(`/api/v1/plans/${planId}`)
      .query({ secret: 'hidden' })
      .set('Authorization', await bearer('policyholder'));
    await api.get(`/api/v1/plans/${planId}`);

    expect(lines).toEqual([
      expect.objectContaining({
        stream: 'security',
        msg: 'denied',
        code: 'FORBIDDEN',
        method: 'DELETE',
        route: '/api/v1/plans/:id',
        permission: 'plan:write',
        principal: expect.any(String),
        company: companyId,
        id: planId,
      }),
    ]);
    expect(JSON.stringify(lines)).not.toContain('hidden');
  });

  it('leaves one access line with the decision and no value of the URL', async () => {
    const { api, accessLines } = buildApp();

    await api
      .get(`/api/v1/plans/${planId}`)
      .query({ secret: 'hidden' })
      .set('Authorization', await bearer('auditor'));

    expect(accessLines).toMatchObject([
      {
        method: 'GET',
        route: '/api/v1/plans/:id',
        decision: 'granted',
        company: companyId,
        id: planId,
        principal: expect.any(String),
        ms: expect.any(Number),
      },
    ]);
    expect(JSON.stringify(accessLines)).not.toContain('hidden');
  });
});

describe('the company', () => {
  it('must be known, except where a route does without', async () => {
    const { api } = buildApp();

    const unknown = await api.get('/api/v1/plans').set('Host', 'acme.example');
    const without = await api.get('/version').set('Host', 'acme.example');

    expect(unknown).toMatchObject({ status: 404, body: { code: 'TENANT_UNKNOWN' } });
    expect(without.status).toBe(200);
  });

  it('can only be read while it is suspended', async () => {
    const { dependencies } = buildApp();
    const { api } = buildApp({
      companies: {
        ...dependencies.companies,
        resolve: async (by) => ({
          ...(await dependencies.companies.resolve(by)),
          status: 'suspended',
        }),
      },
    });

    const read = await api.get('/api/v1/plans');
    const write = await api
      .delete(`/api/v1/plans/${planId}`)
      .set('Authorization', await bearer('tenant_admin'));

    expect(read.status).toBe(200);
    expect(write).toMatchObject({ status: 403, body: { code: 'TENANT_SUSPENDED' } });
  });

  it('is asked for by id only on behalf of a global administrator', async () => {
    const asked: (string | undefined)[] = [];
    const { dependencies } = buildApp();
    const { api } = buildApp({
      companies: {
        ...dependencies.companies,
        resolve: (by) => {
          asked.push(by.requestedId);
          return dependencies.companies.resolve(by);
        },
      },
    });
    const ask = async (role: 'global_admin' | 'tenant_admin', id: string) =>
      api.get('/api/v1/plans').set({ Authorization: await bearer(role), 'X-Company-Id': id });

    await ask('tenant_admin', companyId);
    await ask('global_admin', companyId);
    const wrong = await ask('global_admin', "1' or '1'='1");

    expect(asked).toEqual([undefined, companyId]);
    expect(wrong.status).toBe(400);
  });
});

describe('the Host header', () => {
  it.each(['evil.example', '127.0.0.1.evil.example', '127.0.0.1@evil.example', 'a_b', '..', ''])(
    '%p is refused',
    async (host) => {
      const { api } = buildApp();

      const response = await api.get('/version').set('Host', host);

      expect(response).toMatchObject({ status: 400, body: { code: 'HOST_NOT_ALLOWED' } });
    },
  );

  it('does not matter to monitoring, and a forwarded one only counts behind our proxy', async () => {
    const { api } = buildApp();

    const health = await api.get('/health/live').set('Host', '10.0.0.7:3000');
    const metrics = await api.get('/metrics').set('Host', 'pod-7');
    const forwarded = await api
      .get('/version')
      .set({ Host: 'evil.example', 'X-Forwarded-Host': '127.0.0.1' });

    expect([health.status, metrics.status, forwarded.status]).toEqual([200, 200, 400]);
  });
});
