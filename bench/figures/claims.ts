import { setTimeout as pause } from 'node:timers/promises';
import type { Say } from '../../local/progress.ts';
import type { BareInput } from '../bareUpdates.ts';
import { dateAt } from '../../src/rules/calendar.ts';
import { runClient, startServerProgram } from '../programs.ts';
import type { Row } from '../report.ts';
import { call, type Request } from '../requests.ts';
import { median, percentile, rounded } from '../statistics.ts';
import type { World } from '../world.ts';

const atOnce = 8;

/** A claim's step through its workflow, with row, history, audit, clocks and messages. */
export async function claimTransitions(
  world: World,
  { seconds }: { readonly seconds: number },
  say: Say,
): Promise<Row[]> {
  const { stack, prefix, admin } = world;
  const origin = stack.urls.api;
  const [first = '', second = ''] = await adjustersOf(world);
  const ids = await reportClaims(world, 5 * seconds + atOnce, say);
  const assign = (id: string, userId: string): Request => ({
    kind: 'assign',
    method: 'POST',
    path: `${prefix}/claims/${id}/assign`,
    token: admin.token,
    body: { user_id: userId, reason: 'Measured' },
    keyed: true,
  });

  say(`5 transitions a second for ${seconds} s`);
  const { times, failed, failures } = await runClient({
    origin,
    connections: 10,
    requests: ids.slice(atOnce).map((id) => assign(id, first)),
    pace: { kind: 'open', perSecond: 5, seconds },
  });
  if (failed > 0) throw new Error(failures.join('; '));
  const measured = times['assign'] ?? [];
  const p95 = percentile(measured, 0.95);
  await world.settle(say);

  say('as many as go');
  const own = ids.slice(0, atOnce);
  for (const id of own) await call(origin, assign(id, first));
  const ours = await rateOf(seconds, (turn, lane) =>
    call(origin, assign(own[lane] ?? '', turn % 2 === 0 ? second : first)),
  );
  await world.settle(say);
  const job: BareInput = { temporalAddress: stack.urls.temporalAddress, workflows: atOnce };
  const program = await startServerProgram('bareUpdates', job, process.env);
  const bareRate = (name: string): Promise<number> =>
    rateOf(seconds, (_, lane) =>
      call(program.origin, { kind: name, method: 'POST', path: `/${name}/${lane}` }),
    );
  await bareRate('step');
  const steps = await bareRate('step');
  const words = await bareRate('word');
  const transitions = await bareRate('transition');
  await program.stop();

  const ratio = ours / steps;
  return [
    {
      figure: 'a claim given to somebody, p95 at 5/s',
      measured: `${rounded(p95)} ms (p50 ${rounded(median(measured))} ms)`,
      target: '< 1 s',
      met: p95 < 1000,
      detail: { times: measured },
    },
    {
      figure: `claim transitions a second, ${atOnce} at once, against updates with one empty activity`,
      measured: `${rounded(ours)}/s`,
      baseline: `${rounded(steps)}/s`,
      ratio,
      target: '>= 0.5',
      met: ratio >= 0.5,
      detail: { updatesWithoutActivity: words, ratioToThem: ours / words },
    },
    {
      figure: 'the same against updates that ask of Temporal what they do, and of nothing else',
      measured: `${rounded(ours)}/s`,
      baseline: `${rounded(transitions)}/s: a clock, search attributes and a second activity more`,
      ratio: ours / transitions,
      target: '',
    },
  ];
}

