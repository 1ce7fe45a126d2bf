import { v7 as uuid } from 'uuid';
import { paymentActivities } from '../../../src/activities/payments.ts';
import { signatureOf } from '../../../src/gateways/webhookSignature.ts';
import { withTenant } from '../../../src/models/database.ts';
import type { Payment } from '../../../src/models/Payment.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPayment } from '../../support/payments.ts';
import { buildProperty, buildStayed } from '../../support/properties.ts';

const secret = 'a webhook secret of at least 32 bytes';

let api: TestApi;

beforeAll(async () => {
  api = await openTestApi({
    PAYMENT_GATEWAY_URL: 'http://127.0.0.1:1',
    PAYMENT_WEBHOOK_SECRET: secret,
  });
}, 60_000);

afterAll(() => api.close());

async function buildPaid(
  wish: Partial<Parameters<typeof buildPayment>[0]> = {},
): Promise<{ companyId: string; payment: Payment }> {
  const companyId = wish.companyId ?? (await buildCompany()).id;
  const { payment } = await buildPayment({ ...wish, companyId });
  await paymentActivities({}).settlePayment({
    companyId,
    paymentId: payment.id,
    commandId: `payment/${payment.id}/settle/1`,
    expectedVersion: 1,
    at: Date.now(),
    attempt: 1,
    settlement: { status: 'completed', transactionId: `tr_${uuid()}` },
  });
  return { companyId, payment };
}

/** A stay that is over and was paid. */
async function buildPaidStay() {
  const { id: companyId } = await buildCompany();
  const [guest, host] = [await buildActor({ companyId }), await buildActor({ companyId })];
  const { id: propertyId } = await buildProperty({ companyId, ownerId: host.userId });
  const people = { guestId: guest.userId, hostId: host.userId };
  const stay = await buildStayed({ companyId, propertyId, ...people });
  const paid = { companyId, bookingId: stay.id, userId: guest.userId };
  return { guest, host, stay, ...(await buildPaid({ ...paid, purpose: 'booking' })) };
}

const key = (): Record<string, string> => ({ 'Idempotency-Key': uuid() });

describe('GET /payments', () => {
  it("shows one's own, and staff all of the company", async () => {
    const { id: companyId } = await buildCompany();
    const [ada, grace] = [await buildActor({ companyId }), await buildActor({ companyId })];
    const manager = await buildActor({ companyId, role: 'claims_manager' });
    const { payment: own } = await buildPayment({ companyId, userId: ada.userId });
    const { payment: other } = await buildPayment({ companyId, userId: grace.userId });

    const mine = await api.as(ada).get('/payments');
    const all = await api.as(manager).get('/payments', { purpose: 'premium' });
    const asked = await api.as(ada).get('/payments', { user_id: grace.userId });
    const ofOne = await api.as(manager).get('/payments', { user_id: grace.userId });

    expect(mine.body.items.map(({ id }: Payment) => id)).toEqual([own.id]);
    expect(all.body.items.map(({ id }: Payment) => id).toSorted()).toEqual(
      [own.id, other.id].toSorted(),
    );
    expect(asked.body).toMatchObject({ items: [] });
    expect(ofOne.body.items.map(({ id }: Payment) => id)).toEqual([other.id]);
  });

  it("answers another person's and another company's payment like an unknown one", async () => {
    const { payment, companyId } = await buildPaid();
    const holder = await buildActor({ companyId });
    const stranger = await buildActor({
      companyId: (await buildCompany()).id,
      role: 'tenant_admin',
    });

    expect(await api.as(holder).get(`/payments/${payment.id}`)).toMatchObject({ status: 404 });
    expect(await api.as(stranger).get(`/payments/${payment.id}`)).toMatchObject({ status: 404 });
  });

  it('shows the key under which the gateway moves the money, by both APIs', async () => {
    const { payment, companyId } = await buildPaid({ idempotencyKey: 'booking/1/charge/2' });
    const manager = api.as(await buildActor({ companyId, role: 'claims_manager' }));

    const byRest = await manager.get(`/payments/${payment.id}`);
    const byGraphql = await manager.post('/graphql', {
      query: `{ payment(id: "${payment.id}") { idempotencyKey } }`,
    });

    expect(byRest.body.data).toMatchObject({ idempotency_key: 'booking/1/charge/2' });
    expect(byGraphql.body.data.payment).toEqual({ idempotencyKey: 'booking/1/charge/2' });
  });

  it('tells what happened and what comes', async () => {
    const { payment, companyId } = await buildPaid();
    const manager = await buildActor({ companyId, role: 'claims_manager' });

    const response = await api.as(manager).get(`/payments/${payment.id}/timeline`);

    expect(response.body.data).toMatchObject({
      status: 'completed',
      past: [{ title: 'Opened' }, { title: 'Completed' }],
      future: [],
    });
  });
});

