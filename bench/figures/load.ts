import { readFileSync } from 'node:fs';
import type { Say } from '../../local/progress.ts';
import { runClient } from '../programs.ts';
import type { Row } from '../report.ts';
import { listPlansRequest, subscribeRequest, type Person, type Request } from '../requests.ts';
import { percentile, rounded } from '../statistics.ts';
import { readMetrics, type World } from '../world.ts';

export interface Load {
  readonly clients: number;
  readonly perMinute: number;
  readonly seconds: number;
}

/** 80 % reads, 5 % subscribe, 15 % edits of rows, by everybody in turn, Temporal working. */
export async function load(
  world: World,
  { clients, perMinute, seconds }: Load,
  say: Say,
): Promise<Row[]> {
  await world.subscribeAll(say);
  const perSecond = perMinute / 60;
  const requests = await mixedRequests(world, {
    clients,
    count: Math.round(perSecond * seconds),
  });
  // What everybody's first request does once, and what the compiler still learns.
  const warming = requests.filter(({ method }) => method === 'GET').slice(0, 500);
  await runClient({
    origin: world.stack.urls.api,
    connections: 20,
    requests: warming,
    pace: { kind: 'open', perSecond: 100, seconds: 5 },
  });

  const before = await queryTimes(world);
  say(`${clients} clients, ${perMinute} requests a minute, for ${seconds} s`);
  const outcome = await runClient({
    origin: world.stack.urls.api,
    connections: clients,
    requests,
    pace: { kind: 'open', perSecond, seconds },
  });
  const queries = (await queryTimes(world)).map(([limit, count], index): [number, number] => [
    limit,
    count - (before[index]?.[1] ?? 0),
  ]);
  const memory = residentMegabytes(world);
  const owed = await owedAfter(world);
  await world.settle(say);

  const { answered, failed, failures, times, worstLagMs } = outcome;
  const all = Object.values(times).flat();
  const p95 = percentile(all, 0.95);
  const kinds = Object.fromEntries(
    Object.entries(times).map(([kind, values]) => [
      kind,
      { count: values.length, p50: percentile(values, 0.5), p95: percentile(values, 0.95) },
    ]),
  );
  const query = percentileOf(queries, 0.95);
  const memoryRow = (name: 'api' | 'worker', most: number): Row => {
    const { now = Number.NaN, peak = Number.NaN } = memory[name] ?? {};
    return {
      figure: `memory after the load, ${name === 'api' ? 'API' : 'worker'}`,
      measured: `${now} MB, peak ${peak} MB`,
      target: `<= ${most} MB`,
      met: now <= most,
    };
  };
  return [
    {
      figure: `${clients} clients, ${perMinute} requests/min, p95`,
      measured: `${rounded(p95)} ms (p50 ${rounded(percentile(all, 0.5))}, p99 ${rounded(percentile(all, 0.99))})`,
      target: '< 100 ms',
      met: p95 < 100,
      detail: { answered, seconds: outcome.seconds, kinds, worstLagMs, owed },
    },
    {
      figure: 'errors under that load',
      measured: `${failed} of ${answered + failed}`,
      target: '0',
      met: failed === 0,
      detail: { failures },
    },
    {
      figure: 'a query under that load, p95',
      measured: `${rounded(query * 1000)} ms`,
      target: '< 50 ms',
      met: query < 0.05,
      detail: { queries },
    },
    memoryRow('api', 250),
    memoryRow('worker', 400),
  ];
}

