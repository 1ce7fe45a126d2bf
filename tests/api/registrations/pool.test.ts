import { randomBytes } from 'node:crypto';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan } from '../../support/build.ts';

let api: TestApi;

beforeAll(async () => {
  // Whoever wanted a second connection while holding one would wait for themself.
  api = await openTestApi({
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    DATABASE_POOL_SIZE: '1',
    DATABASE_MAX_OVERFLOW: '1',
    DATABASE_POOL_TIMEOUT: '5',
  });
});
afterAll(() => api.close());

const aCompany = () => {
  const name = `acme${randomBytes(4).toString('hex')}`;
  return {
    company_name: `Acme ${name}`,
    requested_domain: `${name}.example`,
    admin_email: `ada@${name}.example`,
    admin_username: name,
    admin_password: 'securepassword',
  };
};

describe('POST /register on a pool of two connections', () => {
  it('lets ten in at once, and others are served meanwhile', async () => {
    const { id: companyId } = await buildCompany();
    const { id: planId } = await buildPlan({ companyId });
    const reader = await buildActor({ companyId });
    const plans = () => api.as(reader).get('/plans');
    await plans();

    const registering = Array.from({ length: 10 }, () => api.nowhere.post('/register', aCompany()));
    const read = await Promise.all(Array.from({ length: 10 }, plans));
    const registered = await Promise.all(registering);

    expect(registered.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(read.map(({ status }) => status)).toEqual(Array(10).fill(200));
    for (const { body } of read) expect(body.items).toMatchObject([{ id: planId }]);
  });
});
