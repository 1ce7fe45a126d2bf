import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection, isGrpcDeadlineError } from '@temporalio/client';
import pg from 'pg';
import { transfersIn, type Transfer } from '../../local/gatewaySimulator.ts';
import type { ServiceName } from '../../local/services.ts';
import { startStack, type Stack } from '../../local/stack.ts';
import { failpointFileOf } from '../../src/failpoints.ts';
import type { Role } from '../../src/rules/permissions.ts';
import { backOff } from '../support/backoff.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Wish {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** After the API's prefix. */
  readonly path: string;
  /** JSON, or a form with files. */
  readonly body?: object;
  /** The Idempotency-Key. */
  readonly key?: string;
}

/** Somebody who is signed in; signs in once and stays so while the processes die. */
export interface Person {
  /** One try. @throws when no complete answer came */
  send(wish: Wish): Promise<Answer>;
  /** The same request, key included, until it is answered with anything but "not now". */
  insist(wish: Wish, withinMs?: number): Promise<Answer>;
}

/** The whole product, started as real processes on a data folder of its own. */
export interface Product {
  readonly stack: Stack;
  readonly temporal: Client;
  as(role: Role): Person;
  accountOf(role: Role): { readonly email: string; readonly password: string };
  /** As superuser; each call on a connection of its own, because servers die here. */
  sql<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Ends a process the hard way and starts it again. */
  restart(name: 'api' | 'worker'): Promise<void>;
  /** A process dies at this failpoint; one that does not run is started for it. */
  arm(name: 'api' | 'worker', failpoint: string): Promise<void>;
  /** Waits until a process has died by itself. */
  died(name: ServiceName): Promise<void>;
  /** Message-IDs of all that the mail server took, repetitions included. */
  messageIds(): string[];
  readonly planId: string;
  /** Answers of 500: each is a bug, however bad the day. */
  readonly broken: readonly string[];
  /** All answers of 500 and above. */
  readonly refusals: readonly string[];
  close(): Promise<void>;
}

const api = '/api/v1';

/** Properties that may be insured, each for one entry: a plan is sold to a person once for each. */
const insurable = Array.from({ length: 20_000 }, () => randomUUID());
let insured = 0;

export function newProperty(): string {
  const id = insurable[insured];
  if (id === undefined) throw new Error('There are no more properties to insure');
  insured += 1;
  return id;
}
const prefixedDir = path.join(tmpdir(), 'surety-bad-days-');

export async function openProduct(env: NodeJS.ProcessEnv = {}): Promise<Product> {
  const stack = await startStack({
    dataDir: mkdtempSync(prefixedDir),
    ports: 'free',
    built: true,
    throwaway: true,
    env: { ENVIRONMENT: 'test', LOG_LEVEL: 'info', ...env },
  });
  const connection = Connection.lazy({
    address: stack.urls.temporalAddress,
    channelArgs: { 'grpc.max_reconnect_backoff_ms': 1000 },
  });
  const broken: string[] = [];
  const refusals: string[] = [];
  const tokens = new Map<Role, string>();

  const sql = async <Row extends object>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: stack.urls.adminDatabase });
    await client.connect();
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  };

  const request = async (
    { method, path: route, body, key }: Wish,
    token?: string,
  ): Promise<Answer> => {
    const isForm = body instanceof FormData;
    const response = await fetch(`${stack.urls.api}${api}${route}`, {
      method,
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body && !isForm && { 'Content-Type': 'application/json' }),
        ...(key && { 'Idempotency-Key': key }),
      },
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(45_000),
    });
    const { status, headers } = response;
    const answer: unknown = await response.json();
    if (!isRecord(answer)) throw new Error(`${method} ${route} answered no object`);
    const told = `${method} ${route}: ${JSON.stringify(answer)}`;
    if (status === 500) broken.push(told);
    if (status >= 500) refusals.push(told);
    return { status, headers, body: answer };
  };

  const as = (role: Role): Person => {
    const send = async (wish: Wish): Promise<Answer> => {
      let token = tokens.get(role);
      if (!token) {
        const signedIn = await request({
          method: 'POST',
          path: '/auth/login',
          body: accountOf(stack.dataDir, role),
        });
        token = textIn(dataOf(signedIn), 'access_token');
        tokens.set(role, token);
      }
      return request(wish, token);
    };
    return {
      send,
      async insist(wish, withinMs = 300_000) {
        const deadline = Date.now() + withinMs;
        for (let tries = 1; ; tries += 1) {
          const answer = await send(wish).catch((error: unknown) => String(error));
          if (typeof answer !== 'string' && !isNotNow(answer)) return answer;
          if (Date.now() > deadline) {
            const last = typeof answer === 'string' ? answer : JSON.stringify(answer.body);
            throw new Error(`${wish.method} ${wish.path} was not answered in time: ${last}`);
          }
          await backOff(tries);
        }
      },
    };
  };

  // The demo data bring work along, which is not what is to fail.
  await until(
    'all that was seeded has begun and been told',
    async () => {
      const [left] = await sql<{ open: number }>(
        `SELECT ((SELECT count(*) FROM core.outbox WHERE dispatched_at IS NULL)
           + (SELECT count(*) FROM core.notifications WHERE status = 'queued'))::int AS open`,
      );
      return left?.open === 0;
    },
    120_000,
  );
  await sql(
    `INSERT INTO shared.properties (company_id, id, owner_id, name, description, address, price_per_night,
       currency, time_zone, check_in_time, check_out_time, max_guests, min_nights, max_nights,
       instant_book, cancellation_policy, status)
     SELECT p.company_id, ids.id, p.owner_id, 'Insured', 'Insured', 'Insured', 100,
       'EUR', 'Europe/Berlin', '15:00', '11:00', 2, 1, 30, false, 'strict', 'listed'
     FROM unnest($1::uuid[]) AS ids (id), (SELECT * FROM shared.properties LIMIT 1) p`,
    [insurable],
  );
  const [plan] = await sql<{ id: string }>(
    `SELECT id FROM shared.insurance_plans WHERE duration_months = 12 ORDER BY id LIMIT 1`,
  );
  return {
    stack,
    temporal: new Client({ connection }),
    as,
    accountOf: (role) => accountOf(stack.dataDir, role),
    sql,
    broken,
    refusals,
    planId: plan?.id ?? '',
    async restart(name) {
      stack.env['FAILPOINT'] = '';
      if (stack.pids()[name] !== undefined) await stack.kill(name);
      await stack.start(name);
    },
    async arm(name, failpoint) {
      const pid = stack.pids()[name];
      if (pid !== undefined) {
        const file = failpointFileOf(pid);
        writeFileSync(file, failpoint);
        process.kill(pid, 'SIGHUP');
        await until(`the ${name} is armed`, () => !existsSync(file), 30_000);
        return;
      }
      stack.env['FAILPOINT'] = failpoint;
      try {
        await stack.start(name);
      } catch (error) {
        // A failpoint that is passed on the way up ends it before it is ready.
        if (!String(error).includes('SIGKILL')) throw error;
      }
    },
    async died(name) {
      await until(`the ${name} has died`, () => stack.pids()[name] === undefined, 120_000);
    },
    messageIds: () => readMessageIds(path.join(stack.dataDir, 'mails')),
    async close() {
      await connection.close();
      await stack.stop();
      rmSync(stack.dataDir, { recursive: true });
    },
  };
}