describe('/workflows/payment/:id', () => {
  it('tells operators what happens while there is no date ahead', async () => {
    const { payment } = await buildPayment({ companyId: (await buildCompany()).id });
    const { companyId, id } = payment;
    const operator = await buildActor({ companyId, role: 'operator' });

    const explained = await api.as(operator).get(`/workflows/payment/${id}/explain`);
    const timeline = await api.as(operator).get(`/workflows/payment/${id}/timeline`);
    const moved = await api
      .as(operator)
      .patch(`/workflows/payment/${id}/timers/payment_retry`, { extend_by: 60, reason: 'No' });

    expect(explained.body.data).toMatchObject({
      status: 'pending',
      waits_for: 'nothing',
      summary:
        'The payment is pending; the gateway is asked until it says what became of the money',
      next: null,
    });
    expect(timeline.body.data).toMatchObject({ past: [{ title: 'Opened' }], future: [] });
    expect(moved).toMatchObject({ status: 404 });
  });
});

describe('POST /payments/:id/refund', () => {
  it('opens a payment that gives money back, once for a key', async () => {
    const { payment, companyId } = await buildPaid();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const path = `/payments/${payment.id}/refund`;
    const wish = { amount: '20.00', reason: 'Too much' };
    const headers = key();

    const response = await api.as(admin).post(path, wish, headers);
    const repeated = await api.as(admin).post(path, wish, headers);
    const parent = await api.as(admin).get(`/payments/${payment.id}`);

    expect(response).toMatchObject({
      status: 201,
      body: {
        data: {
          purpose: 'refund',
          parent_payment_id: payment.id,
          amount: '20.00',
          status: 'pending',
          reason: 'Too much',
        },
      },
    });
    expect(repeated.body.data).toEqual(response.body.data);
    expect(parent.body.data).toMatchObject({
      status: 'completed',
      refunded_amount: '20.00',
      refundable_amount: '100.00',
    });
  });

  it('gives back no part of a unit that has none', async () => {
    const { payment, companyId } = await buildPaid();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    await api.database.sql(`UPDATE shared.payments SET currency = 'JPY' WHERE id = $1`, [
      payment.id,
    ]);

    const response = await api
      .as(admin)
      .post(`/payments/${payment.id}/refund`, { amount: '20.50', reason: 'Too much' }, key());

    expect(response).toMatchObject({
      status: 422,
      body: { details: [{ field: 'amount', code: 'FRACTION_OF_UNIT' }] },
    });
    const { body } = await api.as(admin).get(`/payments/${payment.id}`);
    expect(body.data).toMatchObject({ refunded_amount: '0.00' });
  });

  it('asks for a key, because money moves', async () => {
    const { payment, companyId } = await buildPaid();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });

    const response = await api
      .as(admin)
      .post(`/payments/${payment.id}/refund`, { amount: '20.00', reason: 'Too much' });

    expect(response).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
  });

  it('gives back no more than was paid, though 200 ask at once', async () => {
    const { payment, companyId } = await buildPaid();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });

    const answers = await Promise.all(
      Array.from({ length: 200 }, () =>
        api
          .as(admin)
          .post(`/payments/${payment.id}/refund`, { amount: '50.00', reason: 'Race' }, key()),
      ),
    );
    const after = await api.as(admin).get(`/payments/${payment.id}`);

    const won = answers.filter(({ status }) => status === 201);
    const lost = answers.filter(({ body }) => body.code === 'REFUND_TOO_HIGH');
    expect([won.length, lost.length]).toEqual([2, 198]);
    expect(after.body.data).toMatchObject({
      refunded_amount: '100.00',
      refundable_amount: '20.00',
    });
  });

  it('is seen by the host whose stay it is of, as the charge is', async () => {
    const { companyId, guest, host, stay, payment } = await buildPaidStay();
    const stranger = await buildActor({ companyId });
    const wish = { amount: '20.00', reason: 'The boiler was broken' };
    const made = await api.as(host).post(`/payments/${payment.id}/refund`, wish, key());
    const refund: string = made.body.data.id;
    await withTenant(companyId, () => stay.update({ refundId: refund }));

    const seen = await api.as(host).get(`/payments/${refund}`);
    const unseen = await api.as(stranger).get(`/payments/${refund}`);
    const lists = await Promise.all(
      [host, guest, stranger].map(async (actor) => {
        const { body } = await api.as(actor).get('/payments', { booking_id: stay.id });
        return body.items.map(({ id }: Payment) => id);
      }),
    );
    const all = await api.as(host).get('/payments');
    const asked = await api.as(host).post('/graphql', {
      query: `{ booking(id: "${stay.id}") { refund { id amount } } }`,
    });

    expect(seen.body.data).toMatchObject({ id: refund, parent_payment_id: payment.id });
    expect(unseen.status).toBe(404);
    expect(lists).toEqual([[refund, payment.id], [refund, payment.id], []]);
    expect(all.body.pagination.total).toBe(2);
    expect(asked.body.data.booking).toEqual({ refund: { id: refund, amount: '20.00' } });
  });

  it('leaves part of the price of a confirmed stay, until that is over', async () => {
    const { guest, host, stay, payment } = await buildPaidStay();
    const moveBy = (days: number) =>
      api.database.sql(
        `UPDATE shared.bookings SET status = 'confirmed', start_date = start_date + $2::integer,
           end_date = end_date + $2::integer WHERE id = $1`,
        [stay.id, days],
      );
    const giveBack = (amount: string) =>
      api
        .as(host)
        .post(`/payments/${payment.id}/refund`, { amount, reason: 'No hot water' }, key());
    const charge = async () => (await api.as(guest).get(`/payments/${payment.id}`)).body.data;
    await moveBy(10);

    const part = await giveBack('20.00');
    const before = await charge();
    const rest = await giveBack('100.00');

    expect(part).toMatchObject({ status: 201 });
    expect(rest).toMatchObject({
      status: 409,
      body: { success: false, code: 'BOOKING_RUNNING', booking_id: stay.id, details: [] },
    });
    expect(await charge()).toEqual(before);
    await moveBy(-10);
    expect(await giveBack('100.00')).toMatchObject({ status: 201 });
  });

  it.each(['pending', 'completed'])('gives back all of a stay that is %s', async (status) => {
    const { host, stay, payment } = await buildPaidStay();
    await api.database.sql('UPDATE shared.bookings SET status = $2 WHERE id = $1', [
      stay.id,
      status,
    ]);

    const answer = await api
      .as(host)
      .post(`/payments/${payment.id}/refund`, { amount: '120.00', reason: 'No water' }, key());

    expect(answer).toMatchObject({ status: 201 });
  });

  it('is refused for money that was paid out, and before it has arrived', async () => {
    const { payment: payout, companyId } = await buildPaid({ purpose: 'claim_payout' });
    const { payment: pending } = await buildPayment({ companyId });
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const wish = { amount: '1.00', reason: 'No' };

    const out = await api.as(admin).post(`/payments/${payout.id}/refund`, wish, key());
    const early = await api.as(admin).post(`/payments/${pending.id}/refund`, wish, key());

    expect(out).toMatchObject({ status: 409, body: { code: 'NOT_REFUNDABLE' } });
    expect(early).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
  });
});

