import { resourceRoutes, type ResourceDependencies } from '../../../src/api/routes.ts';
import { buildApp } from '../platform/harness.ts';

const prefix = '/api/v1';
const uncalled: ResourceDependencies = JSON.parse(JSON.stringify({ prefix }));
const appIn = (environment: 'production' | 'development') =>
  buildApp({
    config: { apiPrefix: prefix, corsOrigins: [], trustProxy: false, environment },
    routes: resourceRoutes(uncalled),
  }).api;

describe('the explorer of GraphQL', () => {
  it('is served in development with all of its parts, and loads nothing from elsewhere', async () => {
    const api = appIn('development');

    const page = await api.get('/graphql');

    const { status, headers, text } = page;
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/html');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; ");
    expect(policy).not.toMatch(/https?:|unsafe-eval|script-src[^;]*unsafe/);
    // Without this, scripts in the page itself would be needed.
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)/);
    const parts = [...text.matchAll(/<(?:script|link)[^>]*?(?:src|href)="([^"]+)"/g)].map(
      ([, part]) => new URL(String(part), 'http://127.0.0.1/graphql/explorer/').pathname,
    );
    expect(parts.length).toBeGreaterThan(5);
    for (const part of [...parts, '/graphql/explorer/assets/img/logo_350.svg']) {
      const answer = await api.get(part);
      expect([part, answer.status, answer.headers['content-type']]).toEqual([
        part,
        200,
        expect.stringMatching(/javascript|css|svg|icon/),
      ]);
    }
  });

  it('serves its own files only', async () => {
    const api = appIn('development');

    for (const path of ['nothing.js', '..%2findex.js', '..%2f..%2fpackage.json', '.x', '%2e%2e']) {
      expect([path, (await api.get(`/graphql/explorer/${path}`)).status]).toEqual([path, 404]);
    }
  });

  it('is not there in production', async () => {
    const api = appIn('production');

    expect((await api.get('/graphql')).status).toBe(405);
    expect((await api.get('/graphql/explorer/start.js')).status).toBe(404);
  });
});

describe('a fault of ours', () => {
  it('tells nothing of itself and leaves the other operations alone', async () => {
    const { status, body } = await appIn('production')
      .post('/graphql')
      .send({ query: '{ plans { items { id } } __typename }' });

    expect({ status, body }).toEqual({
      status: 200,
      body: {
        data: { plans: null, __typename: 'Query' },
        errors: [
          {
            message: 'Something went wrong on our side',
            path: ['plans'],
            locations: [{ line: 1, column: 3 }],
            extensions: {
              code: 'INTERNAL_ERROR',
              status: 500,
              details: [],
              request_id: expect.stringMatching(/^req_/),
            },
          },
        ],
      },
    });
  });
});

describe('the access log', () => {
  it('tells of each operation who was let do what', async () => {
    const { api, accessLines } = buildApp({
      config: { apiPrefix: prefix, corsOrigins: [], trustProxy: false },
      routes: resourceRoutes(uncalled),
    });
    const id = '0199a7c2-0000-7000-8000-00000000000a';

    await api
      .post('/graphql')
      .send({ query: `mutation { archivePlan(id: "${id}") quiet: archivePlan(id: "hidden") }` });

    const denied = { route: 'DELETE /api/v1/plans/:id', decision: 'denied' };
    expect(accessLines).toMatchObject([
      {
        route: '/graphql',
        status: 200,
        operations: [
          { ...denied, id },
          { ...denied, id: null },
        ],
      },
    ]);
    expect(JSON.stringify(accessLines)).not.toContain('hidden');
  });
});