/** Lists, search and the overview among as many policies and claims as said. */
export async function manyClaims(
  world: World,
  { rows, seconds }: { readonly rows: number; readonly seconds: number },
  say: Say,
): Promise<Row[]> {
  const { stack, prefix, admin, sql } = world;
  const [adjuster = ''] = await adjustersOf(world);
  await seed(world, rows, adjuster, say);
  const [policy] = await sql<{ id: string }>(
    `SELECT id FROM shared.policies WHERE policy_number = 'BENCH-0000777'`,
  );
  const kinds: readonly { readonly kind: string; readonly paths: readonly string[] }[] = [
    {
      kind: 'search policies',
      paths: ['BENCH-0001234', 'holder 4321', 'holder-77@', 'lovelace', 'nobody like this'].map(
        (word) => `/policies?search=${encodeURIComponent(word)}`,
      ),
    },
    {
      kind: 'ranked search of policies',
      paths: ['BENCH-0001234', 'holder 4321', 'lovelace'].map(
        (word) => `/policies/search?key_word=${encodeURIComponent(word)}`,
      ),
    },
    {
      kind: 'list claims',
      paths: [
        '/claims?status=under_review',
        '/claims?status=closed&page=50',
        `/claims?assigned_to=${adjuster}&sla_status=breached`,
        '/claims?sla_status=due_soon&priority=high',
        '/claims?incident_from=2026-03-01&incident_to=2026-03-07',
        `/claims?policy_id=${policy?.id ?? ''}`,
        '/claims?status=reported&sort_by=incident_date&sort_order=asc',
      ],
    },
  ];

  const found: Row[] = [];
  for (const { kind, paths } of kinds) {
    say(`${kind} among ${rows}`);
    const { times, failed, failures } = await runClient({
      origin: stack.urls.api,
      connections: 1,
      requests: paths.map((path) => ({
        kind: path,
        method: 'GET',
        path: `${prefix}${path}`,
        token: admin.token,
      })),
      pace: { kind: 'closed', seconds },
    });
    if (failed > 0) throw new Error(failures.join('; '));
    const all = Object.values(times).flat();
    const slowest = paths.map((path) => ({ path, p95: percentile(times[path] ?? [], 0.95) }));
    found.push({
      figure: `${kind} among ${rows}, p95 of ${paths.length} kinds together`,
      measured: `${rounded(percentile(all, 0.95))} ms (p50 ${rounded(median(all))} ms)`,
      target: '< 50 ms',
      met: percentile(all, 0.95) < 50,
      detail: { slowest: slowest.toSorted((a, b) => b.p95 - a.p95) },
    });
  }
  return [...found, await overview(world, rows, say)];
}

async function overview(world: World, rows: number, say: Say): Promise<Row> {
  const { stack, prefix, admin, sql } = world;
  say('claims_overview');
  const startedAt = performance.now();
  await call(stack.urls.api, {
    kind: 'report',
    method: 'POST',
    path: `${prefix}/reports`,
    token: admin.token,
    body: { name: 'Measured', report_type: 'claims_overview' },
  });
  for (;;) {
    const [report] = await sql<{ status: string; error: string | null }>(
      'SELECT status, error FROM shared.reports ORDER BY created_at DESC LIMIT 1',
    );
    if (report?.status === 'ready') break;
    if (report?.status === 'failed') throw new Error(`The report failed: ${report.error}`);
    if (performance.now() - startedAt > 120_000) throw new Error('The report is not ready');
    await pause(100);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    figure: `claims_overview of ${rows} claims, asked for to ready`,
    measured: `${rounded(seconds, 2)} s`,
    target: '< 10 s',
    met: seconds < 10,
  };
}

/** So many a second while `atOnce` lanes do one after another. */
async function rateOf(
  seconds: number,
  act: (turn: number, lane: number) => Promise<void>,
): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  const run = async (lane: number): Promise<void> => {
    for (let turn = 0; performance.now() - startedAt < seconds * 1000; turn += 1) {
      await act(turn, lane);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, lane) => run(lane)));
  return done / ((performance.now() - startedAt) / 1000);
}

async function adjustersOf({ companyId, sql }: World): Promise<string[]> {
  const found = await sql<{ id: string }>(
    `SELECT DISTINCT user_id AS id FROM platform.memberships
     WHERE company_id = $1 AND role IN ('adjuster', 'senior_adjuster')`,
    [companyId],
  );
  return found.map(({ id }) => id);
}

