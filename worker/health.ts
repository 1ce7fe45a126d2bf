import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { WorkerStatus } from '@temporalio/worker';
import { Gauge, type Registry } from 'prom-client';
import { outboxAge, parkedStarts } from '../src/commands/dispatch.ts';
import { createOverdueTimers } from '../src/commands/overdueTimers.ts';
import { sealingLag } from '../src/models/auditSeals.ts';
import { select, withGlobal } from '../src/models/database.ts';

/** Below what a scraper waits: Postgres may also keep silent, and the other figures are wanted then. */
const figureWithinMs = 3000;

/** What readiness asks of a `Worker`. */
export interface Polling {
  readonly options: { readonly workflowBundle?: object };
  getStatus(): Pick<WorkerStatus, 'runState' | 'workflowPollerState' | 'activityPollerState'>;
}

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  readonly workers: readonly Polling[];
  /** What the SDK counts, as text of the same format. */
  readonly readSdkMetrics: () => Promise<string>;
}

/** The worker's only doors: liveness, readiness, metrics. */
export async function serveHealth({
  host,
  port,
  registry,
  workers,
  readSdkMetrics,
}: HealthOptions): Promise<{ readonly port: number; close(): void }> {
  gauge(registry, {
    name: 'outbox_oldest_seconds',
    help: 'How long the oldest owed workflow start has waited',
    read: outboxAge,
  });
  gauge(registry, {
    name: 'outbox_parked',
    help: 'Owed workflow starts that failed too often and wait for an operator',
    read: parkedStarts,
  });
  gauge(registry, {
    name: 'timers_overdue',
    help: 'Timers that were due more than a minute ago and have not fired, counted up to 10,000',
    read: createOverdueTimers(),
  });
  gauge(registry, {
    name: 'audit_unsealed_seconds',
    help: 'How long the oldest audit line without a seal has waited',
    read: sealingLag,
  });
  const isReady = async (): Promise<boolean> => {
    if (!workers.every(isPolling)) return false;
    return withGlobal(() => select('SELECT 1')).then(
      () => true,
      () => false,
    );
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = (status: number, type: string, text: string): void => {
      response.writeHead(status, { 'Content-Type': type }).end(text);
    };
    if (request.url === '/health/live') return answer(200, 'application/json', '{"status":"live"}');
    if (request.url === '/health/ready') {
      return (await isReady())
        ? answer(200, 'application/json', '{"status":"ready"}')
        : answer(503, 'application/json', '{"status":"not ready"}');
    }
    if (request.url === '/metrics') {
      const texts = await Promise.all([registry.metrics(), readSdkMetrics().catch(() => '')]);
      return answer(200, registry.contentType, texts.join('\n'));
    }
    return answer(404, 'application/json', '{"status":"not found"}');
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () => void server.close(),
  };
}

/** The one for mail has no workflows, so nothing that asks for their tasks either. */
function isPolling(worker: Polling): boolean {
  const { runState, workflowPollerState, activityPollerState } = worker.getStatus();
  const hasWorkflows = worker.options.workflowBundle !== undefined;
  return (
    runState === 'RUNNING' &&
    activityPollerState === 'POLLING' &&
    (!hasWorkflows || workflowPollerState === 'POLLING')
  );
}

/** A figure out of the database, without a value while that is away: the others are still told. */
function gauge(
  registry: Registry,
  { name, help, read }: { name: string; help: string; read: () => Promise<number> },
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      const value = await inTime(read()).catch(() => undefined);
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('not in time')), figureWithinMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
