import { readFileSync } from 'node:fs';
import { buildSchema, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { relations } from '../../../src/api/graphql/relations.ts';
import { flush, platformCompanyId, withTenant } from '../../../src/models/database.ts';
import { openPayment } from '../../../src/models/paymentStart.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan, buildSubscription } from '../../support/build.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';
import { buildProperty, buildStayed, payStay } from '../../support/properties.ts';

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

/** A company with so many of each, all of which lead somewhere, and its administrator. */
async function buildShop(count: number): Promise<Caller> {
  const { id: companyId } = await buildCompany();
  const actor = await buildActor({ companyId, role: 'tenant_admin' });
  const admin = api.as(actor);
  const make = async (path: string, body: object) => (await admin.post(path, body)).body.data;
  for (let index = 0; index < count; index += 1) {
    const { holder, id } = await buildSubscription({ companyId });
    const { userId } = holder;
    const bought = (await api.as(holder).get(`/subscriptions/${id}`)).body.data;
    const plan = (await admin.get(`/plans/${bought.insurance_plan_id}`)).body.data;
    const claim = await make('/claims', {
      policy_id: bought.policy_id,
      title: 'Burst pipe',
      description: 'Water in the kitchen',
      incident_date: bought.start_date,
    });
    const property = await buildProperty({ companyId, categoryId: plan.property_category_id });
    const people = { propertyId: property.id, guestId: userId, hostId: property.ownerId };
    await payStay(await buildStayed({ companyId, ...people }));
    await api.as(holder).post(`/properties/${property.id}/reviews`, { rating: 4 });
    await withTenant(companyId, async () => {
      const payout = {
        purpose: 'claim_payout',
        claimId: claim.id,
        userId,
        amount: '9.00',
      } as const;
      openPayment({ ...payout, payeeName: 'Ada Lovelace', currency: 'EUR', at: new Date() });
      await flush();
    });
    await api.database.sql(
      `WITH sold AS (UPDATE shared.policy_subscriptions SET insured_property_id = $1 WHERE id = $2),
         covered AS (UPDATE shared.policies SET insured_property_id = $1 WHERE id = $3)
       UPDATE shared.claims SET assigned_to = $4 WHERE id = $5`,
      [property.id, id, bought.policy_id, userId, claim.id],
    );
    const customer = await make('/customers', { name: `Customer ${index}` });
    const hire = (name: string, more: object) =>
      make('/employees', {
        customer_id: customer.id,
        name,
        email: `${name.toLowerCase()}${index}@example.com`,
        ...more,
      });
    const manager = await hire('Grace', {});
    const employee = await hire('Ada', { manager_id: manager.id, user_id: userId });
    const compliance = await make('/compliances', {
      compliance_type: 'infosec',
      compliance_title: `ISO ${index}`,
    });
    await make('/customer-compliance', {
      customer_id: customer.id,
      compliance_id: compliance.id,
    });
    const { policyId } = await buildPolicyRow({
      companyId,
      authors: [actor.userId],
      title: `Policy ${index}`,
      status: 'published',
    });
    await make('/acknowledgements', { policy_id: policyId, employee_ids: [employee.id] });
    await make('/campaigns', { policy_id: policyId, name: 'Before the audit', due_days: 14 });
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
  '{ subscriptions(size: 60) { items { plan { category { name } } policy { policyNumber } user { email } insuredProperty { id } } } }',
  '{ policies(size: 60) { items { subscription { id } user { subscriptions(size: 1) { plan { name } } } insuredProperty { id } } } }',
  '{ policies(size: 60) { items { claims(size: 2) { title policy { id } assignee { email } } } } }',
  '{ claims(size: 60) { items { policy { claims(size: 3) { payments(size: 2) { id } } } } } }',
  '{ payments(size: 60) { items { claim { id } booking { id } refundOf { id } user { email } } } }',
  '{ plans(size: 60) { items { category { plans(size: 3) { name } } } } }',
  '{ users(size: 60) { items { subscriptions(size: 1) { id } properties(size: 1) { id } bookings(size: 1) { id } reviews(size: 1) { rating } } } }',
  '{ properties(size: 60) { items { owner { email } category { name } reviews(size: 2) { rating booking { id } reviewer { email } property { name } } } } }',
  '{ properties(size: 60) { items { bookings(size: 2) { id payment { id } } } } }',
  '{ bookings(size: 60) { items { property { name } guest { bookings(size: 2) { id } } host { properties(size: 2) { id } } payment { booking { id } } refund { refundOf { id } } } } }',
  '{ customers(size: 60) { items { employees(size: 2) { customer { name } manager { id } user { email } } } } }',
  '{ customerCompliances(size: 60) { items { customer { name } compliance { id } } } }',
  '{ acknowledgements(size: 60) { items { policy { id } employee { name } customer { name } } } }',
  '{ campaigns(size: 60) { items { policy { id } } } }',
];

const schema = buildSchema(readFileSync('docs/schema.graphql', 'utf8'));

/** Every relation that a query follows. */
function followedBy(query: string) {
  const types = new TypeInfo(schema);
  const followed: unknown[] = [];
  const Field = ({ name }: { readonly name: { readonly value: string } }): void => {
    followed.push(relations[types.getParentType()?.name ?? '']?.[name.value]);
  };
  visit(parse(query), visitWithTypeInfo(types, { Field }));
  return followed;
}

/** Where an answer has fields that nothing of it fills. */
function emptyIn(answer: unknown): string[] {
  const filled = new Map<string, boolean>();
  const look = (value: unknown, at: string): void => {
    if (Array.isArray(value)) return value.forEach((each) => look(each, at));
    for (const [name, part] of Object.entries(Object(value))) {
      const isFilled = Array.isArray(part) ? part.length > 0 : part !== null;
      filled.set(`${at}.${name}`, isFilled || filled.get(`${at}.${name}`) === true);
      if (typeof part === 'object') look(part, `${at}.${name}`);
    }
  };
  look(answer, '');
  return [...filled].flatMap(([at, isFilled]) => (isFilled ? [] : [at]));
}

describe('a relation', () => {
  it('is followed by one of the queries that are counted', () => {
    const followed = new Set(levels.flatMap(followedBy));
    const others = Object.entries(relations).flatMap(([type, fields]) =>
      Object.entries(fields).flatMap(([field, relation]) =>
        followed.has(relation) ? [] : [`${type}.${field}`],
      ),
    );

    // Nobody asks for many quotes at once.
    expect(others).toEqual(['Quote.plan']);
  });

  it('asks as many statements for fifty as for one', async () => {
    const [one, fifty] = [await buildShop(1), await buildShop(50)];
    // Whoever asks first is looked up.
    for (const caller of [one, fifty]) await ask(caller, '{ me { id } }');

    for (const query of levels) {
      const shown: unknown[] = [];
      const ofOne = await statementsOf(async () => shown.push(await ask(one, query)));
      const ofFifty = await statementsOf(async () => shown.push(await ask(fifty, query)));
      expect([query, ofFifty]).toEqual([query, ofOne]);
      expect(ofOne).toBeGreaterThan(3);
      expect([query, ...shown.flatMap(emptyIn)]).toEqual([query]);
      expect(JSON.stringify(shown.at(-1)).length).toBeGreaterThan(1500);
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
