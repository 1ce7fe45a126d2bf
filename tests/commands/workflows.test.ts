import { NotFound, Unavailable } from '../../src/errors.ts';
import { createWorkflowCommands } from '../../src/commands/workflows.ts';
import type { Temporal } from '../../src/commands/temporal.ts';
import { PolicySubscription } from '../../src/models/PolicySubscription.ts';
import { withTenant } from '../../src/models/database.ts';
import { illegalTransition } from '../../src/models/PolicySubscription.ts';
import { cancel } from '../../src/workflows/subscriptionLifecycle.ts';
import { as, buildSubscription, type Sold } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

/** The workflow is played here: what it did to the rows, and what became of its answer. */
describe('a command whose answer did not come', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** As the activity writes it. */
  const cancelRow = ({ companyId, id }: Sold, commandId: string): Promise<void> =>
    withTenant(companyId, async () => {
      const subscription = await PolicySubscription.findOne({ where: { id } });
      await subscription?.move('cancel', { commandId, expectedVersion: 1, at: new Date() });
    });

  function order(sold: Sold, play: Temporal['command'], commandId = 'mine') {
    const workflows = createWorkflowCommands({ start: () => Promise.resolve(), command: play });
    return as(sold.holder, () =>
      workflows.command(cancel, {
        actor: sold.holder,
        entityId: sold.id,
        workflowId: sold.start.workflowId,
        commandId: `${sold.id}/${commandId}`,
        prepare: async () => {
          const subscription = await PolicySubscription.findOne({ where: { id: sold.id } });
          const status = subscription?.status ?? 'active';
          if (status !== 'active') throw illegalTransition(status, 'cancel');
          return { effectiveDate: null, reason: null };
        },
      }),
    );
  }

  it('is answered as done when its step has committed meanwhile', async () => {
    const sold = await buildSubscription();

    const answered = order(sold, async () => {
      await cancelRow(sold, `${sold.id}/mine`);
      throw new Unavailable('Taken and not answered', 'COMMAND_PENDING');
    });

    await expect(answered).resolves.toBeUndefined();
  });

  it('stays open while its step has not committed', async () => {
    const sold = await buildSubscription();

    const answered = order(sold, () =>
      Promise.reject(new Unavailable('Taken and not answered', 'COMMAND_PENDING')),
    );

    await expect(answered).rejects.toMatchObject({ code: 'COMMAND_PENDING' });
  });

  it('is refused by the rows when another one closed the workflow just before', async () => {
    const sold = await buildSubscription();
    await markDispatched(sold);

    const answered = order(sold, async () => {
      await cancelRow(sold, `${sold.id}/other`);
      throw new NotFound('There is no such running workflow');
    });

    await expect(answered).rejects.toMatchObject({ status: 409, code: 'ILLEGAL_TRANSITION' });
  });

  it('is a matter of waiting when a workflow that should run is gone', async () => {
    const sold = await buildSubscription();
    await markDispatched(sold);

    const answered = order(sold, () => Promise.reject(new NotFound('No such workflow')));

    await expect(answered).rejects.toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE' });
  });

  const markDispatched = ({ id }: Sold) =>
    database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [id]);
});
