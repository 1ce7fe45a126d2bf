import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { HttpConnection } from './httpConnection.ts';
import { insureAfter, insuredSoFar, withNewIds, type Request } from './requests.ts';

/** What the client program reads from its standard input. */
export interface Job {
  readonly origin: string;
  readonly connections: number;
  /** In turn, from the first again after the last. */
  readonly requests: readonly Request[];
  /** How many properties there are contracts for. */
  readonly insured: number;
  /**
   * `closed`: each connection sends its next request after an answer. `open`: requests leave evenly
   * spaced whatever is answered, and times count from when each was due.
   */
  readonly pace:
    | { readonly kind: 'closed'; readonly seconds: number }
    | {
        readonly kind: 'open';
        readonly perSecond: number;
        readonly seconds: number;
        /** What is due on a connection that still waits for an answer is left out. */
        readonly isPatient?: boolean;
      };
}

/** What it writes to its standard output. */
export interface Outcome {
  /** How many properties there are contracts for by then. */
  readonly insured: number;
  readonly seconds: number;
  readonly answered: number;
  readonly failed: number;
  /** The first few. */
  readonly failures: readonly string[];
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Milliseconds of each good answer. */
  readonly times: Readonly<Record<string, readonly number[]>>;
  /** How late requests left, at most: of this client's own doing. */
  readonly worstLagMs: number;
}

const job: Job = JSON.parse(await text(process.stdin));
insureAfter(job.insured);
process.stdout.write(JSON.stringify(await carryOut(job)), () => process.exit(0));

async function carryOut({ origin, connections, requests, pace }: Job): Promise<Outcome> {
  const times: Record<string, number[]> = {};
  const failures: string[] = [];
  const statuses: Record<string, number> = {};
  let answered = 0;
  let failed = 0;
  let sent = 0;
  let worstLagMs = 0;
  const host = new URL(origin).host;
  const prepared = requests.map((request) => ({ ...request, ...writer(request, host) }));
  const pool = Array.from({ length: connections }, () => new HttpConnection(origin));
  for (const connection of pool) await connection.open();

  const exchange = async (
    connection: HttpConnection,
    turn: number,
    startedAt = performance.now(),
  ): Promise<void> => {
    const request = prepared[turn % prepared.length];
    if (!request) return;
    try {
      const { status, body } = await connection.send(request.write());
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status < 200 || status > 299) throw new Error(`${status} ${body.slice(0, 300)}`);
      (times[request.kind] ??= []).push(Math.round((performance.now() - startedAt) * 100) / 100);
      answered += 1;
    } catch (error) {
      failed += 1;
      const reason = error instanceof Error ? error.message : String(error);
      if (failures.length < 10) failures.push(`${request.method} ${request.path}: ${reason}`);
      await pause(50);
    }
  };

  const startedAt = performance.now();
  if (pace.kind === 'closed') {
    const endsAt = startedAt + pace.seconds * 1000;
    await Promise.all(
      pool.map(async (connection) => {
        while (performance.now() < endsAt) await exchange(connection, sent++);
      }),
    );
  } else {
    const total = Math.round(pace.perSecond * pace.seconds);
    const queues = pool.map(() => Promise.resolve());
    const busy = new Set<number>();
    for (let index = 0; index < total; index += 1) {
      const dueAt = startedAt + (index * 1000) / pace.perSecond;
      const wait = dueAt - performance.now();
      if (wait > 1) await pause(wait);
      worstLagMs = Math.max(worstLagMs, performance.now() - dueAt);
      const place = index % pool.length;
      const connection = pool[place];
      if (!connection || (pace.isPatient && busy.has(place))) continue;
      const before = queues[place] ?? Promise.resolve();
      busy.add(place);
      queues[place] = before
        .then(() => exchange(connection, index, dueAt))
        .then(() => void busy.delete(place));
    }
    await Promise.all(queues);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  for (const connection of pool) connection.close();
  const insured = insuredSoFar();
  return { insured, seconds, answered, failed, failures, statuses, times, worstLagMs };
}

/** Everything but keys and new ids is written once. */
function writer({ method, path, token, body, keyed }: Request, host: string): { write(): string } {
  const content = body === undefined ? '' : JSON.stringify(body);
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Accept: application/json',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(method === 'GET'
      ? []
      : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(content)}`]),
  ].join('\r\n');
  if (!keyed) return { write: () => `${head}\r\n\r\n${content}` };
  return {
    write: () => `${head}\r\nIdempotency-Key: ${randomUUID()}\r\n\r\n${withNewIds(content)}`,
  };
}
