import { Registry } from 'prom-client';
import { defineModels } from '../../src/models/all.ts';
import { databaseMetrics } from '../../src/metrics.ts';
import { openDatabase } from '../../src/models/database.ts';
import { serveHealth, type Polling } from '../../worker/health.ts';
import { buildSubscription } from '../support/build.ts';
import { openTestDatabase } from '../support/database.ts';

type Status = ReturnType<Polling['getStatus']>;

const polling = (changes: Partial<Status> = {}, options: Polling['options'] = {}): Polling => ({
  options,
  getStatus: () => ({
    runState: 'RUNNING',
    workflowPollerState: 'workflowBundle' in options ? 'POLLING' : 'SHUTDOWN',
    activityPollerState: 'POLLING',
    ...changes,
  }),
});
const withWorkflows = { workflowBundle: {} };

/** What the worker answers there while it serves. */
async function ask(
  path: string,
  {
    workers = [polling({}, withWorkflows), polling()],
    registry = new Registry(),
    readSdkMetrics = async () => 'temporal_sdk 1\n',
  }: {
    workers?: readonly Polling[];
    registry?: Registry;
    readSdkMetrics?: () => Promise<string>;
  } = {},
): Promise<{ status: number; text: string }> {
  const health = await serveHealth({
    host: '127.0.0.1',
    port: 0,
    registry,
    workers,
    readSdkMetrics,
  });
  const response = await fetch(`http://127.0.0.1:${health.port}${path}`);
  const answer = { status: response.status, text: await response.text() };
  health.close();
  return answer;
}

describe("the worker's health", () => {
  it('tells of starts that are owed and parked, of queries and of the pool', async () => {
    const registry = new Registry();
    const figures = databaseMetrics(registry);
    const database = await openTestDatabase({ onQuery: figures.onQuery });
    figures.watchPool({ connections: () => ({ using: 1, idle: 2, waiting: 3 }) });
    await buildSubscription();
    const parked = await buildSubscription();
    await database.sql('UPDATE core.outbox SET parked_at = now() WHERE entity_id = $1', [
      parked.id,
    ]);
    await database.sql(
      `UPDATE core.timers SET due_at = now() - interval '2 minutes'
       WHERE entity_id = $1 AND name IN ('expiry', 'renewal_offer')`,
      [parked.id],
    );
    await database.sql(
      `UPDATE core.timers SET due_at = now() - interval '30 seconds'
       WHERE entity_id = $1 AND name = 'renewal_call'`,
      [parked.id],
    );
    await database.sql(
      `UPDATE core.timers SET status = 'fired' WHERE entity_id = $1 AND name = 'renewal_offer'`,
      [parked.id],
    );

    const { status, text } = await ask('/metrics', { registry });
    await database.close();

    expect(status).toBe(200);
    expect(text).toMatch(/^outbox_parked 1$/m);
    expect(text).toMatch(/^timers_overdue 1$/m);
    expect(text).toMatch(/^outbox_oldest_seconds \d/m);
    expect(text).toMatch(/^audit_unsealed_seconds \d/m);
    expect(text).toMatch(/^db_query_duration_seconds_count [1-9]/m);
    expect(text).toMatch(/^db_pool_connections\{state="waiting"\} 3$/m);
    expect(text).toMatch(/^temporal_sdk 1$/m);
  });

  it('tells the other figures while Postgres or the SDK is away', async () => {
    const registry = new Registry();
    const database = openDatabase(
      {
        url: 'postgres://app_worker@127.0.0.1:9/surety',
        poolMax: 1,
        acquireTimeoutMs: 10_000,
        statementTimeoutMs: 1000,
        applicationName: 'surety-test',
      },
      defineModels,
    );
    databaseMetrics(registry).watchPool(database);

    const metrics = await ask('/metrics', {
      registry,
      readSdkMetrics: () => Promise.reject(new Error('away')),
    });
    const ready = await ask('/health/ready');
    await database.close();

    expect(metrics.status).toBe(200);
    expect(metrics.text).toMatch(/^db_pool_connections\{state="idle"\} 0$/m);
    expect(metrics.text).not.toMatch(/^outbox_parked \d/m);
    expect(ready.status).toBe(503);
  });

  it.each<[string, number, readonly Polling[]]>([
    ['all ask for work', 200, [polling({}, withWorkflows), polling()]],
    ['one has failed', 503, [polling({}, withWorkflows), polling({ runState: 'FAILED' })]],
    [
      'one does not ask for workflow tasks any more',
      503,
      [polling({ workflowPollerState: 'FAILED' }, withWorkflows), polling()],
    ],
    [
      'one does not ask for activities any more',
      503,
      [polling({}, withWorkflows), polling({ activityPollerState: 'SHUTDOWN' })],
    ],
  ])('readiness while %s: %i', async (_, expected, workers) => {
    const database = await openTestDatabase();

    const { status } = await ask('/health/ready', { workers });
    await database.close();

    expect(status).toBe(expected);
  });
});
