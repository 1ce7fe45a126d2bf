import { addDays } from '../../src/rules/calendar.ts';
import { renew } from '../../src/workflows/subscriptionLifecycle.ts';
import {
  dayMs,
  events,
  instantOf,
  useJourneys,
  type Journey,
  type Journeys,
} from '../support/journey.ts';

describe('renewing a subscription', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  it('on time adds a term at the price of today, in a new run with new timers', async () => {
    const journey = await journeys.begin();
    const { end_date: oldEnd, expires_at: oldExpiry } = await journey.row();
    await journey.setPlan(`premium = '400.00', version = version + 1`);
    await journeys.passUntil(instantOf(oldExpiry) - 20 * dayMs);

    await journey.renew();
    await journeys.passUntil(instantOf(oldExpiry) + 60_000);

    const row = await journey.row();
    expect(row).toMatchObject({ status: 'active', state_version: 2, term_no: 2 });
    expect(await journey.terms()).toMatchObject([
      { term_no: 1, end_date: oldEnd, premium: 365, origin: 'new', gap_days: 0 },
      { term_no: 2, start_date: oldEnd, premium: 400, origin: 'renewal', gap_days: 0 },
    ]);
    expect(row['end_date']).toBe(String(oldEnd).replace(/^\d+/, (year) => `${Number(year) + 1}`));
    expect(await journey.policy()).toMatchObject({ status: 'active', premium: 400 });
    expect(await timersOf(journey, 1)).toEqual({
      fired: ['renewal_offer', 'renewal_reminder_30'],
      cancelled: [
        'renewal_reminder_14',
        'renewal_call',
        'renewal_reminder_7',
        'renewal_reminder_1',
        'expiry',
        'late_renewal_close',
      ],
    });
    expect((await timersOf(journey, 2))['scheduled']).toHaveLength(8);
    const { raw } = await journeys.server.env.client.workflow
      .getHandle(journey.workflowId)
      .describe();
    expect(raw.workflowExecutionInfo?.firstRunId).not.toBe(
      raw.workflowExecutionInfo?.execution?.runId,
    );
  });

  it('on time tells the holder the old and the new end and premium', async () => {
    const journey = await journeys.begin();
    const { end_date: oldEnd, expires_at: oldExpiry } = await journey.row();
    await journey.setPlan(`premium = '400.00'`);
    await journeys.passUntil(instantOf(oldExpiry) - 50 * dayMs);

    await journey.renew();
    await journeys.passUntil(journeys.now() + dayMs);

    const { end_date: newEnd } = await journey.row();
    const { text } = journey.mails().at(-1) ?? { text: '' };
    expect(journey.subjects().at(-1)).toBe(
      `Policy ${journey.policyNumber} is renewed until ${String(newEnd)}`,
    );
    expect(text).toContain(`to end on ${String(oldEnd)} now ends on ${String(newEnd)}`);
    expect(text).toContain('The premium was 365.00 EUR and is 400.00 EUR');
  });

  it('late leaves a gap from the old end to the day of renewal', async () => {
    const journey = await journeys.begin();
    const { end_date: oldEnd, expires_at: oldExpiry } = await journey.row();
    await journeys.passUntil(instantOf(oldExpiry) + 12 * dayMs + 6 * 3_600_000);
    const agent = await journey.staff('call_center');

    await expect(journey.renew()).rejects.toMatchObject({ status: 403 });
    await journey.renew(agent);

    const today = journey.dateAt(journeys.now());
    expect(await events(journey)).toEqual(['subscribe', 'expire', 'late_renew']);
    expect(await journey.terms()).toMatchObject([
      { term_no: 1, end_date: oldEnd, gap_days: 0 },
      { term_no: 2, start_date: today, gap_days: 12 },
    ]);
    expect(await journey.row()).toMatchObject({ status: 'active', term_no: 2 });
    expect(await journey.policy()).toMatchObject({ status: 'active' });
    expect((await journey.transitions()).at(-1)).toMatchObject({ facts: { gap_days: 12 } });
    expect((await timersOf(journey, 1))['cancelled']).toEqual(['late_renewal_close']);
  });

  it('by itself goes on at the end of each term at the price of that day', async () => {
    const journey = await journeys.begin({ autoRenew: true });
    const { end_date: firstEnd, expires_at: firstExpiry } = await journey.row();
    await journey.setPlan(`premium = '500.00'`);

    await journeys.passUntil(instantOf(firstExpiry) + dayMs);
    const secondExpiry = await journey.expiresAt();
    await journeys.passUntil(secondExpiry + dayMs);

    expect(await events(journey)).toEqual(['subscribe', 'renew', 'renew']);
    expect(await journey.terms()).toMatchObject([
      { term_no: 1, end_date: firstEnd, premium: 365 },
      { term_no: 2, start_date: firstEnd, premium: 500, gap_days: 0 },
      { term_no: 3, premium: 500, gap_days: 0 },
    ]);
    const templates = (await journey.notifications()).map((each) => each['template_code']);
    expect(templates).not.toContain('renewal_call');
    expect(templates).not.toContain('subscription_expired');
  });

  it('by itself ends with a word of the reason when the plan is archived', async () => {
    const journey = await journeys.begin({ autoRenew: true });
    await journey.setPlan('archived_at = now()');

    await journey.end();

    expect(await journey.row()).toMatchObject({ status: 'expired', term_no: 1 });
    expect(await journey.policy()).toMatchObject({ status: 'expired' });
    expect(journey.mails().at(-1)?.text).toContain('is no longer offered');
  });

  it('answers a repeated command of an earlier run with the recorded result', async () => {
    const journey = await journeys.begin();
    const expiry = await journey.expiresAt();
    await journeys.passUntil(expiry - 20 * dayMs);
    const first = await journey.send(renew, 'renew-once', { reason: null });
    await journeys.passUntil(journeys.now() + dayMs);
    await journey.cancel({ effectiveDate: addDays(journey.dateAt(journeys.now()), 5) });

    const second = await journey.send(renew, 'renew-once', { reason: null });

    expect(first).toEqual({ status: 'active', stateVersion: 2, termNo: 2 });
    expect(second).toEqual(first);
    expect(await events(journey)).toEqual(['subscribe', 'renew', 'schedule_cancel']);
  });

  it('out of its window is refused and changes nothing', async () => {
    const journey = await journeys.begin();
    const before = await journey.row();

    const refused = journey.send(renew, 'too-early', { reason: null });

    await expect(refused).rejects.toMatchObject({ status: 409, code: 'RENEWAL_WINDOW_CLOSED' });
    expect(await journey.row()).toEqual(before);
  });
});

/** Names of a term's timers by status, by due time. */
async function timersOf(journey: Journey, termNo: number): Promise<Record<string, unknown[]>> {
  const named: Record<string, unknown[]> = {};
  for (const { name, status, occurrence } of await journey.timers()) {
    if (occurrence === termNo) (named[String(status)] ??= []).push(name);
  }
  return named;
}
