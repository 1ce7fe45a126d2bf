import { claimActivities } from '../../src/activities/claims.ts';
import { paymentActivities } from '../../src/activities/payments.ts';
import { cancellationOf, contractOf } from '../../src/models/contract.ts';
import { withTenant } from '../../src/models/database.ts';
import { PolicySubscription } from '../../src/models/PolicySubscription.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('the payout of a claim', () => {
  let database: TestDatabase;
  const { processClaim, startClaimPayment } = claimActivities();
  const { settlePayment } = paymentActivities({});

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** Approved and paid, with the claimant corrected before. @returns whose payment it is, and who was told */
  async function payTo(changes: string) {
    const { id: companyId } = await buildCompany();
    const { userId: by } = await buildActor({ companyId, role: 'claims_manager' });
    const { claim, holder } = await buildClaimRow({ companyId, status: 'waiting_approval' });
    await database.sql(`UPDATE shared.claims SET ${changes} WHERE id = $1`, [claim.id]);
    const order = (version: number) => ({
      companyId,
      claimId: claim.id,
      commandId: `claim/${claim.id}/test/${version}`,
      expectedVersion: version,
      at: Date.now(),
    });
    const wish = { event: 'approve', amount: '900.00', by, reason: null } as const;
    await processClaim({ ...order(1), wish });
    await startClaimPayment(order(2));
    const [payment] = await database.sql<{ id: string; userId: string | null; payeeName: string }>(
      `SELECT id, user_id AS "userId", payee_name AS "payeeName" FROM shared.payments
       WHERE claim_id = $1`,
      [claim.id],
    );
    if (!payment) throw new Error('No payment was opened');
    await settlePayment({
      companyId,
      paymentId: payment.id,
      commandId: `payment/${payment.id}/settle/1`,
      expectedVersion: 1,
      at: Date.now(),
      attempt: 1,
      settlement: { status: 'completed', transactionId: `tr_${payment.id}` },
    });
    const told = await database.sql<{ to: string }>(
      `SELECT channel || ' ' || coalesce(recipient_user_id::text, recipient_address) AS to
       FROM core.notifications WHERE entity_id = $1 AND template_code = 'payment_sent' ORDER BY 1`,
      [payment.id],
    );
    return { payment, holder, told: told.map(({ to }) => to) };
  }

  it('goes to the account of the holder who claims it', async () => {
    const { payment, holder, told } = await payTo('claimant_name = upper(claimant_name)');

    expect(payment.userId).toBe(holder.userId);
    expect(told).toEqual([`email ${holder.userId}`, `in_app ${holder.userId}`]);
  });

  it.each([
    ['at an address of their own', `claimant_email = 'bob@example.com'`],
    ['at the address of the holder', 'claimant_email = claimant_email'],
  ])('of another claimant, %s, goes by their name and tells them alone', async (_, address) => {
    const { payment, told } = await payTo(`claimant_name = 'Bob Stone', ${address}`);

    expect(payment).toMatchObject({ userId: null, payeeName: 'Bob Stone' });
    expect(told).toEqual([expect.stringMatching(/^email .*@/)]);
  });

  it.each([
    ['waiting_approval', 'pro_rata'],
    ['approved', 'claim_paid'],
    ['payment_processing', 'claim_paid'],
  ])('keeps the premium of its term from the approval on: %s is %s', async (status, rule) => {
    const { id: companyId } = await buildCompany();
    const { claim } = await buildClaimRow({ companyId, status: 'waiting_approval' });
    await database.sql(
      `UPDATE shared.claims SET status = $2, approved_amount = 900 WHERE id = $1`,
      [claim.id, status],
    );

    const { terms } = await withTenant(companyId, async () => {
      const where = { policyId: claim.policyId };
      const sold = await PolicySubscription.findOne({ where, rejectOnEmpty: true });
      return cancellationOf(await contractOf(sold), null, Date.now());
    });

    expect(terms).toMatchObject([{ rule }]);
  });
});
