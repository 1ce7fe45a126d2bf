import { setTimeout } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { ConfigError, readConfig } from '../../src/config.ts';
import { openGateway } from '../../src/gateways/openGateway.ts';
import type { Movement, PaymentGateway, Sent } from '../../src/gateways/paymentGateway.ts';
import { stripeAmount } from '../../src/gateways/stripeAmounts.ts';
import { stripeGateway } from '../../src/gateways/stripeGateway.ts';
import { openTestStripe, stripeKey, type TestStripe } from '../support/stripe.ts';

describe('Stripe, each request judged by its own mock', () => {
  let stripe: TestStripe;
  let gateway: PaymentGateway;
  const [companyId, ada] = [uuid(), uuid()];

  beforeAll(async () => {
    stripe = await openTestStripe();
    gateway = stripeGateway({ key: stripeKey, url: stripe.url, timeoutMs: 10_000 });
    stripe.knows(ada, { companyId, means: 'pm_ada', account: 'acct_ada' });
  }, 300_000);

  afterAll(async () => {
    await stripe.close();
  });

  afterEach(() => {
    expect(stripe.refused).toEqual([]);
  });

  const movement = (changes: Partial<Movement> = {}): Movement => {
    const paymentId = uuid();
    return {
      idempotencyKey: `payment/${paymentId}`,
      attempt: 1,
      companyId,
      paymentId,
      amount: '12.50',
      currency: 'EUR',
      customerId: ada,
      name: 'Ada Lovelace',
      ...changes,
    };
  };

  const charge = (asked: Movement): Sent => ({ kind: 'charge', movement: asked });

  const madeFor = ({ paymentId }: Movement) =>
    stripe.made.filter(({ metadata }) => metadata['payment_id'] === paymentId);

  it('charges once under a key, off session, and finds the charge again', async () => {
    const asked = movement();
    const unseen = await gateway.lookup(charge(asked));

    const first = await gateway.charge(asked);
    const again = await gateway.charge(asked);

    expect(unseen).toBeUndefined();
    expect(first).toEqual({ status: 'completed', transactionId: expect.stringMatching(/^pi_/) });
    expect(again).toEqual(first);
    expect(await gateway.lookup(charge(asked))).toEqual(first);
    expect(madeFor(asked)).toMatchObject([{ amount: 1250, currency: 'eur', status: 'succeeded' }]);
  });

  it('pays a claim to the connected account, once', async () => {
    const asked = movement();
    const sent: Sent = { kind: 'payout', movement: asked };
    const unseen = await gateway.lookup(sent);

    const first = await gateway.payout(asked);
    const again = await gateway.payout(asked);

    expect(unseen).toBeUndefined();
    expect(first).toEqual({ status: 'completed', transactionId: expect.stringMatching(/^tr_/) });
    expect(again).toEqual(first);
    expect(await gateway.lookup(sent)).toEqual(first);
    expect(madeFor(asked)).toMatchObject([{ amount: 1250, destination: 'acct_ada' }]);
  });

  it('gives back a part of what was charged, and finds each refund by itself', async () => {
    const charged = await gateway.charge(movement());
    const transactionId = charged.status === 'completed' ? charged.transactionId : '';
    const [asked, other] = [movement({ amount: '2.00' }), movement({ amount: '3.00' })];
    const unseen = await gateway.lookup({ kind: 'refund', movement: asked, transactionId });

    const first = await gateway.refund(asked, transactionId);
    const second = await gateway.refund(other, transactionId);

    expect(unseen).toBeUndefined();
    expect(first).toMatchObject({ status: 'completed' });
    expect(second).not.toEqual(first);
    expect(await gateway.lookup({ kind: 'refund', movement: other, transactionId })).toEqual(
      second,
    );
    expect(madeFor(asked)).toMatchObject([{ amount: 200, payment_intent: transactionId }]);
  });

  it('does not give back what another gateway took', async () => {
    const asked = movement();

    const outcome = await gateway.refund(asked, 'tr_of_another');
    const sent = { kind: 'refund', movement: asked, transactionId: 'tr_of_another' } as const;

    expect(outcome).toMatchObject({ status: 'declined', code: 'paid_elsewhere', mayPass: false });
    expect(await gateway.lookup(sent)).toBeUndefined();
  });

  it('tells why a card was declined, and tries anew under a key of its own', async () => {
    const asked = movement();
    stripe.script(asked.paymentId, ['decline_for_now', 'ok']);

    const declined = await gateway.charge(asked);
    const repeated = await gateway.charge(asked);
    const known = await gateway.lookup(charge(asked));
    const next = await gateway.charge({ ...asked, attempt: 2 });

    expect(declined).toEqual({
      status: 'declined',
      code: 'insufficient_funds',
      mayPass: true,
      attempt: 1,
    });
    expect([repeated, known]).toEqual([declined, declined]);
    expect(next).toMatchObject({ status: 'completed' });
    expect(await gateway.lookup(charge(asked))).toEqual(next);
  });

  it('does not try a card again that was declined for good', async () => {
    const asked = movement();
    stripe.script(asked.paymentId, ['decline']);

    const declined = await gateway.charge(asked);

    expect(declined).toMatchObject({ code: 'stolen_card', mayPass: false });
    expect(await gateway.lookup(charge(asked))).toEqual(declined);
  });

  it.each(['timeout_after_success', 'error_after_success'] as const)(
    'finds what it carried out before an answer was lost: %s',
    async (ending) => {
      const asked = movement();
      stripe.script(asked.paymentId, [ending]);
      const { url } = stripe;
      const impatient = stripeGateway({ key: stripeKey, url, timeoutMs: 6000 });

      expect(await impatient.charge(asked)).toEqual({ status: 'unknown' });
      while (madeFor(asked).length === 0) await setTimeout(20);
      expect(await gateway.lookup(charge(asked))).toMatchObject({ status: 'completed' });
      expect(madeFor(asked)).toHaveLength(1);
    },
  );

  it('waits for a bank that takes its time', async () => {
    const asked = movement();
    stripe.script(asked.paymentId, ['processing']);

    const sent = await gateway.charge(asked);
    const pending = await gateway.lookup(charge(asked));
    stripe.complete(asked.paymentId);

    expect([sent, pending]).toEqual([{ status: 'unknown' }, { status: 'unknown' }]);
    expect(await gateway.lookup(charge(asked))).toMatchObject({ status: 'completed' });
  });

  it('tries a payout again that the balance did not cover', async () => {
    const asked = movement();
    stripe.script(asked.paymentId, ['balance_insufficient', 'ok']);

    expect(await gateway.payout(asked)).toEqual({
      status: 'declined',
      code: 'balance_insufficient',
      mayPass: true,
      attempt: 1,
    });
    expect(await gateway.payout({ ...asked, attempt: 2 })).toMatchObject({ status: 'completed' });
  });

  it('does not know what a busy Stripe will do, nor one that is away', async () => {
    const asked = movement();
    stripe.script(asked.paymentId, ['too_many_requests']);
    const away = stripeGateway({ key: stripeKey, url: 'http://127.0.0.1:1', timeoutMs: 10_000 });

    expect(await gateway.payout(asked)).toEqual({ status: 'unknown' });
    expect(await away.lookup(charge(asked))).toEqual({ status: 'unknown' });
    expect(madeFor(asked)).toEqual([]);
  });

  it('does not know what became of a key under which something else was asked', async () => {
    const asked = movement();
    await gateway.payout(asked);

    expect(await gateway.payout({ ...asked, amount: '13.00' })).toEqual({ status: 'unknown' });
    expect(madeFor(asked)).toHaveLength(1);
  });

  it('moves nothing to or from whom Stripe does not know', async () => {
    const [stranger, bare, elsewhere] = [uuid(), uuid(), uuid()];
    stripe.knows(bare, { companyId });
    stripe.knows(elsewhere, { companyId: uuid(), means: 'pm_1', account: 'acct_1' });

    const outcomes = [
      await gateway.charge(movement({ customerId: null })),
      await gateway.charge(movement({ customerId: stranger })),
      await gateway.charge(movement({ customerId: elsewhere })),
      await gateway.charge(movement({ customerId: bare })),
      await gateway.payout(movement({ customerId: stranger })),
      await gateway.payout(movement({ customerId: bare })),
    ];

    expect(outcomes).toMatchObject([
      { code: 'payer_unknown', mayPass: true },
      { code: 'payer_unknown', mayPass: true },
      { code: 'payer_unknown', mayPass: true },
      { code: 'payment_method_missing', mayPass: true },
      { code: 'payee_unknown', mayPass: false },
      { code: 'payee_unknown', mayPass: false },
    ]);
  });

  it('fails without Stripe’s words where it is shown a wrong key', async () => {
    const wrong = stripeGateway({ key: 'sk_test_wrong', url: stripe.url, timeoutMs: 10_000 });

    const tried = wrong.charge(movement());

    await expect(tried).rejects.toMatchObject({
      code: 'GATEWAY_REFUSED',
      message: 'Stripe refused the request: 401 api_key_invalid',
    });
  });
});

