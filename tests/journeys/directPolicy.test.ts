import { createPolicies } from '../../src/commands/policies.ts';
import { createPolicyChanges, type PolicyChanges } from '../../src/commands/policyChanges.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import type { Actor } from '../../src/context.ts';
import { addDays, addMonths, dateAt } from '../../src/rules/calendar.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { dayMs, instantOf, useJourneys, type Journeys, type Row } from '../support/journey.ts';

const email = 'grace@example.org';

describe('a direct policy', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  /** A policy of a holder without an account, and what can be seen of it. */
  async function begin({ startsIn = 0, months = 12 } = {}) {
    const company = await buildCompany();
    const { id: companyId, timeZone, defaultCurrency: currency, ...facts } = company.get();
    const agent: Actor = await buildActor({ companyId, role: 'call_center' });
    const changes: PolicyChanges = createPolicyChanges(journeys);
    const startDate = addDays(dateAt(Date.now(), timeZone), startsIn);
    const known = { ...facts, id: companyId, timeZone, currency, status: 'active' as const };
    const issued = await as(agent, () =>
      changes.issue(
        known,
        {
          policyType: 'travel',
          policyholderName: 'Grace Hopper',
          policyholderEmail: email,
          startDate,
          endDate: addMonths(startDate, months),
          premium: '120.00',
          coverageAmount: '5000.00',
          metadata: {},
        },
        once(agent),
      ),
    );
    if (issued instanceof Replay || !issued.subscriptionId) throw new Error('Nothing was issued');
    const { policy, subscriptionId, workflow } = issued;
    await journeys.dispatcher.drained();
    journeys.track(workflow.id);
    await journeys.settled(workflow.id);

    const only = async (table: string, where: string): Promise<Row> => {
      const [found] = await journeys.database.sql<{ row: Row }>(
        `SELECT to_jsonb(t) AS row FROM ${table} AS t WHERE ${where}`,
        [subscriptionId],
      );
      return found?.row ?? {};
    };
    const subscription = () => only('shared.policy_subscriptions', 'id = $1');
    return {
      company,
      agent,
      policy,
      subscriptionId,
      workflowId: workflow.id,
      subscription,
      expiry: async () => instantOf((await subscription())['expires_at']),
      row: () =>
        only(
          'shared.policies',
          'id = (SELECT policy_id FROM shared.policy_subscriptions WHERE id = $1)',
        ),
      versions: async () =>
        (await createPolicies().versions(agent, policy.id, { page: 1, size: 20 })).items,
      mails: () =>
        journeys.server.mails.filter(
          ({ to, subject }) => to === email && subject.includes(policy.policyNumber),
        ),
      renew: async (wish: Parameters<PolicyChanges['renew']>[2]) => {
        const renewed = await as(agent, () => changes.renew(agent, policy.id, wish, once(agent)));
        if (renewed instanceof Replay) throw new Error('A first request is no replay');
        return renewed;
      },
    };
  }

  it("is told of at the holder's address until it has expired", async () => {
    const journey = await begin();
    const { policyNumber: number, endDate } = journey.policy;

    await journeys.endOf(journey.workflowId, journey.subscriptionId);

    const ends = `Policy ${number} ends on ${endDate}`;
    expect(journey.mails().map(({ subject }) => subject)).toEqual([
      `Your policy ${number}`,
      ...[45, 30, 14, 7, 1].map(() => ends),
      `Policy ${number} has expired`,
    ]);
    expect(journey.mails()[0]?.text).toMatch(/^Dear Grace Hopper,\n\n.*Travel insurance/s);
    expect(await journey.row()).toMatchObject({ status: 'expired' });
    expect(await journey.subscription()).toMatchObject({
      status: 'expired',
      source: 'direct',
      workflow_closed_at: expect.any(String),
    });
  });

  it('is renewed until the agreed day, at the agreed price, in a new run', async () => {
    const journey = await begin();
    const { endDate: oldEnd } = journey.policy;
    const newEnd = addDays(oldEnd, 100);
    await journeys.passUntil((await journey.expiry()) - 80 * dayMs);

    const renewed = await journey.renew({
      endDate: newEnd,
      premium: '150.00',
      coverageAmount: '6000.00',
      reason: 'Asked by phone',
    });

    expect(renewed.term).toMatchObject({ termNo: 2, startDate: oldEnd, endDate: newEnd });
    expect(renewed.workflow).toEqual({ id: journey.workflowId, state: 'running' });
    expect(await journey.row()).toMatchObject({
      status: 'active',
      end_date: newEnd,
      premium: 150,
      coverage_amount: 6000,
    });
    expect(await journey.versions()).toMatchObject([
      { number: 2, origin: 'renewal', premium: '150.00', madeBy: journey.agent.userId },
      { number: 1, origin: 'new', premium: '120.00', madeBy: journey.agent.userId },
    ]);
    await journeys.passUntil((await journey.expiry()) + dayMs);
    expect(await journey.row()).toMatchObject({ status: 'expired', end_date: newEnd });
    const told = journey.mails().find(({ subject }) => subject.endsWith(`renewed until ${newEnd}`));
    expect(told?.text).toContain('The premium was 120.00 EUR and is 150.00 EUR');
  });

  it('is renewed late for a number of months, with a gap and else as before', async () => {
    const journey = await begin({ months: 6 });
    await journeys.passUntil((await journey.expiry()) + 10 * dayMs + 6 * 3_600_000);

    const renewed = await journey.renew({ durationMonths: 3 });

    const today = dateAt(journeys.now(), journey.company.timeZone);
    expect(renewed.term).toMatchObject({
      termNo: 2,
      startDate: today,
      endDate: addMonths(today, 3),
      premium: '120.00',
      coverageAmount: '5000.00',
      gapDays: 10,
    });
    expect(renewed.policy).toMatchObject({ status: 'active' });
    expect(await journey.subscription()).toMatchObject({
      price_snapshot: { planName: 'Travel insurance', durationMonths: 3, planVersion: null },
    });
  });

  it('is a draft until its cover begins', async () => {
    const journey = await begin({ startsIn: 10 });
    expect(journey.policy.status).toBe('draft');

    await journeys.passUntil(journeys.now() + 11 * dayMs);

    expect(await journey.row()).toMatchObject({ status: 'active' });
  });
});
