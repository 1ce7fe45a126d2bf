import { createWorkflowOperations } from '../../src/commands/workflowOperations.ts';
import { as, once } from '../support/build.ts';
import { events, useJourneys, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

describe('a run that cannot go on', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened), openRealTemporal);

  it('is replaced by one that goes on from the row, with nothing done twice', async () => {
    const journey = await journeys.begin();
    const { id, workflowId } = journey;
    const { server, workflows, dispatcher } = journeys;
    const { temporal, taskQueue } = server;
    const handle = temporal.client.workflow.getHandle(workflowId);
    await handle.terminate();
    // No worker knows what to do with the history of this one.
    await temporal.client.workflow.start('no-such-workflow', {
      workflowId,
      taskQueue: `${taskQueue}-lifecycle`,
    });
    const operator = await journey.staff('operator');
    const { operate } = createWorkflowOperations({ temporal, workflows, dispatcher });
    const reset = (confirm: string) =>
      as(operator, () =>
        operate(operator, {
          action: 'reset',
          kind: 'subscription',
          id,
          reason: 'Its history cannot be replayed',
          confirm,
          once: once(operator),
        }),
      );

    await expect(reset(journey.company.id)).rejects.toMatchObject({ status: 422 });
    expect(await handle.describe()).toMatchObject({ type: 'no-such-workflow' });
    await reset(id);
    await dispatcher.drained();
    await journey.rest();

    expect(await handle.describe()).toMatchObject({
      type: 'subscriptionLifecycle',
      status: { name: 'RUNNING' },
    });
    expect(await events(journey)).toEqual(['subscribe']);
    expect(journey.mails()).toHaveLength(1);
    await journey.cancel();
    await journey.rest();
    expect(await journey.row()).toMatchObject({ status: 'cancelled' });
    expect(await events(journey)).toEqual(['subscribe', 'cancel']);
  });
});
