import fc from 'fast-check';
import { seed } from '../rules/property.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { runSubscription } from '../support/runningSubscription.ts';
import { acts, SubscriptionModel, walk } from '../support/subscriptionModel.ts';
import { shownTermOf } from '../support/subscriptionRows.ts';

describe('a subscription and its workflow', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  it('do what the model does, through a few lives on a real workflow', async () => {
    const lives = fc.record({
      autoRenew: fc.boolean(),
      startsIn: fc.constantFrom(0, 10),
      steps: fc.array(acts, { minLength: 10, maxLength: 10 }),
    });

    await fc.assert(
      fc.asyncProperty(lives, async ({ autoRenew, startsIn, steps }) => {
        const months = 6;
        const journey = await journeys.begin({
          autoRenew,
          startsIn,
          plan: { durationMonths: months },
        });
        const { start_date: startDate } = await journey.row();
        const { timeZone } = journey.company;
        const model = new SubscriptionModel({
          timeZone,
          months,
          now: journeys.now(),
          startDate: String(startDate),
          autoRenew,
        });

        await walk(model, runSubscription(journeys, journey, shownTermOf), steps);

        await journeys.clear();
      }),
      { seed, numRuns: 10, endOnFailure: true },
    );
  }, 600_000);
});
