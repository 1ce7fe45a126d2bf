import { subscriptionActivities } from '../../src/activities/subscriptions.ts';
import { cancellationOf, contractOf, renewalOf, type Contract } from '../../src/models/contract.ts';
import { withTenant } from '../../src/models/database.ts';
import { PolicySubscription } from '../../src/models/PolicySubscription.ts';
import { getRow } from '../../src/models/rows.ts';
import type { SubscriptionState } from '../../src/models/subscriptionStart.ts';
import { addDays, daysBefore } from '../../src/rules/calendar.ts';
import type { LifecycleConfig } from '../../src/rules/lifecycle.ts';
import type { TimerName } from '../../src/rules/termTimers.ts';
import { buildSubscription, type Sold } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('what a term was sold with', () => {
  let database: TestDatabase;
  const activities = subscriptionActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  const sell = (lifecycleConfig: LifecycleConfig): Promise<Sold> =>
    buildSubscription({ plan: { lifecycleConfig } });

  /** What an administrator may do to the plan, or to the company, at any time. */
  const setPlan = ({ id }: Sold, config: LifecycleConfig): Promise<unknown> =>
    database.sql(
      `UPDATE shared.insurance_plans SET lifecycle_config = $2 WHERE id =
         (SELECT insurance_plan_id FROM shared.policy_subscriptions WHERE id = $1)`,
      [id, JSON.stringify(config)],
    );
  const setCompany = ({ companyId }: Sold, subscription: LifecycleConfig): Promise<unknown> =>
    database.sql(`UPDATE platform.companies SET settings = $2 WHERE id = $1`, [
      companyId,
      JSON.stringify({ subscription }),
    ]);

  const inContract = <T>(
    { companyId, id }: Sold,
    work: (contract: Contract) => T | Promise<T>,
  ): Promise<T> =>
    withTenant(companyId, async () => work(await contractOf(await getRow(PolicySubscription, id))));

  const stateOf = ({ companyId, id }: Sold): Promise<SubscriptionState> =>
    activities.readSubscription({ companyId, subscriptionId: id });

  async function fire(sold: Sold, name: TimerName, at?: number): Promise<SubscriptionState> {
    const { stateVersion, expiresAt, termNo } = await stateOf(sold);
    const { state } = await activities.fireSubscriptionTimer({
      companyId: sold.companyId,
      subscriptionId: sold.id,
      commandId: `subscription/${sold.id}/${name}/${termNo}`,
      expectedVersion: stateVersion,
      at: at ?? expiresAt,
      name,
      occurrence: termNo,
    });
    return state;
  }

  /** Lets the timers of the term happen, one after another, up to its end. */
  async function expire(sold: Sold): Promise<SubscriptionState> {
    for (;;) {
      const [next] = (await stateOf(sold)).timers;
      if (!next) throw new Error('The term has no end');
      const state = await fire(sold, next.name, next.dueAt);
      if (next.name === 'expiry') return state;
    }
  }

  async function renew(sold: Sold): Promise<SubscriptionState> {
    const { stateVersion, expiresAt } = await stateOf(sold);
    const { state } = await activities.renewSubscription({
      companyId: sold.companyId,
      subscriptionId: sold.id,
      commandId: `renew-${sold.id}`,
      expectedVersion: stateVersion,
      at: expiresAt - 20 * dayMs,
      reason: null,
    });
    return state;
  }

  it('without a late window ends with the term, though the plan has one by then', async () => {
    const sold = await sell({ lateRenewalDays: 0 });
    await setPlan(sold, { lateRenewalDays: 30 });

    const state = await fire(sold, 'expiry');

    expect(state).toMatchObject({ status: 'expired', isClosed: true, timers: [] });
  });

  it('with a late window keeps it open, though the plan has none by then', async () => {
    const sold = await sell({ lateRenewalDays: 30 });
    await setPlan(sold, { lateRenewalDays: 0 });

    const expired = await expire(sold);
    const later = (days: number) => daysBefore(expired.expiresAt, -days, 'Europe/Berlin');
    const renewal = await inContract(sold, (contract) => renewalOf(contract, later(29)));
    const closed = await fire(sold, 'late_renewal_close', later(30));

    expect(expired).toMatchObject({
      status: 'expired',
      isClosed: false,
      timers: [{ name: 'late_renewal_close' }],
    });
    expect(renewal).toMatchObject({ isLate: true, gapDays: 29 });
    expect(closed).toMatchObject({ isClosed: true, timers: [] });
  });

  it.each([
    ['the plan', setPlan],
    ['the company', setCompany],
  ])('decides the refund, whatever %s says later', async (_, change) => {
    const sold = await sell({});
    await change(sold, { coolingOffDays: 0, shortRate: 1 });

    const meant = await inContract(sold, (contract) => cancellationOf(contract, null, Date.now()));

    expect(meant).toMatchObject({ wouldRefund: '365.00', terms: [{ rule: 'cooling_off' }] });
    const { startDate } = await inContract(sold, ({ subscription }) => subscription);
    expect(meant.coolingOffEndsOn).toBe(addDays(startDate, 14));
  });

  it('is resolved anew by a renewal, for the new term alone', async () => {
    const sold = await sell({ shortRate: 0.1 });
    await setPlan(sold, { shortRate: 1, coolingOffDays: 0, lateRenewalDays: 0 });

    const renewed = await renew(sold);

    const meant = await inContract(sold, (contract) =>
      cancellationOf(contract, null, renewed.expiresAt - 380 * dayMs),
    );
    expect(renewed.timers.map(({ name }) => name)).not.toContain('late_renewal_close');
    expect(meant.terms.map(({ termNo, amount }) => [termNo, amount === '0.00'])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(await fire(sold, 'expiry')).toMatchObject({ status: 'expired', isClosed: true });
  });

  it('is what plan and company say at present where the term is older than the record', async () => {
    const sold = await sell({});
    await database.sql(
      `UPDATE shared.subscription_terms SET lifecycle = NULL WHERE subscription_id = $1`,
      [sold.id],
    );
    await setPlan(sold, { coolingOffDays: 0, shortRate: 1, lateRenewalDays: 0 });

    const meant = await inContract(sold, (contract) => cancellationOf(contract, null, Date.now()));
    const state = await expire(sold);

    expect(meant).toMatchObject({ wouldRefund: '0.00' });
    // By the timer that waits, not by the number.
    expect(state).toMatchObject({ isClosed: false, timers: [{ name: 'late_renewal_close' }] });
  });

  it('leaves no timer behind when the subscription is over', async () => {
    const sold = await sell({ lateRenewalDays: 0 });

    const state = await fire(sold, 'expiry');

    expect(state).toMatchObject({ isClosed: true, timers: [] });
    const left = await database.sql<{ reason: string }>(
      `SELECT reason FROM core.timers WHERE entity_id = $1 AND status = 'cancelled'`,
      [sold.id],
    );
    expect(left).toHaveLength(6);
    expect(new Set(left.map(({ reason }) => reason))).toEqual(
      new Set(['The subscription is expired']),
    );
  });

  it('may be ended by an operator where nothing ahead would end it', async () => {
    const sold = await sell({ lateRenewalDays: 0 });
    await fire(sold, 'expiry');
    await database.sql(
      `UPDATE shared.policy_subscriptions SET workflow_closed_at = NULL WHERE id = $1`,
      [sold.id],
    );

    const state = await fire(sold, 'late_renewal_close');

    expect(state).toMatchObject({ status: 'expired', isClosed: true });
  });
});

const dayMs = 86_400_000;
