import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { Say } from '../../local/progress.ts';
import { memoryDuring } from '../memory.ts';
import type { Row } from '../report.ts';
import { call, type Person, type Request } from '../requests.ts';
import { dateAt } from '../../src/rules/calendar.ts';
import { median, percentile, rounded } from '../statistics.ts';
import type { World } from '../world.ts';
import { acknowledgementWorkflowId } from '../../src/rules/workflowIds.ts';
import { startBaseline } from './throughput.ts';

const atOnce = 16;
/** Those who can sign in, and the others. */
const departments = { answering: 'Answering', silent: 'Silent' } as const;

interface Asked {
  readonly policyId: string;
  readonly send: (path: string, body?: object, by?: Person) => Promise<void>;
}

/** A document that many people have to read: asking, reminding and answering, and how far it is. */
export async function acknowledgements(
  world: World,
  {
    employees,
    others,
    rounds,
  }: {
    readonly employees: number;
    /** Acknowledgements of other policies. */
    readonly others: number;
    readonly rounds: number;
  },
  say: Say,
): Promise<Row[]> {
  const { stack, prefix, admin } = world;
  const send: Asked['send'] = (path, body = {}, { token } = admin) =>
    call(stack.urls.api, {
      kind: path,
      method: 'POST',
      path: `${prefix}${path}`,
      token,
      body,
      keyed: true,
    });
  say(`${employees} employees`);
  await employ(world, employees);
  const decider = await employDecider(world);
  const approve = (title: string, department?: string) =>
    approved(world, { send, decider, title, department });
  const asked = { policyId: await approve('Bench: what everybody reads'), send };

  say('publish');
  const published = await timed(world, asked, employees, 'acknowledgement_assigned', () =>
    send(`/compliance-policies/${asked.policyId}/publish`),
  );
  await world.settle(say);
  const wave = await remind(world, asked, employees, say);
  await world.settle(say);
  const documents = await answerable(world, { send, approve, count: rounds + 2 }, say);
  const answering = await answer(world, documents, say);
  await world.settle(say);
  const number = employees.toLocaleString('en');
  return [
    {
      figure: `published to ${number} employees: rows and messages written`,
      measured: `${published.seconds} s`,
      target: '<= 30 s',
      met: published.seconds <= 30,
      detail: published,
    },
    {
      figure: 'memory of the worker while it is',
      measured: `${published.peakMb} MB (before ${published.beforeMb} MB)`,
      target: '<= 400 MB',
      met: published.peakMb <= 400,
    },
    {
      figure: `${number} reminders due at once: messages written`,
      measured: `${wave.seconds} s`,
      target: '<= 60 s',
      met: wave.seconds <= 60,
      detail: wave,
    },
    ...answering,
    await progress(world, others, say),
  ];
}

/** The first of them are people of the world, who can answer. */
async function employ({ companyId, people, sql }: World, count: number): Promise<void> {
  await sql(
    `INSERT INTO shared.employees (company_id, id, customer_id, user_id, name, email, department,
       join_date)
     SELECT $1, gen_random_uuid(), c.id, u.id, 'Reader ' || n, 'reader-' || n || '@staff.example',
       CASE WHEN u.id IS NULL THEN $5 ELSE $2 END, '2020-01-01'
     FROM generate_series(1, $3::integer) AS n
       LEFT JOIN unnest($4::uuid[]) WITH ORDINALITY AS u (id, place) ON u.place = n
       JOIN shared.customers c ON c.company_id = $1 AND c.is_self`,
    [
      companyId,
      departments.answering,
      count,
      people.map(({ userId }) => userId),
      departments.silent,
    ],
  );
  await sql('ANALYZE shared.employees');
}

/** Somebody who approves what another has written. */
async function employDecider(world: World): Promise<Person> {
  const { companyId, sql } = world;
  const deciderId = uuid();
  await sql(
    `INSERT INTO platform.users (id, username, email, first_name, last_name)
     VALUES ($1, 'bench-decider', 'decider@bench.example', 'De', 'Cider')`,
    [deciderId],
  );
  await sql(
    `INSERT INTO platform.memberships (company_id, id, user_id, role)
     VALUES ($1, gen_random_uuid(), $2, 'compliance_manager')`,
    [companyId, deciderId],
  );
  const [decider] = await world.signIn([deciderId], 'compliance_manager');
  if (!decider) throw new Error('The decider cannot sign in');
  return decider;
}

