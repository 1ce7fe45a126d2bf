import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reasonOf } from '../src/errors.ts';
import { step, type Say } from '../local/progress.ts';
import { startStack, type Stack } from '../local/stack.ts';
import { acknowledgements } from './figures/acknowledgements.ts';
import { audit } from './figures/audit.ts';
import { bookings } from './figures/bookings.ts';
import { claimTransitions, manyClaims } from './figures/claims.ts';
import { importEmployees } from './figures/employees.ts';
import { graphql } from './figures/graphql.ts';
import { inside } from './figures/inside.ts';
import { load } from './figures/load.ts';
import { schemas } from './figures/schemas.ts';
import { loginFlood } from './figures/loginFlood.ts';
import { provisioning } from './figures/provisioning.ts';
import { start } from './figures/start.ts';
import { listPlans, subscribe } from './figures/throughput.ts';
import { upload } from './figures/upload.ts';
import { dueTimers, firstTask } from './figures/workflows.ts';
import { keepResults, printTable, type Row } from './report.ts';
import { machineSpeed } from './speed.ts';
import { rounded } from './statistics.ts';
import { makeWorld, type World } from './world.ts';

/**
 * Run as a program: measures speed and memory on a stack of its own and prints one
 * table. `node --import tsx bench/run.ts [--quick] [names]`; without names all of them.
 */
const isQuick = process.argv.includes('--quick');
const sizes = isQuick
  ? {
      people: 100,
      rounds: { rounds: 2, seconds: 2 },
      load: { clients: 200, perMinute: 10_000, seconds: 10 },
      firstTask: { seconds: 5 },
      timers: { timers: 40, leadSeconds: 25 },
      starts: { rounds: 1 },
      audit: { lines: 20_000, rounds: 2 },
      schemas: { companies: 10 },
      inside: { rounds: 3, calls: 500 },
      provisioning: { count: 3 },
      flood: { rounds: 1, seconds: 5 },
      transitions: { seconds: 5 },
      claims: { rows: 20_000, seconds: 3 },
      bookings: { properties: 10_000, nights: 100_000, seconds: 5 },
      graphql: { rounds: 2, times: 20 },
      import: { lines: 10_000, rounds: 1 },
      acknowledgements: { employees: 1000, others: 20_000, rounds: 2 },
    }
  : {
      people: 1000,
      rounds: { rounds: 7, seconds: 4 },
      load: { clients: 1000, perMinute: 10_000, seconds: 60 },
      firstTask: { seconds: 30 },
      timers: { timers: 200, leadSeconds: 60 },
      starts: { rounds: 3 },
      audit: { lines: 200_000, rounds: 5 },
      schemas: { companies: 100 },
      inside: { rounds: 7, calls: 2000 },
      provisioning: { count: 20 },
      flood: { rounds: 3, seconds: 10 },
      transitions: { seconds: 30 },
      claims: { rows: 200_000, seconds: 10 },
      bookings: { properties: 100_000, nights: 1_000_000, seconds: 30 },
      graphql: { rounds: 7, times: 100 },
      import: { lines: 50_000, rounds: 3 },
      acknowledgements: { employees: 10_000, others: 200_000, rounds: 5 },
    };

type Measure = (world: World, say: Say) => Promise<Row[]>;

/** In the order in which they disturb each other least: `subscribe` leaves thousands of starts owed. */
const onStack: Readonly<Record<string, Measure>> = {
  list: (world, say) => listPlans(world, sizes.rounds, say),
  permission: (world, say) => inside(world, 'permission', sizes.inside, say),
  withTenant: (world, say) => inside(world, 'withTenant', sizes.inside, say),
  load: (world, say) => load(world, sizes.load, say),
  'login-flood': (world, say) => loginFlood(world, sizes.flood, say),
  provisioning: async (world, say) => [
    ...(await provisioning(
      world,
      { ...sizes.provisioning, isolation: 'shared', targetSeconds: 2 },
      say,
    )),
    ...(await provisioning(
      world,
      { ...sizes.provisioning, isolation: 'dedicated_schema', targetSeconds: 10 },
      say,
    )),
  ],
  'first-task': (world, say) => firstTask(world, sizes.firstTask, say),
  timers: (world, say) => dueTimers(world, sizes.timers, say),
  transitions: (world, say) => claimTransitions(world, sizes.transitions, say),
  upload,
  audit: (world, say) => audit(world, sizes.audit, say),
  schemas: (world, say) => schemas(world, sizes.schemas, say),
  acknowledgements: (world, say) => acknowledgements(world, sizes.acknowledgements, say),
  graphql: (world, say) => graphql(world, sizes.graphql, say),
  bookings: (world, say) => bookings(world, sizes.bookings, say),
  claims: (world, say) => manyClaims(world, sizes.claims, say),
  import: (world, say) => importEmployees(world, sizes.import, say),
  subscribe: (world, say) => subscribe(world, sizes.rounds, say),
};
const names = ['start', ...Object.keys(onStack)];

