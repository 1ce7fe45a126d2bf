import { setTimeout as pause } from 'node:timers/promises';
import type { Say } from '../../local/progress.ts';
import { runClient } from '../programs.ts';
import type { Row } from '../report.ts';
import { listPlansRequest, type Request } from '../requests.ts';
import { percentile, rounded } from '../statistics.ts';
import type { World } from '../world.ts';

const offeredPerSecond = 300;
const readsPerSecond = 50;

/** Wrong logins as many as the queue takes, and more; others list plans meanwhile, and before. */
export async function loginFlood(
  { stack, prefix, people }: World,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  say: Say,
): Promise<Row[]> {
  const origin = stack.urls.api;
  const reads = people.slice(0, 50).map((person) => listPlansRequest(prefix, person));
  const guesses = Array.from({ length: offeredPerSecond }, (_, index): Request => ({
    kind: 'login',
    method: 'POST',
    path: `${prefix}/auth/login`,
    body: {
      // Every other address is somebody's.
      email: `${index % 2 === 0 ? 'bench' : 'nobody'}-${index + 1}@holder.example`,
      password: `Wrong-Green-Otters-${index}`,
    },
  }));
  const read = (length: number) =>
    runClient({
      origin,
      connections: 50,
      requests: reads,
      pace: { kind: 'open', perSecond: readsPerSecond, seconds: length },
    });
  // The flood begins before the reads and ends after them; who has no answer yet asks no second time.
  const flood = () =>
    runClient({
      origin,
      connections: offeredPerSecond,
      requests: guesses,
      pace: {
        kind: 'open',
        perSecond: offeredPerSecond,
        seconds: seconds + 6,
        isPatient: true,
      },
    });

  const calm: number[] = [];
  const flooded: number[] = [];
  const statuses: Record<string, number> = {};
  const failures: string[] = [];
  const lags: number[] = [];
  await read(3);
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}: calm`);
    calm.push(...Object.values((await read(seconds)).times).flat());
    say(`round ${round} of ${rounds}: ${offeredPerSecond} wrong logins a second`);
    const floodOver = flood();
    await pause(3000);
    const during = await read(seconds);
    const guessed = await floodOver;
    flooded.push(...Object.values(during.times).flat());
    failures.push(...during.failures);
    lags.push(during.worstLagMs);
    for (const [status, count] of Object.entries(guessed.statuses)) {
      statuses[status] = (statuses[status] ?? 0) + count;
    }
  }
  const p95 = percentile(flooded, 0.95);
  const calmP95 = percentile(calm, 0.95);
  const others = Object.keys(statuses).filter((status) => !['401', '503'].includes(status));
  return [
    {
      figure: `list plans at ${readsPerSecond}/s under ${offeredPerSecond} wrong logins/s, p95`,
      measured: `${rounded(p95)} ms (p50 ${rounded(percentile(flooded, 0.5))}, ${failures.length} failed)`,
      baseline: `${rounded(calmP95)} ms without them`,
      ratio: rounded(p95 / calmP95, 2),
      target: '< 100 ms',
      met: p95 < 100 && failures.length === 0,
      detail: { answered: flooded.length, failures, worstLagMs: lags },
    },
    {
      figure: 'the wrong logins',
      measured: Object.entries(statuses)
        .map(([status, count]) => `${count} of ${status}`)
        .join(', '),
      target: '401 and 503 alone',
      met: others.length === 0,
      detail: { statuses },
    },
  ];
}
