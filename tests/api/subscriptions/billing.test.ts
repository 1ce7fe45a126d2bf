import { randomUUID } from 'node:crypto';
import { addMonths } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan } from '../../support/build.ts';
import { zoneAtNoon } from '../../support/noon.ts';

const key = () => ({ 'Idempotency-Key': randomUUID() });

/** A subscription whose first premium is billed. */
async function buyFrom(api: TestApi) {
  const { id: companyId } = await buildCompany();
  const admin = await buildActor({ companyId, role: 'tenant_admin' });
  const settings = await api
    .as(admin)
    .patch('/companies/current/settings', { billing: { mode: 'invoice' } });
  const holder = await buildActor({ companyId });
  const { id: planId } = await buildPlan({ companyId });
  const order = { insurance_plan_id: planId };
  const bought = await api.as(holder).post('/subscriptions', order, key());
  const at = `/subscriptions/${bought.body.data.id}`;
  return { companyId, admin, holder, settings, order, bought, at };
}

describe('a company that bills its premiums', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
  });
  afterAll(() => api.close());

  const buy = () => buyFrom(api);

  it('sells a subscription that waits for its premium, with an invoice for it', async () => {
    const { holder, settings, bought, at, order } = await buy();

    const invoices = await api.as(holder).get(`${at}/invoices`);
    const policy = await api.as(holder).get(`/policies/${bought.body.data.policy_id}`);
    const payments = await api.as(holder).get('/payments');
    const again = await api.as(holder).post('/subscriptions', order, key());

    expect(settings.status).toBe(200);
    expect(bought).toMatchObject({
      status: 201,
      body: { data: { status: 'pending_payment', state_version: 1 } },
    });
    expect(invoices.body).toMatchObject({
      items: [{ reason: 'term', status: 'open', amount: '365.00', currency: 'EUR', term_no: 1 }],
      pagination: { total: 1 },
    });
    expect(policy.body.data).toMatchObject({
      status: 'draft',
      is_valid: false,
      premium_paid_to: bought.body.data.start_date,
    });
    expect(payments.body.items).toMatchObject([
      { purpose: 'premium', status: 'pending', invoice_id: invoices.body.items[0].id },
    ]);
    expect(again).toMatchObject({ status: 409, body: { code: 'ALREADY_SUBSCRIBED' } });
  });

  it('collects nothing twice, and nothing without a gateway', async () => {
    const { holder, at } = await buy();

    const without = await api.as(holder).post(`${at}/pay`, {}, key());

    expect(without).toMatchObject({ status: 503, body: { code: 'PAYMENTS_NOT_CONFIGURED' } });
  });

  it('asks for an Idempotency-Key wherever a premium is charged or given back', async () => {
    const { admin, holder, order, bought, at } = await buy();
    const policy = `/policies/${bought.body.data.policy_id}`;
    const today = String(bought.body.data.start_date);
    const direct = {
      policy_type: 'auto',
      policyholder_name: 'Grace Hopper',
      policyholder_email: 'grace@example.org',
      start_date: today,
      end_date: addMonths(today, 12),
      premium: '540.00',
      coverage_amount: '18000.00',
    };

    const answers = [
      await api.as(holder).post(`${at}/pay`),
      await api.as(holder).post('/subscriptions', order),
      await api.as(holder).patch(`${at}/cancel`, {}),
      await api.as(holder).post(`${at}/renew`, {}),
      await api.as(admin).post('/policies', direct),
      await api.as(admin).put(`${policy}/renew`, { duration_months: 12 }),
    ];

    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
    }
    expect((await api.as(admin).post('/policies', direct, key())).status).toBe(201);
  });

  it('asks for one too where it bills no more, and a premium of before goes back', async () => {
    const { admin, holder, bought, at } = await buy();
    const { id } = bought.body.data;
    await api.database.sql(
      `UPDATE shared.policy_subscriptions SET status = 'active' WHERE id = $1`,
      [id],
    );
    await api.database.sql(
      `WITH paid AS (UPDATE shared.premium_invoices SET status = 'paid', paid_at = now()
         WHERE subscription_id = $1 RETURNING id)
       UPDATE shared.payments SET status = 'completed', transaction_id = 'tr_1',
         payment_date = current_date WHERE invoice_id IN (SELECT id FROM paid)`,
      [id],
    );
    await api.as(admin).patch('/companies/current/settings', { billing: { mode: 'off' } });

    const preview = await api.as(holder).post(`${at}/cancel/preview`, {});
    const cancelled = await api.as(holder).patch(`${at}/cancel`, {});

    expect(preview.body.data).toMatchObject({ refund_amount: '365.00' });
    expect(cancelled).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
  });

  it('refuses what does not fit its state, and changes nothing', async () => {
    const { admin, holder, at } = await buy();
    const before = await api.as(holder).get(at);

    const reinstated = await api.as(holder).post(`${at}/reinstate`, {}, key());
    const cancelled = await api.as(holder).patch(`${at}/cancel`, {}, key());
    const endorsed = await api
      .as(admin)
      .post(`${at}/endorse`, { premium: '400.00', reason: 'A new roof' }, key());

    for (const answer of [reinstated, cancelled, endorsed]) {
      expect(answer).toMatchObject({
        status: 409,
        body: { code: 'ILLEGAL_TRANSITION', allowed_transitions: ['charge', 'move_deadline'] },
      });
    }
    // Its workflow may have been started meanwhile.
    const { workflow: _, ...unchanged } = before.body.data;
    expect((await api.as(holder).get(at)).body.data).toMatchObject(unchanged);
  });

  it('shows its bills to nobody else', async () => {
    const { companyId, at } = await buy();
    const stranger = await buildActor({ companyId });
    const elsewhere = await buildActor({
      companyId: (await buildCompany()).id,
      role: 'tenant_admin',
    });

    for (const actor of [stranger, elsewhere]) {
      expect((await api.as(actor).get(`${at}/invoices`)).status).toBe(404);
      expect((await api.as(actor).post(`${at}/pay`, {}, key())).status).toBe(404);
      expect((await api.as(actor).post(`${at}/reinstate`, {}, key())).status).toBe(404);
    }
  });

  it('cannot be set to a mode that there is not', async () => {
    const { id: companyId } = await buildCompany();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });

    const answer = await api
      .as(admin)
      .patch('/companies/current/settings', { billing: { mode: 'barter' } });

    expect(answer.status).toBe(422);
  });
});

