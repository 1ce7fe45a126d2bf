import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client';
import { v7 as uuid } from 'uuid';
import { ensureSchedules } from '../../worker/schedules.ts';
import { services } from '../support/services.ts';

describe('periodic jobs', () => {
  let connection: Connection;
  let client: Client;

  beforeAll(async () => {
    connection = await Connection.connect({ address: services().temporalAddress });
    client = new Client({ connection, namespace: 'default' });
  });

  afterAll(async () => {
    // Other files have schedules on the same server.
    for await (const { scheduleId } of client.schedule.list()) {
      if (!/^(?:one|other|mine)-|^(?:reconcile|maintain)$/.test(scheduleId)) continue;
      await remove(scheduleId);
    }
    await connection.close();
  });

  /** The list lags: what it names may be gone. */
  const remove = async (scheduleId: string): Promise<void> => {
    try {
      await client.schedule.getHandle(scheduleId).delete();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  };

  const actionOf = async (scheduleId: string) =>
    (await client.schedule.getHandle(scheduleId).describe()).action;

  /** As it was named before. */
  const createFormer = (workflow: string, taskQueue: string) =>
    client.schedule.create({
      scheduleId: workflow,
      spec: { intervals: [{ every: '1 day' }] },
      action: { type: 'startWorkflow', workflowType: workflow, taskQueue },
      state: { paused: true },
    });

  it('of two deployments in one namespace keep apart, also when they are brought up to date', async () => {
    const [one, other] = [`one-${uuid()}`, `other-${uuid()}`];

    for (const queue of [one, other, one]) await ensureSchedules(client, queue);

    for (const queue of [one, other]) {
      expect(await actionOf(`${queue}/reconcile`)).toMatchObject({
        taskQueue: `${queue}-lifecycle`,
        workflowId: `schedule/${queue}/reconcile`,
      });
    }
  });

  it('of a week are caught up with for days, those of minutes are not', async () => {
    const queue = `one-${uuid()}`;
    await ensureSchedules(client, queue);
    const windowOf = async (workflow: string) =>
      (await client.schedule.getHandle(`${queue}/${workflow}`).describe()).policies.catchupWindow;

    expect(await windowOf('remindOfRenewals')).toBe(5 * 24 * 3_600_000);
    expect(await windowOf('reconcile')).toBe(3_600_000);
  });

  it('of the names before are taken away where they are ours, and left where not', async () => {
    const queue = `mine-${uuid()}`;
    await createFormer('reconcile', `${queue}-lifecycle`);
    await createFormer('maintain', 'of-somebody-else');

    await ensureSchedules(client, queue);

    await expect(actionOf('reconcile')).rejects.toBeInstanceOf(ScheduleNotFoundError);
    expect(await actionOf('maintain')).toMatchObject({ taskQueue: 'of-somebody-else' });
  });
});
