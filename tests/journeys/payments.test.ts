import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { createPaymentWebhooks } from '../../src/commands/paymentWebhooks.ts';
import { createPaymentTimelines } from '../../src/commands/paymentTimelines.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { retryStep } from '../../src/workflows/attention.ts';
import { paymentWorkflowId } from '../../src/rules/workflowIds.ts';
import { attribute } from '../../src/workflows/searchAttributes.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { dayMs, useJourneysWithGateway, type Journeys, type Row } from '../support/journey.ts';
import { buildPayment, type TestGateway } from '../support/payments.ts';

const hourMs = 3_600_000;

describe('a payment', () => {
  let journeys: Journeys;
  let gateway: TestGateway;
  useJourneysWithGateway((...opened) => void ([journeys, gateway] = opened));

  type Wish = Partial<Parameters<typeof buildPayment>[0]>;

  async function begin(wish: Wish = {}, script: Parameters<TestGateway['script']>[0] = ['ok']) {
    const companyId = wish.companyId ?? (await buildCompany()).id;
    const payer = await buildActor({ companyId });
    const { payment, start } = await buildPayment({
      userId: payer.userId,
      ...wish,
      companyId,
    });
    const { id } = payment;
    if (script.length > 0) await gateway.script(script, id);
    journeys.track(start.workflowId);
    journeys.dispatcher.dispatch(start);
    await journeys.dispatcher.drained();
    const rows = async (sql: string): Promise<Row[]> => {
      const found = await journeys.database.sql<{ row: Row }>(
        `SELECT to_jsonb(t) AS row FROM (${sql}) AS t`,
        [id],
      );
      return found.map(({ row }) => row);
    };
    const run = () => journeys.server.temporal.client.workflow.getHandle(start.workflowId);
    return {
      id,
      companyId,
      payer,
      run,
      result: async (): Promise<unknown> => {
        await journeys.endOf(start.workflowId, id);
        return run().result();
      },
      row: async () => (await rows('SELECT * FROM shared.payments WHERE id = $1'))[0],
      /** A slow machine may get no answer at first, and asks again. */
      async declined(): Promise<void> {
        while (
          (await rows('SELECT attempts FROM shared.payments WHERE id = $1'))[0]?.['attempts'] === 0
        ) {
          await journeys.passUntil(journeys.now() + 10_000);
        }
        // The row is ahead of the run, which takes a command only once it waits for the next try.
        await journeys.settled(start.workflowId);
      },
      events: async () =>
        (
          await rows(
            'SELECT event FROM core.transitions WHERE entity_id = $1 ORDER BY state_version',
          )
        ).map(({ event }) => event),
      ledger: async () =>
        (
          await rows(
            'SELECT account, amount::text AS amount FROM shared.ledger_entries WHERE payment_id = $1 ORDER BY account',
          )
        ).map(({ account, amount }) => `${String(account)} ${String(amount)}`),
      told: async () =>
        (
          await rows(
            `SELECT channel || ' ' || template_code || ' ' || coalesce(recipient_role, 'person') AS told
             FROM core.notifications WHERE entity_id = $1 ORDER BY 1`,
          )
        ).map(({ told }) => told),
    };
  }

  const needsAttention = async ({ run }: Awaited<ReturnType<typeof begin>>): Promise<unknown> =>
    (await run().describe()).typedSearchAttributes.get(attribute.needsAttention);

  it('is completed, booked and told once', async () => {
    const premium = await begin();

    expect(await premium.result()).toEqual({ status: 'completed', failureCode: null });

    expect(await premium.row()).toMatchObject({
      status: 'completed',
      attempts: 1,
      transaction_id: expect.stringMatching(/^tr_/),
      payment_date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      workflow_closed_at: expect.any(String),
    });
    expect(await premium.events()).toEqual(['open', 'complete']);
    expect(await premium.ledger()).toEqual(['gateway_clearing 120.00', 'premium_income -120.00']);
    expect(await premium.told()).toEqual([
      'email payment_received person',
      'in_app payment_received person',
    ]);
    expect(gateway.carriedOut(premium.id)).toBe(1);
  });

  it('whose answer is lost after the money moved is looked up and not sent again', async () => {
    const payout = await begin({ purpose: 'claim_payout' }, ['timeout_after_success', 'ok']);

    expect(await payout.result()).toEqual({ status: 'completed', failureCode: null });

    expect(gateway.carriedOut(payout.id)).toBe(1);
    expect(await payout.row()).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await payout.ledger()).toEqual(['claims_paid 120.00', 'gateway_clearing -120.00']);
    expect(await payout.told()).toEqual([
      'email payment_sent person',
      'in_app payment_sent person',
    ]);
  });

  it('that the gateway still works on is asked for until it is done', async () => {
    const premium = await begin({}, ['processing']);

    expect(await premium.result()).toMatchObject({ status: 'completed' });

    expect(gateway.carriedOut(premium.id)).toBe(1);
    expect(await premium.row()).toMatchObject({ attempts: 1 });
  });

  it('that the gateway has told something of is asked for at once', async () => {
    const premium = await begin({}, ['processing']);
    const { id: paymentId, companyId, payer } = premium;
    const { take } = createPaymentWebhooks({
      dispatcher: journeys.dispatcher,
      webhooks: {
        provider: 'simulator',
        read: async () => ({ companyId, paymentId, eventId: 'evt_1', kind: 'transfer.completed' }),
      },
    });
    await journeys.settled(premium.run().workflowId);
    while (gateway.carriedOut(paymentId) === 0) await setTimeout(20);
    const now = journeys.now();

    await as(payer, () => take(() => '', ''));
    await journeys.dispatcher.drained();
    await premium.run().result();

    expect(await premium.row()).toMatchObject({ status: 'completed', attempts: 1 });
    expect(journeys.now() - now).toBeLessThan(5000);
  });

  it('that is declined for good fails at once, and nothing is booked', async () => {
    const payout = await begin({ purpose: 'claim_payout' }, ['decline', 'ok']);

    expect(await payout.result()).toEqual({ status: 'failed', failureCode: 'account_closed' });

    expect(await payout.row()).toMatchObject({ status: 'failed', attempts: 1 });
    expect(await payout.events()).toEqual(['open', 'fail']);
    expect(await payout.ledger()).toEqual([]);
    expect(await payout.told()).toEqual(['in_app payment_failed claims_manager']);
    expect(gateway.carriedOut(payout.id)).toBe(0);
  });

  it('that is declined for now is tried again after an hour and a day, under the same key', async () => {
    const begun = journeys.now();
    const premium = await begin({}, ['decline_for_now', 'decline_for_now', 'ok']);
    await premium.declined();
    const waiting = await premium.row();

    expect(await premium.result()).toEqual({ status: 'completed', failureCode: null });

    expect(waiting).toMatchObject({
      status: 'pending',
      attempts: 1,
      failure_code: 'insufficient_funds',
    });
    expect(await premium.row()).toMatchObject({ attempts: 3, failure_code: null });
    expect(await premium.events()).toEqual(['open', 'postpone', 'postpone', 'complete']);
    expect(gateway.carriedOut(premium.id)).toBe(1);
    expect(journeys.now() - begun).toBeGreaterThanOrEqual(25 * hourMs);
    const timers = await journeys.database.sql(
      `SELECT occurrence, status FROM core.timers WHERE entity_id = $1 ORDER BY occurrence`,
      [premium.id],
    );
    expect(timers).toEqual([
      { occurrence: 1, status: 'fired' },
      { occurrence: 2, status: 'fired' },
    ]);
  });

  it('is tried when somebody has moved the next try to, once, also with the same key', async () => {
    const premium = await begin({}, ['decline_for_now', 'ok']);
    await premium.declined();
    const operator = await buildActor({ companyId: premium.companyId, role: 'operator' });
    const { changeTimer, explain } = createPaymentTimelines({
      temporal: journeys.server.temporal,
      workflows: journeys.workflows,
    });
    const change = { extendByMs: 2 * dayMs, reason: 'The payer is abroad', dryRun: false };
    const key = once(operator, 'moved-once');
    const move = (wish: Partial<typeof change> = {}, by = key) =>
      as(operator, () =>
        changeTimer(operator, premium.id, 'payment_retry', { ...change, ...wish }, by),
      );
    const dry = await move({ dryRun: true });
    const before = await premium.row();

    const moved = await move();
    const repeated = await move();
    const far = move({ extendByMs: 40 * dayMs }, once(operator));

    await expect(far).rejects.toMatchObject({ status: 422 });
    expect(before).toMatchObject({ state_version: 2 });
    const scheduled = [{ name: 'payment_retry', dueAt: expect.any(Date) }];
    expect(dry).toEqual({ dryRun: true, scheduled, cancelled: [] });
    expect(moved).toEqual({ dryRun: false, scheduled, cancelled: [] });
    expect(repeated).toBeInstanceOf(Replay);
    expect(await as(operator, () => explain(operator, premium.id))).toMatchObject({
      status: 'pending',
      waitsFor: 'time',
      next: { name: 'payment_retry', source: 'command' },
    });
    const asked = journeys.now();
    expect(await premium.result()).toMatchObject({ status: 'completed' });
    expect(journeys.now() - asked).toBeGreaterThan(2 * dayMs);
    expect(await premium.events()).toEqual(['open', 'postpone', 'move_retry', 'complete']);
    expect(gateway.carriedOut(premium.id)).toBe(1);
    await expect(move({}, once(operator))).rejects.toMatchObject({ status: 404 });
  });

  it('fails after the fourth decline, and the payer is told', async () => {
    const premium = await begin({}, [
      'decline_for_now',
      'decline_for_now',
      'decline_for_now',
      'decline_for_now',
      'ok',
    ]);

    expect(await premium.result()).toEqual({
      status: 'failed',
      failureCode: 'insufficient_funds',
    });

    expect(await premium.row()).toMatchObject({ status: 'failed', attempts: 4 });
    expect(await premium.told()).toEqual([
      'email payment_failed person',
      'in_app payment_failed person',
    ]);
    expect(gateway.carriedOut(premium.id)).toBe(0);
  });

  it('needs attention while the gateway is away, and is made once it is back', async () => {
    await gateway.stop();
    const premium = await begin({}, []);
    await journeys.passUntil(journeys.now() + hourMs / 2);
    const stuck = { flag: await needsAttention(premium), row: await premium.row() };

    await gateway.startAgain();
    await premium.run().executeUpdate(retryStep, { args: [{ reason: 'The gateway is back' }] });

    expect(await premium.result()).toMatchObject({ status: 'completed' });
    expect(stuck).toMatchObject({ flag: true, row: { status: 'pending', attempts: 0 } });
    expect(await needsAttention(premium)).toBe(false);
    expect(gateway.carriedOut(premium.id)).toBe(1);
  });

  it('waits by itself for a database that is away for long, and is made once it is back', async () => {
    await journeys.database.sql('ALTER TABLE shared.premium_invoices RENAME TO away');
    const premium = await begin();
    await journeys.passUntil(journeys.now() + hourMs / 2);
    const waiting = { flag: await needsAttention(premium), row: await premium.row() };

    await journeys.database.sql('ALTER TABLE shared.away RENAME TO premium_invoices');

    expect(await premium.result()).toMatchObject({ status: 'completed' });
    expect(waiting).toMatchObject({ flag: undefined, row: { status: 'pending', attempts: 0 } });
    expect(gateway.carriedOut(premium.id)).toBe(1);
  });

  it('needs attention at once where the gateway refuses our key, and is made after it was mended', async () => {
    await gateway.stop();
    let asked = 0;
    const refusing = createServer((_, response) => {
      asked += 1;
      response.writeHead(401).end();
    });
    await new Promise<void>((resolve) =>
      refusing.listen(Number(new URL(gateway.url).port), '127.0.0.1', resolve),
    );
    const premium = await begin({}, []);
    await journeys.settled(paymentWorkflowId(premium.companyId, premium.id));
    const stuck = { flag: await needsAttention(premium), asked };
    refusing.closeAllConnections();
    await new Promise((resolve) => refusing.close(resolve));

    await gateway.startAgain();
    await premium.run().executeUpdate(retryStep, { args: [{ reason: 'The key was mended' }] });

    expect(await premium.result()).toMatchObject({ status: 'completed' });
    expect(stuck).toEqual({ flag: true, asked: 1 });
    expect(gateway.carriedOut(premium.id)).toBe(1);
  });

  it('that an operator stops is not tried again', async () => {
    const premium = await begin({}, ['decline_for_now', 'ok']);
    await journeys.passUntil(journeys.now() + 60_000);

    await premium.run().cancel();

    expect(await premium.result()).toEqual({
      status: 'failed',
      failureCode: 'stopped_by_operator',
    });
    expect(gateway.carriedOut(premium.id)).toBe(0);
  });

  it('that an operator stops after its answer was lost still counts what was moved', async () => {
    const premium = await begin({}, ['timeout_after_success']);
    while (gateway.carriedOut(premium.id) === 0) await setTimeout(20);
    await premium.run().cancel();

    expect(await premium.result()).toEqual({ status: 'completed', failureCode: null });
    expect(await premium.ledger()).toEqual(['gateway_clearing 120.00', 'premium_income -120.00']);
    expect(gateway.carriedOut(premium.id)).toBe(1);
  });

  it('that an operator stops counts what arrives at the gateway after all others have given it up', async () => {
    await gateway.stop();
    const premium = await begin({}, []);
    await journeys.settled(premium.run().workflowId);
    await premium.run().cancel();
    await journeys.settled(premium.run().workflowId);
    await gateway.startAgain();
    // A first look at a gateway that answers again finds nothing.
    await journeys.passUntil(journeys.now() + 30_000);
    await journeys.settled(premium.run().workflowId);

    await gateway.gateway.charge({
      idempotencyKey: `payment/${premium.id}`,
      attempt: 1,
      companyId: premium.companyId,
      paymentId: premium.id,
      amount: '120.00',
      currency: 'EUR',
      customerId: null,
      name: 'Ada Lovelace',
    });

    expect(await premium.result()).toEqual({ status: 'completed', failureCode: null });
    expect(await premium.ledger()).toEqual(['gateway_clearing 120.00', 'premium_income -120.00']);
    expect(gateway.carriedOut(premium.id)).toBe(1);
  });

  it('goes on from its row where its run was lost', async () => {
    const premium = await begin({}, ['decline_for_now', 'ok']);
    await journeys.passUntil(journeys.now() + 60_000);
    await premium.run().terminate('a test');
    const { workflowId } = await premium.run().describe();
    await journeys.server.temporal.client.workflow.start('payment', {
      workflowId,
      taskQueue: 'test-lifecycle',
      args: [{ v: 1, companyId: premium.companyId, paymentId: premium.id }],
    });

    expect(await premium.result()).toMatchObject({ status: 'completed' });
    expect(await premium.row()).toMatchObject({ attempts: 2 });
    expect(gateway.carriedOut(premium.id)).toBe(1);
    expect(journeys.now()).toBeLessThan(Date.now() + 10 * dayMs);
  });
});
