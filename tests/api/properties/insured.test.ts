import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { addMonths, dateAt } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan } from '../../support/build.ts';
import { buildProperty } from '../../support/properties.ts';
import { problemsOf } from '../plans/shop.ts';

let api: TestApi;
let companyId: string;
let planId: string;
let buyer: Actor & { readonly userId: string };

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  ({ id: planId } = await buildPlan({ companyId }));
  buyer = await buildActor({ companyId });
});

const subscribe = (propertyId: string) =>
  api
    .as(buyer)
    .post('/subscriptions', { insurance_plan_id: planId, insured_property_id: propertyId });

const issue = async (propertyId: string) =>
  api.as(await buildActor({ companyId, role: 'call_center' })).post('/policies', {
    policy_type: 'home',
    policyholder_name: 'Grace Hopper',
    policyholder_email: 'grace@example.org',
    start_date: today,
    end_date: addMonths(today, 12),
    premium: '540.00',
    coverage_amount: '18000.00',
    insured_property_id: propertyId,
  });

const today = dateAt(Date.now(), 'Europe/Berlin');

const unknown = ['insured_property_id', 'PROPERTY_UNKNOWN'];

describe('a property that is insured', () => {
  it('is one that others find, or one’s own, each once for a plan', async () => {
    const found = await buildProperty({ companyId });
    const own = await buildProperty({ companyId, ownerId: buyer.userId, status: 'unlisted' });

    const answers = [];
    for (const { id } of [found, own, own]) answers.push(await subscribe(id));

    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [201, undefined],
      [201, undefined],
      [409, 'ALREADY_SUBSCRIBED'],
    ]);
    const query = `{ subscription(id: "${answers[1]?.body.data.id}") {
      insuredProperty { id name } policy { insuredProperty { id } } } }`;
    const shown = await api.as(buyer).post('/graphql', { query });
    expect(shown.body.data.subscription).toEqual({
      insuredProperty: { id: own.id, name: own.name },
      policy: { insuredProperty: { id: own.id } },
    });
  });

  it('is not what does not exist, is archived, hidden or of another company', async () => {
    const hidden = await buildProperty({ companyId, status: 'unlisted' });
    const archived = await buildProperty({ companyId, ownerId: buyer.userId });
    await api.as(buyer).delete(`/properties/${archived.id}`);
    const elsewhere = await buildProperty({ companyId: (await buildCompany()).id });

    for (const id of [uuid(), hidden.id, archived.id, elsewhere.id]) {
      const refused = await subscribe(id);
      expect([refused.status, problemsOf(refused)]).toEqual([422, [unknown]]);
    }
    const [{ sold } = { sold: null }] = await api.database.sql<{ sold: number }>(
      `SELECT count(*)::int AS sold FROM shared.policy_subscriptions WHERE company_id = $1`,
      [companyId],
    );
    expect(sold).toBe(0);
  });

  it('is any of the company where staff issue the policy', async () => {
    const hidden = await buildProperty({ companyId, status: 'unlisted' });

    const issued = await issue(hidden.id);
    const refused = await issue(uuid());

    expect([issued.status, issued.body.data.insured_property_id]).toEqual([201, hidden.id]);
    expect([refused.status, problemsOf(refused)]).toEqual([422, [unknown]]);
  });
});
