import { setTimeout } from 'node:timers/promises';
import { Refusal } from '../../src/errors.ts';
import { cancel } from '../../src/workflows/subscriptionLifecycle.ts';
import { events, openJourneys, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

describe('commands that race, on the real server', () => {
  let journeys: Journeys;

  beforeAll(async () => {
    journeys = await openJourneys(openRealTemporal);
  });

  afterEach(() => journeys.clear());

  afterAll(() => journeys.close());

  it('200 cancellations with keys of their own have one winner; the others are told why', async () => {
    const journey = await journeys.begin();

    const answers = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) => journey.cancel({}, `key-${index}`)),
    );

    const winners = answers.filter(({ status }) => status === 'fulfilled');
    const codes = new Set(
      answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : [])),
    );
    expect(winners).toHaveLength(1);
    expect([...codes].filter((code) => !['ILLEGAL_TRANSITION', ...notNow].includes(code))).toEqual(
      [],
    );
    expect(await journey.cancel({}, 'later').catch(codeOf)).toBe('ILLEGAL_TRANSITION');
    expect(await events(journey)).toEqual(['subscribe', 'cancel']);
    const mails = (await journey.notifications()).filter(({ channel }) => channel === 'email');
    expect(mails.map((each) => each['template_code'])).toEqual([
      'subscription_confirmed',
      'subscription_cancelled',
    ]);
  });

  it('200 equal cancellations with one key have one effect and one answer', async () => {
    const journey = await journeys.begin();

    const answers = await Promise.allSettled(
      Array.from({ length: 200 }, () => journey.cancel({}, 'the-key')),
    );

    const codes = new Set(
      answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : [])),
    );
    expect(answers.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(
      [...codes].filter((code) => !['IDEMPOTENCY_IN_PROGRESS', ...notNow].includes(code)),
    ).toEqual([]);
    expect(await events(journey)).toEqual(['subscribe', 'cancel']);
  });

  it('a cancellation at the moment of the expiry leaves one of the two, whole', async () => {
    const contenders = await Promise.all(Array.from({ length: 20 }, () => journeys.begin()));
    const expiresAt = Date.now() + 8000;
    await Promise.all(contenders.map((journey) => journey.moveExpiry(expiresAt)));

    const outcomes = await Promise.all(
      contenders.map(async (journey, index) => {
        await setTimeout(expiresAt - Date.now() + index * 100 - 500);
        const wish = { effectiveDate: null, reason: null };
        return journey.send(cancel, 'now', wish).then(() => 'cancelled', codeOf);
      }),
    );
    await setTimeout(2000);

    for (const [index, journey] of contenders.entries()) {
      const won = outcomes[index] === 'cancelled';
      const { status, state_version: version } = await journey.row();
      expect([outcomes[index], status, version]).toEqual([
        won ? 'cancelled' : 'ILLEGAL_TRANSITION',
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
    expect(new Set(outcomes)).toEqual(new Set(['cancelled', 'ILLEGAL_TRANSITION']));
  });
});

/** Asks to come again; nothing was done. */
const notNow = ['SERVICE_UNAVAILABLE', 'COMMAND_PENDING'];

const codeOf = (error: unknown): unknown => (error instanceof Refusal ? error.code : error);
