import { changeExpiry } from '../../src/workflows/subscriptionLifecycle.ts';
import { dayMs, events, instantOf, useJourneys, type Journeys } from '../support/journey.ts';

describe('moving the expiry of a running subscription', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  it('fires at the new time only, and of the reminders now past the latest at once', async () => {
    const journey = await journeys.begin();
    const oldExpiry = await journey.expiresAt();
    const newExpiry = journeys.now() + 10 * dayMs;

    await journey.moveExpiry(newExpiry);
    await journeys.passUntil(journeys.now() + 60_000);
    const atOnce = await journey.timers();
    await journeys.passUntil(newExpiry - 60_000);
    const before = await journey.row();
    await journeys.passUntil(newExpiry + 60_000);
    const after = await journey.row();
    await journeys.passUntil(oldExpiry + dayMs);

    const status = (name: string): unknown =>
      atOnce.find((timer) => timer['name'] === name)?.['status'];
    expect(status('renewal_offer')).toBe('cancelled');
    expect(status('renewal_reminder_30')).toBe('cancelled');
    expect(status('renewal_reminder_14')).toBe('fired');
    expect(status('renewal_reminder_7')).toBe('scheduled');
    expect(before).toMatchObject({ status: 'active', end_date: journey.dateAt(newExpiry) });
    expect(after).toMatchObject({ status: 'expired', end_date: journey.dateAt(newExpiry) });
    expect(await events(journey)).toEqual(['subscribe', 'change_expiry', 'expire']);
    const [, , expired] = await journey.transitions();
    expect(instantOf(expired?.['at'])).toBeGreaterThanOrEqual(newExpiry);
    expect(instantOf(expired?.['at']) - newExpiry).toBeLessThan(60_000);
    const ends = `Policy ${journey.policyNumber} ends on ${journey.dateAt(newExpiry)}`;
    expect(journey.subjects()).toEqual([
      `Your policy ${journey.policyNumber}`,
      ends,
      ends,
      ends,
      `Policy ${journey.policyNumber} has expired`,
    ]);
  });

  it('later lets the old time pass, and term and policy follow', async () => {
    const journey = await journeys.begin();
    const oldExpiry = await journey.expiresAt();
    await journeys.passUntil(oldExpiry - 3 * dayMs);
    const newExpiry = oldExpiry + 20 * dayMs;

    await journey.moveExpiry(newExpiry);
    await journeys.passUntil(oldExpiry + dayMs);
    const between = await journey.row();
    await journeys.passUntil(newExpiry + 60_000);

    expect(between).toMatchObject({ status: 'active', state_version: 2 });
    const endDate = journey.dateAt(newExpiry);
    expect(await journey.row()).toMatchObject({ status: 'expired', end_date: endDate });
    expect(await journey.policy()).toMatchObject({ status: 'expired', end_date: endDate });
    expect(await journey.terms()).toMatchObject([{ end_date: endDate }]);
    expect(await journey.audit()).toContainEqual(
      expect.objectContaining({ action: 'TIMER_CHANGE' }),
    );
  });

  it('keeps the start of a policy that is still a draft when it is renewed meanwhile', async () => {
    const journey = await journeys.begin({ startsIn: 10 });
    const startsAt = journey.startOf(journey.dateAt(journeys.now() + 10 * dayMs));

    await journey.moveExpiry(journeys.now() + 20 * dayMs);
    await journey.renew();
    const draft = await journey.policy();
    await journeys.passUntil(startsAt + 60_000);

    expect(draft).toMatchObject({ status: 'draft' });
    expect(await journey.policy()).toMatchObject({ status: 'active' });
    expect(await events(journey)).toEqual(['subscribe', 'change_expiry', 'renew', 'start']);
  });

  it('beyond thirty days is refused word for word, and changes nothing', async () => {
    const journey = await journeys.begin();
    const before = { row: await journey.row(), timers: await journey.timers() };
    const wish = { expiresAt: journeys.now() + 31 * dayMs, reason: 'Too far' };

    const refused = journey.send(changeExpiry, 'too-far', wish);

    await expect(refused).rejects.toMatchObject({
      status: 422,
      details: [{ field: 'due_at', code: 'EXPIRY_OUT_OF_RANGE' }],
    });
    expect({ row: await journey.row(), timers: await journey.timers() }).toEqual(before);
  });

  it('is refused once the cover has ended, with what can be done instead', async () => {
    const journey = await journeys.begin({ plan: { durationMonths: 6 } });
    await journeys.passUntil((await journey.expiresAt()) + dayMs);
    const before = await journey.row();

    const moving = journey.moveExpiry(journeys.now() + 5 * dayMs);

    await expect(moving).rejects.toMatchObject({
      status: 409,
      code: 'ILLEGAL_TRANSITION',
      facts: { allowed_transitions: expect.arrayContaining(['late_renew']) },
    });
    expect(await journey.row()).toEqual(before);
  });
});
