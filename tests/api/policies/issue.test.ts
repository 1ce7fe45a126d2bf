import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { addDays, addMonths, dateAt } from '../../../src/rules/calendar.ts';
import { businessTypes } from '../../../src/rules/companies.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { zoneAtNoon } from '../../support/noon.ts';
import { problemsOf } from '../plans/shop.ts';

let api: TestApi;
let company: Awaited<ReturnType<typeof buildCompany>>;
let agent: Actor;
let today: string;

beforeAll(async () => {
  api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
});
afterAll(() => api.close());
beforeEach(async () => {
  company = await buildCompany({ timeZone: zoneAtNoon() });
  agent = await buildActor({ companyId: company.id, role: 'call_center' });
  today = dateAt(Date.now(), company.timeZone);
});

const wish = (values: object = {}) => ({
  policy_type: 'auto',
  policyholder_name: 'Grace Hopper',
  policyholder_email: 'Grace@Example.org',
  start_date: today,
  end_date: addMonths(today, 12),
  premium: '540.00',
  coverage_amount: '18000.00',
  ...values,
});

const issue = (values: object = {}, headers = {}) =>
  api.as(agent).post('/policies', wish(values), headers);

/** Rows that a policy consists of, counted by table. */
async function rowsOf(): Promise<Readonly<Record<string, number>>> {
  const [counted] = await api.database.sql<Record<string, number>>(
    `SELECT (SELECT count(*)::int FROM shared.policies WHERE company_id = $1) AS policies,
       (SELECT count(*)::int FROM shared.policy_subscriptions WHERE company_id = $1) AS subscriptions,
       (SELECT count(*)::int FROM shared.subscription_terms WHERE company_id = $1) AS terms,
       (SELECT count(*)::int FROM core.timers WHERE company_id = $1) AS timers,
       (SELECT count(*)::int FROM core.transitions WHERE company_id = $1) AS transitions,
       (SELECT count(*)::int FROM core.outbox WHERE company_id = $1) AS promised,
       (SELECT count(*)::int FROM core.notifications WHERE company_id = $1) AS messages`,
    [company.id],
  );
  return { ...counted };
}

