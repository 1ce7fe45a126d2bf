import { randomUUID } from 'node:crypto';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

const linesOf = (companyId: string, action: string) =>
  api.database.sql<Record<string, unknown>>(
    `SELECT actor_id, actor_type, entity_type, entity_id, after, request_id
     FROM core.audit_logs WHERE company_id = $1 AND action = $2 ORDER BY timestamp, id`,
    [companyId, action],
  );

const buildGlobal = () => buildActor({ companyId: platformCompanyId, role: 'global_admin' });

describe('a global administrator', () => {
  it('leaves an event in the company they enter, once for a session', async () => {
    const company = await buildCompany();
    const global = await buildGlobal();
    const inside = { 'X-Company-Id': company.id };
    const first = { ...inside, 'X-Request-ID': `req_${randomUUID()}` };

    const answer = await api.as(global).get('/plans', {}, first);
    await Promise.all([1, 2, 3].map(() => api.as(global).get('/plans', {}, inside)));
    await api.as(global).post('/categories', { name: 'x', segment: 'residential' }, inside);

    expect(answer.status).toBe(200);
    expect(await linesOf(company.id, 'COMPANY_ENTERED')).toEqual([
      {
        actor_id: global.userId,
        actor_type: 'user',
        entity_type: 'company',
        entity_id: company.id,
        after: { sessionId: expect.any(String) },
        request_id: first['X-Request-ID'],
      },
    ]);
  });

  it('takes no other role of the platform along', async () => {
    const company = await buildCompany();
    const global = await buildGlobal();
    await api.database.sql(
      `INSERT INTO platform.memberships (company_id, id, user_id, role)
       VALUES ($1, gen_random_uuid(), $2, 'tenant_admin')`,
      [platformCompanyId, global.userId],
    );
    const category = { name: 'Houses', segment: 'residential' };

    const made = await api.as(global).post('/categories', category, { 'X-Company-Id': company.id });

    expect(made).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });

  it('is one of the platform: the role in a company, however it came there, opens no other', async () => {
    const [own, other] = [await buildCompany(), await buildCompany()];
    const admin = await buildActor({ companyId: own.id, role: 'tenant_admin' });
    // As a file of the company could bring it, when it is restored.
    await api.database.sql(
      `INSERT INTO platform.memberships (company_id, id, user_id, role)
       VALUES ($1, gen_random_uuid(), $2, 'global_admin')`,
      [own.id, admin.userId],
    );

    const all = await api.as(admin).get('/companies');
    const inside = await api.as(admin).get('/companies/current', {}, { 'X-Company-Id': other.id });

    expect([all.status, inside.body.data.id]).toEqual([403, own.id]);
    expect(await linesOf(other.id, 'COMPANY_ENTERED')).toEqual([]);
  });

  it('leaves one for each company and each session', async () => {
    const [one, other] = [await buildCompany(), await buildCompany()];
    const [first, second] = [await buildGlobal(), await buildGlobal()];

    for (const global of [first, second]) {
      await api.as(global).get('/plans', {}, { 'X-Company-Id': one.id });
    }
    await api.as(first).get('/plans', {}, { 'X-Company-Id': other.id });

    expect(await linesOf(one.id, 'COMPANY_ENTERED')).toMatchObject([
      { actor_id: first.userId },
      { actor_id: second.userId },
    ]);
    expect(await linesOf(other.id, 'COMPANY_ENTERED')).toMatchObject([{ actor_id: first.userId }]);
  });

  it('leaves none at home, and nobody else does by naming a company', async () => {
    const company = await buildCompany();
    const admin = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    const global = await buildGlobal();

    await api.as(global).get('/auth/me', {}, { 'X-Company-Id': platformCompanyId });
    await api.as(admin).get('/plans', {}, { 'X-Company-Id': company.id });
    await api.visiting(company.id).get('/plans', {}, { 'X-Company-Id': company.id });

    expect(await linesOf(company.id, 'COMPANY_ENTERED')).toEqual([]);
    expect(await linesOf(platformCompanyId, 'COMPANY_ENTERED')).toEqual([]);
  });
});

describe('a denial', () => {
  it.each(['a%00b', 'x'.repeat(5000), '%F0%9F%8F%A0'])(
    'on what is no id leaves its event, without the text (%.20s)',
    async (segment) => {
      const { id } = await buildCompany();

      const answer = await api.visiting(id).get(`/subscriptions/${segment}`);

      expect(answer.status).toBe(401);
      expect(await linesOf(id, 'ACCESS_DENIED')).toMatchObject([
        { after: { route: 'GET /api/v1/subscriptions/:id', object_id: null } },
      ]);
    },
  );

  it('names the object by its id, in lower case', async () => {
    const { id } = await buildCompany();
    const objectId = randomUUID();

    await api.visiting(id).get(`/subscriptions/${objectId.toUpperCase()}`);

    expect(await linesOf(id, 'ACCESS_DENIED')).toMatchObject([{ after: { object_id: objectId } }]);
  });
});
