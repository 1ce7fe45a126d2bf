import { setTimeout } from 'node:timers/promises';
import { createSubscriptionTimelines } from '../../src/commands/subscriptionTimelines.ts';
import type { Explanation } from '../../src/commands/timelines.ts';
import type { FailingStep } from '../../src/commands/temporal.ts';
import { retryStep } from '../../src/workflows/attention.ts';
import { as } from '../support/build.ts';
import { dayMs, useJourneys, type Journey, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

describe('explaining a subscription', () => {
  let journeys: Journeys;
  useJourneys(
    (opened) => void (journeys = opened),
    () => openRealTemporal(),
  );

  async function explain({ id, staff }: Journey): Promise<Explanation> {
    const operator = await staff('operator');
    return as(operator, () => journeys.timelines.explain(operator, id));
  }

  /** Waits until it is so. */
  async function explainOnce(
    journey: Journey,
    isSo: (explained: Explanation) => boolean,
  ): Promise<Explanation> {
    for (;;) {
      const explained = await explain(journey);
      if (isSo(explained)) return explained;
      await setTimeout(200);
    }
  }

  /** Waits until Temporal's visibility has it. */
  async function listedAsBlocked({ company, workflowId }: Journey): Promise<void> {
    const { temporal } = journeys.server;
    const blocked = () => temporal.blocked(company.id, () => Promise.resolve([]));
    while (!(await blocked()).includes(workflowId)) await setTimeout(200);
  }

  /** As it is explained when Temporal says this; nothing where it is away. */
  async function explainWith(
    { id, staff }: Journey,
    failingStep: FailingStep | undefined,
  ): Promise<Explanation> {
    const operator = await staff('operator');
    const { explain: ask } = createSubscriptionTimelines({
      temporal: { failingStep: () => Promise.resolve(failingStep), uiUrl: () => '' },
      workflows: { command: () => Promise.reject(new Error('Explaining sends no command')) },
    });
    return as(operator, () => ask(operator, id));
  }

  it('says that it waits for time while it does', async () => {
    const journey = await journeys.begin();

    expect(await explain(journey)).toMatchObject({
      waitsFor: 'time',
      next: { name: 'renewal_offer' },
      failingStep: null,
    });
  });

  it('that needs attention names the failed step and retryStep, until that heals it', async () => {
    const journey = await journeys.begin();
    await journey.moveExpiry(journeys.now() + 10_000);
    await journey.rest();
    await journey.setRow('state_version = state_version + 5');

    const stuck = await explainOnce(journey, ({ waitsFor }) => waitsFor === 'repair');
    await listedAsBlocked(journey);
    await journeys.server.env.client.workflow
      .getHandle(journey.workflowId)
      .executeUpdate(retryStep, { args: [{ reason: 'The row was put right' }] });
    const healed = await explainOnce(journey, ({ status }) => status === 'expired');

    expect(stuck).toMatchObject({
      status: 'active',
      waitsFor: 'repair',
      moves: [{ event: 'retryStep' }],
      failingStep: { name: 'fireSubscriptionTimer', attempt: 1 },
    });
    expect(stuck.summary).toContain('an operator must remove the cause and send retryStep');
    expect(stuck.failingStep?.error).toContain('changed meanwhile');
    expect(healed).toMatchObject({ status: 'expired', waitsFor: 'time', failingStep: null });
  });

  it('whose code fails waits for a release', async () => {
    const journey = await journeys.begin();
    const error = 'category=WorkflowTaskFailed';
    const failing = { name: 'workflow', attempt: 9, error, movedBy: 'release' } as const;

    const explained = await explainWith(journey, failing);

    expect(explained).toMatchObject({ waitsFor: 'repair', moves: [{ event: 'release' }] });
    expect(explained.failingStep).toEqual({ name: 'workflow', attempt: 9, error });
  });

  it('does not wait for a date that has come, though nobody can ask Temporal', async () => {
    const journey = await journeys.begin();
    await journeys.database.sql(
      `UPDATE core.timers SET due_at = now() - interval '1 hour'
       WHERE entity_id = $1 AND name = 'renewal_offer'`,
      [journey.id],
    );

    const explained = await explainWith(journey, undefined);

    expect(explained.summary).toContain('is due and being carried out');
    expect(explained).toMatchObject({ waitsFor: 'nothing', next: { name: 'renewal_offer' } });
  });

  it('tells that nobody is reminded of what is cancelled for a later day', async () => {
    const journey = await journeys.begin();
    await journey.cancel({ effectiveDate: journey.dateAt(journeys.now() + 360 * dayMs) });

    expect((await explain(journey)).consequence).toContain('a cancellation is pending');
  });
});
