import { setTimeout } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { alertActivities } from '../../src/activities/alerts.ts';
import { createSubscriptionTimelines } from '../../src/commands/subscriptionTimelines.ts';
import { createWorkflowSearch } from '../../src/commands/workflowSearch.ts';
import { as, buildActor, buildCompany, buildSubscription } from '../support/build.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';
import { openTroubledRuns } from '../../worker/troubledRuns.ts';
import { createCursors } from '../../src/commands/cursors.ts';

const cursors = createCursors({ secretKey: 'test' });

describe('a run whose own code fails', () => {
  let journeys: Journeys;
  useJourneys(
    (opened) => void (journeys = opened),
    () => openRealTemporal(),
  );

  const dispatched = (id: string) =>
    journeys.database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [
      id,
    ]);

  /** Sold, and started with an input that its workflow trips over. */
  async function buildFailing(companyId: string) {
    const { id, start } = await buildSubscription({ companyId });
    await dispatched(id);
    await journeys.database.sql(
      `UPDATE core.timers SET due_at = now() - interval '1 hour'
       WHERE entity_id = $1 AND name = 'renewal_offer'`,
      [id],
    );
    await journeys.server.temporal.start({ ...start, input: {} });
    return { id, workflowId: start.workflowId };
  }

  it('is found among those that wait for help, and says that a release mends it', async () => {
    const { temporal, taskQueue } = journeys.server;
    const troubledRuns = openTroubledRuns(temporal.client, taskQueue);
    const { id: companyId } = await buildCompany();
    const operator = await buildActor({ companyId, role: 'operator' });
    const search = createWorkflowSearch({
      cursors,
      temporal,
      companies: { enter: async () => {} },
    });
    const timelines = createSubscriptionTimelines({ temporal, workflows: journeys.workflows });
    const sound = await buildSubscription({ companyId });
    await dispatched(sound.id);
    await temporal.start(sound.start);
    const { id, workflowId } = await buildFailing(companyId);
    const blocked = async (isBlocked: boolean): Promise<string[]> => {
      const page = { page: 1, size: 20, sortBy: 'createdAt', sortOrder: 'desc' } as const;
      const listed = await as(operator, () =>
        search.list(operator, { ...page, blocked: isBlocked }),
      );
      return listed.items.map((found) => found.id);
    };

    while (!(await blocked(true)).includes(id)) await setTimeout(500);
    const detail = await as(operator, () => search.get(operator, 'subscription', id));
    const explained = await as(operator, () => timelines.explain(operator, id));
    const other = await as(operator, () => search.get(operator, 'subscription', sound.id));
    await new MockActivityEnvironment().run(() => alertActivities({ troubledRuns }).raiseAlerts());
    const raised = await journeys.database.sql(
      `SELECT subject FROM core.alerts WHERE company_id = $1 AND kind = 'workflow_task_failing'`,
      [companyId],
    );
    const [waiting, going] = [await blocked(true), await blocked(false)];
    await temporal.terminate(workflowId, 'The test is over');
    await temporal.terminate(sound.start.workflowId, 'The test is over');

    expect(raised).toEqual([{ subject: workflowId }]);
    expect(waiting).toEqual([id]);
    expect(going).toEqual([sound.id]);
    expect(other).toMatchObject({ isBlocked: false, failingStep: null });
    expect(detail).toMatchObject({
      isBlocked: true,
      failingStep: {
        name: 'workflow',
        attempt: expect.any(Number),
        error: expect.stringContaining('undefined'),
        movedBy: 'release',
      },
    });
    expect(explained).toMatchObject({
      waitsFor: 'repair',
      summary: expect.stringContaining('A fault in the program'),
      moves: [{ event: 'release' }],
      failingStep: { name: 'workflow' },
    });
  });
});
