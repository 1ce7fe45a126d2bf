import fc from 'fast-check';
import { addDays } from '../../src/rules/calendar.ts';
import { timeZones } from '../rules/property.ts';
import { actsWith, walk, type Act } from '../support/billingActs.ts';
import { BillingModel } from '../support/billingModel.ts';
import { buildCompany, buildSubscription } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { playSubscription } from '../support/playedSubscription.ts';
import { expectSound, shownOf } from '../support/subscriptionRows.ts';
import { todayIn } from '../support/today.ts';

const banks = ['ok', 'decline', 'silent'] as const;
const mostlyDeclining = ['ok', 'ok', 'decline', 'decline', 'decline', 'silent'] as const;

/** Meets everything that billing knows, whatever the other lives draw. */
const fullLife: readonly Act[] = [
  { kind: 'pay' },
  { kind: 'pass', days: 1 },
  { kind: 'bank', says: 'decline' },
  { kind: 'endorse', isDearer: true },
  { kind: 'defer', inHours: 100 },
  { kind: 'pass', days: 40 },
  { kind: 'bank', says: 'ok' },
  { kind: 'reinstate', onCredit: false },
  { kind: 'pass', days: 200 },
  { kind: 'pass', days: 200 },
];

/** The rules and activities as they are, on real rows; workflow and bank are played by hand. */
describe('a subscription whose premiums are invoiced', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  it('does what the model does, through thirty lives of forty acts', async () => {
    const met = new Set<string>();
    const lives = fc.record({
      timeZone: timeZones,
      months: fc.constantFrom(6, 12),
      autoRenew: fc.boolean(),
      startsIn: fc.constantFrom(0, 0, 1, 30, 90),
      bank: fc.constantFrom('ok', 'ok', 'ok', 'ok', ...banks),
      steps: fc.array(actsWith(mostlyDeclining), { minLength: 40, maxLength: 40 }),
    });

    await fc.assert(
      fc.asyncProperty(lives, async ({ timeZone, months, autoRenew, startsIn, bank, steps }) => {
        const settings = { billing: { mode: 'invoice' } } as const;
        const { id: companyId } = await buildCompany({ timeZone, settings });
        const startDate = addDays(await todayIn(timeZone), startsIn);
        const plan = { durationMonths: months, premium: '365.00' };
        const sold = await buildSubscription({ companyId, plan, autoRenew, startDate });
        const [window] = await database.sql<{ dueAt: Date }>(
          `SELECT due_at AS "dueAt" FROM core.timers WHERE entity_id = $1`,
          [sold.id],
        );
        const twin = await playSubscription(database, sold, shownOf);
        await twin.setBank(bank);
        const model = new BillingModel({
          timeZone,
          months,
          now: twin.now(),
          startDate,
          autoRenew,
          premium: 36_500,
          windowEndsAt: window?.dueAt.getTime() ?? 0,
          bank,
        });

        await walk(model, twin, steps);
        await twin.setBank('ok');

        await expectSound(database, sold.id);
        const told = await database.sql<{ event: string }>(
          'SELECT event FROM core.transitions WHERE entity_id = $1',
          [sold.id],
        );
        told.forEach(({ event }) => met.add(event));
      }),
      {
        numRuns: 30,
        endOnFailure: true,
        examples: [
          [
            {
              timeZone: 'UTC',
              months: 12,
              autoRenew: true,
              startsIn: 0,
              bank: 'ok',
              steps: [...fullLife],
            },
          ],
        ],
      },
    );
    expect([...met]).toEqual(
      expect.arrayContaining([
        'pay',
        'miss_payment',
        'lapse',
        'reinstate',
        'endorse',
        'renew',
        'move_deadline',
      ]),
    );
  }, 900_000);
});
