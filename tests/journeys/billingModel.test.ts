import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { seed } from '../rules/property.ts';
import { actsWith, walk, type Twin } from '../support/billingActs.ts';
import { BillingModel, type Bank } from '../support/billingModel.ts';
import {
  instantOf,
  useJourneysWithGateway,
  type Journey,
  type Journeys,
} from '../support/journey.ts';
import type { TestGateway } from '../support/payments.ts';
import { runSubscription } from '../support/runningSubscription.ts';
import { expectSound, shownOf } from '../support/subscriptionRows.ts';

describe('a subscription whose premiums are invoiced, and its workflow', () => {
  let journeys: Journeys;
  let gateway: TestGateway;
  useJourneysWithGateway((...opened) => void ([journeys, gateway] = opened));

  const banks = ['ok', 'decline', 'decline'] as const;

  const setBank = (says: Bank): Promise<void> =>
    gateway.script(says === 'decline' ? Array<'decline'>(1000).fill('decline') : []);

  function openTwin(journey: Journey): Twin {
    /** Every payment is a run of its own, and ends by itself. */
    async function rest(): Promise<void> {
      const underWay = async (): Promise<boolean> => {
        const [found] = await journeys.database.sql<{ isUnderWay: boolean }>(
          `SELECT EXISTS (SELECT FROM shared.premium_invoices i
             JOIN shared.policy_subscriptions s ON s.id = i.subscription_id
             WHERE s.id = $1 AND s.workflow_closed_at IS NULL AND i.payment_id IS NOT NULL)
           AS "isUnderWay"`,
          [journey.id],
        );
        return found?.isUnderWay ?? false;
      };
      await journey.rest();
      while (await underWay()) await setTimeout(50);
      await journey.rest();
    }
    const rested: typeof shownOf = async (...row) => {
      await rest();
      return shownOf(...row);
    };
    return { ...runSubscription(journeys, journey, rested, rest), setBank };
  }

  it('do what the model does, through a few lives on a real workflow', async () => {
    const lives = fc.record({
      autoRenew: fc.boolean(),
      startsIn: fc.constantFrom(0, 0, 10),
      bank: fc.constantFrom('ok', 'ok', 'ok', ...banks),
      steps: fc.array(actsWith(banks), { minLength: 10, maxLength: 10 }),
    });

    await fc.assert(
      fc.asyncProperty(lives, async ({ autoRenew, startsIn, bank, steps }) => {
        await setBank(bank);
        const months = 6;
        const journey = await journeys.begin({
          autoRenew,
          startsIn,
          settings: { billing: { mode: 'invoice' } },
          plan: { durationMonths: months, premium: '365.00' },
        });
        const twin = openTwin(journey);
        await twin.shown();
        const { start_date: startDate } = await journey.row();
        const window = (await journey.timers()).find(({ name }) => name === 'payment_window');
        const model = new BillingModel({
          timeZone: journey.company.timeZone,
          months,
          now: journeys.now(),
          startDate: String(startDate),
          autoRenew,
          premium: 36_500,
          windowEndsAt: instantOf(window?.['due_at']),
          bank,
        });

        await walk(model, twin, steps);

        await expectSound(journeys.database, journey.id);
        await journeys.clear();
      }),
      { seed, numRuns: 6, endOnFailure: true },
    );
  }, 600_000);
});
