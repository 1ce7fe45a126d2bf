import { Agent, request } from 'node:http';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startProcess, type Child } from '../../local/children.ts';
import {
  expectMailsOnce,
  expectRowsOnce,
  expectWorkflowsAsRows,
  newEntry,
  settled,
  subscribe,
  type Entry,
} from './ledger.ts';
import { isRecord, newKey, openProduct, until, type Product } from './product.ts';

let product: Product;

/** Started outside of the stack, which does not say how a process ended. */
const startProgram = (name: 'api' | 'worker'): Promise<Child> =>
  startProcess({
    name,
    script: name === 'api' ? 'dist/src/api/main.js' : 'dist/worker/main.js',
    env: product.stack.env,
    logs: path.join(product.stack.dataDir, 'logs'),
    readyUrl: `${product.stack.urls[name]}/health/ready`,
    timeoutMs: 60_000,
  });

/** @returns how it ended, as a sentence, and after how many seconds */
async function terminate(child: Child): Promise<{ ending: string; seconds: number }> {
  const startedAt = performance.now();
  process.kill(child.pid, 'SIGTERM');
  const ending = await child.exited;
  return { ending, seconds: (performance.now() - startedAt) / 1000 };
}

interface Tally {
  /** Whole answers, by status. A 503 is one: the client knows that nothing was done. */
  readonly answers: Record<number, number>;
  /** Clients that were answered before. */
  acquainted: number;
  /** Properties whose purchase was answered 201. */
  readonly bought: Set<string>;
  /** The connection could not be made, or was closed before a request was put on it. */
  notAccepted: number;
  /** Let go, because this program stood still for longer than a client has for its next request. */
  late: number;
  /** A request was sent, and its answer came not at all or not to its end. */
  readonly broken: string[];
}

const answered = ({ answers }: Tally): number =>
  Object.values(answers).reduce((sum, count) => sum + count, 0);

/** One client with one connection of its own, kept alive from request to request. */
async function keepAsking(token: string, tally: Tally, isOver: () => boolean): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let answeredAt = performance.now();
  for (let n = 0; !isOver(); n += 1) {
    const entry = newEntry();
    const silentMs = Math.round(performance.now() - answeredAt);
    const outcome = await ask(agent, token, n % 10 === 0 ? entry : undefined);
    if (typeof outcome === 'number') tally.answers[outcome] = (tally.answers[outcome] ?? 0) + 1;
    else if (outcome === 'not accepted') tally.notAccepted += 1;
    else if (silentMs > 1500 && outcome === 'no answer: ECONNRESET') tally.late += 1;
    else tally.broken.push(`${outcome} after ${silentMs} ms of silence`);
    answeredAt = performance.now();
    if (outcome === 201) tally.bought.add(entry.propertyId);
    if (n === 0) tally.acquainted += 1;
    await pause(20 + Math.random() * 200);
  }
  agent.destroy();
}

const ask = (agent: Agent, token: string, entry: Entry | undefined): Promise<number | string> =>
  new Promise((resolve) => {
    const url = new URL(product.stack.urls.api);
    const body = entry
      ? JSON.stringify({
          insurance_plan_id: product.planId,
          insured_property_id: entry.propertyId,
        })
      : '';
    const sent = request(
      {
        agent,
        host: url.hostname,
        port: url.port,
        method: entry ? 'POST' : 'GET',
        path: entry ? '/api/v1/subscriptions' : '/api/v1/plans?page_size=5',
        headers: {
          Authorization: `Bearer ${token}`,
          ...(entry && {
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
            'Idempotency-Key': newKey(),
          }),
        },
      },
      (response) => {
        response.resume();
        response.once('end', () =>
          resolve(response.complete ? (response.statusCode ?? 0) : 'cut short'),
        );
        response.once('error', (error) => resolve(`cut: ${error.message}`));
      },
    );
    sent.once('error', (error) => {
      const code = 'code' in error ? String(error.code) : error.message;
      resolve(code === 'ECONNREFUSED' ? 'not accepted' : `no answer: ${code}`);
    });
    sent.end(body);
  });

describe('SIGTERM', () => {
  beforeEach(async () => {
    product = await openProduct();
  }, 300_000);

  afterEach(() => product.close(), 120_000);

  it('lets the API answer every request of 200 clients and exit 0 within 35 s', async () => {
    await product.stack.kill('api');
    const api = await startProgram('api');
    const signedIn = await fetch(`${product.stack.urls.api}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(product.accountOf('policyholder')),
    }).then((response) => response.json());
    const token =
      isRecord(signedIn) && isRecord(signedIn['data']) ? signedIn['data']['access_token'] : '';
    const tally: Tally = {
      answers: {},
      acquainted: 0,
      bought: new Set(),
      notAccepted: 0,
      late: 0,
      broken: [],
    };
    let isOver = false;
    const clients = Promise.all(
      Array.from({ length: 200 }, () => keepAsking(String(token), tally, () => isOver)),
    );
    // Who comes while the system's queue of connections is full waits in none that a server could answer.
    await until(
      'every client has been busy for a while',
      () => tally.acquainted === 200 && answered(tally) > 800,
      60_000,
    );

    const { ending, seconds } = await terminate(api);
    isOver = true;
    await clients;

    expect(ending).toContain('ended with code 0');
    expect(seconds).toBeLessThan(35);
    expect(tally.broken).toEqual([]);
    expect(tally.answers[500]).toBeUndefined();
    const rows = await product.sql<{ property: string }>(
      `SELECT insured_property_id AS property FROM shared.policy_subscriptions
       WHERE insured_property_id IS NOT NULL`,
    );
    expect(rows.map(({ property }) => property).toSorted()).toEqual([...tally.bought].toSorted());
    process.stderr.write(
      `API: answered ${JSON.stringify(tally.answers)}, ` +
        `${tally.notAccepted} refused connections, ${tally.late} let go, exit after ${seconds.toFixed(1)} s\n`,
    );
  }, 240_000);

  it('lets the worker end what it has begun and exit 0 within 35 s', async () => {
    await product.stack.kill('worker');
    const worker = await startProgram('worker');
    const ledger = Array.from({ length: 60 }, () => newEntry());
    const mailsBefore = product.messageIds().length;
    const buying = (async () => {
      for (const entry of ledger) await subscribe(product, entry, { key: newKey() });
    })();
    await until('it is at work', () => product.messageIds().length > mailsBefore + 3, 60_000);

    const { ending, seconds } = await terminate(worker);
    await buying;

    expect(ending).toContain('ended with code 0');
    expect(seconds).toBeLessThan(35);
    await product.stack.start('worker');
    const startedAt = performance.now();
    await settled(product, ledger, 120_000);
    expect(await expectMailsOnce(product)).toBe(0);
    await expectRowsOnce(product, ledger);
    await expectWorkflowsAsRows(product, ledger);
    process.stderr.write(
      `Worker: exit after ${seconds.toFixed(1)} s, ` +
        `all settled ${((performance.now() - startedAt) / 1000).toFixed(1)} s after the next\n`,
    );
  }, 420_000);
});
