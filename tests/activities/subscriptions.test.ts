import { endorsementActivities } from '../../src/activities/endorsements.ts';
import { subscriptionActivities } from '../../src/activities/subscriptions.ts';
import type { SubscriptionOrder } from '../../src/activities/subscriptionStep.ts';
import { runInContext } from '../../src/context.ts';
import type { SubscriptionState } from '../../src/models/subscriptionStart.ts';
import { addDays, dateAt, startOfDay } from '../../src/rules/calendar.ts';
import type { TimerName } from '../../src/rules/termTimers.ts';
import { buildCompany, buildSubscription, type Sold } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { ledgerOf } from '../support/ledger.ts';
import { todayIn } from '../support/today.ts';

type Step = (order: SubscriptionOrder) => Promise<{ state: SubscriptionState }>;

interface Case {
  readonly name: string;
  /** Statuses and events that lead to where the step is due. */
  readonly before?: readonly TimerName[];
  readonly startsIn?: number;
  readonly pendingCancel?: boolean;
  readonly step: (sold: Sold, at: number) => Step;
  readonly at?: (state: SubscriptionState) => number;
}

describe('a step of a subscription', () => {
  let database: TestDatabase;
  const activities = { ...subscriptionActivities(), ...endorsementActivities() };

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  const fire = (name: TimerName, occurrence = 1): Case['step'] => {
    return () => (order) => activities.fireSubscriptionTimer({ ...order, name, occurrence });
  };

  const cases: readonly Case[] = [
    {
      name: 'cancelSubscription, at once',
      step: () => (order) =>
        activities.cancelSubscription({ ...order, effectiveDate: null, reason: 'Moved' }),
    },
    {
      name: 'cancelSubscription, on a later day',
      step: (_, at) => (order) =>
        activities.cancelSubscription({
          ...order,
          effectiveDate: addDays(dateAt(at, 'Europe/Berlin'), 20),
          reason: null,
        }),
    },
    {
      name: 'renewSubscription',
      at: beforeExpiry,
      step: () => (order) => activities.renewSubscription({ ...order, reason: null }),
    },
    {
      name: 'changeSubscriptionExpiry',
      step: (_, at) => (order) =>
        activities.changeSubscriptionExpiry({
          ...order,
          expiresAt: at + 10 * dayMs,
          reason: 'Agreed',
        }),
    },
    {
      name: 'endorseSubscription',
      step: () => (order) =>
        activities.endorseSubscription({ ...order, premium: '400.00', reason: 'A new roof' }),
    },
    { name: 'fireSubscriptionTimer start', startsIn: 5, step: fire('start') },
    { name: 'fireSubscriptionTimer renewal_offer', step: fire('renewal_offer') },
    { name: 'fireSubscriptionTimer renewal_reminder_1', step: fire('renewal_reminder_1') },
    { name: 'fireSubscriptionTimer renewal_call', step: fire('renewal_call') },
    { name: 'fireSubscriptionTimer expiry', step: fire('expiry'), at: atExpiry },
    {
      name: 'fireSubscriptionTimer late_renewal_close',
      before: ['expiry'],
      step: fire('late_renewal_close'),
      at: atExpiry,
    },
    {
      name: 'fireSubscriptionTimer cancellation',
      pendingCancel: true,
      step: fire('cancellation'),
    },
  ];

  /** The subscription as the step finds it, and the order that the workflow gives. */
  async function prepare({ before = [], startsIn = 0, pendingCancel = false, at, step }: Case) {
    const company = await buildCompany();
    const today = await todayIn(company.timeZone);
    const sold = await buildSubscription({
      companyId: company.id,
      startDate: addDays(today, startsIn),
    });
    const ref = { companyId: company.id, subscriptionId: sold.id };
    let state = await activities.readSubscription(ref);
    const order = (name: string): SubscriptionOrder => ({
      ...ref,
      commandId: `subscription/${sold.id}/${name}/1`,
      expectedVersion: state.stateVersion,
      at: at?.(state) ?? Date.now(),
    });
    for (const name of before) {
      ({ state } = await activities.fireSubscriptionTimer({ ...order(name), name, occurrence: 1 }));
    }
    if (pendingCancel) {
      const later = { effectiveDate: addDays(today, 9), reason: null };
      ({ state } = await activities.cancelSubscription({ ...order('plan'), ...later }));
    }
    const given = order('step');
    return { companyId: company.id, order: given, act: step(sold, given.at) };
  }

  const inWorkflow = <T>(work: () => Promise<T>): Promise<T> =>
    runInContext(
      { requestId: 'req_test', workflowId: 'subscription/x', actorType: 'workflow' },
      work,
    );

  it.each(cases)('$name has one effect when it comes twice', async (given) => {
    const { companyId, order, act } = await prepare(given);
    const before = await ledgerOf(database, companyId);

    const first = await inWorkflow(() => act(order));
    const afterOnce = await ledgerOf(database, companyId);
    const second = await inWorkflow(() => act(order));

    expect(afterOnce).not.toEqual(before);
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

  const moving = cases.filter(({ name }) => !/renewal_(offer|reminder|call)|_close/.test(name));

  it.each(moving)('$name by an outdated version is refused and changes nothing', async (given) => {
    const { companyId, order, act } = await prepare(given);
    const before = await ledgerOf(database, companyId);

    const stale = act({ ...order, expectedVersion: order.expectedVersion - 1 });

    await expect(stale).rejects.toMatchObject({ status: 409, code: 'VERSION_CONFLICT' });
    expect(await ledgerOf(database, companyId)).toEqual(before);
  });

  it.each(cases)('$name cannot reach the subscription of another company', async (given) => {
    const { companyId, order, act } = await prepare(given);
    const stranger = await buildCompany();
    const before = await ledgerOf(database, companyId);

    const foreign = act({ ...order, companyId: stranger.id });

    await expect(foreign).rejects.toMatchObject({ status: 404 });
    expect(await ledgerOf(database, companyId)).toEqual(before);
  });

  it('ends a planned cancellation on its day, however late the worker comes', async () => {
    const endedAfter = async (days: number) => {
      const { id: companyId, timeZone } = await buildCompany();
      const effectiveDate = addDays(await todayIn(timeZone), 40);
      const { id: subscriptionId } = await buildSubscription({ companyId });
      const order = { companyId, subscriptionId, expectedVersion: 1, at: Date.now() };
      const { state } = await activities.cancelSubscription({
        ...order,
        commandId: `subscription/${subscriptionId}/plan/1`,
        effectiveDate,
        reason: null,
      });
      await activities.fireSubscriptionTimer({
        ...order,
        commandId: `subscription/${subscriptionId}/cancellation/1`,
        expectedVersion: state.stateVersion,
        at: startOfDay(effectiveDate, timeZone) + days * dayMs,
        name: 'cancellation',
        occurrence: 1,
      });
      return database.sql(
        `SELECT s.status, s.cancel_effective_date - current_date AS days, t.facts
         FROM shared.policy_subscriptions s JOIN core.transitions t ON t.entity_id = s.id
         WHERE s.id = $1 AND t.event = 'cancel'`,
        [subscriptionId],
      );
    };

    const onTime = await endedAfter(0);
    const late = await endedAfter(4);

    expect(onTime).toMatchObject([{ status: 'cancelled', facts: expect.anything() }]);
    expect(late).toEqual(onTime);
  });

  it('readSubscription changes nothing', async () => {
    const { companyId, order } = await prepare({ name: 'read', step: fire('expiry') });
    const before = await ledgerOf(database, companyId);

    const state = await activities.readSubscription(order);

    expect(state).toMatchObject({ status: 'active', stateVersion: 1, isClosed: false });
    expect(await ledgerOf(database, companyId)).toEqual(before);
  });
});

const dayMs = 86_400_000;

function atExpiry({ expiresAt }: SubscriptionState): number {
  return expiresAt;
}

function beforeExpiry({ expiresAt }: SubscriptionState): number {
  return expiresAt - 20 * dayMs;
}