describe('an amount at Stripe', () => {
  it.each([
    ['120.05', 'EUR', 12_005],
    ['0.01', 'usd', 1],
    ['500.00', 'JPY', 500],
    ['500.50', 'JPY', undefined],
    ['1.25', 'KWD', 1250],
    ['0.00', 'EUR', undefined],
    ['-1.00', 'EUR', undefined],
    ['999999999999999999.99', 'EUR', undefined],
  ])('of %s %s is %s', (amount, currency, expected) => {
    expect(stripeAmount(amount, currency)).toBe(expected);
  });
});

describe('PAYMENT_GATEWAY=stripe', () => {
  const whole = {
    DATABASE_URL: 'postgres://app_api@127.0.0.1/surety',
    PAYMENT_GATEWAY: 'stripe',
    PAYMENT_GATEWAY_KEY: 'sk_test_123',
    PAYMENT_WEBHOOK_SECRET: 'whsec_123',
  };

  it('opens Stripe', async () => {
    const gateway = await openGateway(readConfig(whole));

    expect(gateway?.provider).toBe('stripe');
  });

  it.each([
    { PAYMENT_GATEWAY_KEY: '' },
    { PAYMENT_GATEWAY_KEY: 'pk_test_123' },
    { PAYMENT_WEBHOOK_SECRET: '' },
    { PAYMENT_WEBHOOK_SECRET: 'another' },
  ])('does not start half configured: %j', (changes) => {
    const [name = ''] = Object.keys(changes);

    expect(() => readConfig({ ...whole, ...changes })).toThrow(ConfigError);
    expect(() => readConfig({ ...whole, ...changes })).toThrow(
      `PAYMENT_GATEWAY=stripe needs ${name}`,
    );
  });

  it('refuses a kind that it does not know', () => {
    expect(() => readConfig({ ...whole, PAYMENT_GATEWAY: 'stripes' })).toThrow('PAYMENT_GATEWAY');
  });
});
