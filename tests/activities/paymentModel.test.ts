import fc from 'fast-check';
import { paymentActivities, type PaymentStep } from '../../src/activities/payments.ts';
import { createPaymentWebhooks } from '../../src/commands/paymentWebhooks.ts';
import type { Payment } from '../../src/models/Payment.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { acts, ModelGateway, type Act } from '../support/paymentModel.ts';
import { buildPayment } from '../support/payments.ts';
import { seed } from '../rules/property.ts';

/** The activities as they are, on real rows; the workflow's loop and the gateway are played. */
describe('a payment', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  const rest: Act = { kind: 'step', fate: 'ok', isDeaf: false, again: 'no' };

  async function openLife({ id: paymentId, companyId }: Payment) {
    const gateway = new ModelGateway();
    const activities = paymentActivities({ gateway });
    const ref = { companyId, paymentId };
    const heard = new Set<number>();
    let tells = 0;
    let news = { eventId: '', kind: '' };
    const webhooks = createPaymentWebhooks({
      dispatcher: {
        dispatch() {
          tells += 1;
        },
      },
      webhooks: { provider: 'model', read: async () => ({ ...ref, ...news }) },
    });
    let now = Date.now();
    let state = await activities.readPayment(ref);
    let last: (() => Promise<PaymentStep>) | undefined;

    async function carryOut(
      work: () => Promise<PaymentStep>,
      again: 'no' | 'after' | 'beside',
    ): Promise<void> {
      const outcomes = again === 'beside' ? await Promise.all([work(), work()]) : [await work()];
      if (again === 'after') outcomes.push(await work());
      for (const outcome of outcomes) expect(outcome.state).toEqual(outcomes[0]?.state);
      ({ state } = outcomes[0] ?? { state });
      last = work;
    }

    async function step({ fate, isDeaf, again }: Extract<Act, { kind: 'step' }>): Promise<void> {
      if (state.status !== 'pending') {
        await last?.();
        return;
      }
      const order = (effect: string) => ({
        ...ref,
        commandId: `payment/${paymentId}/${effect}`,
        expectedVersion: state.stateVersion,
        at: now,
      });
      const [timer] = state.timers;
      if (timer) {
        const { occurrence } = timer;
        now = Math.max(now, timer.dueAt);
        const fired = { ...order(`retry/${occurrence}`), occurrence };
        return carryOut(() => activities.firePaymentTimer(fired), again);
      }
      const attempt = state.attempts + 1;
      Object.assign(gateway, { fate, isDeaf });
      let outcome = await activities.sendPayment({ ...ref, attempt });
      // A worker that died after the call makes it once more.
      if (again !== 'no') outcome = await activities.sendPayment({ ...ref, attempt });
      if (outcome.status === 'unknown' || outcome.status === 'unwanted') return;
      const settled = { ...order(`settle/${state.stateVersion}`), attempt, settlement: outcome };
      await carryOut(() => activities.settlePayment(settled), again);
    }

    return {
      gateway,
      isOver: () => state.isClosed,
      heard: () => ({ events: heard.size, tells }),
      async do(act: Act): Promise<void> {
        switch (act.kind) {
          case 'step':
            return step(act);
          case 'arrive':
            return gateway.arrive();
          case 'finish':
            return gateway.finish();
          case 'webhook':
            heard.add(act.event);
            news = { eventId: `evt_${paymentId}_${act.event}`, kind: 'transfer.completed' };
            return webhooks.take(() => '', '');
          default:
            return act satisfies never;
        }
      },
    };
  }

  const rowOf = async (id: string) => {
    const [row] = await database.sql<{ status: string; attempts: number; isClosed: boolean }>(
      `SELECT status, attempts, workflow_closed_at IS NOT NULL AS "isClosed"
       FROM shared.payments WHERE id = $1`,
      [id],
    );
    return row;
  };

  /** Rows that must be there once, whatever happened on the way. */
  const tracesOf = async (id: string) => {
    const [traces] = await database.sql<Record<string, unknown>>(
      `SELECT
         (SELECT count(*)::integer FROM shared.ledger_entries WHERE payment_id = $1) AS booked,
         (SELECT coalesce(sum(amount), 0)::text FROM shared.ledger_entries WHERE payment_id = $1) AS rest,
         (SELECT count(*)::integer FROM shared.payment_events WHERE payment_id = $1) AS events,
         (SELECT count(*)::integer FROM core.timers WHERE entity_id = $1 AND status = 'scheduled') AS timers,
         ARRAY(SELECT template_code || ' ' || channel FROM core.notifications WHERE entity_id = $1
           ORDER BY 1) AS told,
         ARRAY(SELECT event FROM core.transitions WHERE entity_id = $1 ORDER BY state_version) AS steps,
         (SELECT count(*) = max(state_version) FROM core.transitions WHERE entity_id = $1) AS "isWhole"`,
      [id],
    );
    return traces;
  };

  /** No money twice, none asked for in vain, and no end that the gateway contradicts. */
  async function expectTrue(id: string, { moved, needless }: ModelGateway): Promise<void> {
    const row = await rowOf(id);
    expect({ needless, isTwice: moved > 1 }).toEqual({ needless: 0, isTwice: false });
    if (row?.isClosed)
      expect([row.status, moved]).toEqual(moved ? ['completed', 1] : ['failed', 0]);
  }

  it('moves its money at most once and ends as the gateway has it, in a hundred lives of thirty acts', async () => {
    const { id: companyId } = await buildCompany();
    const { userId } = await buildActor({ companyId });
    const seen = { completed: 0, failed: 0 };
    const lives = fc.record({
      purpose: fc.constantFrom('premium' as const, 'claim_payout' as const),
      steps: fc.array(acts, { minLength: 30, maxLength: 30 }),
    });

    await fc.assert(
      fc.asyncProperty(lives, async ({ purpose, steps }) => {
        const { payment } = await buildPayment({ companyId, userId, purpose });
        const { id } = payment;
        const life = await openLife(payment);
        const { gateway } = life;

        for (const act of steps) {
          await life.do(act);
          await expectTrue(id, gateway);
        }
        while (!life.isOver()) {
          await life.do({ kind: 'arrive' });
          await life.do({ kind: 'finish' });
          await life.do(rest);
        }
        await life.do({ kind: 'arrive' });

        await expectTrue(id, gateway);
        const isPaid = gateway.moved === 1;
        const { declines } = gateway;
        const { events } = life.heard();
        seen[isPaid ? 'completed' : 'failed'] += 1;
        expect(life.heard().tells).toBe(events);
        expect(await rowOf(id)).toEqual({
          status: isPaid ? 'completed' : 'failed',
          attempts: declines + (isPaid ? 1 : 0),
          isClosed: true,
        });
        const postponed = isPaid ? declines : declines - 1;
        expect(await tracesOf(id)).toEqual({
          booked: isPaid ? 2 : 0,
          rest: isPaid ? '0.00' : '0',
          events,
          timers: 0,
          told: toldOf(purpose, isPaid),
          steps: [
            'open',
            ...Array<string>(postponed).fill('postpone'),
            isPaid ? 'complete' : 'fail',
          ],
          isWhole: true,
        });
      }),
      { seed, numRuns: Number(process.env['RUNS'] ?? 100) },
    );
    process.stderr.write(`${seen.completed} payments completed, ${seen.failed} failed\n`);
    expect(Math.min(seen.completed, seen.failed)).toBeGreaterThan(0);
  }, 900_000);
});

function toldOf(purpose: 'premium' | 'claim_payout', isPaid: boolean): readonly string[] {
  if (!isPaid && purpose === 'claim_payout') return ['payment_failed in_app'];
  const template = isPaid
    ? { premium: 'payment_received', claim_payout: 'payment_sent' }[purpose]
    : 'payment_failed';
  return [`${template} email`, `${template} in_app`];
}
