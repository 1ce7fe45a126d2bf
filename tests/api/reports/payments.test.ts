import { v7 as uuid } from 'uuid';
import { paymentActivities, type Settlement } from '../../../src/activities/payments.ts';
import type { Actor } from '../../../src/context.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { buildPayment } from '../../support/payments.ts';
import { reportsWithoutWorker } from '../../support/reports.ts';

let api: TestApi;
let companyId: string;
let manager: Actor;
const worker = reportsWithoutWorker();

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  manager = await buildActor({ companyId, role: 'compliance_manager' });
});

type Wish = Omit<Parameters<typeof buildPayment>[0], 'companyId' | 'at'>;

/** One that was opened and settled at that time. */
async function buildSettled(
  at: string,
  wish: Wish,
  settlement: Settlement = { status: 'completed', transactionId: `tr_${uuid()}` },
): Promise<string> {
  const { payment } = await buildPayment({ ...wish, companyId, at: new Date(at) });
  await paymentActivities({}).settlePayment({
    companyId,
    paymentId: payment.id,
    commandId: `payment/${payment.id}/settle/1`,
    expectedVersion: 1,
    at: new Date(at).getTime(),
    attempt: 1,
    settlement,
  });
  return payment.id;
}

async function tablesOf(filters: object) {
  const asked = { name: 'Money', report_type: 'financial_summary', filters };
  const { body } = await api.as(manager).post('/reports', asked);
  await worker.generate(companyId, body.data.id);
  const report = await api.as(manager).get(`/reports/${body.data.id}`);
  const tables: readonly { name: string; rows: unknown }[] = report.body.data.report_data.tables;
  return Object.fromEntries(tables.map(({ name, rows }) => [name, rows]));
}

describe('the financial summary', () => {
  const february = { from: '2026-02-01', to: '2026-03-01' };

  it("sums up what moved by the month of the company's calendar, and what did not", async () => {
    const premium = await buildSettled('2026-01-31T23:30:00Z', { amount: '120.00' });
    await buildSettled('2026-02-10T12:00:00Z', { amount: '80.50' });
    await buildSettled('2026-02-11T12:00:00Z', { purpose: 'claim_payout', amount: '300.00' });
    await buildSettled('2026-02-12T12:00:00Z', {
      purpose: 'refund',
      parentPaymentId: premium,
      amount: '20.00',
    });
    await buildSettled(
      '2026-02-13T12:00:00Z',
      { purpose: 'claim_payout', amount: '50.00' },
      { status: 'declined', code: 'account_closed', mayPass: false },
    );
    await buildSettled('2026-02-28T23:30:00Z', { amount: '999.00' });
    await buildPayment({ companyId, amount: '7.00', at: new Date('2026-02-14T12:00:00Z') });

    const tables = await tablesOf(february);

    expect(tables['payments_by_month']).toEqual([
      {
        month: '2026-02',
        currency: 'EUR',
        premiums: '200.50',
        bookings: '0.00',
        claims: '300.00',
        refunds: '20.00',
        net: '-119.50',
      },
    ]);
    const row = { currency: 'EUR', failed: 0, pending: 0, failed_amount: '0.00' };
    expect(tables['payments_by_purpose']).toEqual([
      {
        ...row,
        purpose: 'claim_payout',
        payments: 2,
        completed: 1,
        failed: 1,
        amount: '300.00',
        failed_amount: '50.00',
      },
      {
        ...row,
        purpose: 'premium',
        payments: 3,
        completed: 2,
        pending: 1,
        amount: '200.50',
      },
      { ...row, purpose: 'refund', payments: 1, completed: 1, amount: '20.00' },
    ]);
  });

  it('tells nothing of other companies, and of one type of policy only what is about it', async () => {
    const { id: foreign } = await buildCompany();
    await buildPayment({ companyId: foreign, at: new Date('2026-02-10T12:00:00Z') });
    await buildSettled('2026-02-10T12:00:00Z', {});

    const ofHomes = await tablesOf({ ...february, policy_type: 'home' });

    expect(await tablesOf(february)).toMatchObject({
      payments_by_purpose: [{ purpose: 'premium', payments: 1 }],
    });
    expect(ofHomes).toMatchObject({ payments_by_month: [], payments_by_purpose: [] });
  });

  it('counts premiums and what is given back of them for the type of their policy', async () => {
    const { id: subscriptionId } = await buildSubscription({ companyId });
    const invoiceId = uuid();
    await api.database.sql(
      `INSERT INTO shared.premium_invoices (company_id, id, subscription_id, term_no, reason, amount,
         currency, period_start, period_end, due_date, due_at, status)
       VALUES ($1, $2, $3, 1, 'term', 80, 'EUR', '2026-02-01', '2027-02-01', '2026-02-04',
         '2026-02-04T00:00:00Z', 'open')`,
      [companyId, invoiceId, subscriptionId],
    );
    const parentPaymentId = await buildSettled('2026-02-10T12:00:00Z', {
      invoiceId,
      amount: '80.00',
    });
    await buildSettled('2026-02-11T12:00:00Z', {
      purpose: 'refund',
      parentPaymentId,
      amount: '30.00',
    });

    const ofHomes = await tablesOf({ ...february, policy_type: 'home' });
    const ofCars = await tablesOf({ ...february, policy_type: 'auto' });

    expect(ofHomes).toMatchObject({
      payments_by_month: [{ premiums: '80.00', refunds: '30.00', net: '50.00' }],
    });
    expect(ofCars).toMatchObject({ payments_by_month: [], payments_by_purpose: [] });
  });
});
