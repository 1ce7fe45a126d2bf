import fc from 'fast-check';
import { Refusal } from '../../src/errors.ts';
import { cancel, changeExpiry, renew } from '../../src/workflows/subscriptionLifecycle.ts';
import { seed } from '../rules/property.ts';
import { instantOf, useJourneys, type Journey, type Journeys } from '../support/journey.ts';
import {
  acts,
  decidingTimers,
  SubscriptionModel,
  walk,
  type Shown,
  type Twin,
} from '../support/subscriptionModel.ts';

describe('a subscription and its workflow', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  function openTwin(journey: Journey): Twin {
    let commands = 0;
    let last: (() => Promise<unknown>) | undefined;
    return {
      now: () => journeys.now(),
      async passUntil(instant) {
        await journeys.passUntil(instant);
        await journey.rest();
      },
      async order(wish) {
        const commandId = `command-${(commands += 1)}`;
        const send = (): Promise<unknown> => {
          switch (wish.kind) {
            case 'cancel':
              return journey.send(cancel, commandId, { effectiveDate: wish.day, reason: null });
            case 'renew':
              return journey.send(renew, commandId, { reason: null });
            default:
              return journey.send(changeExpiry, commandId, {
                expiresAt: wish.expiresAt,
                reason: 'Moved',
              });
          }
        };
        try {
          await send();
          last = send;
          return 'done';
        } catch (error) {
          last = undefined;
          if (error instanceof Refusal) return error.code;
          throw error;
        } finally {
          await journey.rest();
        }
      },
      async repeat() {
        await last?.();
        await journey.rest();
      },
      setAutoRenew: (isOn) => journey.setRow(`auto_renew = ${isOn}`),
      setSold: (isSold) => journey.setPlan(`is_active = ${isSold}`),
      shown: () => shownOf(journey),
    };
  }

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

        await walk(model, openTwin(journey), steps);

        await journeys.clear();
      }),
      { seed, numRuns: 10, endOnFailure: true },
    );
  }, 180_000);
});

const oneOf = <T extends string>(value: unknown, known: readonly T[]): T => {
  const found = known.find((each) => each === value);
  if (!found) throw new Error(`Neither of ${known.join(', ')}: ${String(value)}`);
  return found;
};

async function shownOf(journey: Journey): Promise<Shown> {
  const row = await journey.row();
  const policy = await journey.policy();
  const timers = await journey.timers();
  return {
    status: oneOf(row['status'], ['active', 'expired', 'cancelled']),
    version: Number(row['state_version']),
    termNo: Number(row['term_no']),
    endDate: String(row['end_date']),
    expiresAt: instantOf(row['expires_at']),
    isClosed: row['workflow_closed_at'] !== null,
    policy: oneOf(policy['status'], ['draft', 'active', 'expired', 'cancelled']),
    deciding: timers
      .filter(({ status }) => status === 'scheduled')
      .map(({ name }) => String(name))
      .filter((name) => decidingTimers.includes(name))
      .sort(),
  };
}