/** @returns the policy, written by one person and approved by another */
async function approved(
  { sql }: World,
  {
    send,
    decider,
    title,
    department,
  }: Pick<Asked, 'send'> & {
    readonly decider: Person;
    readonly title: string;
    /** Everybody unless told. */
    readonly department: string | undefined;
  },
): Promise<string> {
  await send('/compliance-policies', {
    title,
    content: 'For work',
    ...(department && { audience_department: department }),
  });
  const [policy] = await sql<{ id: string }>(
    'SELECT id FROM shared.compliance_policies WHERE title = $1',
    [title],
  );
  if (!policy) throw new Error('The policy was not made');
  await send(`/compliance-policies/${policy.id}/submit`);
  await send(`/compliance-policies/${policy.id}/approve`, {}, decider);
  return policy.id;
}

/** Documents that those who can sign in are asked about. */
async function answerable(
  world: World,
  {
    send,
    approve,
    count,
  }: Pick<Asked, 'send'> & {
    readonly approve: (title: string, department: string) => Promise<string>;
    readonly count: number;
  },
  say: Say,
): Promise<string[]> {
  const documents: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    say(`document ${number} of ${count} to answer`);
    const id = await approve(`Bench: document ${number}`, departments.answering);
    await send(`/compliance-policies/${id}/publish`);
    documents.push(id);
  }
  await world.settle(say);
  return documents;
}

/** From the request until there are so many messages; and the memory of the worker meanwhile. */
async function timed(
  world: World,
  { policyId }: Asked,
  messages: number,
  template: string,
  work: () => Promise<void>,
): Promise<{ seconds: number; beforeMb: number; peakMb: number }> {
  const startedAt = performance.now();
  const { before, peak } = await memoryDuring(
    world,
    async () => {
      await work();
      for (let written = 0; written < messages; await pause(50)) {
        const [counted] = await world.sql<{ count: number }>(
          `SELECT count(*)::int AS count FROM core.notifications
           WHERE template_code = $1 AND channel = 'email' AND workflow_id = $2`,
          [template, acknowledgementWorkflowId(world.companyId, policyId)],
        );
        written = counted?.count ?? 0;
        if (performance.now() - startedAt > 300_000) throw new Error(`${written} ${template}`);
      }
    },
    'worker',
  );
  const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
  return {
    seconds: rounded((performance.now() - startedAt) / 1000),
    beforeMb: megabytes(before),
    peakMb: megabytes(peak),
  };
}

/** All are due a week from now, which is a day of reminders; the first of them wakes the keeper. */
async function remind(
  world: World,
  asked: Asked,
  employees: number,
  say: Say,
): Promise<{ seconds: number }> {
  const { policyId, send } = asked;
  say('reminders');
  await world.sql(
    `UPDATE shared.acknowledgements SET due_date = $2::date + 7, next_action = 'remind',
       next_action_at = now() WHERE policy_id = $1`,
    [policyId, dateAt(Date.now(), 'Europe/Berlin')],
  );
  const [first] = await world.sql<{ id: string }>(
    'SELECT id FROM shared.acknowledgements WHERE policy_id = $1 LIMIT 1',
    [policyId],
  );
  // The one that is reminded by hand besides has a message more.
  return timed(world, asked, employees + 1, 'acknowledgement_reminder', () =>
    send(`/acknowledgements/${first?.id}/remind`),
  );
}

/**
 * Everybody, one document after the other: the first to warm up, the second while the answers are confirmed by
 * mail, the others by turns with the bare update and with Temporal held still, since nobody mails for that.
 */
