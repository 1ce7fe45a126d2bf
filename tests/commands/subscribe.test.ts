import { Replay } from '../../src/commands/idempotency.ts';
import { createSubscriptions } from '../../src/commands/subscriptions.ts';
import { withTenant } from '../../src/models/database.ts';
import { nextPolicyNumber } from '../../src/models/numbers.ts';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { as, buildActor, buildCompany, buildPlan, once } from '../support/build.ts';
import { despiteBusy } from '../support/busy.ts';
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
    database = await openTestDatabase({ poolMax: 20, acquireTimeoutMs: 60_000 });
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
        as(holder, () =>
          despiteBusy(() => subscriptions.subscribe(holder, company, wish, once(holder))),
        ),
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

  describe('the numbers of policies', () => {
    const year = (timeZone: string): string => dateAt(Date.now(), timeZone).slice(0, 4);
    const isWhole = (numbers: readonly string[]): boolean =>
      Math.max(...numbers.map((each) => Number(each.slice(-6)))) === numbers.length;
    const from = (first: number, count: number): number[] =>
      Array.from({ length: count }, (_, index) => first + index);
    const number = async (): Promise<number> =>
      Number((await nextPolicyNumber('N', '2026')).slice(-6));
    const take = (companyId: string): Promise<number> => withTenant(companyId, number);

    it('are given once each, whoever buys at once, and none is left out for long', async () => {
      const company = await buildCompany({ code: `N${Date.now()}` });
      const plan = await buildPlan({ companyId: company.id });
      const buy = async (): Promise<string> => {
        const holder = await buildActor({ companyId: company.id });
        const wish = { insurancePlanId: plan.id, autoRenew: false };
        const view = await as(holder, () =>
          despiteBusy(() => subscriptions.subscribe(holder, company, wish, once(holder))),
        );
        if (view instanceof Replay) throw new Error('A first request is no replay');
        return view.policyNumber;
      };
      const numbers = await Promise.all(Array.from({ length: 30 }, buy));
      while (numbers.length < 200 && !isWhole(numbers)) numbers.push(await buy());

      const prefix = `POL-${company.code}-${year(company.timeZone)}-`;
      expect(numbers.toSorted()).toEqual(
        from(1, numbers.length).map((each) => `${prefix}${String(each).padStart(6, '0')}`),
      );
    });

    it('do not wait for the sale of somebody else to be over, until 16 are under way', async () => {
      const { id } = await buildCompany();
      expect(await take(id)).toBe(1);
      const held: number[] = [];
      const holders: Promise<void>[] = [];
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      while (holders.length < 16) {
        await new Promise<void>((taken) => {
          holders.push(
            withTenant(id, async () => {
              held.push(await number());
              taken();
              await released;
            }),
          );
        });
      }
      const late = take(id);
      release();

      await Promise.all(holders);
      expect(held).toEqual(from(2, 16));
      expect(from(18, 16)).toContain(await late);
    });

    it('that were not sold after all are given to whoever comes next', async () => {
      const { id } = await buildCompany();
      expect([await take(id), await take(id)]).toEqual([1, 2]);
      const failed = withTenant(id, async () => {
        await number();
        throw new Error('no sale');
      });

      await expect(failed).rejects.toThrow('no sale');
      expect([await take(id), await take(id)]).toEqual([3, 4]);
    });
  });

  it('freezes the price: a later edit of the plan does not reach it', async () => {
    const company = await buildCompany();
    const holder = await buildActor({ companyId: company.id });
    const plan = await buildPlan({ companyId: company.id });
    const view = await as(holder, () =>
      subscriptions.subscribe(
        holder,
        company,
        { insurancePlanId: plan.id, autoRenew: false },
        once(holder),
      ),
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
        company,
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
      subscriptions.subscribe(
        holder,
        company,
        { insurancePlanId: plan.id, autoRenew: false },
        once(holder),
      ),
    );

    await expect(refused).rejects.toMatchObject({ status: 409, code: 'PLAN_NOT_SOLD' });
    // Its number was not taken for good.
    expect(await rowsOf('core.counters', company.id)).toBe(0);
  });

  it("to another company's plan finds nothing", async () => {
    const company = await buildCompany();
    const elsewhere = await buildCompany();
    const holder = await buildActor({ companyId: company.id });
    const plan = await buildPlan({ companyId: elsewhere.id });

    const refused = as(holder, () =>
      subscriptions.subscribe(
        holder,
        company,
        { insurancePlanId: plan.id, autoRenew: false },
        once(holder),
      ),
    );

    await expect(refused).rejects.toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });
});