process.exitCode = await main(process.argv.slice(2).filter((word) => !word.startsWith('--')));
process.exit();

async function main(asked: readonly string[]): Promise<number> {
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`There is no figure ${unknown.join(', ')}: choose of ${names.join(', ')}.`);
    return 1;
  }
  const chosen = names.filter((name) => asked.length === 0 || asked.includes(name));
  const loadBefore = os.loadavg();
  const rows: Row[] = [];
  const failures: string[] = [];
  const measure = async (name: string, work: (say: Say) => Promise<Row[]>): Promise<void> => {
    const busyBefore = await busyShare();
    try {
      const found = await step(name, work);
      rows.push(...found.map((row) => ({ ...row, busyBefore })));
    } catch (error) {
      failures.push(`${name}: ${reasonOf(error)}`);
    }
  };

  if (chosen.includes('start')) await measure('start', (say) => start(sizes.starts, say));
  const ofStack = Object.entries(onStack).filter(([name]) => chosen.includes(name));
  if (ofStack.length > 0) {
    await onOwnStack(async (world) => {
      for (const [name, work] of ofStack) await measure(name, (say) => work(world, say));
    });
  }

  printTable(rows);
  const speed = machineSpeed();
  const what = `${asked.length === 0 ? 'all' : chosen.join('+')}${isQuick ? '-quick' : ''}`;
  const file = keepResults(what, rows, {
    quick: isQuick,
    failures,
    speed,
    load_average: { before: loadBefore, after: os.loadavg() },
  });
  console.log(
    `\nThis machine adds 100 million numbers in ${speed.additionsMs} ms and syncs a write in ${speed.syncMs} ms.`,
  );
  console.log(
    `Kept in ${file}. Load average before: ${loadBefore.map((n) => n.toFixed(1)).join(' ')}.`,
  );
  for (const failure of failures) console.error(failure);
  return failures.length === 0 ? 0 : 1;
}

/** How busy others keep the machine while nothing is measured, 0 to 1. */
async function busyShare(): Promise<number> {
  const read = () =>
    os.cpus().reduce(
      (sum, { times: { user, nice, sys, idle, irq } }) => ({
        idle: sum.idle + idle,
        all: sum.all + user + nice + sys + idle + irq,
      }),
      { idle: 0, all: 0 },
    );
  const before = read();
  await pause(2000);
  const after = read();
  return rounded(1 - (after.idle - before.idle) / (after.all - before.all), 2);
}

/** The product as in production, fsync included, in a folder that is gone afterwards. */
async function onOwnStack(work: (world: World) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'surety-bench-'));
  const interrupt = new AbortController();
  let stack: Stack | undefined;
  const onSignal = (): void => {
    interrupt.abort(new Error('interrupted'));
    void (stack?.stop() ?? Promise.resolve()).then(() => process.exit(130));
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    await step('Build', () => promisify(execFile)('npm', ['run', 'build']));
    stack = await startStack({
      dataDir,
      ports: 'free',
      built: true,
      seeded: true,
      step,
      signal: interrupt.signal,
      env: {
        ENVIRONMENT: 'production',
        DATABASE_ECHO: 'false',
        LOG_LEVEL: 'info',
        RATE_LIMIT_ENABLED: 'false',
        ACCESS_TOKEN_EXPIRE_MINUTES: '120',
        DATABASE_URL: '',
        TEMPORAL_ADDRESS: '',
        SMTP_URL: '',
        PAYMENT_GATEWAY_URL: '',
      },
    });
    const running = stack;
    const world = await step('People and plans', (say) =>
      makeWorld(running, { people: sizes.people, say }),
    );
    await work(world);
    await world.close();
  } finally {
    await step('Stopping', () => stack?.stop() ?? Promise.resolve());
    rmSync(dataDir, { recursive: true, force: true });
  }
}
