import { v7 as uuid } from 'uuid';
import { NotFound, Unavailable } from '../../src/errors.ts';
import { commandOnce } from '../../src/commands/idempotency.ts';
import { createWorkflowCommands } from '../../src/commands/workflows.ts';
import { openTemporal, type Temporal } from '../../src/commands/temporal.ts';
import { PolicySubscription } from '../../src/models/PolicySubscription.ts';
import { withTenant } from '../../src/models/database.ts';
import { illegalTransition } from '../../src/models/PolicySubscription.ts';
import { cancel } from '../../src/workflows/subscriptionLifecycle.ts';
import { as, buildSubscription, once, type Sold } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

interface OrderOptions {
  readonly commandId?: string;
  readonly start?: Temporal['start'];
  /** Of a try before this one. */
  readonly outcome?: Temporal['outcome'];
}

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

  function order(
    sold: Sold,
    play: Temporal['command'],
    {
      commandId = 'mine',
      start = () => Promise.resolve(),
      outcome = () => Promise.reject(new Error('Nothing was sent before')),
    }: OrderOptions = {},
  ) {
    const workflows = createWorkflowCommands({ start, command: play, outcome });
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

  describe('and is repeated when by the rows it is refused', () => {
    /** With a key, as the API has it; the step of the first try has not committed when it is repeated. */
    const repeating = async (outcome: Temporal['outcome']) => {
      const sold = await buildSubscription();
      await markDispatched(sold);
      const { holder } = sold;
      const asked = once(holder, uuid());
      const send = (play: Temporal['command']) =>
        as(holder, () =>
          commandOnce(asked, (commandId) => order(sold, play, { commandId, outcome })),
        );
      const first = await send(() =>
        Promise.reject(new Unavailable('Taken and not answered', 'COMMAND_PENDING')),
      ).catch((error: unknown) => error);
      await cancelRow(sold, `${sold.id}/other`);
      const again = () => send(() => Promise.reject(new Error('It is not sent again')));
      return { first, again };
    };

    it('has the end that it comes to', async () => {
      const { first, again } = await repeating(async () => true);

      expect(first).toMatchObject({ code: 'COMMAND_PENDING' });
      await expect(again()).resolves.toBeUndefined();
    });

    it('stays open while nobody has carried it out', async () => {
      const { again } = await repeating(() =>
        Promise.reject(new Unavailable('Taken and not answered', 'COMMAND_PENDING')),
      );

      await expect(again()).rejects.toMatchObject({ code: 'COMMAND_PENDING' });
    });

    it('is refused where the run knows nothing of it', async () => {
      const { again } = await repeating(async () => false);

      await expect(again()).rejects.toMatchObject({ status: 409, code: 'ILLEGAL_TRANSITION' });
    });
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

  it('is sent again after the newest owed start, whatever was parked before or after', async () => {
    const sold = await buildSubscription();
    await copyOwed(sold, 'newer', 'NULL');
    await copyOwed(sold, 'parked', 'now()');
    const started: string[] = [];
    let isRunning = false;

    await order(
      sold,
      async () => {
        if (!isRunning) throw new NotFound('No such workflow');
        return Promise.reject(new Unavailable('Taken', 'COMMAND_PENDING'));
      },
      {
        start: async ({ workflowId }) => {
          started.push(workflowId);
          isRunning = true;
          await cancelRow(sold, `${sold.id}/mine`);
        },
      },
    );

    expect(started).toEqual(['newer']);
  });

  it('is a matter of waiting when the start that is owed is parked', async () => {
    const sold = await buildSubscription();
    await database.sql('UPDATE core.outbox SET parked_at = now() WHERE entity_id = $1', [sold.id]);
    let starts = 0;

    const answered = order(sold, () => Promise.reject(new NotFound('No such workflow')), {
      start: async () => void (starts += 1),
    });

    await expect(answered).rejects.toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE' });
    expect(starts).toBe(0);
  });

  it('is refused as unavailable when Temporal goes away before the owed start', async () => {
    const sold = await buildSubscription();
    const temporal = openTemporal({
      temporal: {
        address: '127.0.0.1:9',
        namespace: 'default',
        taskQueue: 'surety',
        uiUrl: '',
        tls: false,
        apiKey: undefined,
      },
    });

    const answered = order(sold, () => Promise.reject(new NotFound('No such workflow')), {
      start: temporal.start,
    });

    await expect(answered).rejects.toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE' });
    await temporal.connection.close();
  });

  const copyOwed = ({ id }: Sold, workflowId: string, parkedAt: 'NULL' | 'now()') =>
    database.sql(
      `INSERT INTO core.outbox (company_id, id, entity_type, entity_id, workflow_type, workflow_id,
         input, not_before, parked_at)
       SELECT company_id, $2, entity_type, entity_id, workflow_type, $3, input, now(), ${parkedAt}
       FROM core.outbox WHERE entity_id = $1 LIMIT 1`,
      [id, uuid(), workflowId],
    );

  const markDispatched = ({ id }: Sold) =>
    database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [id]);
});
