import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { Say } from '../../local/progress.ts';
import { subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { runClient } from '../programs.ts';
import type { Row } from '../report.ts';
import { call, subscribeRequest } from '../requests.ts';
import { median, percentile, rounded } from '../statistics.ts';
import type { World } from '../world.ts';

const seconds = (milliseconds: number): string => `${rounded(milliseconds / 1000, 2)} s`;

/** From the subscription's `created_at` to what Temporal's history says of the first task. */
export async function firstTask(
  world: World,
  { seconds: length }: { readonly seconds: number },
  say: Say,
): Promise<Row[]> {
  const { stack, people, planIds, prefix, sql } = world;
  const [now] = await sql<{ at: Date }>('SELECT clock_timestamp() AS at');
  say(`5 subscriptions a second for ${length} s`);
  const { failed, failures } = await runClient({
    origin: stack.urls.api,
    connections: 10,
    requests: people.map((person, index) =>
      subscribeRequest(prefix, person, planIds[index % planIds.length]),
    ),
    pace: { kind: 'open', perSecond: 5, seconds: length },
  });
  if (failed > 0) throw new Error(failures.join('; '));
  await world.settle(say);

  const created = await sql<{ id: string; companyId: string; createdAt: Date }>(
    `SELECT id, company_id AS "companyId", created_at AS "createdAt"
     FROM shared.policy_subscriptions WHERE created_at >= $1`,
    [now?.at],
  );
  const connection = await Connection.connect({ address: stack.urls.temporalAddress });
  try {
    const client = new Client({ connection });
    const delays: number[] = [];
    for (const { id, companyId, createdAt } of created) {
      const handle = client.workflow.getHandle(subscriptionWorkflowId(companyId, id));
      const { events } = await handle.fetchHistory();
      const done = events?.find((event) => event.workflowTaskCompletedEventAttributes);
      if (!done?.eventTime) throw new Error(`The workflow of ${id} has done no task`);
      delays.push(tsToMs(done.eventTime) - createdAt.getTime());
    }
    const p95 = percentile(delays, 0.95);
    return [
      {
        figure: 'subscription created to first workflow task done, p95 at 5/s',
        measured: `${seconds(p95)} (p50 ${seconds(median(delays))}, ${delays.length} of them)`,
        target: '< 2 s',
        met: p95 < 2000,
        detail: { delays },
      },
    ];
  } finally {
    await connection.close();
  }
}

/**
 * Moves the expiry of many subscriptions to one instant and watches for the notices. The worker is
 * started anew before, since timers of months find no workflow in its cache.
 */
export async function dueTimers(
  world: World,
  { timers, leadSeconds }: { readonly timers: number; readonly leadSeconds: number },
  say: Say,
): Promise<Row[]> {
  const { stack, prefix, admin, sql } = world;
  await world.subscribeAll(say);
  const rows = await sql<{ id: string }>(
    `SELECT id FROM shared.policy_subscriptions
     WHERE status = 'active' AND NOT auto_renew AND workflow_closed_at IS NULL
     ORDER BY created_at LIMIT $1`,
    [timers],
  );
  const ids = rows.map(({ id }) => id);
  const dueAt = Math.ceil(Date.now() / 1000 + leadSeconds) * 1000;
  say(`${ids.length} expiries moved to ${new Date(dueAt).toISOString()}`);
  const left = [...ids];
  const work = async (): Promise<void> => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      await call(stack.urls.api, {
        kind: 'move',
        method: 'PATCH',
        path: `${prefix}/workflows/subscription/${id}/timers/expiry`,
        token: admin.token,
        body: { due_at: new Date(dueAt).toISOString(), reason: 'Measured' },
        keyed: true,
      });
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  say('worker started anew');
  await stack.kill('worker', 'SIGTERM');
  await stack.start('worker');
  const spare = dueAt - Date.now();
  if (spare < 0) throw new Error('The timers fell due before the worker was back: give more lead');
  await pause(spare);

  say('timers are due');
  const seenAfter = new Map<string, number>();
  while (seenAfter.size < ids.length && Date.now() < dueAt + 120_000) {
    const told = await sql<{ id: string }>(
      `SELECT DISTINCT entity_id AS id FROM core.notifications
       WHERE entity_id = ANY ($1::uuid[]) AND template_code = 'subscription_expired'`,
      [ids],
    );
    const after = Date.now() - dueAt;
    for (const { id } of told) if (!seenAfter.has(id)) seenAfter.set(id, after);
    await pause(50);
  }
  const delays = ids.map((id) => seenAfter.get(id) ?? Infinity);
  const p95 = percentile(delays, 0.95);
  await world.settle(say);
  return [
    {
      figure: `a due timer to its notification row, p95 of ${ids.length} due in one second`,
      measured: `${seconds(p95)} (p50 ${seconds(median(delays))}, last ${seconds(Math.max(...delays))})`,
      target: '< 10 s',
      met: p95 < 10_000,
      detail: { delays },
    },
  ];
}
