import { setTimeout as pause } from 'node:timers/promises';
import type { Say } from '../../local/progress.ts';
import type { Row } from '../report.ts';
import { median, rounded } from '../statistics.ts';
import type { World } from '../world.ts';

const sealedWithinMs = 300_000;

/** As many lines as said are sealed by the worker, then verified through the API. */
export async function audit(
  world: World,
  { lines, rounds }: { readonly lines: number; readonly rounds: number },
  say: Say,
): Promise<Row[]> {
  const { stack, prefix, admin, sql } = world;
  say(`${lines} audit lines`);
  await sql(
    `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_id, actor_type, action, entity_type,
       entity_id, before, after, request_id, ip, user_agent)
     SELECT m.company_id, gen_random_uuid(), clock_timestamp(), m.user_id, 'user', 'UPDATE', 'plan',
       gen_random_uuid(), jsonb_build_object('premium', n || '.00', 'status', 'active'),
       jsonb_build_object('premium', n + 1 || '.00', 'status', 'expired'),
       'req_' || gen_random_uuid(), '192.0.2.' || n % 250, 'Mozilla/5.0 (X11; Linux x86_64) ' || n % 1000
     FROM platform.memberships m, generate_series(1, $2::int) n WHERE m.user_id = $1`,
    [admin.userId, lines],
  );
  const sealingFrom = performance.now();
  await allSealed(world, say);
  const sealingSeconds = (performance.now() - sealingFrom) / 1000;
  await sql('ANALYZE core.audit_logs, core.audit_seals');

  const perSecond: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const startedAt = performance.now();
    const answer = await fetch(`${stack.urls.api}${prefix}/audit-logs/verify`, {
      headers: { Authorization: `Bearer ${admin.token}` },
    });
    const { data }: { data?: { valid: boolean; checked: number } } = JSON.parse(
      await answer.text(),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    if (!data?.valid) throw new Error(`The audit is not valid: ${JSON.stringify(data)}`);
    perSecond.push(rounded(data.checked / seconds, 0));
    say(`round ${round} of ${rounds}: ${perSecond.at(-1)} lines a second`);
  }
  return [
    {
      figure: 'audit lines verified',
      measured: `${median(perSecond)}/s (sealed at ${rounded(lines / sealingSeconds, 0)}/s)`,
      target: '>= 50,000/s',
      met: median(perSecond) >= 50_000,
      detail: { lines, perSecond, sealingSeconds },
    },
  ];
}

/** Waits until no line of the audit is without its seal. */
export async function allSealed({ sql }: World, say: Say): Promise<void> {
  const counted = async (): Promise<{ lines: number; seals: number }> => {
    const [row] = await sql<{ lines: number; seals: number }>(
      `SELECT (SELECT count(*) FROM core.audit_logs)::int AS lines,
         (SELECT count(*) FROM core.audit_seals)::int AS seals`,
    );
    return row ?? { lines: 0, seals: 0 };
  };
  const startedAt = performance.now();
  for (let state = await counted(); state.seals < state.lines; state = await counted()) {
    if (performance.now() - startedAt > sealedWithinMs) throw new Error('They are not sealed');
    say(`${state.seals} of ${state.lines} sealed`);
    await pause(500);
  }
}
