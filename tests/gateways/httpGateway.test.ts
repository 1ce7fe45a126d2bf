import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { httpGateway, readGatewayEvent } from '../../src/gateways/httpGateway.ts';
import {
  withBreaker,
  type GatewayOutcome,
  type Movement,
  type PaymentGateway,
  type Sent,
} from '../../src/gateways/paymentGateway.ts';
import { isSigned } from '../../src/gateways/webhookSignature.ts';
import { gatewayKey, openTestGateway, type TestGateway } from '../support/payments.ts';

const secret = 'a webhook secret of at least 32 bytes';

interface Delivery {
  readonly paymentId: string;
  readonly kind: string;
  readonly eventId: string;
  readonly isOurs: boolean;
}

const movement = (changes: Partial<Movement> = {}): Movement => {
  const paymentId = uuid();
  return {
    idempotencyKey: `payment/${paymentId}`,
    attempt: 1,
    companyId: uuid(),
    paymentId,
    amount: '12.00',
    currency: 'EUR',
    customerId: null,
    name: 'Ada Lovelace',
    ...changes,
  };
};

const sent = (asked: Movement): Sent => ({ kind: 'payout', movement: asked });

describe('the gateway over HTTP, against the simulator', () => {
  const deliveries: Delivery[] = [];
  let receiver: Server;
  let simulated: TestGateway;
  let gateway: PaymentGateway;

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      void text(request).then((body) => {
        const header = (name: string): string => String(request.headers[name] ?? '');
        const event = readGatewayEvent(body);
        deliveries.push({
          paymentId: event?.paymentId ?? '',
          kind: event?.kind ?? '',
          eventId: event?.eventId ?? '',
          isOurs: isSigned(
            secret,
            {
              id: header('webhook-id'),
              timestamp: header('webhook-timestamp'),
              signature: header('webhook-signature'),
            },
            body,
            Date.now(),
          ),
        });
        response.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const address = receiver.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const url = `http://127.0.0.1:${port}`;
    simulated = await openTestGateway({ webhook: { url, secret }, timeoutMs: 20_000 });
    ({ gateway } = simulated);
  });

  afterAll(async () => {
    await simulated.close();
    await new Promise((resolve) => receiver.close(resolve));
  });

  it('moves money once under a key, and knows it by that key', async () => {
    const asked = movement();
    const unseen = await gateway.lookup(sent(asked));

    const first = await gateway.payout(asked);
    const again = await gateway.payout(asked);

    expect(unseen).toBeUndefined();
    expect(first).toMatchObject({ status: 'completed', transactionId: expect.any(String) });
    expect(again).toEqual(first);
    expect(await gateway.lookup(sent(asked))).toEqual(first);
    expect(simulated.carriedOut(asked.paymentId)).toBe(1);
  });

  it('tells why it declined, and tries anew by a higher attempt alone', async () => {
    const asked = movement();
    await simulated.script(['decline_for_now', 'ok'], asked.paymentId);

    const declined = await gateway.charge(asked);
    const repeated = await gateway.charge(asked);
    const next = await gateway.charge({ ...asked, attempt: 2 });

    expect(declined).toEqual({
      status: 'declined',
      code: 'insufficient_funds',
      mayPass: true,
      attempt: 1,
    });
    expect(repeated).toEqual(declined);
    expect(next).toMatchObject({ status: 'completed' });
  });

  it('does not know what an answer that never comes would have said', async () => {
    const asked = movement();
    await simulated.script(['timeout_after_success'], asked.paymentId);
    const impatient = httpGateway({ url: simulated.url, key: gatewayKey, timeoutMs: 3000 });

    expect(await impatient.charge(asked)).toEqual({ status: 'unknown' });
    while (simulated.carriedOut(asked.paymentId) === 0) await setTimeout(20);
    expect(await gateway.lookup(sent(asked))).toMatchObject({ status: 'completed' });
  });

  it('remembers over a restart, and completes what it was working on', async () => {
    const [done, working] = [movement(), movement()];
    await simulated.script(['processing'], working.paymentId);
    const completed = await gateway.charge(done);
    const processing = await gateway.charge(working);

    await simulated.stop();
    const away = await gateway.lookup(sent(done));
    await simulated.startAgain();

    expect([processing, away]).toEqual([{ status: 'unknown' }, { status: 'unknown' }]);
    expect(await gateway.charge(done)).toEqual(completed);
    while (simulated.carriedOut(working.paymentId) === 0) await setTimeout(20);
    expect(await gateway.lookup(sent(working))).toMatchObject({ status: 'completed' });
  });

  it('tells by signed webhooks, also twice and in the wrong order', async () => {
    const asked = movement();
    await simulated.script(['webhooks_twice'], asked.paymentId);
    // What is told of earlier payments may still be on its way.
    const ofThis = () => deliveries.filter(({ paymentId }) => paymentId === asked.paymentId);

    await gateway.charge(asked);
    while (ofThis().length < 4) await setTimeout(20);

    const [completed, created, ...repeated] = ofThis();
    expect([completed?.kind, created?.kind]).toEqual(['transfer.completed', 'transfer.created']);
    expect(repeated).toEqual([completed, created]);
    expect(ofThis().every(({ isOurs }) => isOurs)).toBe(true);
  });

  it('fails, and moves nothing, where it is shown a wrong key', async () => {
    const asked = movement();
    const { url } = simulated;
    const stranger = httpGateway({ url, key: 'another', timeoutMs: 20_000 });

    await expect(stranger.charge(asked)).rejects.toMatchObject({
      code: 'GATEWAY_REFUSED',
      message: 'The payment gateway refused the request: 401',
    });
    expect(await gateway.lookup(sent(asked))).toBeUndefined();
  });
});

describe('a gateway that brings no answer', () => {
  it('is left alone for half a minute after five calls in a row', async () => {
    let [now, calls] = [0, 0];
    let outcome: GatewayOutcome = { status: 'unknown' };
    const answer = async (): Promise<GatewayOutcome> => {
      calls += 1;
      return outcome;
    };
    const guarded = withBreaker(
      { provider: 'test', charge: answer, payout: answer, refund: answer, lookup: answer },
      () => now,
    );

    for (let n = 0; n < 8; n += 1) await guarded.lookup(sent(movement()));
    const whileClosed = calls;
    now = 30_000;
    outcome = { status: 'completed', transactionId: 'tr_1' };

    expect(whileClosed).toBe(5);
    expect(await guarded.lookup(sent(movement()))).toEqual(outcome);
    expect(calls).toBe(6);
  });
});
