import fc from 'fast-check';
import { addDays } from '../../src/rules/calendar.ts';
import { timeZones } from '../rules/property.ts';
import { buildCompany, buildSubscription } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { playSubscription } from '../support/playedSubscription.ts';
import { acts, SubscriptionModel, walk } from '../support/subscriptionModel.ts';
import { shownTermOf } from '../support/subscriptionRows.ts';
import { todayIn } from '../support/today.ts';

/** The rules and activities as they are, on real rows; the workflow's loop is played by hand. */
describe('a subscription', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** What holds in the end, whatever happened. */
  async function expectWhole(id: string): Promise<void> {
    const versions = await database.sql<{ version: number; event: string }>(
      `SELECT state_version AS version, event FROM core.transitions WHERE entity_id = $1
       ORDER BY state_version`,
      [id],
    );
    const terms = await database.sql<{ termNo: number; isWhole: boolean }>(
      `SELECT term_no AS "termNo", start_date = lag(end_date, 1, start_date) OVER w + gap_days AS "isWhole"
       FROM shared.subscription_terms WHERE subscription_id = $1 AND superseded_by IS NULL
       WINDOW w AS (ORDER BY term_no, part_no)`,
      [id],
    );
    const [told] = await database.sql<{ renewals: number }>(
      `SELECT count(*)::integer AS renewals FROM core.notifications
       WHERE entity_id = $1 AND channel = 'email' AND template_code = 'subscription_renewed'`,
      [id],
    );
    expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => index + 1));
    expect(terms.every(({ isWhole }) => isWhole)).toBe(true);
    const renewals = new Set(terms.map(({ termNo }) => termNo)).size - 1;
    expect(told?.renewals).toBe(renewals);
    expect(versions.filter(({ event }) => event.endsWith('renew'))).toHaveLength(renewals);
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
        const startDate = addDays(await todayIn(timeZone), startsIn);
        const now = Date.now();
        const plan = { durationMonths: months };
        const sold = await buildSubscription({ companyId, plan, autoRenew, startDate });
        const model = new SubscriptionModel({ timeZone, months, now, startDate, autoRenew });

        await walk(model, await playSubscription(database, sold, shownTermOf), steps);

        await expectWhole(sold.id);
      }),
      { numRuns: 100 },
    );
  }, 900_000);
});
