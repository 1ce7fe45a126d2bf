import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { NativeConnection, Runtime, DefaultLogger, type Worker } from '@temporalio/worker';
import { createTransport } from 'nodemailer';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { mailThrough } from '../src/activities/notifications.ts';
import { outboxAge } from '../src/commands/dispatch.ts';
import { openTemporal, openWorkflowsAmong } from '../src/commands/temporal.ts';
import { readConfig, type Config } from '../src/config.ts';
import { armFailpoint } from '../src/failpoints.ts';
import { createLogger, type Logger } from '../src/logger.ts';
import { defineModels } from '../src/models/all.ts';
import { openDatabase, select, withGlobal } from '../src/models/database.ts';
import { selfCheck } from '../src/models/selfCheck.ts';
import { startFailure } from '../src/errors.ts';
import { createWorkers } from './createWorker.ts';
import { startRelay } from './relay.ts';
import { ensureSchedules } from './schedules.ts';
import { ensureSearchAttributes } from './searchAttributes.ts';
import { workflowBundle } from './workflowBundle.ts';

/** Run as a program: workflows, activities and the relay until SIGTERM or Ctrl-C. */
try {
  await main();
} catch (error) {
  console.error(startFailure(error));
  process.exit(1);
}

async function main(): Promise<void> {
  const config = readConfig();
  armFailpoint(config.failpoint);
  const { log, moduleLog } = createLogger(config, 'worker');
  const sdkMetrics = await freePort();
  installRuntime(moduleLog('temporal'), sdkMetrics);
  const database = openDatabase(
    {
      url: config.database.workerUrl,
      poolMax: config.database.poolMax,
      acquireTimeoutMs: config.database.acquireTimeoutMs,
      statementTimeoutMs: 8000,
      applicationName: 'surety-worker',
    },
    defineModels,
  );
  await selfCheck();

  const temporal = openTemporal(config);
  const { address, namespace, taskQueue, tls, apiKey } = config.temporal;
  await untilThere('Temporal', log, async () => {
    await ensureSearchAttributes(temporal.connection, namespace);
    await ensureSchedules(temporal.client, taskQueue);
  });
  const connection = await NativeConnection.connect({ address, tls, ...(apiKey && { apiKey }) });
  const transport = createTransport({
    url: config.smtp.url,
    pool: true,
    maxConnections: 5,
    // Together below the time that one delivery has.
    connectionTimeout: 5000,
    greetingTimeout: 5000,
    socketTimeout: 15_000,
  });
  const workers = await createWorkers({
    connection,
    namespace,
    taskQueue,
    bundle: await workflowBundle(),
    dependencies: {
      sendMail: mailThrough(transport, config.smtp.from),
      openWorkflows: openWorkflowsAmong(temporal.client),
    },
    maxActivities: Math.min(20, config.database.poolMax),
    mailsPerSecond: config.smtp.perSecond,
  });
  const relay = startRelay({ temporal, log: moduleLog('relay') });
  const running = Promise.all(workers.map((worker) => worker.run()));
  const health = await serveHealth(config, workers, sdkMetrics);
  log.info({ address, taskQueue }, 'worker ready');

  let stopping: Promise<void> | undefined;
  const stop = (reason: string, exitCode: number): void => {
    stopping ??= (async () => {
      log.info({ reason }, 'stopping');
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await running.catch(() => undefined);
      await relay.stop();
      transport.close();
      await connection.close();
      await temporal.connection.close();
      await database.close();
      health.close();
      process.exit(exitCode);
    })();
  };
  process.once('SIGTERM', () => stop('SIGTERM', 0));
  process.once('SIGINT', () => stop('SIGINT', 0));
  process.once('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection');
    stop('unhandled rejection', 1);
  });
  running.catch((error: unknown) => {
    log.fatal({ err: error }, 'a worker failed');
    stop('a worker failed', 1);
  });
}

/**
 * Temporal's own lines become ours, and its figures stand on a loopback port that `/metrics` reads.
 * Must come before anything else of the SDK.
 */
function installRuntime(log: Logger, metricsPort: number): void {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      log[levels[level]]({ ...rest, ...(error !== undefined && { err: error }) }, message);
    }),
    telemetryOptions: {
      logging: { filter: 'WARN', forward: {} },
      metrics: {
        prometheus: { bindAddress: `127.0.0.1:${metricsPort}`, countersTotalSuffix: true },
      },
    },
  });
}

const levels = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Keeps asking, with one line a time, while a dependency is not there yet. */
async function untilThere(what: string, log: Logger, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 30) throw error;
      log.warn({ err: error, attempt }, `${what} is not there yet`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

async function serveHealth(
  { host, workerPort }: Pick<Config, 'host' | 'workerPort'>,
  workers: readonly Worker[],
  sdkMetrics: number,
): Promise<{ close(): void }> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'outbox_oldest_seconds',
    help: 'How long the oldest owed workflow start has waited',
    registers: [registry],
    async collect() {
      this.set(await outboxAge());
    },
  });
  const isReady = async (): Promise<boolean> => {
    if (!workers.every((worker) => worker.getState() === 'RUNNING')) return false;
    return withGlobal(() => select('SELECT 1')).then(
      () => true,
      () => false,
    );
  };
  const server = createServer((request, response) => void serve(request, response));
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
      const sources = [
        registry.metrics(),
        fetch(`http://127.0.0.1:${sdkMetrics}/metrics`).then((told) => told.text()),
      ];
      return Promise.all(sources).then(
        (texts) => answer(200, registry.contentType, texts.join('\n')),
        () => answer(503, 'text/plain', 'metrics are not available'),
      );
    }
    return answer(404, 'application/json', '{"status":"not found"}');
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(workerPort, host, resolve);
  });
  return { close: () => void server.close() };
}
