import { holdCover } from '../../src/models/claimCover.ts';
import { addDays } from '../../src/rules/calendar.ts';
import { cancel, renew } from '../../src/workflows/subscriptionLifecycle.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import {
  dayMs,
  events,
  instantOf,
  useJourneys,
  type Journey,
  type Journeys,
} from '../support/journey.ts';
import { meanwhile } from '../support/meanwhile.ts';

describe('cancelling a subscription', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  it('at once ends cover, timers and workflow, and would refund all in the cooling-off', async () => {
    const journey = await journeys.begin();

    const view = await journey.cancel({ reason: 'Sold the house' });
    await journey.end();

    expect(view).toMatchObject({ subscription: { status: 'cancelled', refundAmount: '0.00' } });
    expect(await journey.row()).toMatchObject({
      status: 'cancelled',
      cancel_reason: 'Sold the house',
      cancel_effective_date: journey.dateAt(journeys.now()),
      refund_amount: 0,
    });
    expect(await journey.policy()).toMatchObject({ status: 'cancelled' });
    expect(await lastFacts(journey)).toEqual({ would_refund: '365.00' });
    expect((await journey.timers()).map(({ status }) => status)).not.toContain('scheduled');
    expect(journey.subjects()).toEqual([
      `Your policy ${journey.policyNumber}`,
      `Policy ${journey.policyNumber} is cancelled`,
    ]);
  });

  it('after the cooling-off would refund the unused days, less the short rate', async () => {
    const journey = await journeys.begin({
      plan: { premium: '365.00', lifecycleConfig: { shortRate: 0.1 } },
    });
    await journeys.passUntil(journeys.now() + 100 * dayMs);
    const { end_date: endDate, start_date: startDate } = await journey.row();

    await journey.cancel();

    const unused = days(journey.dateAt(journeys.now()), endDate) / days(startDate, endDate);
    expect(await lastFacts(journey)).toEqual({ would_refund: (365 * unused * 0.9).toFixed(2) });
  });

  it('on a later day keeps the cover until the first moment of that day', async () => {
    const journey = await journeys.begin({ timeZone: 'America/New_York' });
    const day = addDays(journey.dateAt(journeys.now()), 40);
    const endsAt = journey.startOf(day);

    await journey.cancel({ effectiveDate: day, reason: 'Moving out' });
    const planned = { row: await journey.row(), timers: await journey.timers() };
    await journeys.passUntil(endsAt - 60_000);
    const before = await journey.row();
    await journey.end();

    expect(planned.row).toMatchObject({ status: 'active', cancel_effective_date: day });
    expect(planned.timers).toContainEqual(
      expect.objectContaining({ name: 'cancellation', status: 'scheduled', source: 'command' }),
    );
    expect(before).toMatchObject({ status: 'active', state_version: 2 });
    expect(await events(journey)).toEqual(['subscribe', 'schedule_cancel', 'cancel']);
    expect(await journey.row()).toMatchObject({ status: 'cancelled', cancel_reason: 'Moving out' });
    const { at } = (await journey.transitions()).at(-1) ?? {};
    expect(instantOf(at) - endsAt).toBeLessThan(60_000);
    expect(journey.subjects()).toEqual([
      `Your policy ${journey.policyNumber}`,
      `Policy ${journey.policyNumber} ends on ${day}`,
      `Policy ${journey.policyNumber} is cancelled`,
    ]);
  });

  it('on another later day replaces the first wish, and a renewal takes it back', async () => {
    const journey = await journeys.begin({ plan: { durationMonths: 6 } });
    const expiresAt = await journey.expiresAt();
    await journeys.passUntil(expiresAt - 60 * dayMs);
    const today = journey.dateAt(journeys.now());

    await journey.cancel({ effectiveDate: addDays(today, 10) });
    await journey.cancel({ effectiveDate: addDays(today, 20) });
    const cancellations = (await journey.timers()).filter(({ name }) => name === 'cancellation');
    await journey.renew();
    await journeys.passUntil(journeys.now() + 30 * dayMs);

    expect(cancellations.map(({ status }) => status)).toEqual(['cancelled', 'scheduled']);
    expect(await journey.row()).toMatchObject({
      status: 'active',
      term_no: 2,
      cancel_effective_date: null,
    });
    expect(await events(journey)).toEqual([
      'subscribe',
      'schedule_cancel',
      'schedule_cancel',
      'renew',
    ]);
  });

  it('on the same later day again changes nothing and tells nobody', async () => {
    const journey = await journeys.begin();
    const effectiveDate = addDays(journey.dateAt(journeys.now()), 10);
    await journey.cancel({ effectiveDate, reason: 'Moving out' });
    await journey.rest();
    const trace = async () => ({
      row: await journey.row(),
      events: await events(journey),
      timers: (await journey.timers()).map(({ id, status }) => [id, status]),
      messages: (await journey.notifications()).map(({ id }) => id),
    });
    const before = await trace();

    const again = await journey.cancel({ effectiveDate });

    expect(again).toMatchObject({ subscription: { cancelEffectiveDate: effectiveDate } });
    expect(await trace()).toEqual(before);
  });

  it('is not undone by auto_renew when the expiry is moved before the chosen day', async () => {
    const journey = await journeys.begin({ autoRenew: true });
    const today = journey.dateAt(journeys.now());
    await journey.cancel({ effectiveDate: addDays(today, 20) });

    await journey.moveExpiry(journeys.now() + 5 * dayMs);
    await journey.end();

    const endDate = addDays(today, 5);
    expect(await journey.row()).toMatchObject({
      status: 'expired',
      term_no: 1,
      end_date: endDate,
      cancel_effective_date: endDate,
    });
    expect(journey.subjects().at(-1)).toBe(`Policy ${journey.policyNumber} has expired`);
  });

  it('is refused in an expired status, with what is allowed, and leaves no trace', async () => {
    const journey = await journeys.begin();
    const expiresAt = await journey.expiresAt();
    await journeys.passUntil(expiresAt + dayMs);
    const handle = journeys.server.env.client.workflow.getHandle(journey.workflowId);
    const before = { row: await journey.row(), updates: await updatesIn(handle) };

    const refused = journey.send(cancel, 'too-late', { effectiveDate: null, reason: null });

    await expect(refused).rejects.toMatchObject({
      status: 409,
      code: 'ILLEGAL_TRANSITION',
      facts: { allowed_transitions: ['late_renew'] },
    });
    expect({ row: await journey.row(), updates: await updatesIn(handle) }).toEqual(before);
    await expect(journey.cancel()).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
  });

  it('waits for a claim that is being approved, for which the premium is kept', async () => {
    const journey = await journeys.begin();
    const { company, holder } = journey;
    const policyId = String((await journey.policy())['id']);
    const { claim } = await buildClaimRow({ companyId: company.id, policyId });

    await meanwhile(
      { database: journeys.database, actor: holder },
      async () => {
        await holdCover(policyId);
        await claim.update({ status: 'approved', approvedAmount: '900.00' });
      },
      () => journey.cancel(),
    );

    expect(await journey.row()).toMatchObject({ status: 'cancelled' });
    expect(await lastFacts(journey)).toEqual({ would_refund: '0.00' });
  });

  it('by a Temporal cancel of an operator ends in cancelled, with its notice', async () => {
    const journey = await journeys.begin();

    await journeys.server.env.client.workflow.getHandle(journey.workflowId).cancel();
    await expect(journey.end()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });

    expect(await journey.row()).toMatchObject({
      status: 'cancelled',
      cancel_reason: 'Cancelled by an operator',
    });
    expect(await journey.policy()).toMatchObject({ status: 'cancelled' });
    expect(journey.subjects().at(-1)).toBe(`Policy ${journey.policyNumber} is cancelled`);
  });

  it('by an operator is done by the row when the run had fallen behind it', async () => {
    const journey = await journeys.begin();
    await journey.setRow('state_version = 7');

    await journeys.server.env.client.workflow.getHandle(journey.workflowId).cancel();
    await expect(journey.end()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });

    expect(await journey.row()).toMatchObject({ status: 'cancelled', state_version: 8 });
  });

  it('that meets a renewal wins in the end, whichever came first', async () => {
    const journey = await journeys.begin({ plan: { durationMonths: 6 } });
    const expiresAt = await journey.expiresAt();
    await journeys.passUntil(expiresAt - 60 * dayMs);

    const [renewed] = await Promise.allSettled([
      journey.send(renew, 'renewal', { reason: null }),
      journey.send(cancel, 'cancellation', { effectiveDate: null, reason: null }),
    ]);

    expect(await journey.row()).toMatchObject({ status: 'cancelled' });
    expect(await events(journey)).toEqual(
      renewed.status === 'fulfilled' ? ['subscribe', 'renew', 'cancel'] : ['subscribe', 'cancel'],
    );
  });
});

const lastFacts = async (journey: Journey): Promise<unknown> =>
  (await journey.transitions()).at(-1)?.['facts'];

const days = (from: unknown, to: unknown): number => (instantOf(to) - instantOf(from)) / dayMs;

/** Updates that a run's history has taken in. */
const updatesIn = async (handle: {
  fetchHistory(): Promise<{
    events?: { workflowExecutionUpdateAcceptedEventAttributes?: unknown }[] | null;
  }>;
}): Promise<number> =>
  ((await handle.fetchHistory()).events ?? []).filter(
    (event) => event.workflowExecutionUpdateAcceptedEventAttributes,
  ).length;
