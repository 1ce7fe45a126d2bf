import { v7 as uuid } from 'uuid';
import { paymentDeaths } from './paymentDeaths.ts';
import {
  dataOf,
  newKey,
  openProduct,
  textIn,
  transfersOf,
  until,
  type Product,
} from './product.ts';

describe('a worker that dies while it gives money back', () => {
  let product: Product;

  beforeAll(async () => {
    product = await openProduct();
  }, 300_000);

  afterAll(() => product.close(), 120_000);

  /** A premium that was paid, without the way there. */
  const paidPremium = async (): Promise<string> => {
    const id = uuid();
    await product.sql(
      `INSERT INTO shared.payments (company_id, id, purpose, invoice_id, payee_name, amount, currency,
         status, payment_date, idempotency_key, transaction_id, attempts, workflow_closed_at)
       SELECT id, $1, 'premium', $1, 'Ada Lovelace', 365.00, 'EUR', 'completed', current_date, $2, $2, 1,
         now() FROM platform.companies WHERE code = 'DEMO'`,
      [id, `premium/${id}`],
    );
    return id;
  };

  const statesOf = (paymentId: string) =>
    transfersOf(product)
      .filter(({ payment_id: id }) => id === paymentId)
      .map(({ status }) => status);

  it.each(paymentDeaths)(
    'at $at ($where) moves it once',
    async ({ at, where }) => {
      const premium = await paidPremium();
      await product.arm('worker', `${at}${where ? `:${where}` : ''}#1`);
      const refund = {
        method: 'POST',
        path: `/payments/${premium}/refund`,
        body: { amount: '65.00', reason: 'A bad day' },
        key: newKey(),
      } as const;
      const opened = await product.as('tenant_admin').insist(refund);
      const id = textIn(dataOf(opened), 'id');
      await product.died('worker');
      await product.restart('worker');

      const rowOf = async () =>
        (
          await product.sql<{ status: string; attempts: number }>(
            'SELECT status, attempts FROM shared.payments WHERE id = $1',
            [id],
          )
        )[0];
      await until(
        'the refund is completed',
        async () => (await rowOf())?.status === 'completed',
        120_000,
      );

      const repeated = await product.as('tenant_admin').insist(refund);
      expect(textIn(dataOf(repeated), 'id')).toBe(id);
      expect(await rowOf()).toEqual({ status: 'completed', attempts: 1 });
      expect(statesOf(id)).toEqual(['completed']);
      const booked = await product.sql(
        `SELECT account, amount::text AS amount FROM shared.ledger_entries WHERE payment_id = $1
         ORDER BY account`,
        [id],
      );
      expect(booked).toEqual([
        { account: 'gateway_clearing', amount: '-65.00' },
        { account: 'refunds', amount: '65.00' },
      ]);
      expect(product.broken).toEqual([]);
    },
    400_000,
  );
});
