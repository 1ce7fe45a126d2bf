import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { Say } from '../../local/progress.ts';
import { onboardingWorkflowId } from '../../src/rules/workflowIds.ts';
import type { Row } from '../report.ts';
import { call } from '../requests.ts';
import { median, percentile, rounded } from '../statistics.ts';
import type { World } from '../world.ts';

const activeWithinMs = 60_000;

/** From the approval of a registration until its company is active: the work of its steps, and the wait. */
export async function provisioning(
  world: World,
  {
    isolation,
    targetSeconds,
    count,
  }: {
    readonly isolation: 'shared' | 'dedicated_schema';
    readonly targetSeconds: number;
    readonly count: number;
  },
  say: Say,
): Promise<Row[]> {
  const { stack, prefix, globalAdmin, sql } = world;
  const connection = await Connection.connect({ address: stack.urls.temporalAddress });
  const work: number[] = [];
  const waits: number[] = [];
  const steps: Record<string, number[]> = {};
  try {
    const client = new Client({ connection });
    // The first one meets a worker that has never done this.
    for (let turn = 0; turn <= count; turn += 1) {
      say(`${turn} of ${count} companies`);
      const id = await register(world);
      const approvedAt = performance.now();
      await call(stack.urls.api, {
        kind: 'approve',
        method: 'POST',
        path: `${prefix}/administration/registration-requests/${id}/approve`,
        token: globalAdmin.token,
        body: { isolation },
      });
      await isActive(world, id);
      const waited = performance.now() - approvedAt;
      const { events } = await client.workflow.getHandle(onboardingWorkflowId(id)).fetchHistory();
      if (turn === 0) continue;
      const times = activityTimes(events ?? []);
      waits.push(waited);
      work.push([...times.values()].reduce((sum, each) => sum + each, 0));
      for (const [name, time] of times) (steps[name] ??= []).push(time);
    }
  } finally {
    await connection.close();
  }
  await sql('ANALYZE');
  const p95 = percentile(work, 0.95);
  const seconds = (ms: number): string => `${rounded(ms / 1000, 3)} s`;
  return [
    {
      figure: `setting a company up (${isolation}), the work of its steps, p95 of ${count}`,
      measured: `${seconds(p95)} (p50 ${seconds(median(work))}; approved to active p50 ${seconds(median(waits))}, p95 ${seconds(percentile(waits, 0.95))})`,
      target: `<= ${targetSeconds} s`,
      met: p95 <= targetSeconds * 1000,
      detail: {
        work,
        waits,
        steps: Object.fromEntries(
          Object.entries(steps).map(([name, times]) => [name, rounded(median(times))]),
        ),
      },
    },
  ];
}

async function register({ stack, prefix, sql }: World): Promise<string> {
  const name = `b${randomUUID().slice(0, 8)}`;
  await call(stack.urls.api, {
    kind: 'register',
    method: 'POST',
    path: `${prefix}/register`,
    body: {
      company_name: `Bench ${name}`,
      requested_domain: `${name}.example`,
      admin_email: `ada@${name}.example`,
      admin_username: name,
      admin_password: 'Seven-Green-Otters-7',
    },
  });
  const [row] = await sql<{ id: string }>(
    'SELECT id FROM core.registration_requests WHERE company_name = $1',
    [`Bench ${name}`],
  );
  if (!row) throw new Error('The registration is not there');
  return row.id;
}

async function isActive({ sql }: World, id: string): Promise<void> {
  const deadline = Date.now() + activeWithinMs;
  for (;;) {
    const [row] = await sql<{ status: string }>(
      'SELECT status FROM core.registration_requests WHERE id = $1',
      [id],
    );
    if (row?.status === 'active') return;
    if (row?.status === 'failed' || Date.now() > deadline) {
      throw new Error(`The registration ${id} is ${row?.status}`);
    }
    await pause(20);
  }
}

type History = Awaited<
  ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>
>['events'];

/** Milliseconds from start to end of each activity but the mails; what waited in a queue does not count. */
function activityTimes(events: NonNullable<History>): ReadonlyMap<string, number> {
  const names = new Map<string, string>();
  const started = new Map<string, number>();
  const times = new Map<string, number>();
  for (const event of events) {
    if (!event.eventTime) continue;
    const at = tsToMs(event.eventTime);
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) names.set(String(event.eventId), scheduled.activityType?.name ?? '');
    const begun = event.activityTaskStartedEventAttributes;
    if (begun) started.set(String(begun.scheduledEventId), at);
    const done = event.activityTaskCompletedEventAttributes;
    if (!done) continue;
    const id = String(done.scheduledEventId);
    const name = names.get(id) ?? '';
    if (name === 'deliverNotification') continue;
    times.set(name, (times.get(name) ?? 0) + at - (started.get(id) ?? at));
  }
  return times;
}
