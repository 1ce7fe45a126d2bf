import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { startTemporal, type TemporalServer } from '../../local/temporal.ts';
import { openTemporal } from '../../src/commands/temporal.ts';
import { services } from '../support/services.ts';

const partitions = {
  'matching.numTaskqueueReadPartitions': '1',
  'matching.numTaskqueueWritePartitions': '1',
};

/** `TASK_QUEUE_TYPE_WORKFLOW` of Temporal's API. */
const ofWorkflows = 1;

describe('many starts of one company', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'surety-fairness-'));
  let server: TemporalServer;

  beforeAll(async () => {
    server = await startTemporal({
      binary: services().temporalBinary,
      dbFile: path.join(dir, 'temporal.db'),
      port: 0,
      namespace: 'default',
      throwaway: true,
      dynamicConfig: partitions,
    });
  }, 120_000);

  afterAll(async () => {
    await server.stop();
    rmSync(dir, { recursive: true });
  });

  it('do not hold up the one start of another that comes last', async () => {
    const address = { address: server.address, namespace: 'default', taskQueue: 'fair' };
    const temporal = openTemporal(
      { temporal: { ...address, uiUrl: '', tls: false, apiKey: undefined } },
      20_000,
    );
    const [busy, late] = [uuid(), uuid()];
    const order = [...Array.from({ length: 30 }, () => busy), late];
    for (const companyId of order) {
      await temporal.start({
        companyId,
        id: uuid(),
        entityType: 'subscription',
        entityId: uuid(),
        workflowType: 'subscriptionLifecycle',
        workflowId: `subscription/${companyId}/${uuid()}`,
        input: {},
        summary: '',
        attributes: {},
        context: { requestId: '', companyId, actorId: null, actorType: 'system' },
      });
    }

    // Starts are handed to the queue one after the other, and not in their order.
    const { workflowService } = temporal.connection;
    const isWaiting = async () => {
      const { stats } = await workflowService.describeTaskQueue({
        namespace: 'default',
        taskQueue: { name: 'fair-lifecycle' },
        taskQueueType: ofWorkflows,
        reportStats: true,
      });
      return Number(stats?.approximateBacklogCount) === order.length;
    };
    while (!(await isWaiting())) await setTimeout(20);

    const handedOut: (string | undefined)[] = [];
    while (handedOut.length < order.length) {
      const { workflowExecution } = await temporal.connection.withDeadline(
        Date.now() + 20_000,
        () =>
          workflowService.pollWorkflowTaskQueue({
            namespace: 'default',
            taskQueue: { name: 'fair-lifecycle' },
            identity: 'test',
          }),
      );
      handedOut.push(workflowExecution?.workflowId?.split('/')[1]);
    }
    await temporal.close();

    expect(handedOut.filter((company) => company === busy)).toHaveLength(30);
    expect(handedOut.indexOf(late)).toBeLessThan(3);
  });
});
