import { openTestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

it('counts each operation of a request against the limit, and begins none beyond it', async () => {
  const api = await openTestApi({
    RATE_LIMIT_ENABLED: 'true',
    RATE_LIMIT_REQUESTS_PER_MINUTE: '5',
  });
  try {
    const { id: companyId } = await buildCompany();
    const caller = api.as(await buildActor({ companyId, role: 'tenant_admin' }));
    const create = (name: string) =>
      `createCategory(input: { name: "${name}", segment: residential }) { id }`;

    const one = await caller.post('/graphql', { query: '{ me { id } }' });
    const three = await caller.post('/graphql', {
      query: '{ a: me { id } b: me { id } ... on Query { c: me { id } } }',
    });
    const two = await caller.post('/graphql', {
      query: `mutation { a: ${create('A')} b: ${create('B')} }`,
    });

    const left = [one, three].map(({ headers }) => Number(headers['x-ratelimit-remaining']));
    expect(left).toEqual([4, 1]);
    expect(two).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect(
      await api.database.sql('SELECT 1 FROM core.audit_logs WHERE company_id = $1', [companyId]),
    ).toEqual([]);
  } finally {
    await api.close();
  }
});
