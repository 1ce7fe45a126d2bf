import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import {
  expectMailsOnce,
  expectNothingOpen,
  expectRowsOnce,
  expectWorkflowsAsRows,
  newEntry,
  settled,
  subscribe,
  type Entry,
} from './ledger.ts';
import {
  dataOf,
  newKey,
  newProperty,
  openProduct,
  until,
  type Product,
  type Wish,
} from './product.ts';
import { host, openStayClients, traceOf } from './stayLedger.ts';

let product: Product;
const ledger: Entry[] = [];

const buy = async (): Promise<Entry> => {
  const entry = newEntry();
  await subscribe(product, entry, { key: newKey() });
  ledger.push(entry);
  return entry;
};

const cancelling = (entry: Entry): Wish => ({
  method: 'PATCH',
  path: `/subscriptions/${entry.subscriptionId}/cancel`,
  body: {},
  key: newKey(),
});

/** The row and everything that a command could have changed about it. */
const tracesOf = (entry: Entry): Promise<object[]> =>
  product.sql(
    `SELECT to_jsonb(s) AS row,
       (SELECT count(*) FROM core.transitions WHERE entity_id = s.id) AS transitions,
       (SELECT count(*) FROM core.audit_logs WHERE entity_id = s.id) AS audit,
       (SELECT count(*) FROM core.notifications WHERE entity_id = s.id) AS notifications
     FROM shared.policy_subscriptions s WHERE id = $1`,
    [entry.subscriptionId],
  );

const liveness = async (): Promise<number> => {
  const response = await fetch(`${product.stack.urls.api}/health/live`);
  await response.body?.cancel();
  return response.status;
};

const secondsSince = (start: number): number => (performance.now() - start) / 1000;
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

beforeAll(async () => {
  product = await openProduct();
}, 300_000);

afterAll(() => product.close(), 120_000);

afterEach(() => {
  expect(product.broken).toEqual([]);
});

describe('without Temporal', () => {
  it('creations answer 201, commands answer 503 and change nothing; both work once it is back', async () => {
    const bought = await buy();
    await settled(product, ledger, 90_000);
    const before = await tracesOf(bought);
    const cancel = cancelling(bought);
    await product.stack.kill('temporal');

    const created = [];
    for (let n = 0; n < 20; n += 1) {
      const entry = newEntry();
      created.push(await subscribe(product, entry, { key: newKey() }));
      ledger.push(entry);
    }
    const refused = await product.as('policyholder').send(cancel);

    expect(created.map((answer) => [answer.status, dataOf(answer)['workflow']])).toEqual(
      created.map(() => [201, { id: expect.any(String), state: 'starting' }]),
    );
    expect(refused).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/);
    expect(await tracesOf(bought)).toEqual(before);
    expect(await liveness()).toBe(200);

    await product.stack.start('temporal');
    const backAt = performance.now();
    await until(
      'all workflows are started',
      async () => {
        const [owed] = await product.sql<{ n: number }>(
          `SELECT count(*)::int AS n FROM core.outbox WHERE dispatched_at IS NULL`,
        );
        return owed?.n === 0;
      },
      60_000,
    );
    tell(`20 starts owed: all started ${secondsSince(backAt).toFixed(1)} s after Temporal is back`);

    const accepted = await product.as('policyholder').insist(cancel);
    bought.events.push('cancel');
    expect(accepted).toMatchObject({ status: 200, body: { data: { status: 'cancelled' } } });
    await settled(product, ledger, 90_000);
    await expectRowsOnce(product, ledger);
    await expectWorkflowsAsRows(product, ledger);
    await expectMailsOnce(product);
  }, 480_000);
});

describe('without a worker', () => {
  it('a command answers 503 COMMAND_PENDING, and the same key gets its result once one is back', async () => {
    const bought = await buy();
    await settled(product, ledger, 90_000);
    const cancel = cancelling(bought);
    await product.stack.kill('worker');

    const pending = await product.as('policyholder').send(cancel);

    expect(pending).toMatchObject({ status: 503, body: { code: 'COMMAND_PENDING' } });
    expect(pending.headers.get('Retry-After')).toMatch(/^\d+$/);

    await product.stack.start('worker');
    const answered = await product.as('policyholder').insist(cancel);
    const repeated = await product.as('policyholder').send(cancel);
    bought.events.push('cancel');
    expect(answered).toMatchObject({ status: 200, body: { data: { status: 'cancelled' } } });
    expect(repeated.headers.get('Idempotent-Replayed')).toBe('true');
    expect(repeated.body['data']).toEqual(answered.body['data']);
    await settled(product, ledger, 90_000);
    await expectRowsOnce(product, ledger);
    await expectNothingOpen(product);
  }, 360_000);
});

