import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan, buildSubscription } from '../../support/build.ts';

let api: TestApi;
let companyId: string;
let admin: Caller;

beforeAll(async () => {
  api = await openTestApi();
  companyId = (await buildCompany()).id;
  admin = api.as(await buildActor({ companyId, role: 'tenant_admin' }));
});

afterAll(() => api.close());

/** What is answered, without the id of the request. */
async function ask(caller: Caller, query: string, variables: object = {}) {
  const { status, body } = await caller.post('/graphql', { query, variables });
  return { status, ...body };
}

const codeOf = ({ extensions }: { extensions: { code: string } }): string => extensions.code;

const planInput = async () => ({
  name: `Plan ${Math.random()}`,
  propertyCategoryId: (await buildPlan({ companyId })).propertyCategoryId,
  coverageLevel: 'standard',
  coverageAmount: '250000.00',
  premium: '365.00',
  durationMonths: 12,
  lifecycleConfig: { renewalReminderDays: [30, 7] },
});

const create = `mutation ($input: CreatePlanInput!, $key: String) {
  createPlan(input: $input, idempotencyKey: $key) {
    id name premium coverageLevel createdAt version lifecycleConfig { renewalReminderDays graceDays }
  }
}`;

const auditOf = (entityId: string) =>
  api.database.sql(`SELECT action FROM core.audit_logs WHERE entity_id = $1`, [entityId]);

describe('queries', () => {
  it('answer what REST answers, under names in camelCase', async () => {
    const plan = await buildPlan({ companyId });
    const rest = await admin.get(`/plans/${plan.id}`);

    const { status, data } = await ask(
      admin,
      `query ($id: ID!) { plan(id: $id) { id premium propertyCategoryName createdAt archivedAt version } }`,
      { id: plan.id },
    );

    const { id, premium, property_category_name, created_at, version } = rest.body.data;
    expect(status).toBe(200);
    expect(data.plan).toEqual({
      id,
      premium,
      propertyCategoryName: property_category_name,
      createdAt: created_at,
      archivedAt: null,
      version,
    });
  });

  it('filter, sort and page a list as REST does', async () => {
    const { id } = await buildCompany();
    const visitor = api.visiting(id);
    for (const premium of ['10.00', '30.00', '20.00']) await buildPlan({ companyId: id, premium });

    const { data } = await ask(
      visitor,
      `{
        plans(minPremium: "15", size: 1, sortBy: premium, sortOrder: desc) {
          items { premium }
          pagination { page size total pages hasNext hasPrev nextCursor }
        }
        cheap: plans(maxPremium: "10.00") { items { premium } }
      }`,
    );

    expect(data).toEqual({
      plans: {
        items: [{ premium: '30.00' }],
        pagination: {
          page: 1,
          size: 1,
          total: 2,
          pages: 2,
          hasNext: true,
          hasPrev: false,
          nextCursor: null,
        },
      },
      cheap: { items: [{ premium: '10.00' }] },
    });
  });

  it('refuse a filter by the name that GraphQL knows it by, and answer the others', async () => {
    const { status, data, errors } = await ask(
      admin,
      '{ plans(minPremium: "-1", maxPremium: "x") { items { id } } categories { items { id } } }',
    );

    expect({ status, data }).toEqual({
      status: 200,
      data: { plans: null, categories: { items: expect.any(Array) } },
    });
    expect(errors).toMatchObject([
      {
        path: ['plans'],
        locations: [{ line: 1, column: 3 }],
        extensions: {
          code: 'VALIDATION_ERROR',
          status: 422,
          request_id: expect.stringMatching(/^req_/),
          details: [
            { field: 'minPremium', code: 'INVALID_FORMAT' },
            { field: 'maxPremium', code: 'INVALID_FORMAT' },
          ],
        },
      },
    ]);
  });

  it('know nothing of what belongs to another company', async () => {
    const { companyId: other, id } = await buildSubscription();
    const plan = await buildPlan({ companyId: other });

    const { status, errors } = await ask(
      admin,
      `query ($plan: ID!, $id: ID!) { plan(id: $plan) { id } subscription(id: $id) { id } }`,
      { plan: plan.id, id },
    );

    expect(status).toBe(200);
    expect(errors.map(codeOf)).toEqual(['NOT_FOUND', 'NOT_FOUND']);
  });
});

