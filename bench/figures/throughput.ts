import type { Say } from '../../local/progress.ts';
import type { BaselineInput } from '../baseline.ts';
import { runClient, startServerProgram } from '../programs.ts';
import type { Row } from '../report.ts';
import {
  insurable,
  insureAfter,
  insuredSoFar,
  listPlansRequest,
  subscribeRequest,
  type Person,
  type Request,
} from '../requests.ts';
import { median, percentile, rounded, spread } from '../statistics.ts';
import type { World } from '../world.ts';

export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
}

const connections = 16;
const warmSeconds = 3;

interface Side {
  readonly origin: string;
  readonly requests: readonly Request[];
}

interface Measured {
  readonly perSecond: readonly number[];
  readonly p50: number;
  readonly p95: number;
}

/** List plans, against the same statements and against the SELECT alone, by plain pg in Koa. */
export async function listPlans(world: World, rounds: Rounds, say: Say): Promise<Row[]> {
  const baseline = await startBaseline(world);
  const requests = few(world).map((one) => listPlansRequest(world.prefix, one));
  try {
    const [product, statements, select] = await alternate(
      [
        { origin: world.stack.urls.api, requests },
        { origin: baseline.origin, requests: [plain('GET', '/list')] },
        { origin: baseline.origin, requests: [plain('GET', '/select')] },
      ],
      rounds,
      say,
    );
    return [
      compared('list plans', product, statements, 0.5, 'Koa + pg, same statements'),
      compared('list plans', product, select, 0.3, 'Koa + pg, the SELECT alone'),
    ];
  } finally {
    await baseline.stop();
  }
}

/**
 * Subscribe, against the same statements by plain pg in Koa. Temporal is held still meanwhile, since
 * the baseline starts no workflows either: what is owed stays in the outbox. Then once more with it.
 */
export async function subscribe(world: World, rounds: Rounds, say: Say): Promise<Row[]> {
  const baseline = await startBaseline(world);
  const { stack, prefix, planIds } = world;
  const requests = few(world).map((person, index) =>
    subscribeRequest(prefix, person, planIds[index % planIds.length]),
  );
  const product = { origin: stack.urls.api, requests };
  try {
    say('with Temporal working');
    const [whole] = await alternate([product], { ...rounds, rounds: 2 }, say);
    await stack.kill('temporal', 'SIGSTOP');
    try {
      const [alone, statements] = await alternate(
        [product, { origin: baseline.origin, requests: [plain('POST', '/subscribe')] }],
        rounds,
        say,
      );
      const row = compared('subscribe, dispatch held', alone, statements, 0.4, 'Koa + pg, same');
      return [
        row,
        {
          figure: 'subscribe, dispatch held',
          measured: shown(alone),
          target: '>= 300/s',
          met: median(alone?.perSecond ?? []) >= 300,
        },
        {
          figure: 'subscribe, Temporal and worker busy on the same machine',
          measured: shown(whole),
          target: '',
          ...(whole && { detail: whole }),
        },
      ];
    } finally {
      await stack.kill('temporal', 'SIGCONT');
    }
  } finally {
    await baseline.stop();
  }
}

/** So few that their sessions stay cached: the baseline looks nobody up. */
const few = ({ people }: World): readonly Person[] => people.slice(0, 20);

/** @param people who subscribe, or whose row is updated, in turn */
export function startBaseline(world: World, people = few(world)) {
  const { stack, prefix, planIds } = world;
  const [first] = people;
  if (!first) throw new Error('There is nobody to measure with');
  const input: BaselineInput = {
    list: listPlansRequest(prefix, first),
    subscribe: subscribeRequest(prefix, first, planIds[0]),
    userIds: people.map(({ userId }) => userId),
    insured: insuredSoFar() + insurable / 2,
    databaseUrl: stack.urls.apiDatabase,
    poolMax: 30,
  };
  // It subscribes twice by the product to learn the statements; the next one goes on after it.
  insureAfter(insuredSoFar() + 2);
  return startServerProgram('baseline', input, stack.env);
}

/** Each side in turn, round by round, so that other work on the machine meets all of them. */
async function alternate(
  sides: readonly Side[],
  { rounds, seconds }: Rounds,
  say: Say,
): Promise<Measured[]> {
  const outcomes = sides.map((): { perSecond: number[]; times: number[] } => ({
    perSecond: [],
    times: [],
  }));
  const run = (side: Side, length: number) =>
    runClient({ ...side, connections, pace: { kind: 'closed', seconds: length } });
  for (const side of sides) await run(side, warmSeconds);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, side] of sides.entries()) {
      const { answered, failed, failures, times, seconds: took } = await run(side, seconds);
      if (failed > 0) throw new Error(`${failed} requests failed: ${failures.join('; ')}`);
      outcomes[index]?.perSecond.push(rounded(answered / took));
      outcomes[index]?.times.push(...Object.values(times).flat());
    }
    const now = outcomes.map(({ perSecond }) => `${Math.round(perSecond.at(-1) ?? 0)}/s`);
    say(`round ${round} of ${rounds}: ${now.join(', ')}`);
  }
  return outcomes.map(({ perSecond, times }) => ({
    perSecond,
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
  }));
}

function compared(
  figure: string,
  product: Measured | undefined,
  baseline: Measured | undefined,
  least: number,
  what: string,
): Row {
  const ratios = (product?.perSecond ?? []).map(
    (value, round) => value / (baseline?.perSecond[round] ?? Number.NaN),
  );
  const ratio = rounded(median(ratios), 3);
  return {
    figure,
    measured: shown(product),
    baseline: `${shown(baseline)} ${what}`,
    ratio,
    target: `>= ${least}`,
    met: ratio >= least,
    detail: { product, baseline, ratios: ratios.map((each) => rounded(each, 3)) },
  };
}

const shown = (measured: Measured | undefined): string =>
  measured
    ? `${Math.round(median(measured.perSecond))}/s ${spread(measured.perSecond)}, p95 ${rounded(measured.p95)} ms`
    : '';

const plain = (method: Request['method'], path: string): Request => ({ kind: path, method, path });