describe('POST /policies', () => {
  it('writes the whole contract in one go and answers with the workflow to come', async () => {
    const issued = await issue({ metadata: { plate: 'B-GH 1906' } });

    const year = today.slice(0, 4);
    expect([issued.status, issued.body.message]).toEqual([201, 'Policy issued']);
    expect(issued.body.data).toMatchObject({
      policy_number: `POL-${company.code}-${year}-000001`,
      policy_type: 'auto',
      status: 'active',
      is_active: true,
      is_valid: true,
      user_id: null,
      policyholder_email: 'grace@example.org',
      coverage_used: '0.00',
      coverage_remaining: '18000.00',
      premium_paid_to: addMonths(today, 12),
      currency: 'EUR',
      metadata: { plate: 'B-GH 1906' },
      workflow: {
        id: `subscription/${company.id}/${issued.body.data.subscription_id}`,
        state: 'starting',
      },
    });
    expect(await rowsOf()).toEqual({
      policies: 1,
      subscriptions: 1,
      terms: 1,
      timers: 8,
      transitions: 1,
      promised: 1,
      messages: 1,
    });
    const { workflow: _, ...shown } = issued.body.data;
    const { body } = await api.as(agent).get(`/policies/${shown.id}`);
    expect(body.data).toMatchObject({ ...shown, updated_at: expect.any(String) });
  });

  it('has a subscription from no plan, which staff see with its agreed price', async () => {
    const { body } = await issue({ end_date: addDays(today, 10) });

    const { data } = (await api.as(agent).get(`/subscriptions/${body.data.subscription_id}`)).body;
    expect(data).toMatchObject({
      source: 'direct',
      user_id: null,
      insurance_plan_id: null,
      policy_id: body.data.id,
      price_snapshot: {
        plan_name: 'Motor insurance',
        plan_version: null,
        duration_months: null,
        premium: '540.00',
      },
    });
  });

  it.each(businessTypes)('issues one of type %s', async (policyType) => {
    const issued = await issue({ policy_type: policyType });

    expect([issued.status, issued.body.data.policy_type]).toEqual([201, policyType]);
  });

  it('takes its type by the older name product_type too, and shows it under both', async () => {
    const issued = await issue({ policy_type: undefined, product_type: 'life' });
    const both = await issue({ policy_type: 'life', product_type: 'life' });

    for (const { status, body } of [issued, both]) {
      expect([status, body.data]).toMatchObject([
        201,
        { policy_type: 'life', product_type: 'life' },
      ]);
    }
  });

  it('tells a holder with an account in the application too, and shows it to them', async () => {
    const holder = await buildActor({ companyId: company.id });

    const { body } = await issue({ user_id: holder.userId });

    const own = await api.as(holder).get(`/policies/${body.data.id}`);
    expect([own.status, own.body.data.user_id]).toEqual([200, holder.userId]);
    expect(await rowsOf()).toMatchObject({ messages: 2 });
    const told = await api.as(holder).get('/notifications');
    expect(told.body.items).toMatchObject([
      { channel: 'in_app', template: 'subscription_confirmed' },
      { channel: 'email', template: 'subscription_confirmed' },
    ]);
  });

  it('refuses an account of another company like an unknown one, and writes nothing', async () => {
    const stranger = await buildActor({ companyId: (await buildCompany()).id });

    for (const userId of [stranger.userId, uuid()]) {
      const refused = await issue({ user_id: userId });

      expect([refused.status, problemsOf(refused)]).toEqual([422, [['user_id', 'USER_UNKNOWN']]]);
    }
    expect(await rowsOf()).toMatchObject({ policies: 0, promised: 0, messages: 0 });
  });

  it('keeps a number that is supplied, once in a company', async () => {
    const first = await issue({ policy_number: 'LEGACY/7' });
    const second = await issue({ policy_number: 'LEGACY/7' });

    expect([first.status, first.body.data.policy_number]).toEqual([201, 'LEGACY/7']);
    expect([second.status, second.body.code]).toEqual([409, 'POLICY_NUMBER_TAKEN']);
    expect(await rowsOf()).toMatchObject({ policies: 1, promised: 1 });
    const elsewhere = await buildActor({
      companyId: (await buildCompany()).id,
      role: 'tenant_admin',
    });
    const third = await api.as(elsewhere).post('/policies', wish({ policy_number: 'LEGACY/7' }));
    expect(third.status).toBe(201);
  });

  it('leaves the numbers of the series to the series', async () => {
    const taken = await issue({ policy_number: `POL-${company.code}-2026-000001` });

    expect([taken.status, problemsOf(taken)]).toEqual([
      422,
      [['policy_number', 'NUMBER_RESERVED']],
    ]);
    expect((await issue({ policy_number: `POL-${company.code}X-2026-000001` })).status).toBe(201);
  });

  it.each([
    ['without dates', { start_date: undefined, end_date: undefined }, 'start_date', 'REQUIRED'],
    ['that ends before it begins', { end_date: '2020-01-01' }, 'end_date', 'END_NOT_AFTER_START'],
    ['that is over', { start_date: '2020-01-01', end_date: '2021-01-01' }, 'end_date', 'TERM_OVER'],
    ['for longer than 50 years', { end_date: '2190-01-01' }, 'end_date', 'END_DATE_TOO_FAR'],
    [
      'that begins far ahead',
      { start_date: '2190-01-01' },
      'start_date',
      'START_DATE_OUT_OF_RANGE',
    ],
    ['without cover', { coverage_amount: '0.00' }, 'coverage_amount', expect.anything()],
    ['at less than nothing', { premium: '-1.00' }, 'premium', expect.anything()],
    ['for half a yen', { premium: '365.50', currency: 'JPY' }, 'premium', 'FRACTION_OF_UNIT'],
    ['of no known type', { policy_type: 'boat' }, 'policy_type', 'INVALID_CHOICE'],
    ['of two types', { product_type: 'life' }, 'product_type', 'TWICE'],
    ['of no type', { policy_type: undefined }, 'policy_type', 'REQUIRED'],
    ['for no address', { policyholder_email: 'grace' }, 'policyholder_email', 'INVALID_FORMAT'],
  ])('refuses one %s', async (_, values, field, code) => {
    const refused = await issue(values);

    expect([refused.status, problemsOf(refused)[0]]).toEqual([422, [field, code]]);
  });

  it('takes over a contract that has begun, and holds one back that has not', async () => {
    const running = await issue({ start_date: '2020-01-01', end_date: addDays(today, 20) });
    const coming = await issue({ start_date: addDays(today, 5) });

    expect(running.body.data).toMatchObject({ status: 'active', is_valid: true });
    expect(coming.body.data).toMatchObject({ status: 'draft', is_valid: false });
  });

  it('takes a premium of nothing', async () => {
    expect((await issue({ premium: '0.00' })).status).toBe(201);
  });

  it('has one effect for one Idempotency-Key', async () => {
    const headers = { 'Idempotency-Key': 'direct-1' };

    const first = await issue({}, headers);
    const second = await issue({}, headers);

    expect(second.body.data).toEqual(first.body.data);
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(await rowsOf()).toMatchObject({ policies: 1, promised: 1 });
  });

  it.each(['adjuster', 'auditor', 'policyholder'] as const)('is not for a %s', async (role) => {
    const person = await buildActor({ companyId: company.id, role });

    expect((await api.as(person).post('/policies', wish())).status).toBe(403);
  });

  it('answers at its older paths too, as deprecated', async () => {
    const issued = await api.as(agent).post('//policies/', wish());
    const { id, policy_number: number } = issued.body.data;
    const others = await Promise.all([
      api.as(agent).get('//policies/'),
      api.as(agent).get(`//policies/${id}/`),
      api.as(agent).get('//policies/search/', { key_word: number }),
      api.as(agent).put(`//policies/${id}/renew/`, { duration_months: 12 }),
    ]);

    const answers = [issued, ...others];
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 409]);
    for (const { headers } of answers) expect(headers['deprecation']).toMatch(/^@\d+$/);
  });
});