describe('a company that bills its premiums through Stripe, which needs no address', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await openTestApi({
      RATE_LIMIT_ENABLED: 'false',
      PAYMENT_GATEWAY: 'stripe',
      PAYMENT_GATEWAY_KEY: 'sk_test_123',
      PAYMENT_WEBHOOK_SECRET: 'whsec_of_the_tests_and_of_nothing_else',
    });
  });
  afterAll(() => api.close());

  it('has a gateway', async () => {
    const { holder, at } = await buyFrom(api);

    const paid = await api.as(holder).post(`${at}/pay`, {}, key());

    expect(paid).toMatchObject({ status: 409, body: { code: 'PAYMENT_UNDER_WAY' } });
  });
});

describe('POST /subscriptions/:id/endorse/preview', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
  });
  afterAll(() => api.close());

  it('says to staff what would be charged, also where nothing is billed', async () => {
    const { id: companyId } = await buildCompany({ timeZone: zoneAtNoon() });
    const agent = await buildActor({ companyId, role: 'call_center' });
    const holder = await buildActor({ companyId });
    const { id: planId } = await buildPlan({ companyId });
    const bought = await api.as(holder).post('/subscriptions', { insurance_plan_id: planId });
    const at = `/subscriptions/${bought.body.data.id}/endorse/preview`;

    const seen = await api.as(agent).post(at, { premium: '465.00' });
    const lower = await api.as(agent).post(at, { premium: '265.00' });
    const same = await api.as(agent).post(at, { premium: '365.00' });
    const own = await api.as(holder).post(at, { premium: '465.00' });

    expect(seen).toMatchObject({
      status: 200,
      body: { data: { premium: '465.00', coverage_amount: '250000.00', delta: '100.00' } },
    });
    expect(lower.body.data.delta).toBe('-100.00');
    expect(same).toMatchObject({ status: 409, body: { code: 'NOTHING_CHANGES' } });
    expect(own.status).toBe(403);
  });
});
