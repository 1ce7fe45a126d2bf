import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan, buildSubscription } from '../../support/build.ts';
import { buildProperty, buildStayed } from '../../support/properties.ts';

let api: TestApi;

beforeAll(async () => {
  api = await openTestApi();
});

afterAll(() => api.close());

async function ask(caller: Caller, query: string, variables: object = {}) {
  const { body } = await caller.post('/graphql', { query, variables });
  expect(body.errors).toBeUndefined();
  return body.data;
}

/** A company with so many of each, and its administrator. */
async function buildShop(count: number): Promise<Caller> {
  const { id: companyId } = await buildCompany();
  const admin = api.as(await buildActor({ companyId, role: 'tenant_admin' }));
  for (let index = 0; index < count; index += 1) {
    const { holder, id } = await buildSubscription({ companyId });
    const bought = await api.as(holder).get(`/subscriptions/${id}`);
    await admin.post('/claims', {
      policy_id: bought.body.data.policy_id,
      title: 'Burst pipe',
      description: 'Water in the kitchen',
      incident_date: bought.body.data.start_date,
    });
    const property = await buildProperty({ companyId });
    const people = { propertyId: property.id, guestId: holder.userId, hostId: property.ownerId };
    await buildStayed({ companyId, ...people });
    await api.as(holder).post(`/properties/${property.id}/reviews`, { rating: 4 });
    const customer = await admin.post('/customers', { name: `Customer ${index}` });
    await admin.post('/employees', {
      customer_id: customer.body.data.id,
      name: 'Grace Hopper',
      email: `grace${index}@example.com`,
    });
  }
  return admin;
}

/** The least of three tries: what is known for seconds is looked up again now and then. */
async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const count = async (): Promise<number> => {
    const { text } = await api.nowhere.get('/metrics');
    return Number(/^db_query_duration_seconds_count (\d+)/m.exec(text)?.[1]);
  };
  const tries: number[] = [];
  while (tries.length < 3) {
    const before = await count();
    await work();
    tries.push((await count()) - before);
  }
  return Math.min(...tries);
}

const levels = [
  '{ subscriptions(size: 60) { items { plan { category { name } } policy { policyNumber } user { email } } } }',
  '{ policies(size: 60) { items { subscription { id } user { subscriptions(size: 1) { plan { name } } } } } }',
  '{ policies(size: 60) { items { claims(size: 2) { title policy { id } assignee { email } } } } }',
  '{ claims(size: 60) { items { policy { claims(size: 3) { payments(size: 2) { id } } } } } }',
  '{ plans(size: 60) { items { category { plans(size: 3) { name } } } } }',
  '{ customers(size: 60) { items { employees(size: 2) { customer { name } manager { id } } } } }',
  '{ properties(size: 60) { items { owner { email } category { name } reviews(size: 2) { rating booking { id } reviewer { email } property { name } } } } }',
  '{ bookings(size: 60) { items { property { name } guest { bookings(size: 2) { id } } host { properties(size: 2) { id } } payment { id } refund { id } } } }',
];