describe('POST /policies/calculate-premium', () => {
  const risk = (values: object = {}) => ({
    policy_type: 'home',
    coverage_amount: '250000.00',
    start_date: today,
    end_date: addDays(today, 365),
    ...values,
  });
  const propose = (values: object = {}) =>
    api.as(agent).post('/policies/calculate-premium', risk(values));

  it('proposes the standard price and stores nothing', async () => {
    const proposed = await propose({ risk_level: 'high', previous_claims: 1 });

    expect(proposed.body.data).toEqual({
      premium: '560.63',
      yearly_premium: '375.00',
      term_days: 365,
      factors: [
        { name: 'risk', percent: 130 },
        { name: 'previous_claims', percent: 115 },
      ],
      is_least: false,
      currency: 'EUR',
      pricing: { asked: 'standard', used: 'standard', note: null },
    });
    expect(await rowsOf()).toMatchObject({ policies: 0 });
  });

  it('says that it is the standard price where the flag asks for another one', async () => {
    await api.database.sql(
      `INSERT INTO platform.feature_flags (company_id, flag, enabled) VALUES ($1, 'enable_ai_pricing', true)`,
      [company.id],
    );

    const { data } = (await propose()).body;

    expect(data).toMatchObject({ premium: '375.00', pricing: { asked: 'ai', used: 'standard' } });
    expect(data.pricing.note).toContain('standard price');
  });

  it('refuses what no policy could have', async () => {
    expect(problemsOf(await propose({ end_date: today }))).toEqual([
      ['end_date', 'END_NOT_AFTER_START'],
    ]);
    expect(problemsOf(await propose({ coverage_amount: '999999999999999999.99' }))).toEqual([
      ['coverage_amount', 'OUT_OF_RANGE'],
    ]);
  });
});