describe('mutations', () => {
  it('do what REST does, once where the key is repeated', async () => {
    const variables = { input: await planInput(), key: 'create-1' };

    const first = await ask(admin, create, variables);
    const again = await ask(admin, create, variables);
    const other = await ask(admin, create, {
      ...variables,
      input: { ...variables.input, premium: '1.00' },
    });

    const { id } = first.data.createPlan;
    expect(first).toMatchObject({
      status: 200,
      data: {
        createPlan: {
          premium: '365.00',
          version: 1,
          lifecycleConfig: { renewalReminderDays: [30, 7], graceDays: null },
        },
      },
    });
    expect(again).toEqual(first);
    expect(other.errors.map(codeOf)).toEqual(['IDEMPOTENCY_KEY_REUSED']);
    expect(await auditOf(id)).toEqual([{ action: 'CREATE' }]);
  });

  it('repeat what came by REST with the same key', async () => {
    const input = await planInput();
    const {
      lifecycleConfig: _,
      propertyCategoryId,
      coverageLevel,
      coverageAmount,
      ...rest
    } = input;
    const { durationMonths, ...plain } = rest;
    const body = {
      ...plain,
      property_category_id: propertyCategoryId,
      coverage_level: coverageLevel,
      coverage_amount: coverageAmount,
      duration_months: durationMonths,
    };
    const made = await admin.post('/plans', body, { 'Idempotency-Key': 'rest-1' });
    const { lifecycleConfig: __, ...sameInput } = input;

    const { data } = await ask(admin, create, { input: sameInput, key: 'rest-1' });

    expect(data.createPlan.id).toBe(made.body.data.id);
  });

  it('refuse what is not valid, field by field, and change nothing', async () => {
    const input = await planInput();

    const { status, data, errors } = await ask(admin, create, {
      input: { ...input, durationMonths: 7, premium: '300000.00' },
    });

    expect({ status, data }).toEqual({ status: 200, data: { createPlan: null } });
    expect(errors[0].extensions).toMatchObject({
      code: 'VALIDATION_ERROR',
      details: [{ field: 'durationMonths' }, { field: 'coverageAmount', code: 'COVERAGE_TOO_LOW' }],
    });
    const found = await ask(
      admin,
      `query ($s: String) { plans(search: $s) { pagination { total } } }`,
      {
        s: input.name,
      },
    );
    expect(found.data.plans.pagination.total).toBe(0);
  });

  it('are bound to the version that the caller has seen', async () => {
    const { id } = await buildPlan({ companyId });
    const update = `mutation ($id: ID!, $version: Int, $premium: Money) {
      updatePlan(id: $id, expectedVersion: $version, input: { premium: $premium }) { premium version }
    }`;

    const changed = await ask(admin, update, { id, version: 1, premium: '200.00' });
    const late = await ask(admin, update, { id, version: 1, premium: '100.00' });

    expect(changed.data.updatePlan).toEqual({ premium: '200.00', version: 2 });
    expect(late.errors[0].extensions).toMatchObject({ code: 'VERSION_CONFLICT', status: 409 });
    expect((await admin.get(`/plans/${id}`)).body.data.premium).toBe('200.00');
  });

  it('answer true where REST answers 204', async () => {
    const { id } = await buildPlan({ companyId });

    const { data } = await ask(admin, `mutation ($id: ID!) { archivePlan(id: $id) }`, { id });

    expect(data).toEqual({ archivePlan: true });
    expect(await auditOf(id)).toEqual([{ action: 'ARCHIVE' }]);
  });

  it('run one after the other, each a transaction of its own', async () => {
    const { id } = await buildPlan({ companyId });

    const { data, errors } = await ask(
      admin,
      `mutation ($id: ID!) {
        first: updatePlan(id: $id, input: { premium: "100.00" }) { version }
        second: updatePlan(id: $id, expectedVersion: 2, input: { durationMonths: 7 }) { version }
        third: updatePlan(id: $id, expectedVersion: 2, input: { premium: "90.00" }) { version }
      }`,
      { id },
    );

    expect(data).toEqual({ first: { version: 2 }, second: null, third: { version: 3 } });
    expect(errors.map(codeOf)).toEqual(['VALIDATION_ERROR']);
  });

  it('buy, and cancel with a key demanded where REST demands one', async () => {
    const { id: other } = await buildCompany();
    const holder = api.as(await buildActor({ companyId: other }));
    const plan = await buildPlan({ companyId: other });

    const { data } = await ask(
      holder,
      `mutation ($plan: ID!) {
        subscribe(input: { insurancePlanId: $plan }) { id status policyId autoRenew workflow { state } }
      }`,
      { plan: plan.id },
    );
    const endorse = await ask(
      holder,
      `mutation ($id: ID!) { endorseSubscription(id: $id, input: { reason: "x" }) { id } }`,
      { id: data.subscribe.id },
    );

    expect(data.subscribe).toMatchObject({
      status: 'active',
      autoRenew: false,
      workflow: { state: 'starting' },
    });
    expect(endorse).toMatchObject({
      status: 400,
      errors: [{ message: expect.stringContaining('idempotencyKey') }],
    });
  });

  it('record a denial as REST does', async () => {
    const { id: other } = await buildCompany();
    const holder = await buildActor({ companyId: other });
    const { id } = await buildPlan({ companyId: other });

    const { status, errors } = await ask(
      api.as(holder),
      `mutation ($id: ID!) { archivePlan(id: $id) }`,
      { id },
    );

    expect({ status, codes: errors.map(codeOf) }).toEqual({ status: 200, codes: ['FORBIDDEN'] });
    const lines = await api.database.sql(
      `SELECT actor_id, after FROM core.audit_logs WHERE company_id = $1 AND action = 'ACCESS_DENIED'`,
      [other],
    );
    expect(lines).toEqual([
      {
        actor_id: holder.userId,
        after: {
          code: 'FORBIDDEN',
          route: 'DELETE /api/v1/plans/:id',
          permission: 'plan:write',
          object_id: id,
        },
      },
    ]);
  });
});

