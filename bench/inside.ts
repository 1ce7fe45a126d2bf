import { setTimeout as pause } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { decodeJwt } from 'jose';
import pg from 'pg';
import { createCompanies } from '../src/commands/companies.ts';
import { createSessions } from '../src/commands/sessions.ts';
import { readConfig } from '../src/config.ts';
import { defineModels } from '../src/models/all.ts';
import { openDatabase, select, withTenant } from '../src/models/database.ts';
import { allows } from '../src/rules/permissions.ts';
import { listen } from './statements.ts';

/** What the program reads from its standard input. */
export interface InsideInput {
  readonly what: 'permission' | 'withTenant';
  readonly token: string;
  readonly companyId: string;
  readonly databaseUrl: string;
  readonly rounds: number;
  readonly calls: number;
}

/** What it writes: milliseconds of one call in each round, and of the bare one beside it. */
export interface InsideOutcome {
  readonly product: readonly number[];
  readonly bare: readonly number[];
  /** Of one call, to the database. */
  readonly roundTrips: number;
}

/** How often something was sent to the database; what is asked in one turn travels together. */
let sent = 0;
let isGathering = false;
// Before there is a connection: each keeps the driver's function that it was made with.
listen(() => {
  if (isGathering) return;
  isGathering = true;
  sent += 1;
  process.nextTick(() => {
    isGathering = false;
  });
});

/** Calls the product's own functions in one process, with a cache and a pool of its own. */
const input: InsideInput = JSON.parse(await text(process.stdin));
const outcome = await (input.what === 'permission' ? permission(input) : tenant(input));
process.stdout.write(JSON.stringify(outcome), () => process.exit(0));

/** Who asks, which company, and whether that is allowed: all that stands before a route, cached. */
async function permission({ token, ...job }: InsideInput): Promise<InsideOutcome> {
  const database = open(job.databaseUrl);
  const sessions = createSessions();
  const companies = createCompanies(readConfig());
  const payload = decodeJwt(token);
  const check = async (): Promise<void> => {
    const actor = await sessions.actorOf(payload);
    await companies.resolve({ host: 'localhost', tokenCompanyId: actor.companyId });
    if (!allows(actor, 'subscription:create')) throw new Error('It is not allowed');
  };
  try {
    return await alternate(job, check, async () => undefined);
  } finally {
    sessions.close();
    await database.close();
  }
}

/** One SELECT in a transaction of one company, and alone on a pool. */
async function tenant(job: InsideInput): Promise<InsideOutcome> {
  const database = open(job.databaseUrl);
  const pool = new pg.Pool({ connectionString: job.databaseUrl, max: 1 });
  try {
    return await alternate(
      job,
      async () => void (await withTenant(job.companyId, () => select('SELECT 1'))),
      async () => void (await pool.query('SELECT 1')),
    );
  } finally {
    await pool.end();
    await database.close();
  }
}

/** Both in turn, round by round, so that other work on the machine meets both. */
async function alternate(
  { rounds, calls }: Pick<InsideInput, 'rounds' | 'calls'>,
  product: () => Promise<void>,
  bare: () => Promise<void>,
): Promise<InsideOutcome> {
  const timed = async (call: () => Promise<void>): Promise<number> => {
    const startedAt = performance.now();
    for (let done = 0; done < calls; done += 1) await call();
    return (performance.now() - startedAt) / calls;
  };
  for (const call of [product, bare]) await timed(call);

  const before = sent;
  await product();
  const roundTrips = sent - before;

  const times: { product: number[]; bare: number[] } = { product: [], bare: [] };
  for (let round = 0; round < rounds; round += 1) {
    times.product.push(await timed(product));
    times.bare.push(await timed(bare));
    await pause(100);
  }
  return { ...times, roundTrips };
}

function open(url: string) {
  const limits = { poolMax: 1, acquireTimeoutMs: 5000, statementTimeoutMs: 5000 };
  return openDatabase({ url, ...limits, applicationName: 'surety-bench' }, defineModels);
}
