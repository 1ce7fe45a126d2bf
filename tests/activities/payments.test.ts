import { v7 as uuid } from 'uuid';
import {
  paymentActivities,
  type PaymentOrder,
  type Settlement,
} from '../../src/activities/payments.ts';
import { createPayments } from '../../src/commands/payments.ts';
import { append, execute, flush, withTenant } from '../../src/models/database.ts';
import { LedgerEntry } from '../../src/models/LedgerEntry.ts';
import type { Payment } from '../../src/models/Payment.ts';
import { multiplyByRatio } from '../../src/rules/money.ts';
import { as, buildActor, buildCompany, buildDedicatedCompany, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { ledgerOf } from '../support/ledger.ts';
import { buildPayment } from '../support/payments.ts';
import { seededRandom } from '../badDays/product.ts';

describe('a step of a payment', () => {
  let database: TestDatabase;
  const activities = paymentActivities({});

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  const completed = (): Settlement => ({ status: 'completed', transactionId: `tr_${uuid()}` });

  const orderOf = ({ companyId, id }: Payment): PaymentOrder => ({
    companyId,
    paymentId: id,
    commandId: `payment/${id}/settle/1`,
    expectedVersion: 1,
    at: Date.now(),
  });

  const settle = (payment: Payment, settlement: Settlement, attempt = 1) =>
    activities.settlePayment({ ...orderOf(payment), attempt, settlement });

  const cases: readonly { readonly name: string; readonly settlement: () => Settlement }[] = [
    { name: 'a completion', settlement: completed },
    {
      name: 'a decline that may pass',
      settlement: () => ({ status: 'declined', code: 'insufficient_funds', mayPass: true }),
    },
    {
      name: 'a decline for good',
      settlement: () => ({ status: 'declined', code: 'account_closed', mayPass: false }),
    },
  ];

  it.each(cases)('$name has one effect when it comes twice at once', async ({ settlement }) => {
    const { id: companyId } = await buildCompany();
    const payer = await buildActor({ companyId });
    const { payment } = await buildPayment({ companyId, userId: payer.userId });
    const outcome = settlement();

    const [first, second] = await Promise.all([settle(payment, outcome), settle(payment, outcome)]);
    const afterTwo = await ledgerOf(database, companyId);
    const third = await settle(payment, outcome);

    expect(second.state).toEqual(first.state);
    expect(third.state).toEqual(first.state);
    expect(await ledgerOf(database, companyId)).toEqual(afterTwo);
  });

  it.each([
    ['refund', 3, ['refund_late']],
    ['refund', 2, []],
    ['premium', 3, []],
  ] as const)(
    'that declines a %s for the time %i tells %j',
    async (purpose, attempt, templates) => {
      const { id: companyId } = await buildCompany();
      const { payment: parent } = await buildPayment({ companyId });
      const { payment } = await buildPayment({ companyId, purpose, parentPaymentId: parent.id });
      const decline = { status: 'declined', code: 'insufficient_funds', mayPass: true } as const;

      const { state } = await settle(payment, decline, attempt);

      const told = await database.sql<{ template_code: string; recipient_role: string }>(
        'SELECT template_code, recipient_role FROM core.notifications WHERE entity_id = $1',
        [payment.id],
      );
      expect(state).toMatchObject({ status: 'pending', timers: [{ name: 'payment_retry' }] });
      expect(told).toEqual(
        templates.map((code) => ({ template_code: code, recipient_role: 'tenant_admin' })),
      );
    },
  );

  it('by an outdated version is refused and changes nothing', async () => {
    const { id: companyId } = await buildCompany();
    const { payment } = await buildPayment({ companyId });
    const before = await ledgerOf(database, companyId);

    const stale = activities.settlePayment({
      ...orderOf(payment),
      expectedVersion: 0,
      attempt: 1,
      settlement: completed(),
    });

    await expect(stale).rejects.toMatchObject({ status: 409, code: 'VERSION_CONFLICT' });
    expect(await ledgerOf(database, companyId)).toEqual(before);
  });

  it('cannot reach the payment of another company', async () => {
    const { payment } = await buildPayment({ companyId: (await buildCompany()).id });
    const { id: companyId } = await buildCompany();

    const foreign = activities.settlePayment({
      ...orderOf(payment),
      companyId,
      attempt: 1,
      settlement: completed(),
    });

    await expect(foreign).rejects.toMatchObject({ status: 404 });
  });

  it('waits for an operator where no gateway is configured', async () => {
    const { payment } = await buildPayment({ companyId: (await buildCompany()).id });
    const { companyId, id: paymentId } = payment;

    const sent = activities.sendPayment({ companyId, paymentId, attempt: 1 });

    await expect(sent).rejects.toMatchObject({ status: 503, code: 'PAYMENTS_NOT_CONFIGURED' });
  });

  it('one key has one payment', async () => {
    const { id: companyId } = await buildCompany();
    await buildPayment({ companyId, idempotencyKey: 'claim/1/payout/1' });

    const again = buildPayment({ companyId, idempotencyKey: 'claim/1/payout/1' });

    await expect(again).rejects.toMatchObject({ status: 409, code: 'PAYMENT_EXISTS' });
  });

  it('a posting that does not add up to zero is refused, also in a schema of its own', async () => {
    for (const { id: companyId } of [
      await buildCompany(),
      await buildDedicatedCompany(database.sql),
    ]) {
      const { payment } = await buildPayment({ companyId });
      const oneSided = withTenant(companyId, async () => {
        append(LedgerEntry, {
          postingId: payment.id,
          paymentId: payment.id,
          account: 'claims_paid',
          currency: 'EUR',
          amount: '1.00',
        });
        await flush();
        // Else the commit itself finds it.
        await execute('SET CONSTRAINTS ALL IMMEDIATE');
      });

      await expect(oneSided).rejects.toThrow(/does not add up to zero/);
    }
  });

  it('the ledger adds up to zero after a hundred random payments and refunds', async () => {
    const random = seededRandom();
    const pick = <T>(...all: readonly T[]): T | undefined =>
      all[Math.floor(random.next() * all.length)];
    const { id: companyId } = await buildCompany();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const payments = createPayments({ dispatcher: { dispatch() {} }, hasGateway: true });
    const paid: Payment[] = [];
    let [refused, opened] = [0, 0];

    for (let n = 0; n < 100; n += 1) {
      const original = random.next() < 0.5 ? pick(...paid) : undefined;
      if (original) {
        const amount = multiplyByRatio(original.amount, 1 + Math.floor(random.next() * 60), 100);
        try {
          const wish = { amount, reason: 'A test' };
          const view = await as(admin, () =>
            payments.refund(admin, original.id, wish, once(admin)),
          );
          if (!('purpose' in view)) throw new Error('A first request is no replay');
          opened += 1;
          await activities.settlePayment({
            companyId,
            paymentId: view.id,
            commandId: `payment/${view.id}/settle/1`,
            expectedVersion: 1,
            at: Date.now(),
            attempt: 1,
            settlement:
              random.next() < 0.8
                ? completed()
                : { status: 'declined', code: 'account_closed', mayPass: false },
          });
        } catch (error) {
          expect(error).toMatchObject({ status: 409 });
          refused += 1;
        }
        continue;
      }
      const purpose = pick('premium', 'booking', 'claim_payout') ?? 'premium';
      // One percent of the smallest is a cent: nothing is refunded by nothing.
      const cents = 100 + Math.floor(random.next() * 1_000_000);
      const { payment } = await buildPayment({
        companyId,
        purpose,
        amount: `${Math.floor(cents / 100)}.${`${cents % 100}`.padStart(2, '0')}`,
        currency: pick('EUR', 'USD') ?? 'EUR',
      });
      await settle(payment, completed());
      if (purpose !== 'claim_payout') paid.push(payment);
    }

    const { accounts, isEven } = await payments.ledger(admin);
    const uneven = await database.sql(
      `SELECT currency, sum(amount) FROM shared.ledger_entries WHERE company_id = $1
       GROUP BY currency HAVING sum(amount) <> 0`,
      [companyId],
    );
    const wrong = await database.sql(
      `SELECT p.id FROM shared.payments p WHERE p.company_id = $1 AND p.refunded_amount <>
         (SELECT coalesce(sum(amount), 0) FROM shared.payments r
          WHERE r.company_id = $1 AND r.parent_payment_id = p.id AND r.status <> 'failed')`,
      [companyId],
    );
    process.stderr.write(`${paid.length} paid in, ${opened} refunds, ${refused} refused\n`);
    expect({ uneven, wrong, isEven }).toEqual({ uneven: [], wrong: [], isEven: true });
    expect(accounts.map(({ account }) => account)).toContain('refunds');
    expect(opened).toBeGreaterThan(10);
  }, 60_000);
});