describe('a relation', () => {
  it('asks as many statements for fifty as for one', async () => {
    const [one, fifty] = [await buildShop(1), await buildShop(50)];
    // Whoever asks first is looked up.
    for (const caller of [one, fifty]) await ask(caller, '{ me { id } }');

    for (const query of levels) {
      let shown = '';
      const ofOne = await statementsOf(() => ask(one, query));
      const ofFifty = await statementsOf(async () => {
        shown = JSON.stringify(await ask(fifty, query));
      });
      expect([query, ofFifty]).toEqual([query, ofOne]);
      expect(ofOne).toBeGreaterThan(3);
      expect(shown.length).toBeGreaterThan(1500);
    }
  }, 60_000);

  it('leads to what REST shows, there and back', async () => {
    const admin = await buildShop(2);
    const rest = await admin.get('/subscriptions');

    const data = await ask(
      admin,
      `{ subscriptions(size: 9) { items {
           id plan { id name category { id plans { id } } } user { id subscriptions { id } }
           policy { id claims { title } } } } }`,
    );

    expect(data.subscriptions.items).toEqual(
      rest.body.items.map((row: Record<string, string>) => ({
        id: row['id'],
        plan: {
          id: row['insurance_plan_id'],
          name: expect.any(String),
          category: { id: expect.any(String), plans: [{ id: row['insurance_plan_id'] }] },
        },
        user: { id: row['user_id'], subscriptions: [{ id: row['id'] }] },
        policy: { id: row['policy_id'], claims: [{ title: 'Burst pipe' }] },
      })),
    );
  });

  it('takes the newest first, as many as are asked for', async () => {
    const { id: companyId } = await buildCompany();
    const admin = api.as(await buildActor({ companyId, role: 'tenant_admin' }));
    const customer = await admin.post('/customers', { name: 'Harbour Logistics' });
    for (const name of ['A', 'B', 'C']) {
      await admin.post('/employees', {
        customer_id: customer.body.data.id,
        name,
        email: `${name.toLowerCase()}@example.com`,
      });
    }

    const query = 'query ($id: ID!) { customer(id: $id) { employees(size: 2) { name } } }';
    const data = await ask(admin, query, { id: customer.body.data.id });

    expect(data.customer.employees).toEqual([{ name: 'C' }, { name: 'B' }]);
  });

  it('refuses a size beyond 100, and below 1', async () => {
    const admin = await buildShop(1);

    for (const size of [101, 0, -1]) {
      const query = `{ policies(size: 1) { items { claims(size: ${size}) { id } } } }`;
      const { body } = await admin.post('/graphql', { query });
      expect(body).toMatchObject({
        data: { policies: { items: [{ claims: null }] } },
        errors: [{ extensions: { code: 'VALIDATION_ERROR', details: [{ field: 'size' }] } }],
      });
    }
  });

  it('is null where the actor may not see what it leads to, and records nothing', async () => {
    const { id: companyId } = await buildCompany();
    const sold = await buildSubscription({ companyId });
    const manager = await buildActor({ companyId, role: 'claims_manager' });
    const query = `query ($id: ID!) { subscription(id: $id) {
      user { email } plan { name } policy { policyNumber user { email } } } }`;

    const byManager = await ask(api.as(manager), query, { id: sold.id });
    const byHolder = await ask(api.as(sold.holder), query, { id: sold.id });

    const seen = { plan: { name: expect.any(String) } };
    expect(byManager.subscription).toMatchObject({ ...seen, user: null, policy: { user: null } });
    const { email } = sold.holder;
    expect(byHolder.subscription).toMatchObject({ ...seen, user: { email } });
    expect(
      await api.database.sql(
        `SELECT 1 FROM core.audit_logs WHERE company_id = $1 AND action = 'ACCESS_DENIED'`,
        [companyId],
      ),
    ).toEqual([]);
  });

  it('leads each person to what is theirs', async () => {
    const { id: companyId } = await buildCompany();
    const admin = api.as(await buildActor({ companyId, role: 'tenant_admin' }));
    const [mine, theirs] = [
      await buildSubscription({ companyId }),
      await buildSubscription({ companyId }),
    ];
    const query = `query ($id: ID!) { user(id: $id) { subscriptions { id } } }`;

    const own = await ask(api.as(mine.holder), '{ me { subscriptions { id } } }');
    const others = await ask(admin, query, { id: theirs.holder.userId });

    expect(own.me.subscriptions).toEqual([{ id: mine.id }]);
    expect(others.user.subscriptions).toEqual([{ id: theirs.id }]);
  });

  it('leaves out what a list would: who manages people need not see what they bought', async () => {
    const { holder, companyId } = await buildSubscription();
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const query = `query ($id: ID!) { user(id: $id) { email subscriptions { id } } }`;

    const { body } = await api
      .as(global)
      .post('/graphql', { query, variables: { id: holder.userId } }, { 'X-Company-Id': companyId });

    expect(body).toEqual({ data: { user: { email: holder.email, subscriptions: [] } } });
  });

  it('shows after a change what is there then', async () => {
    const { id: companyId } = await buildCompany();
    const admin = api.as(await buildActor({ companyId, role: 'tenant_admin' }));
    const plan = await buildPlan({ companyId });

    const data = await ask(
      admin,
      `mutation ($plan: ID!, $category: ID!) {
        before: updatePlan(id: $plan, input: { premium: "100.00" }) { category { name } }
        rename: updateCategory(id: $category, input: { name: "Renamed" }) { name }
        after: updatePlan(id: $plan, input: { premium: "101.00" }) { category { name } }
      }`,
      { plan: plan.id, category: plan.propertyCategoryId },
    );

    expect(data.before.category.name).not.toBe('Renamed');
    expect(data.after.category.name).toBe('Renamed');
  });
});
