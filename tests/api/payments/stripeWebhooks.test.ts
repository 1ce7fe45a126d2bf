import Stripe from 'stripe';
import { v7 as uuid } from 'uuid';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildCompany } from '../../support/build.ts';
import { buildPayment } from '../../support/payments.ts';

const secret = 'whsec_of_the_tests_and_of_nothing_else';

describe('POST /payments/webhook, from Stripe', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await openTestApi({
      PAYMENT_GATEWAY: 'stripe',
      PAYMENT_GATEWAY_KEY: 'sk_test_123',
      PAYMENT_WEBHOOK_SECRET: secret,
      // Nobody is there: what is heard is owed to the payment's run.
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    });
  }, 60_000);

  afterAll(() => api.close());

  const eventAbout = (metadata: object) => ({
    id: `evt_${uuid()}`,
    object: 'event',
    type: 'charge.succeeded',
    data: { object: { object: 'charge', id: 'ch_1', metadata } },
  });

  const send = (event: object, { at = Date.now(), by = secret } = {}) =>
    api.nowhere.post('/payments/webhook', event, {
      'stripe-signature': Stripe.webhooks.generateTestHeaderString({
        payload: JSON.stringify(event),
        secret: by,
        timestamp: Math.floor(at / 1000),
      }),
    });

  const buildOpen = async () => {
    const { payment } = await buildPayment({ companyId: (await buildCompany()).id });
    return { id: payment.id, company_id: payment.companyId, payment_id: payment.id };
  };

  const noted = (id: string) =>
    api.database.sql(
      'SELECT provider, kind, handled_at IS NOT NULL AS "isHandled" FROM shared.payment_events WHERE payment_id = $1',
      [id],
    );

  it('is heard once, however often it comes, also while Temporal is away', async () => {
    const { id, ...metadata } = await buildOpen();
    const event = eventAbout(metadata);

    const answers = [await send(event), await send(event)];

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await noted(id)).toEqual([
      { provider: 'stripe', kind: 'charge.succeeded', isHandled: true },
    ]);
    const owed = await api.database.sql(
      `SELECT workflow_type, input ->> 'isNews' AS news FROM core.outbox
       WHERE entity_id = $1 AND dispatched_at IS NULL ORDER BY id DESC`,
      [id],
    );
    expect(owed[0]).toEqual({ workflow_type: 'payment', news: 'true' });
  });

  it('is refused when it is forged, old or not signed', async () => {
    const { id, ...metadata } = await buildOpen();
    const event = eventAbout(metadata);

    const answers = [
      await send(event, { by: 'whsec_another' }),
      await send(event, { at: Date.now() - 6 * 60_000 }),
      await api.nowhere.post('/payments/webhook', event),
    ];

    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 401, body: { code: 'SIGNATURE_INVALID' } });
    }
    expect(await noted(id)).toEqual([]);
  });

  it('about nothing of ours is let be', async () => {
    const { id, ...metadata } = await buildOpen();

    const answers = [
      await send(eventAbout({})),
      await send(eventAbout({ ...metadata, company_id: uuid() })),
      await send(eventAbout({ ...metadata, payment_id: 'another' })),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await noted(id)).toEqual([]);
  });
});
