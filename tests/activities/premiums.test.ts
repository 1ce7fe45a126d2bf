import { premiumActivities } from '../../src/activities/premiums.ts';
import { paymentActivities } from '../../src/activities/payments.ts';
import { reinstatementActivities } from '../../src/activities/reinstatements.ts';
import { subscriptionActivities } from '../../src/activities/subscriptions.ts';
import type { SubscriptionOrder } from '../../src/activities/subscriptionStep.ts';
import { runInContext } from '../../src/context.ts';
import type { SubscriptionState } from '../../src/models/subscriptionStart.ts';
import { buildCompany, buildSubscription } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { ledgerOf } from '../support/ledger.ts';
import { ModelGateway } from '../support/paymentModel.ts';

type Step = (order: SubscriptionOrder) => Promise<{ state: SubscriptionState }>;

interface Case {
  readonly name: string;
  /** Whether the first premium has arrived. */
  readonly isPaid: boolean;
  readonly step: (facts: { paymentId: string }) => Step;
}

/** Without a workflow: the steps are ordered by hand. */
describe('a step of a subscription whose premiums are invoiced', () => {
  let database: TestDatabase;
  const activities = {
    ...subscriptionActivities(),
    ...premiumActivities(),
    ...reinstatementActivities(),
    ...paymentActivities({}),
  };

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  const cases: readonly Case[] = [
    {
      name: 'settlePremium of what was paid',
      isPaid: true,
      step:
        ({ paymentId }) =>
        (order) =>
          activities.settlePremium({ ...order, paymentId }),
    },
    {
      name: 'settlePremium of what failed',
      isPaid: false,
      step:
        ({ paymentId }) =>
        (order) =>
          activities.settlePremium({ ...order, paymentId }),
    },
    {
      name: 'fireSubscriptionTimer payment_window',
      isPaid: false,
      step: () => (order) =>
        activities.fireSubscriptionTimer({ ...order, name: 'payment_window', occurrence: 1 }),
    },
  ];

  async function prepare({ isPaid, step }: Case) {
    const { id: companyId } = await buildCompany({ settings: { billing: { mode: 'invoice' } } });
    const sold = await buildSubscription({ companyId });
    const ref = { companyId, subscriptionId: sold.id };
    const state = await activities.readSubscription(ref);
    const [paymentId = ''] = state.payments ?? [];
    await activities.settlePayment({
      companyId,
      paymentId,
      commandId: `payment/${paymentId}/settle/1`,
      expectedVersion: 1,
      at: Date.now(),
      attempt: 1,
      settlement: isPaid
        ? { status: 'completed', transactionId: `tr_${paymentId}` }
        : { status: 'declined', code: 'account_closed', mayPass: false },
    });
    const order: SubscriptionOrder = {
      ...ref,
      commandId: `subscription/${sold.id}/step/1`,
      expectedVersion: state.stateVersion,
      at: Date.now() + 80 * 3_600_000,
    };
    return { companyId, order, act: step({ paymentId }) };
  }

  const inWorkflow = <T>(work: () => Promise<T>): Promise<T> =>
    runInContext(
      { requestId: 'req_test', workflowId: 'subscription/x', actorType: 'workflow' },
      work,
    );

  it.each(cases)('$name has one effect when it comes twice', async (given) => {
    const { companyId, order, act } = await prepare(given);

    const first = await inWorkflow(() => act(order));
    const afterOnce = await ledgerOf(database, companyId);
    const second = await inWorkflow(() => act(order));

    expect(await ledgerOf(database, companyId)).toEqual(afterOnce);
    expect(second).toEqual(first);
  });

  it.each(cases)('$name has one effect when it comes twice at once', async (given) => {
    const { companyId, order, act } = await prepare(given);

    const [first, second] = await Promise.all([act(order), act(order)]);

    expect(second.state).toEqual(first.state);
    const ledger = await ledgerOf(database, companyId);
    await act(order);
    expect(await ledgerOf(database, companyId)).toEqual(ledger);
  });

  it.each(cases)('$name cannot reach the subscription of another company', async (given) => {
    const { order, act } = await prepare(given);
    const stranger = await buildCompany();

    await expect(act({ ...order, companyId: stranger.id })).rejects.toMatchObject({ status: 404 });
  });

  it('of a payment that came as the window ended begins, whoever is first', async () => {
    const { order } = await prepare({
      name: 'late',
      isPaid: true,
      step: () => (given) =>
        activities.fireSubscriptionTimer({ ...given, name: 'payment_window', occurrence: 1 }),
    });

    const { state } = await inWorkflow(() =>
      activities.fireSubscriptionTimer({ ...order, name: 'payment_window', occurrence: 1 }),
    );

    expect(state).toMatchObject({ status: 'active', isClosed: false });
  });

  it.each([
    ['void', 'ok', { status: 'unwanted', code: 'not_due' }, 0],
    ['written_off', 'ok', { status: 'unwanted', code: 'not_due' }, 0],
    ['paid', 'ok', { status: 'unwanted', code: 'not_due' }, 0],
    ['overdue', 'ok', { status: 'completed' }, 1],
    ['void', 'unheard', { status: 'completed' }, 1],
  ] as const)(
    'asked to send a premium whose invoice is %s, by way of %s, answers %j',
    async (status, fate, outcome, moved) => {
      const { id: companyId } = await buildCompany({ settings: { billing: { mode: 'invoice' } } });
      const sold = await buildSubscription({ companyId });
      const { payments = [] } = await activities.readSubscription({
        companyId,
        subscriptionId: sold.id,
      });
      const gateway = new ModelGateway();
      const { sendPayment } = paymentActivities({ gateway });
      const sent = { companyId, paymentId: payments[0] ?? '', attempt: 1 };
      gateway.fate = fate;
      if (fate === 'unheard') await sendPayment(sent);
      await database.sql(
        `UPDATE shared.premium_invoices
         SET status = $2, paid_at = CASE WHEN $2 = 'paid' THEN now() END WHERE subscription_id = $1`,
        [sold.id, status],
      );

      expect(await sendPayment(sent)).toMatchObject(outcome);
      expect(gateway.moved).toBe(moved);
    },
  );

  it('that is not taken up gives back a payment that completes after it', async () => {
    const { id: companyId } = await buildCompany({ settings: { billing: { mode: 'invoice' } } });
    const sold = await buildSubscription({ companyId });
    const ref = { companyId, subscriptionId: sold.id };
    const { payments = [], stateVersion } = await activities.readSubscription(ref);
    const [paymentId = ''] = payments;
    const at = Date.now() + 80 * 3_600_000;
    await activities.fireSubscriptionTimer({
      ...ref,
      commandId: 'window',
      expectedVersion: stateVersion,
      at,
      name: 'payment_window',
      occurrence: 1,
    });

    await activities.settlePayment({
      companyId,
      paymentId,
      commandId: `payment/${paymentId}/settle/1`,
      expectedVersion: 1,
      at,
      attempt: 1,
      settlement: { status: 'completed', transactionId: `tr_${paymentId}` },
    });

    const rows = await database.sql(
      `SELECT purpose, status, amount::text, refunded_amount::text AS refunded
       FROM shared.payments WHERE company_id = $1 ORDER BY id`,
      [companyId],
    );
    expect(rows).toEqual([
      { purpose: 'premium', status: 'completed', amount: '365.00', refunded: '365.00' },
      { purpose: 'refund', status: 'pending', amount: '365.00', refunded: '0.00' },
    ]);
    const owed = await database.sql<{ workflow_type: string }>(
      `SELECT workflow_type FROM core.outbox WHERE company_id = $1 AND entity_type = 'payment'`,
      [companyId],
    );
    expect(owed).toEqual([{ workflow_type: 'payment' }]);
  });
});
