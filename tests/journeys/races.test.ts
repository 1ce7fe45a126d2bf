import { setTimeout } from 'node:timers/promises';
import { cancel } from '../../src/workflows/subscriptionLifecycle.ts';
import { insist } from '../support/backoff.ts';
import { events, useJourneys, type Journey, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

/** How long 200 at once take depends on the machine, and is not the matter here. */
jest.setTimeout(600_000);

describe('commands that race, on the real server', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened), openRealTemporal);

  it('200 cancellations with keys of their own have one winner; the others are told why', async () => {
    const journey = await journeys.begin();

    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => insist(() => journey.cancel({}, `key-${index}`))),
    );

    expect(answers.toSorted()).toEqual([
      ...Array.from({ length: 199 }, () => 'ILLEGAL_TRANSITION'),
      'done',
    ]);
    expect(await events(journey)).toEqual(['subscribe', 'cancel']);
    const mails = (await journey.notifications()).filter(({ channel }) => channel === 'email');
    expect(mails.map((each) => each['template_code'])).toEqual([
      'subscription_confirmed',
      'subscription_cancelled',
    ]);
  });

  it('200 equal cancellations with one key have one effect, and all are answered', async () => {
    const journey = await journeys.begin();

    const answers = await Promise.all(
      Array.from({ length: 200 }, () => insist(() => journey.cancel({}, 'the-key'))),
    );

    expect(new Set(answers)).toEqual(new Set(['done']));
    expect(await events(journey)).toEqual(['subscribe', 'cancel']);
  });

  it('a cancellation at the moment of the expiry leaves one of the two, whole', async () => {
    const contenders = await Promise.all(Array.from({ length: 12 }, () => journeys.begin()));

    const outcomes = await Promise.all(
      contenders.map(async (journey, index) => {
        const expiresAt = Date.now() + 15_000;
        await insist(() => journey.moveExpiry(expiresAt));
        // The first one comes in time and the last one too late, however busy the machine is.
        if (index > 0) await setTimeout(expiresAt - Date.now() + (index - 5) * 400);
        if (journey === contenders.at(-1)) await ended(journey);
        const wish = { effectiveDate: null, reason: null };
        return insist(() => journey.send(cancel, 'now', wish));
      }),
    );
    await Promise.all(contenders.map(ended));

    for (const [index, journey] of contenders.entries()) {
      const won = outcomes[index] === 'done';
      const { status, state_version: version } = await journey.row();
      expect([outcomes[index], status, version]).toEqual([
        won ? 'done' : 'ILLEGAL_TRANSITION',
        won ? 'cancelled' : 'expired',
        3,
      ]);
      expect(await events(journey)).toEqual([
        'subscribe',
        'change_expiry',
        won ? 'cancel' : 'expire',
      ]);
      expect(await journey.policy()).toMatchObject({ status });
    }
    expect(new Set(outcomes)).toEqual(new Set(['done', 'ILLEGAL_TRANSITION']));
  });
});

async function ended(journey: Journey): Promise<void> {
  while ((await journey.row())['status'] === 'active') await setTimeout(100);
}