/** How a run stands and what it has in its memory; asked again while its worker is too busy to answer. */
export async function seenBy<State extends object>(
  { temporal }: Product,
  workflowId: string,
): Promise<State & { readonly run: string }> {
  const handle = temporal.workflow.getHandle(workflowId);
  for (let tries = 1; ; tries += 1) {
    try {
      const { status } = await handle.describe();
      return { ...(await handle.query<State>('state')), run: status.name };
    } catch (error) {
      if (!isGrpcDeadlineError(error) || tries === 10) throw error;
    }
  }
}

/** Polls; the world outside of this process tells nobody when it is done. */
export async function until(
  what: string | (() => string),
  isSo: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) {
      const told = typeof what === 'string' ? what : what();
      throw new Error(`After ${withinMs / 1000} s it is not so: ${told}`);
    }
    await pause(100);
  }
}

/** A random choice that `SEED=…` repeats (mulberry32); the seed is printed. */
export function seededRandom(): { readonly seed: number; next(): number } {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  process.stderr.write(`SEED=${seed}\n`);
  let state = seed >>> 0;
  return {
    seed,
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

export const newKey = (): string => randomUUID();

/** As the gateway's own ledger has them: every state that a transfer was ever in. */
export const transfersOf = ({ stack }: Product): readonly Transfer[] =>
  transfersIn(path.join(stack.dataDir, 'gateway', 'ledger.jsonl'));

export const dataOf = ({ body, status }: Answer): Readonly<Record<string, unknown>> => {
  if (!isRecord(body['data'])) throw new Error(`${status} without data: ${JSON.stringify(body)}`);
  return body['data'];
};

export const textIn = (record: Readonly<Record<string, unknown>>, name: string): string => {
  const value = record[name];
  if (typeof value !== 'string') throw new Error(`No text ${name} in ${JSON.stringify(record)}`);
  return value;
};

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const isNotNow = ({ status, body }: Answer): boolean =>
  status === 503 || status === 500 || body['code'] === 'IDEMPOTENCY_IN_PROGRESS';

function accountOf(dataDir: string, role: Role): { email: string; password: string } {
  const accounts: { role: Role; email: string; password: string }[] = JSON.parse(
    readFileSync(path.join(dataDir, 'demo-accounts.json'), 'utf8'),
  );
  const account = accounts.find((each) => each.role === role);
  if (!account) throw new Error(`Nobody was seeded as ${role}`);
  return { email: account.email, password: account.password };
}

const readMessageIds = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.eml'))
    .map((name) => {
      const header = /^Message-ID:\s*(<[^>]+>)/im.exec(readFileSync(path.join(dir, name), 'utf8'));
      return header?.[1] ?? `no Message-ID in ${name}`;
    });