describe('without a worker until what was asked for is past', () => {
  it('a command stays pending for its key, and is answered as it is carried out', async () => {
    const stays = await openStayClients(product);
    const id = await stays.book();
    await product.stack.kill('worker');
    const dueAt = Date.now() + 6_000;
    const move: Wish = {
      method: 'PATCH',
      path: `/workflows/booking/${id}/timers/hold`,
      body: { due_at: new Date(dueAt).toISOString(), reason: 'A bad day' },
      key: newKey(),
    };
    const admin = product.as(host);

    const pending = await admin.send(move);
    await until('it is past', () => Date.now() > dueAt, 30_000);
    const repeated = await admin.send(move);
    const another = await admin.send({ ...move, key: newKey() });
    await product.stack.start('worker');
    const answered = await admin.insist(move);
    await stays.over(id);

    for (const answer of [pending, repeated]) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'COMMAND_PENDING' } });
    }
    expect(another.status).toBe(422);
    expect(answered.status).toBe(200);
    expect(await traceOf(product, id)).toMatchObject({
      status: 'cancelled',
      events: ['book', 'move_timer', 'expire_hold'],
    });
  }, 360_000);
});

describe('without Postgres', () => {
  it('the API answers 503 and stays alive, and works again by itself', async () => {
    const bought = await buy();
    const person = product.as('policyholder');
    let isOver = false;
    const asking = Promise.all(
      // More than there are connections yet, so that some are being opened.
      Array.from({ length: 40 }, async () => {
        const statuses = new Set<number>();
        while (!isOver) {
          statuses.add((await person.send({ method: 'GET', path: '/subscriptions' })).status);
        }
        return [...statuses].toSorted();
      }),
    );
    await product.stack.kill('postgres', 'SIGQUIT');

    const startedAt = performance.now();
    const refused = await product.as('policyholder').send(cancelling(bought));
    tell(`Postgres away: refused after ${secondsSince(startedAt).toFixed(1)} s`);

    expect(refused).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/);
    expect(await liveness()).toBe(200);

    await product.stack.start('postgres');
    const backAt = performance.now();
    await buy();
    isOver = true;
    // Also those that were under way when the connections were cut.
    expect((await asking).flat().filter((status) => ![200, 503].includes(status))).toEqual([]);
    tell(`Postgres back: a subscription is sold after ${secondsSince(backAt).toFixed(1)} s`);
    await settled(product, ledger, 120_000);
    await expectRowsOnce(product, ledger);
    await expectMailsOnce(product);
  }, 360_000);
});

describe('a row that somebody else holds', () => {
  it('makes whoever needs it wait for two seconds, then 503, and nothing is done', async () => {
    await buy();
    const holder = new pg.Client({ connectionString: product.stack.urls.adminDatabase });
    await holder.connect();
    await holder.query('BEGIN; SELECT * FROM core.counters FOR UPDATE');

    const refused = await product.as('policyholder').send({
      method: 'POST',
      path: '/subscriptions',
      body: { insurance_plan_id: product.planId, insured_property_id: newProperty() },
      key: newKey(),
    });
    await holder.end();

    expect(refused).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    await settled(product, ledger, 90_000);
    await expectRowsOnce(product, ledger);
  }, 240_000);
});

describe('the reconciler', () => {
  /** What its job does of itself every five minutes nobody but the test is to do. */
  const pauseJob = async (): Promise<void> => {
    const job = product.temporal.schedule.getHandle('surety/reconcile');
    await job.pause('A test does it');
    const isIdle = async () => (await job.describe()).info.runningActions.length === 0;
    await until('its last run is over', isIdle, 60_000);
  };

  /** It asks Temporal's visibility, which lags. */
  const isListed = async (workflowId: string): Promise<boolean> => {
    const query = `ExecutionStatus = 'Running' AND WorkflowId = '${workflowId}'`;
    return (await product.temporal.workflow.count(query)).count > 0;
  };

  it('starts a workflow that was terminated behind our back again from its row', async () => {
    const lost = await buy();
    const kept = await buy();
    await settled(product, ledger, 90_000);
    await pauseJob();
    const [row] = await product.sql<{ company: string }>(
      `UPDATE shared.policy_subscriptions SET created_at = now() - interval '3 minutes'
       WHERE id = ANY($1) RETURNING company_id AS company`,
      [[lost.subscriptionId, kept.subscriptionId]],
    );
    const workflowId = subscriptionWorkflowId(row?.company ?? '', lost.subscriptionId);
    const { workflow } = product.temporal;
    const first = await workflow.getHandle(workflowId).describe();
    await workflow.getHandle(workflowId).terminate('Behind our back');
    const keptId = subscriptionWorkflowId(row?.company ?? '', kept.subscriptionId);
    await until(
      'visibility knows which one runs',
      async () => (await isListed(keptId)) && !(await isListed(workflowId)),
      60_000,
    );

    const { restored } = await workflow.execute<() => Promise<{ restored: number }>>('reconcile', {
      workflowId: `schedule/reconcile-${randomUUID()}`,
      taskQueue: 'surety-lifecycle',
    });

    expect(restored).toBe(1);
    await until(
      'the workflow runs again',
      async () => {
        const { status, runId } = await workflow.getHandle(workflowId).describe();
        return status.name === 'RUNNING' && runId !== first.runId;
      },
      60_000,
    );
    lost.restarts = 1;
    await expectWorkflowsAsRows(product, [lost, kept]);
    const answer = await product.as('policyholder').insist(cancelling(lost));
    lost.events.push('cancel');
    expect(answer).toMatchObject({ status: 200, body: { data: { status: 'cancelled' } } });
    await settled(product, ledger, 90_000);
    await expectRowsOnce(product, ledger);
    await expectMailsOnce(product);
  }, 480_000);
});