async function answer(world: World, documents: readonly string[], say: Say): Promise<Row[]> {
  const { stack, prefix, people, sql } = world;
  const tokens = new Map(people.map(({ userId, token }) => [userId, token]));
  const answersTo = async (policyId: string): Promise<Request[]> => {
    const rows = await sql<{ id: string; userId: string }>(
      `SELECT a.id, e.user_id AS "userId" FROM shared.acknowledgements a
         JOIN shared.employees e ON e.id = a.employee_id
       WHERE a.policy_id = $1 AND e.user_id IS NOT NULL ORDER BY a.id`,
      [policyId],
    );
    return rows.map(({ id, userId }) => ({
      kind: 'acknowledge',
      method: 'POST',
      path: `${prefix}/acknowledgements/${id}/acknowledge`,
      token: tokens.get(userId),
      body: { policy_version: 1, typed_name: 'Grace Hopper' },
    }));
  };
  const [first = [], second = [], ...parts] = await Promise.all(documents.map(answersTo));
  await sql(
    `INSERT INTO core.notification_preferences (company_id, id, user_id, muted)
     SELECT $1, gen_random_uuid(), id, '{"email": [], "in_app": []}' FROM unnest($2::uuid[]) AS u (id)
     ON CONFLICT DO NOTHING`,
    [world.companyId, people.map(({ userId }) => userId)],
  );
  const baseline = await startBaseline(world, people);
  const update: Request = { kind: 'update', method: 'POST', path: '/update' };
  const updates = first.map(() => update);
  try {
    await rateOf(baseline.origin, updates);
    await rateOf(stack.urls.api, first);
    const whole = await rateOf(stack.urls.api, second);
    say(`with Temporal working: ${whole}/s`);
    await world.settle(say);
    const ours: number[] = [];
    const bare: number[] = [];
    await stack.kill('temporal', 'SIGSTOP');
    try {
      for (const [index, part] of parts.entries()) {
        ours.push(await rateOf(stack.urls.api, part));
        bare.push(await rateOf(baseline.origin, updates));
        say(`round ${index + 1} of ${parts.length}: ${ours.at(-1)}/s, ${bare.at(-1)}/s`);
      }
    } finally {
      await stack.kill('temporal', 'SIGCONT');
    }
    const ratio = rounded(median(ours.map((rate, index) => rate / (bare[index] ?? NaN))), 3);
    const figure = 'acknowledge, with evidence, history, audit and confirmation';
    return [
      {
        figure: `${figure}, dispatch held`,
        measured: `${rounded(median(ours))}/s`,
        baseline: `${rounded(median(bare))}/s Koa + pg, one UPDATE in a transaction`,
        ratio,
        target: '>= 0.4',
        met: ratio >= 0.4,
        detail: { ours, bare },
      },
      {
        figure: `${figure}, which is mailed meanwhile`,
        measured: `${rounded(whole)}/s`,
        target: '',
      },
    ];
  } finally {
    await baseline.stop();
  }
}

/** All of the requests, so many at once. @returns how many a second */
async function rateOf(origin: string, requests: readonly Request[]): Promise<number> {
  const startedAt = performance.now();
  const left = [...requests];
  const work = async (): Promise<void> => {
    for (let next = left.pop(); next; next = left.pop()) await call(origin, next);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return rounded((requests.length * 1000) / (performance.now() - startedAt));
}

/** The same people asked about many more documents. */
async function progress(world: World, others: number, say: Say): Promise<Row> {
  const { stack, prefix, admin, companyId, sql } = world;
  say(`${others} acknowledgements`);
  const [counted] = await sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM shared.employees WHERE department = ANY ($1)',
    [Object.values(departments)],
  );
  for (let left = others, policy = 1; left > 0; policy += 1) {
    const size = Math.min(left, counted?.count ?? 1);
    left -= size;
    const policyId = uuid();
    await sql(
      `INSERT INTO shared.compliance_policies (company_id, id, type, title)
       VALUES ($1, $2, 'custom', 'Bench policy ' || $3::integer)`,
      [companyId, policyId, policy],
    );
    await sql(
      `INSERT INTO shared.compliance_policy_versions (company_id, id, policy_id, number, major, minor,
         content, content_sha256, requires_reack, authors)
       VALUES ($1, gen_random_uuid(), $2, 1, 1, 0, 'x', repeat('0', 64), true, '[]')`,
      [companyId, policyId],
    );
    await sql(
      `INSERT INTO shared.acknowledgements (company_id, id, policy_id, policy_version, employee_id,
         cycle, acknowledgement_type, customer_id, department, due_date, original_due_date, status)
       SELECT $1, gen_random_uuid(), $2, 1, e.id, 1, 'manual', e.customer_id,
         'Department ' || n % 20, current_date, current_date,
         CASE WHEN n % 3 = 0 THEN 'declined' ELSE 'pending' END
       FROM (SELECT id, customer_id, row_number() OVER () AS n FROM shared.employees
         WHERE department = ANY ($3) LIMIT $4) e`,
      [companyId, policyId, Object.values(departments), size],
    );
  }
  await sql('ANALYZE shared.acknowledgements, shared.compliance_counts');
  const times: number[] = [];
  for (let turn = 0; turn < 200; turn += 1) {
    const by = ['department', 'policy', 'customer', 'compliance'][turn % 4];
    const startedAt = performance.now();
    await call(stack.urls.api, {
      kind: 'progress',
      method: 'GET',
      path: `${prefix}/compliance/progress?by=${by}`,
      token: admin.token,
    });
    times.push(performance.now() - startedAt);
  }
  const p95 = percentile(times, 0.95);
  return {
    figure: `progress over ${others.toLocaleString('en')} acknowledgements, p95`,
    measured: `${rounded(p95)} ms (p50 ${rounded(median(times))} ms)`,
    target: '< 50 ms',
    met: p95 < 50,
    detail: { times },
  };
}
