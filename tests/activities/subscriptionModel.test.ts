import fc from 'fast-check';
import {
  subscriptionActivities,
  type SubscriptionStep,
} from '../../src/activities/subscriptions.ts';
import { Refusal } from '../../src/errors.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { nextStatus } from '../../src/rules/subscriptions.ts';
import { timeZones } from '../rules/property.ts';
import { buildCompany, buildSubscription } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  acts,
  decidingTimers,
  SubscriptionModel,
  walk,
  type Shown,
  type Twin,
} from '../support/subscriptionModel.ts';

/** The rules and activities as they are, on real rows; the workflow's loop is played by hand. */
describe('a subscription', () => {
  let database: TestDatabase;
  const activities = subscriptionActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  async function openTwin({ id, companyId }: { id: string; companyId: string }): Promise<Twin> {
    let now = Date.now();
    let state = await activities.readSubscription({ companyId, subscriptionId: id });
    let commands = 0;
    let last: (() => Promise<SubscriptionStep>) | undefined;

    const carryOut = async (step: () => Promise<SubscriptionStep>): Promise<void> => {
      last = step;
      ({ state } = await step());
    };
    const refFor = (commandId: string) => {
      const expectedVersion = state.stateVersion;
      return { companyId, subscriptionId: id, commandId, expectedVersion, at: now };
    };

    return {
      now: () => now,
      async passUntil(instant) {
        for (;;) {
          const [timer] = state.timers;
          if (state.isClosed || !timer || timer.dueAt > instant) break;
          now = Math.max(now, timer.dueAt);
          const { name, occurrence } = timer;
          const ref = refFor(`subscription/${id}/${name}/${occurrence}`);
          await carryOut(() => activities.fireSubscriptionTimer({ ...ref, name, occurrence }));
        }
        now = Math.max(now, instant);
      },
      async order(wish) {
        const isLate = state.status === 'expired';
        const events = {
          cancel: 'cancel',
          renew: isLate ? 'late_renew' : 'renew',
          move: 'change_expiry',
        } as const;
        if (!nextStatus(state.status, events[wish.kind])) return 'ILLEGAL_TRANSITION';
        const ref = refFor(`command-${(commands += 1)}-${id}`);
        try {
          await carryOut(() => {
            switch (wish.kind) {
              case 'cancel':
                return activities.cancelSubscription({
                  ...ref,
                  effectiveDate: wish.day,
                  reason: null,
                });
              case 'renew':
                return activities.renewSubscription({ ...ref, reason: null });
              default:
                return activities.changeSubscriptionExpiry({
                  ...ref,
                  expiresAt: wish.expiresAt,
                  reason: 'Moved',
                });
            }
          });
          return 'done';
        } catch (error) {
          last = undefined;
          if (error instanceof Refusal) return error.code;
          throw error;
        }
      },
      async repeat() {
        if (last) expect((await last()).state).toMatchObject({ stateVersion: state.stateVersion });
      },
      setAutoRenew: (isOn) => set('shared.policy_subscriptions', 'auto_renew', isOn, id),
      setSold: (isSold) =>
        set(
          'shared.insurance_plans',
          'is_active',
          isSold,
          id,
          '(SELECT insurance_plan_id FROM shared.policy_subscriptions WHERE id = $1)',
        ),
      shown: () => shownOf(id),
    };
  }

  const set = async (
    table: string,
    name: string,
    value: boolean,
    id: string,
    which = '$1',
  ): Promise<void> => {
    await database.sql(`UPDATE ${table} SET ${name} = ${value} WHERE id = ${which}`, [id]);
  };

  async function shownOf(id: string): Promise<Shown> {
    const [row] = await database.sql<Shown>(
      `SELECT s.status, s.state_version AS version, s.term_no AS "termNo",
         s.end_date::text AS "endDate",
         round(extract(epoch FROM s.expires_at) * 1000)::float8 AS "expiresAt",
         s.workflow_closed_at IS NOT NULL AS "isClosed", p.status AS policy,
         ARRAY(SELECT name FROM core.timers t WHERE t.entity_id = s.id AND t.status = 'scheduled'
           AND t.name = ANY ($2) ORDER BY name) AS deciding
       FROM shared.policy_subscriptions s JOIN shared.policies p ON p.id = s.policy_id
       WHERE s.id = $1`,
      [id, decidingTimers],
    );
    if (!row) throw new Error(`There is no subscription ${id}`);
    return row;
  }

  /** What holds in the end, whatever happened. */
  async function expectWhole(id: string): Promise<void> {
    const versions = await database.sql<{ version: number; event: string }>(
      `SELECT state_version AS version, event FROM core.transitions WHERE entity_id = $1
       ORDER BY state_version`,
      [id],
    );
    const terms = await database.sql<{ isWhole: boolean }>(
      `SELECT start_date = lag(end_date, 1, start_date) OVER w + gap_days AS "isWhole"
       FROM shared.subscription_terms WHERE subscription_id = $1 WINDOW w AS (ORDER BY term_no)`,
      [id],
    );
    const [told] = await database.sql<{ renewals: number }>(
      `SELECT count(*)::integer AS renewals FROM core.notifications
       WHERE entity_id = $1 AND channel = 'email' AND template_code = 'subscription_renewed'`,
      [id],
    );
    expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => index + 1));
    expect(terms.every(({ isWhole }) => isWhole)).toBe(true);
    expect(told?.renewals).toBe(terms.length - 1);
    expect(versions.filter(({ event }) => event.endsWith('renew'))).toHaveLength(terms.length - 1);
  }

  it('does what the model does, through a hundred lives of thirty acts', async () => {
    const lives = fc.record({
      timeZone: timeZones,
      months: fc.constantFrom(6, 12),
      autoRenew: fc.boolean(),
      startsIn: fc.constantFrom(0, 0, 1, 30, 90),
      steps: fc.array(acts, { minLength: 30, maxLength: 30 }),
    });

    await fc.assert(
      fc.asyncProperty(lives, async ({ timeZone, months, autoRenew, startsIn, steps }) => {
        const { id: companyId } = await buildCompany({ timeZone });
        const now = Date.now();
        const startDate = addDays(dateAt(now, timeZone), startsIn);
        const plan = { durationMonths: months };
        const sold = await buildSubscription({ companyId, plan, autoRenew, startDate });
        const model = new SubscriptionModel({ timeZone, months, now, startDate, autoRenew });

        await walk(model, await openTwin(sold), steps);

        await expectWhole(sold.id);
      }),
      { numRuns: 100 },
    );
  }, 300_000);
});
