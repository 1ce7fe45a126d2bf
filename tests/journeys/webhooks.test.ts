import type { RequestListener } from 'node:http';
import { outgoingWebhooks } from '../../src/gateways/outgoingWebhooks.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { openSkippingTemporal } from '../support/lifecycle.ts';
import { openReceiver, promisedWebhook, testSealer, type Receiver } from '../support/webhooks.ts';

const cut: RequestListener = ({ socket }) => void socket.destroy();
const slow: RequestListener = () => {};
const says =
  (status: number): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end();

describe('a webhook on its way', () => {
  let journeys: Journeys;
  let receiver: Receiver;
  /** What the receiver does next, and then; the first one again after the last. */
  let answers: readonly RequestListener[];
  let tries: { readonly at: number; readonly id: unknown }[];

  beforeAll(async () => {
    receiver = await openReceiver();
    receiver.answer((request, response) => {
      void journeys.server.env.currentTimeMs().then((at) => {
        const answer = answers[tries.length % answers.length] ?? slow;
        tries.push({ at, id: request.headers['webhook-id'] });
        answer(request, response);
      });
    });
  });
  afterAll(() => receiver.close());
  useJourneys(
    (opened) => void (journeys = opened),
    () =>
      openSkippingTemporal(() => ({
        webhooks: {
          send: (message) =>
            outgoingWebhooks({ allowedOrigins: [receiver.origin], timeoutMs: 500 })(message),
          sealer: testSealer,
        },
      })),
  );
  beforeEach(() => {
    tries = [];
  });

  /** What became of one once its run is over. */
  async function told(origin = receiver.origin) {
    const start = await promisedWebhook(origin);
    await journeys.server.temporal.start(start);
    // While this client waits, the time is skipped.
    await journeys.server.env.client.workflow.getHandle(start.workflowId).result();
    const [row] = await journeys.database.sql(
      `SELECT status, attempts, last_status, last_error FROM core.webhook_deliveries
       WHERE company_id = $1`,
      [start.companyId],
    );
    return row;
  }

  it('is tried ten times over 75 hours, always under one id, and then given up', async () => {
    answers = [says(500), cut, slow, says(302)];

    expect(await told()).toMatchObject({ status: 'failed', attempts: 10 });

    const minutes = tries.map(({ at }) => (at - (tries[0]?.at ?? 0)) / 60_000);
    const soonest = [0, 5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440].map(sumUpTo);
    expect(tries).toHaveLength(10);
    expect(new Set(tries.map(({ id }) => id)).size).toBe(1);
    for (const [place, waited] of minutes.entries()) {
      expect(waited).toBeGreaterThanOrEqual(soonest[place] ?? Infinity);
      // A tenth later at the most, and what the tries themselves take.
      expect(waited).toBeLessThan((soonest[place] ?? 0) * 1.1 + 3);
    }
  });

  it('arrives when the receiver is back in time', async () => {
    answers = [cut, slow, says(503), says(204)];

    expect(await told()).toMatchObject({ status: 'delivered', attempts: 4, last_status: 204 });
    expect(tries).toHaveLength(4);
  });

  it('is tried as often where nobody listens', async () => {
    const nobody = await openReceiver();
    await nobody.close();

    expect(await told(nobody.origin)).toMatchObject({ status: 'failed', attempts: 10 });
  });

  it('is not tried again by an endpoint that is gone', async () => {
    answers = [says(410)];

    expect(await told()).toMatchObject({ status: 'failed', attempts: 1, last_status: 410 });
    expect(tries).toHaveLength(1);
  });
});

const sumUpTo = (_: number, place: number, all: readonly number[]): number =>
  all.slice(0, place + 1).reduce((sum, each) => sum + each, 0);
