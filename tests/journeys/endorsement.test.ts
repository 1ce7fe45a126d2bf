import { createEndorsements, type Endorsements } from '../../src/commands/endorsements.ts';
import type { Actor } from '../../src/context.ts';
import { coverOn, holdCover } from '../../src/models/claimCover.ts';
import { withTenant } from '../../src/models/database.ts';
import { addDays } from '../../src/rules/calendar.ts';
import { as, once } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { dayMs, events, useJourneys, type Journey, type Journeys } from '../support/journey.ts';
import { meanwhile } from '../support/meanwhile.ts';

type Wish = Parameters<Endorsements['endorse']>[2];

describe('an endorsement', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  const endorse = (journey: Journey, actor: Actor, wish: Omit<Wish, 'reason'>, key?: string) =>
    as(actor, () =>
      createEndorsements(journeys).endorse(
        actor,
        journey.id,
        { ...wish, reason: 'A new roof' },
        once(actor, key),
      ),
    );

  const preview = (journey: Journey, actor: Actor, wish: Omit<Wish, 'reason'>) =>
    as(actor, () => createEndorsements(journeys).preview(actor, journey.id, wish));

  async function begin() {
    const journey = await journeys.begin({ settings: {} });
    const { start_date: startDate, end_date: endDate } = await journey.row();
    return {
      journey,
      agent: await journey.staff('call_center'),
      startDate: String(startDate),
      endDate: String(endDate),
    };
  }

  const wish = { premium: '730.00', coverageAmount: '300000.00' };

  it('changes price and cover from that day on, by days, and its preview says so before', async () => {
    const { journey, agent, startDate, endDate } = await begin();
    await journeys.passUntil(journey.startOf(startDate) + 100 * dayMs + 8 * 3_600_000);
    const today = journey.dateAt(journeys.now());
    const before = await journey.row();

    const seen = await preview(journey, agent, wish);
    expect(await journey.row()).toEqual(before);
    await endorse(journey, agent, wish);

    const [used, left] = await journey.terms();
    const delta = Number(seen.delta);
    expect(seen).toMatchObject({ effectiveOn: today, ...wish });
    expect(await events(journey)).toEqual(['subscribe', 'endorse']);
    expect((await journey.transitions()).at(-1)).toMatchObject({
      facts: { effective_on: today, delta: seen.delta },
      reason: 'A new roof',
    });
    expect(await journey.row()).toMatchObject({
      status: 'active',
      term_no: 1,
      end_date: endDate,
      price_snapshot: { premium: '730.00', coverageAmount: '300000.00' },
    });
    expect(await journey.policy()).toMatchObject({ premium: 730, coverage_amount: 300_000 });
    expect(used).toMatchObject({ start_date: startDate, end_date: today, part_no: 1 });
    expect(left).toMatchObject({
      start_date: today,
      end_date: endDate,
      part_no: 2,
      origin: 'endorsement',
      coverage_amount: 300_000,
    });
    expect(Number(used?.['premium']) + Number(left?.['premium'])).toBeCloseTo(365 + delta, 2);
    expect(delta).toBeGreaterThan(260);
    expect(delta).toBeLessThan(270);
    const timers = (await journey.timers()).filter(({ status }) => status === 'scheduled');
    expect(timers.map(({ name }) => name)).toContain('expiry');
    await journey.rest();
    expect(journey.subjects().at(-1)).toBe(
      `Policy ${journey.policyNumber} is changed as of ${today}`,
    );
  });

  it('where money has no cents is of amounts that can be paid', async () => {
    const journey = await journeys.begin({ plan: { currency: 'JPY', premium: '1000.00' } });
    const agent = await journey.staff('call_center');
    const { start_date: startDate } = await journey.row();
    await journeys.passUntil(journey.startOf(String(startDate)) + 100 * dayMs + 8 * 3_600_000);

    const broken = endorse(journey, agent, { premium: '1500.50' });
    await expect(broken).rejects.toMatchObject({
      status: 422,
      details: [{ field: 'premium', code: 'FRACTION_OF_UNIT' }],
    });
    await endorse(journey, agent, { premium: '1500.00' });

    for (const { premium } of await journey.terms()) expect(Number(premium) % 1).toBe(0);
    const { facts } = (await journey.transitions()).at(-1) ?? {};
    expect(facts).toMatchObject({ delta: expect.stringMatching(/^\d+\.00$/) });
  });

  it('waits for a claim that is being approved, whose amount it then leaves in the cover', async () => {
    const { journey, agent, startDate } = await begin();
    const { companyId } = agent;
    const policyId = String((await journey.policy())['id']);
    const { claim } = await buildClaimRow({ companyId, policyId, incidentDate: startDate });

    const refused = meanwhile(
      { database: journeys.database, actor: agent },
      async () => {
        await holdCover(policyId);
        await claim.update({ status: 'approved', approvedAmount: '900.00' });
      },
      () => endorse(journey, agent, { coverageAmount: '800.00' }),
    );

    await expect(refused).rejects.toMatchObject({
      code: 'COVER_USED',
      facts: { coverage_used: '900.00' },
    });
    expect(await journey.policy()).toMatchObject({ coverage_amount: 250_000 });
  });

  it('covers the days before at the old amount, and counts claims of the whole term', async () => {
    const { journey, agent, startDate } = await begin();
    await journeys.passUntil(journey.startOf(startDate) + 50 * dayMs + 8 * 3_600_000);
    const today = journey.dateAt(journeys.now());
    const { id: policyId } = await journey.policy();
    const coverAt = (date: string) =>
      withTenant(journey.company.id, () => coverOn(String(policyId), date));

    await endorse(journey, agent, wish);

    expect(await coverAt(addDays(today, -1))).toMatchObject({ coverageAmount: '250000.00' });
    expect(await coverAt(today)).toMatchObject({ coverageAmount: '300000.00', used: '0.00' });
  });

  it('on the day on which the term begins takes the place of what was sold', async () => {
    const { journey, agent, endDate } = await begin();

    await endorse(journey, agent, { premium: '400.00' });
    await endorse(journey, agent, { premium: '500.00' });

    const terms = await journey.terms();
    expect(terms).toHaveLength(3);
    expect(terms.filter(({ superseded_by: by }) => by === null)).toMatchObject([
      { part_no: 3, premium: 500, end_date: endDate },
    ]);
  });

  it('sent twice is one', async () => {
    const { journey, agent } = await begin();

    await endorse(journey, agent, wish, 'once');
    await endorse(journey, agent, wish, 'once');

    expect(await events(journey)).toEqual(['subscribe', 'endorse']);
    expect(await journey.terms()).toHaveLength(2);
  });

  it('of nothing, and of a subscription that has ended, is refused and changes nothing', async () => {
    const { journey, agent } = await begin();

    await expect(endorse(journey, agent, { premium: '365.00' })).rejects.toMatchObject({
      status: 409,
      code: 'NOTHING_CHANGES',
    });
    await journey.cancel();
    const before = await journey.row();
    await expect(endorse(journey, agent, wish)).rejects.toMatchObject({
      status: 409,
      code: 'ILLEGAL_TRANSITION',
    });
    expect(await journey.row()).toEqual(before);
  });

  it('does not begin the cooling-off anew', async () => {
    const { journey, agent, startDate } = await begin();
    await journeys.passUntil(journey.startOf(startDate) + 100 * dayMs + 8 * 3_600_000);
    await endorse(journey, agent, wish);

    await journey.cancel();

    const [used, left] = await journey.terms();
    const cancelled = (await journey.transitions()).at(-1);
    expect(used).toBeDefined();
    expect(cancelled).toMatchObject({
      event: 'cancel',
      facts: { would_refund: Number(left?.['premium']).toFixed(2) },
    });
  });
});