/** What the clients send, in turn; each client does a little of everything. */
async function mixedRequests(
  { prefix, people, admin, planIds, sql }: World,
  { clients, count }: { readonly clients: number; readonly count: number },
): Promise<Request[]> {
  const owned = await sql<{ userId: string; id: string }>(
    `SELECT DISTINCT ON (user_id) user_id AS "userId", id FROM shared.policy_subscriptions
     WHERE status = 'active' ORDER BY user_id, created_at`,
  );
  const subscriptions = new Map(owned.map(({ userId, id }) => [userId, id]));
  const unread = await sql<{ userId: string; id: string }>(
    `SELECT DISTINCT ON (recipient_user_id) recipient_user_id AS "userId", id
     FROM core.notifications WHERE channel = 'in_app' AND read_at IS NULL
     ORDER BY recipient_user_id, created_at DESC`,
  );
  const messages = new Map(unread.map(({ userId, id }) => [userId, id]));
  const at = (path: string, kind: string, { token }: Person): Request => ({
    kind,
    method: 'GET',
    path: `${prefix}${path}`,
    token,
  });
  const renewing = new Set<string>();
  let edited = 0;

  const requestOf = (turn: number): Request => {
    const client = turn % clients;
    const person = people[client % people.length];
    if (!person) throw new Error('There is nobody to measure with');
    const subscription = subscriptions.get(person.userId) ?? '';
    const plan = planIds[turn % planIds.length];
    const kind = (turn + Math.floor(turn / clients)) % 20;
    if (kind < 5) return listPlansRequest(prefix, person);
    if (kind < 7) return at(`/plans/${plan}`, 'get plan', person);
    if (kind < 10) return at('/subscriptions', 'list subscriptions', person);
    if (kind < 12) return at(`/subscriptions/${subscription}`, 'get subscription', person);
    if (kind < 13) return at(`/subscriptions/${subscription}/timeline`, 'timeline', person);
    if (kind < 15) return at('/notifications', 'list notifications', person);
    if (kind < 16) return at('/policies', 'list policies', person);
    if (kind < 17) return subscribeRequest(prefix, person, plan);
    if (kind < 18) {
      const isOn = renewing.delete(person.userId);
      if (!isOn) renewing.add(person.userId);
      return {
        kind: 'auto-renew',
        method: 'PATCH',
        path: `${prefix}/subscriptions/${subscription}/auto-renew`,
        token: person.token,
        body: { auto_renew: !isOn },
      };
    }
    if (kind < 19) {
      edited += 1;
      return {
        kind: 'edit plan',
        method: 'PATCH',
        path: `${prefix}/plans/${planIds[edited % planIds.length]}`,
        token: admin.token,
        body: { description: `Fire, water and storm, edition ${edited}` },
      };
    }
    return {
      kind: 'read notification',
      method: 'PATCH',
      path: `${prefix}/notifications/${messages.get(person.userId) ?? ''}/read`,
      token: person.token,
      body: {},
    };
  };
  return Array.from({ length: count }, (_, turn) => requestOf(turn));
}

/** The API's own histogram: upper limits in seconds, and how many were not above. */
async function queryTimes({ stack }: World): Promise<[number, number][]> {
  const metrics = await readMetrics(stack);
  return Array.from(
    metrics.matchAll(/^db_query_duration_seconds_bucket\{le="([^"]+)"\} (\d+)/gm),
    ([, limit, count]) => [limit === '+Inf' ? Infinity : Number(limit), Number(count)],
  );
}

/** In seconds, taken to lie evenly in its bucket, as Prometheus does. */
function percentileOf(buckets: readonly [number, number][], share: number): number {
  const wanted = (buckets.at(-1)?.[1] ?? 0) * share;
  const place = buckets.findIndex(([, count]) => count >= wanted);
  const [upper, through] = buckets[place] ?? [Number.NaN, Number.NaN];
  const [lower, below] = buckets[place - 1] ?? [0, 0];
  if (upper === Infinity) return Infinity;
  return lower + ((upper - lower) * (wanted - below)) / (through - below);
}

function residentMegabytes({ stack }: World) {
  const read = (pid: number) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const of = (field: string): number =>
      Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024);
    return { now: of('VmRSS'), peak: of('VmHWM') };
  };
  const { api, worker } = stack.pids();
  return {
    ...(api !== undefined && { api: read(api) }),
    ...(worker !== undefined && { worker: read(worker) }),
  };
}

async function owedAfter({ sql }: World): Promise<number> {
  const [left] = await sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM core.outbox WHERE dispatched_at IS NULL',
  );
  return left?.count ?? 0;
}