describe('GET /ledger', () => {
  it('has the sums of each account', async () => {
    const { companyId } = await buildPaid();
    await buildPaid({ companyId, purpose: 'claim_payout', amount: '50.00' });
    const auditor = await buildActor({ companyId, role: 'auditor' });

    const response = await api.as(auditor).get('/ledger');

    expect(response.body.data).toEqual({
      is_even: true,
      accounts: [
        sums('claims_paid', '50.00', '0.00', '50.00'),
        sums('gateway_clearing', '120.00', '50.00', '70.00'),
        sums('premium_income', '0.00', '120.00', '-120.00'),
      ],
    });
  });

  const sums = (account: string, debit: string, credit: string, balance: string) => ({
    account,
    currency: 'EUR',
    debit,
    credit,
    balance,
  });
});

describe('POST /payments/webhook', () => {
  const eventOf = ({ companyId, id }: Payment, eventId = `evt_${uuid()}`) => ({
    id: eventId,
    type: 'transfer.completed',
    data: { company_id: companyId, payment_id: id },
  });

  const send = (event: object, { at = Date.now(), by = secret, id = 'evt' } = {}) => {
    const timestamp = String(Math.floor(at / 1000));
    return api.nowhere.post('/payments/webhook', event, {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatureOf(by, { id, timestamp }, JSON.stringify(event)),
    });
  };

  const noted = async ({ id }: Payment): Promise<number> => {
    const rows = await api.database.sql(
      'SELECT 1 FROM shared.payment_events WHERE payment_id = $1 AND handled_at IS NOT NULL',
      [id],
    );
    return rows.length;
  };

  it('is heard once, however often and in whatever order it comes', async () => {
    const { payment } = await buildPaid();
    const [first, second] = [eventOf(payment), { ...eventOf(payment), type: 'transfer.created' }];

    const answers = [
      await send(first),
      await send(second),
      await send(first),
      ...(await Promise.all([send(second), send(second)])),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await noted(payment)).toBe(2);
    const [row] = await api.database.sql<{ status: string; attempts: number }>(
      'SELECT status, attempts FROM shared.payments WHERE id = $1',
      [payment.id],
    );
    expect(row).toEqual({ status: 'completed', attempts: 1 });
  });

  it('is refused when it is forged, changed, old or not signed', async () => {
    const { payment } = await buildPayment({ companyId: (await buildCompany()).id });
    const event = eventOf(payment);
    const minutes = 60_000;

    const forged = await send(event, { by: 'another secret of at least 32 bytes' });
    const old = await send(event, { at: Date.now() - 6 * minutes });
    const early = await send(event, { at: Date.now() + 6 * minutes });
    const unsigned = await api.nowhere.post('/payments/webhook', event);

    for (const answer of [forged, old, early, unsigned]) {
      expect(answer).toMatchObject({ status: 401, body: { code: 'SIGNATURE_INVALID' } });
    }
    expect(await noted(payment)).toBe(0);
  });

  it('about nothing of ours is let be', async () => {
    const { payment } = await buildPayment({ companyId: (await buildCompany()).id });
    const { payment: other } = await buildPayment({ companyId: (await buildCompany()).id });
    const foreign = { ...eventOf(payment), data: { ...eventOf(payment).data, company_id: uuid() } };
    const crossed = {
      ...eventOf(payment),
      data: { company_id: other.companyId, payment_id: payment.id },
    };
    const odd = { id: 'evt_1', type: 'account.updated', data: {} };

    const answers = [await send(foreign), await send(crossed), await send(odd)];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await noted(payment)).toBe(0);
  });
});
