import { createServer } from 'node:http';
import { NativeConnection, Runtime, DefaultLogger } from '@temporalio/worker';
import { createTransport } from 'nodemailer';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { mailThrough } from '../src/activities/notifications.ts';
import { createDispatcher } from '../src/commands/dispatch.ts';
import { openTemporal, openWorkflowsAmong } from '../src/commands/temporal.ts';
import { createWorkflowOperations } from '../src/commands/workflowOperations.ts';
import { createDocumentRequests } from '../src/commands/documentRequests.ts';
import { createWorkflowCommands } from '../src/commands/workflows.ts';
import { readConfig } from '../src/config.ts';
import { armFailpoint, armOnSignal } from '../src/failpoints.ts';
import { adoptWarnings, createLogger, type Logger } from '../src/logger.ts';
import { defineModels } from '../src/models/all.ts';
import { databaseMetrics } from '../src/metrics.ts';
import { openDatabase } from '../src/models/database.ts';
import { openGateway } from '../src/gateways/openGateway.ts';
import { outgoingWebhooks } from '../src/gateways/outgoingWebhooks.ts';
import { createLinks } from '../src/models/secretLinks.ts';
import { selfCheck } from '../src/models/selfCheck.ts';
import { startFailure } from '../src/errors.ts';
import { webhookSealer } from '../src/secrets.ts';
import { stopGracefully } from '../src/stopping.ts';
import { openCheckpoints, startCheckpoints } from './checkpoints.ts';
import { openClamd } from '../src/scanner.ts';
import { openStorage } from '../src/storage/storage.ts';
import { openClosedRuns } from './closedRuns.ts';
import { createWorkers } from './createWorker.ts';
import { serveHealth } from './health.ts';
import { startRelay } from './relay.ts';
import { openReplay } from './replay.ts';
import { openReportSchedules } from './reportSchedules.ts';
import { runWorkers } from './runWorkers.ts';
import { ensureSchedules } from './schedules.ts';
import { startSealer } from './sealer.ts';
import { startWebhooks } from './webhooks.ts';
import { untilThere } from './untilThere.ts';
import { openTroubledRuns } from './troubledRuns.ts';
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
  const checkpoints = openCheckpoints(config);
  armFailpoint(config.failpoint);
  if (config.environment === 'test') armOnSignal();
  const { log, moduleLog } = createLogger(config, 'worker');
  adoptWarnings(log);
  const sdkMetrics = await freePort();
  installRuntime(moduleLog('temporal'), sdkMetrics);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const figures = databaseMetrics(registry, log, { isEchoed: config.database.echo });
  const database = openDatabase(
    {
      url: config.database.workerUrl,
      poolMax: config.database.poolMax,
      acquireTimeoutMs: config.database.acquireTimeoutMs,
      statementTimeoutMs: 8000,
      applicationName: 'surety-worker',
      onQuery: figures.onQuery,
    },
    defineModels,
  );
  figures.watchPool(database);
  const advice = await selfCheck();
  if (advice.length > 0) log.warn({ advice }, 'a superuser should run what db:roles prints');

  const temporal = openTemporal(config);
  const { address, namespace, taskQueue, tls, apiKey } = config.temporal;
  await untilThere(temporal.connection, log, async () => {
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
  const dispatcher = createDispatcher({ temporal, log: moduleLog('dispatch') });
  const workflows = createWorkflowCommands(temporal);
  const { carryOut } = createWorkflowOperations({ temporal, workflows, dispatcher });
  const bundle = await workflowBundle();
  const storage = await openStorage(config.documents);
  const workers = await createWorkers({
    connection,
    namespace,
    taskQueue,
    bundle,
    dependencies: {
      sendMail: mailThrough(transport, config.smtp.from),
      links: createLinks(config),
      openWorkflows: openWorkflowsAmong(temporal.client),
      troubledRuns: openTroubledRuns(temporal.client, taskQueue),
      closedRuns: openClosedRuns(temporal.client, taskQueue),
      replayRun: openReplay({ client: temporal.client, bundle, storage }),
      reportSchedules: openReportSchedules(temporal.client, taskQueue),
      operateRun: carryOut,
      answerRequest: createDocumentRequests({ workflows }).answer,
      allowedHosts: config.allowedHosts,
      platformDomain: config.platformDomain,
      documents: {
        storage,
        scan: config.documents.clamdAddress ? openClamd(config.documents.clamdAddress) : undefined,
      },
      gateway: await openGateway(config),
      webhooks: { send: outgoingWebhooks(config.webhooks), sealer: webhookSealer(config.webhooks) },
    },
    maxActivities: config.database.poolMax,
    mailsPerSecond: config.smtp.perSecond,
  });
  const relay = startRelay({ temporal, log: moduleLog('relay') });
  const webhooks = startWebhooks({ dispatch: dispatcher.dispatch, log: moduleLog('webhooks') });
  const sealer = startSealer({ log: moduleLog('sealer') });
  const checkpointing = startCheckpoints({ checkpoints, log: moduleLog('sealer') });
  const health = await serveHealth({
    host: config.host,
    port: config.workerPort,
    registry,
    workers,
    readSdkMetrics: () => readText(`http://127.0.0.1:${sdkMetrics}/metrics`),
  });
  const running = runWorkers(workers);
  const stop = stopGracefully({
    log,
    steps: {
      workers: () => running.stop(),
      webhooks: () => webhooks.stop(),
      starts: () => dispatcher.drained(),
      relay: () => relay.stop(),
      sealer: () => sealer.stop(),
      checkpoints: () => checkpointing.stop(),
      mail: () => transport.close(),
      connection: () => connection.close(),
      client: () => temporal.close(),
      database: () => database.close(),
      health: () => health.close(),
    },
  });
  running.ended.catch((error: unknown) => {
    log.fatal({ err: error }, 'a worker failed');
    stop('a worker failed', 1);
  });
  if (config.environment === 'production' && !config.documents.clamdAddress) {
    log.warn('documents are served unscanned: CLAMD_ADDRESS is not set');
  }
  log.info({ address, taskQueue }, 'worker ready');
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

const readText = async (url: string): Promise<string> => (await fetch(url)).text();
