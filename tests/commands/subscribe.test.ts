import { Replay } from '../../src/commands/idempotency.ts';
import { createSubscriptions } from '../../src/commands/subscriptions.ts';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { as, buildActor, buildCompany, buildPlan, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('subscribing', () => {
  let database: TestDatabase;
  const dispatched: WorkflowStart[] = [];
  const subscriptions = createSubscriptions({
    dispatcher: {
      dispatch: (start) => void dispatched.push(start),
      drained: () => Promise.resolve(),
    },
    workflows: { command: () => Promise.reject(new Error('Subscribing sends no command')) },
  });

  beforeAll(async () => {
    database = await openTestDatabase({ poolMax: 20 });
  });

  afterAll(() => database.close());

  const rowsOf = async (table: string, companyId: string): Promise<number> => {
    const [row] = await database.sql<{ count: number }>(
      `SELECT count(*)::integer FROM ${table} WHERE company_id = $1`,
      [companyId],
    );
    return row?.count ?? -1;
  };

  it('200 times at once to one plan has one winner, and the losers leave nothing', async () => {
    const company = await buildCompany();
    const holder = await buildActor({ companyId: company.id });
    const plan = await buildPlan({ companyId: company.id });
    const wish = { insurancePlanId: plan.id, autoRenew: false };

    const answers = await Promise.allSettled(
      Array.from({ length: 200 }, () =>
        as(holder, () => subscriptions.subscribe(holder, wish, once(holder))),
      ),
    );

    const reasons = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason.code] : [],
    );
    expect(reasons).toEqual(Array.from({ length: 199 }, () => 'ALREADY_SUBSCRIBED'));
    for (const table of [
      'shared.policy_subscriptions',
      'shared.policies',
      'shared.subscription_terms',
      'core.transitions',
      'core.outbox',
    ]) {
      expect([table, await rowsOf(table, company.id)]).toEqual([table, 1]);
    }
    expect(await rowsOf('core.notifications', company.id)).toBe(2);
  });

  it('numbers policies without a hole or a double, whoever buys at once', async () => {
    const company = await buildCompany({ code: `N${Date.now()}` });
    const plan = await buildPlan({ companyId: company.id });
    const holders = await Promise.all(
      Array.from({ length: 30 }, () => buildActor({ companyId: company.id })),
    );

    const views = await Promise.all(
      holders.map((holder) =>
        as(holder, () =>
          subscriptions.subscribe(
            holder,
            { insurancePlanId: plan.id, autoRenew: false },
            once(holder),
          ),
        ),
      ),
    );

    const numbers = views.map((view) => (view instanceof Replay ? '' : view.policyNumber));
    const year = dateAt(Date.now(), company.timeZone).slice(0, 4);
    expect(numbers.toSorted()).toEqual(
      Array.from(
        { length: 30 },
        (_, index) => `POL-${company.code}-${year}-${String(index + 1).padStart(6, '0')}`,
      ),
    );
  });

  it('freezes the price: a later edit of the plan does not reach it', async () => {
    const company = await buildCompany();
    const holder = await buildActor({ companyId: company.id });
    const plan = await buildPlan({ companyId: company.id });
    const view = await as(holder, () =>
      subscriptions.subscribe(holder, { insurancePlanId: plan.id, autoRenew: false }, once(holder)),
    );
    if (view instanceof Replay) throw new Error('A first request is no replay');

    await database.sql(`UPDATE shared.insurance_plans SET premium = 999 WHERE id = $1`, [plan.id]);

    const seen = await as(holder, () => subscriptions.get(holder, view.subscription.id));
    expect(seen.subscription.priceSnapshot).toMatchObject({ premium: '365.00', planVersion: 1 });
  });

  it.each([
    ['yesterday', -1],
    ['more than 90 days ahead', 91],
  ])('from %s is refused and leaves nothing', async (_, days) => {
    const company = await buildCompany();
    const holder = await buildActor({ companyId: company.id });
    const plan = await buildPlan({ companyId: company.id });
    const startDate = addDays(dateAt(Date.now(), company.timeZone), days);

    const refused = as(holder, () =>
      subscriptions.subscribe(
        holder,
        { insurancePlanId: plan.id, autoRenew: false, startDate },
        once(holder),
      ),
    );

    await expect(refused).rejects.toMatchObject({
      status: 422,
      details: [{ field: 'start_date', code: 'START_DATE_OUT_OF_RANGE' }],
    });
    expect(await rowsOf('shared.policies', company.id)).toBe(0);
  });

  it('to an inactive plan is refused', async () => {
    const company = await buildCompany();
    const holder = await buildActor({ companyId: company.id });
    const plan = await buildPlan({ companyId: company.id, isActive: false });

    const refused = as(holder, () =>
      subscriptions.subscribe(holder, { insurancePlanId: plan.id, autoRenew: false }, once(holder)),
    );

    await expect(refused).rejects.toMatchObject({ status: 409, code: 'PLAN_NOT_SOLD' });
  });

  it("to another company's plan finds nothing", async () => {
    const company = await buildCompany();
    const elsewhere = await buildCompany();
    const holder = await buildActor({ companyId: company.id });
    const plan = await buildPlan({ companyId: elsewhere.id });

    const refused = as(holder, () =>
      subscriptions.subscribe(holder, { insurancePlanId: plan.id, autoRenew: false }, once(holder)),
    );

    await expect(refused).rejects.toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });
});
