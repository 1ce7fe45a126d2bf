import { pino } from 'pino';
import { createDispatcher, outboxAge } from '../../src/commands/dispatch.ts';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { buildCompany, buildSubscription } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

describe('inline dispatch', () => {
  let database: TestDatabase;
  const log = pino({ level: 'silent' });

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  const isOwed = async ({ id }: WorkflowStart): Promise<boolean> => {
    const [row] = await database.sql<{ isOwed: boolean }>(
      'SELECT dispatched_at IS NULL AS "isOwed" FROM core.outbox WHERE id = $1',
      [id],
    );
    if (!row) throw new Error(`There is no entry ${id}`);
    return row.isOwed;
  };

  it('starts and marks what was promised', async () => {
    const { start } = await buildSubscription();
    const started: WorkflowStart[] = [];
    const dispatcher = createDispatcher({
      temporal: { start: async (entry) => void started.push(entry) },
      log,
    });

    dispatcher.dispatch(start);
    await dispatcher.drained();

    expect(started).toEqual([start]);
    expect(await isOwed(start)).toBe(false);
  });

  it('leaves to the relay what it could not start, and does not fail', async () => {
    const { start } = await buildSubscription();
    const dispatcher = createDispatcher({
      temporal: { start: () => Promise.reject(new Error('Temporal is away')) },
      log,
    });

    dispatcher.dispatch(start);
    await dispatcher.drained();

    expect(await isOwed(start)).toBe(true);
    expect(await outboxAge()).toBeGreaterThan(0);
  });

  it('holds at most twenty at once and leaves the rest to the relay', async () => {
    const { id: companyId } = await buildCompany();
    const starts: WorkflowStart[] = [];
    for (let count = 0; count < 25; count += 1) {
      starts.push((await buildSubscription({ companyId })).start);
    }
    const waiting: (() => void)[] = [];
    const dispatcher = createDispatcher({
      temporal: { start: () => new Promise((resolve) => waiting.push(resolve)) },
      log,
    });

    for (const start of starts) dispatcher.dispatch(start);
    const underway = waiting.length;
    for (const release of waiting) release();
    await dispatcher.drained();

    expect(underway).toBe(20);
    const owed = await Promise.all(starts.map(isOwed));
    expect(owed.filter(Boolean)).toHaveLength(5);
  });

  it('of one entry twice meets the run that the first one started', async () => {
    const server = await openRealTemporal();
    const { start } = await buildSubscription();
    const handle = server.temporal.client.workflow.getHandle(start.workflowId);

    await server.temporal.start(start);
    const first = await handle.describe();
    await server.temporal.start(start);
    await handle.terminate('The test is over');
    await server.temporal.start(start);
    const last = await handle.describe();
    await server.close();

    expect(last.runId).toBe(first.runId);
    expect(last.status.name).toBe('TERMINATED');
  });
});
