import { getIntrospectionQuery } from 'graphql';
import { resourceRoutes, type ResourceDependencies } from '../../../src/api/routes.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildApp } from '../platform/harness.ts';

let api: TestApi;
let admin: Caller;

beforeAll(async () => {
  api = await openTestApi();
  const { id: companyId } = await buildCompany();
  admin = api.as(await buildActor({ companyId, role: 'tenant_admin' }));
  // The first request of a process makes the schema.
  await admin.post('/graphql', { query: '{ me { id } }' });
});

afterAll(() => api.close());

const times = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ');

const nested = (levels: number): string =>
  levels === 0 ? 'name' : `category { plans { ${nested(levels - 1)} } }`;

/** Each fragment spreads the next one twice: 2^20 fields in a few words. */
const doubling = `query { ...F0 } ${times(
  20,
  (index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`,
)} fragment F20 on Query { me { id } }`;

const tooComplex: readonly (readonly [string, string])[] = [
  ['too deep', `{ plans { items { ${nested(4)} } } }`],
  [
    'too deep by fragments',
    `{ plans { items { ...A } } } fragment A on InsurancePlan { ${nested(2)} ...B }
     fragment B on InsurancePlan { category { plans { category { plans { category { name } } } } } }`,
  ],
  ['too wide', `{ ${times(11, (index) => `a${index}: me { id }`)} }`],
  [
    'too wide by a fragment',
    `{ ...A ...A } fragment A on Query { ${times(6, () => 'me { id }')} }`,
  ],
  ['full of aliases', `{ me { ${times(16, (index) => `a${index}: id`)} } }`],
  [
    'full of aliases by a fragment',
    `{ me { ...A } b: me { ...A } } fragment A on Account { ${times(8, (index) => `a${index}: id`)} }`,
  ],
  ['full of words', `{ me { ${times(1000, () => 'id')} } }`],
  [
    'a fragment cycle',
    '{ me { ...A } } fragment A on Account { id ...B } fragment B on Account { ...A }',
  ],
  ['doubling fragments', doubling],
  ['full of directives', `{ me { id ${times(21, () => '@include(if: true)')} } }`],
  ['a huge list', '{ plans(size: 2000) { items { category { name } } } }'],
  [
    'lists of lists',
    '{ categories(size: 100) { items { plans(size: 20) { name category { name } } } } }',
  ],
  ['lists of lists of the usual size', '{ categories(size: 100) { items { plans { name } } } }'],
];

describe('a query that is too complex', () => {
  it.each(tooComplex)('is refused: %s', async (_, query) => {
    const startedAt = performance.now();
    const { status, body } = await admin.post('/graphql', { query });

    expect(body.errors?.[0]?.extensions).toMatchObject({ code: 'QUERY_TOO_COMPLEX', status: 400 });
    expect({ status, data: body.data, errors: body.errors.length }).toEqual({
      status: 400,
      data: undefined,
      errors: 1,
    });
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  it('is one too whose size comes by a variable', async () => {
    const query = 'query ($size: Int) { categories(size: $size) { items { plans { name } } } }';

    const small = await admin.post('/graphql', { query, variables: { size: 5 } });
    const large = await admin.post('/graphql', { query, variables: { size: 100 } });

    const unsaid = await admin.post('/graphql', { query: query.replace('Int)', 'Int = 100)') });

    expect([small.status, large.status, unsaid.status]).toEqual([200, 400, 400]);
  });

  it('is none just below each limit', async () => {
    const fields = times(10, (index) => `a${index}: me { id }`);
    const aliases = times(15, (index) => `a${index}: id`);
    const depth =
      '{ plans(size: 2) { items { category { plans(size: 2) { category { plans(size: 2) { category { name } } } } } } } }';
    const list = '{ plans(size: 100) { items { name premium category { name } } } }';

    for (const query of [`{ ${fields} }`, `{ me { ${aliases} } }`, list, depth]) {
      const { status, body } = await admin.post('/graphql', { query });
      expect([query, status, body.errors]).toEqual([query, 200, undefined]);
    }
  });
});

const malformed: readonly (readonly [string, object])[] = [
  ['no query', {}],
  ['a query that is no text', { query: 1 }],
  ['no GraphQL', { query: '{' }],
  ['a batch', [{ query: '{ me { id } }' }]],
  ['variables that are no object', { query: '{ me { id } }', variables: [1] }],
  ['an operationName that is no text', { query: '{ me { id } }', operationName: {} }],
  ['an operation that is not there', { query: 'query A { me { id } }', operationName: 'B' }],
  [
    'two operations of which none is meant',
    { query: 'query A { me { id } } query B { me { id } }' },
  ],
  ['a subscription', { query: 'subscription { me { id } }' }],
  ['an unknown field', { query: '{ me { passwordHash } }' }],
  ['a field of a prototype', { query: '{ constructor { name } }' }],
  ['a name of a prototype', { query: '{ me { __proto__ } }' }],
  [
    'an unknown field of an input',
    {
      query:
        'mutation { archivePlan(id: "1") createCustomer(input: { name: "x", companyId: "1" }) { id } }',
    },
  ],
  [
    'a variable of the wrong type',
    { query: 'query ($id: ID!) { plan(id: $id) { id } }', variables: { id: { a: 1 } } },
  ],
  ['a variable that is missing', { query: 'query ($id: ID!) { plan(id: $id) { id } }' }],
  [
    'a number for money',
    {
      query: 'query ($m: Money) { plans(minPremium: $m) { items { id } } }',
      variables: { m: 1.5 },
    },
  ],
];

describe('a request that cannot be understood', () => {
  it.each(malformed)('answers 400 in the shape of GraphQL: %s', async (_, body) => {
    const response = await admin.post('/graphql', body);

    expect(response.status).toBe(400);
    expect(response.body).not.toHaveProperty('data');
    expect(response.body.errors[0]).toMatchObject({
      message: expect.any(String),
      extensions: { code: 'BAD_REQUEST', request_id: expect.stringMatching(/^req_/) },
    });
  });

  it('is refused as by REST where its body is no JSON, too large or names a prototype', async () => {
    const send = async (body: string, type = 'application/json'): Promise<number> => {
      const response = await fetch(`${api.address}/graphql`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
      return response.status;
    };

    expect(await send('{ me { id } }', 'application/graphql')).toBe(415);
    expect(await send('{"query": ')).toBe(400);
    expect(await send(JSON.stringify({ query: 'x'.repeat(1_100_000) }))).toBe(413);
    expect(await send('{"query":"{ me { id } }","variables":{"__proto__":{"a":1}}}')).toBe(400);
    expect(await send('null')).toBe(400);
  });
});

describe('what a literal says', () => {
  const issue = (metadata: string): object => ({
    query: `mutation { issuePolicy(input: { policyholderName: "A", policyholderEmail: "a@example.com",
      policyType: auto, startDate: "2026-01-01", endDate: "2027-01-01", premium: "1.00",
      coverageAmount: "100.00", metadata: ${metadata} }) { metadata } }`,
  });

  it.each([
    ['a name of a prototype', '{ __proto__: { a: 1 } }', 'BAD_REQUEST'],
    ['text that nothing can store', '{ a: "\\u0000" }', 'VALIDATION_ERROR'],
    ['a lone surrogate', '{ a: "\\ud800" }', 'BAD_REQUEST'],
  ])('is refused as in a body: %s', async (_, metadata, code) => {
    const { body } = await admin.post('/graphql', issue(metadata));

    expect(body.errors[0]).toMatchObject({ extensions: { code } });
  });
});

describe('in production', () => {
  const { prefix } = { prefix: '/api/v1' };
  const uncalled: ResourceDependencies = JSON.parse(JSON.stringify({ prefix }));
  const appIn = (environment: 'production' | 'development') =>
    buildApp({
      config: { apiPrefix: prefix, corsOrigins: [], trustProxy: false, environment },
      routes: resourceRoutes(uncalled),
    }).api;

  it('the schema tells nothing of itself', async () => {
    const [closed, open] = [appIn('production'), appIn('development')];
    const query = getIntrospectionQuery();

    const hidden = await closed.post('/graphql').send({ query });
    const shown = await open.post('/graphql').send({ query });
    const deep = await open.post('/graphql').send({
      query: `{ __schema { types { ${'fields { type { '.repeat(4)} name ${'} } '.repeat(4)} } } }`,
    });
    const typed = await closed
      .post('/graphql')
      .send({ query: '{ __type(name: "Claim") { name } }' });

    expect([hidden, typed, deep, shown].map((answer) => answer.status)).toEqual([
      400, 400, 400, 200,
    ]);
    expect(hidden.body.errors[0].extensions.code).toBe('BAD_REQUEST');
    expect(shown.body.data.__schema.types.length).toBeGreaterThan(100);
  });

  it('a wrong name gets no suggestion', async () => {
    const [closed, open] = [appIn('production'), appIn('development')];

    for (const body of [
      { query: '{ plan(id: "1") { premum } }' },
      { query: '{ plns { items { id } } }' },
      {
        query: 'mutation ($i: CreateCustomerInput!) { createCustomer(input: $i) { id } }',
        variables: { i: { nam: 'x' } },
      },
    ]) {
      const [hidden, told] = [
        await closed.post('/graphql').send(body),
        await open.post('/graphql').send(body),
      ];
      expect(hidden.text).not.toContain('Did you mean');
      expect(told.text).toContain('Did you mean');
    }
  });
});