/** Each under a policy that was sold through the API. */
async function reportClaims(world: World, count: number, say: Say): Promise<string[]> {
  const { stack, prefix, admin, sql } = world;
  await world.subscribeAll(say);
  const today = dateAt(Date.now(), 'Europe/Berlin');
  const policies = await sql<{ id: string }>(
    `SELECT id FROM shared.policies WHERE status = 'active' AND start_date <= $2
     ORDER BY created_at LIMIT $1`,
    [count, today],
  );
  const left = Array.from({ length: count }, (_, index) => policies[index % policies.length]);
  const [now] = await sql<{ at: Date }>('SELECT clock_timestamp() AS at');
  say(`${count} claims`);
  const work = async (): Promise<void> => {
    for (let policy = left.pop(); policy; policy = left.pop()) {
      await call(stack.urls.api, {
        kind: 'report',
        method: 'POST',
        path: `${prefix}/policies/${policy.id}/claims`,
        token: admin.token,
        body: {
          title: 'Burst pipe',
          description: 'Water in the kitchen',
          incident_date: today,
        },
      });
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  await world.settle(say);
  const made = await sql<{ id: string }>(
    'SELECT id FROM shared.claims WHERE created_at >= $1 ORDER BY created_at',
    [now?.at],
  );
  return made.map(({ id }) => id);
}

/** Policies and one claim under each, as rows: no workflow waits for them. */
async function seed(
  { companyId, sql }: World,
  rows: number,
  adjuster: string,
  say: Say,
): Promise<void> {
  const batch = 20_000;
  for (let from = 1; from <= rows; from += batch) {
    const to = Math.min(rows, from + batch - 1);
    await sql(
      `WITH policy AS (
         INSERT INTO shared.policies (company_id, id, created_at, policy_number, policy_type,
           policyholder_name, policyholder_email, coverage_amount, premium, currency, start_date,
           end_date, status)
         SELECT $1::uuid, gen_random_uuid(), now() - n * interval '2 minutes',
           'BENCH-' || lpad(n::text, 7, '0'),
           (ARRAY['home', 'auto', 'business'])[1 + n % 3],
           CASE WHEN n % 500 = 0 THEN 'Ada Lovelace ' || n ELSE 'Holder ' || n END,
           'holder-' || n || '@holder.example', 100000, 365, 'EUR',
           date '2026-01-01', date '2027-01-01', 'active'
         FROM generate_series($2::int, $3::int) n RETURNING id, policy_number, created_at)
       INSERT INTO shared.claims (company_id, id, created_at, claim_number, policy_id, title,
         description, status, state_version, priority, sla_status, incident_date, claim_amount,
         approved_amount, paid_amount, currency, assigned_to, claimant_name, claimant_email, config,
         config_version, closed_outcome, closed_at, workflow_closed_at)
       SELECT $1::uuid, gen_random_uuid(), p.created_at, 'CLM-' || p.policy_number, p.id,
         'Burst pipe ' || n, 'Water in the kitchen', s.status, 4,
         (ARRAY['low', 'normal', 'high', 'catastrophe'])[1 + n % 4],
         CASE WHEN n % 10 = 0 THEN 'breached' WHEN n % 10 = 1 THEN 'due_soon' ELSE 'on_track' END,
         date '2026-01-01' + n % 300, 100 + n % 5000,
         CASE WHEN s.status IN ('paid', 'closed') THEN 100 + n % 4000 END,
         CASE WHEN s.status IN ('paid', 'closed') THEN 100 + n % 4000 ELSE 0 END, 'EUR',
         CASE WHEN s.status <> 'reported' AND n % 7 = 0 THEN $4::uuid END, 'Holder ' || n,
         'holder-' || n || '@holder.example', '{}', 1,
         CASE WHEN s.status = 'closed' THEN 'completed' END,
         CASE WHEN s.status = 'closed' THEN now() END, now()
       FROM policy p, LATERAL (SELECT right(p.policy_number, 7)::int AS n) AS numbered,
         LATERAL (SELECT (ARRAY['reported', 'assigned', 'under_review', 'investigation',
           'waiting_approval', 'paid', 'denied', 'closed', 'closed', 'closed'])[1 + n % 10] AS status) s`,
      [companyId, from, to, adjuster],
    );
    say(`${to} of ${rows} policies with a claim`);
  }
  await sql('VACUUM ANALYZE shared.policies, shared.claims');
}