describe('a request', () => {
  it('with a bad token is refused as by REST', async () => {
    const answer = await api.nowhere.post(
      '/graphql',
      { query: '{ __typename }' },
      { Authorization: 'Bearer nonsense' },
    );

    expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
  });

  it('may be of a stranger, who gets what is public', async () => {
    const { data, errors } = await ask(
      api.visiting(companyId),
      '{ me { id } categories { pagination { page } } }',
    );

    expect(data).toEqual({ me: null, categories: { pagination: { page: 1 } } });
    expect(errors[0].extensions).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
  });

  it('may come with a key, which can do what its scopes say', async () => {
    const made = await admin.post('/api-keys', { name: 'Export', scopes: ['policy:read'] });

    const { body } = await api.nowhere.post(
      '/graphql',
      { query: '{ policies { pagination { page } } claims { pagination { page } } me { id } }' },
      { 'X-API-Key': made.body.data.key },
    );

    expect(body.data).toEqual({ policies: { pagination: { page: 1 } }, claims: null, me: null });
    expect(body.errors.map(codeOf)).toEqual(['FORBIDDEN', 'FORBIDDEN']);
  });

  it('may be of a global administrator inside a company', async () => {
    const sold = await buildSubscription();
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });

    const { body } = await api
      .as(global)
      .post(
        '/graphql',
        { query: '{ plans { pagination { total } } users { items { id } } }' },
        { 'X-Company-Id': sold.companyId },
      );

    expect(body.data).toMatchObject({
      plans: { pagination: { total: 1 } },
      users: { items: [{ id: sold.holder.userId }] },
    });
  });
});
