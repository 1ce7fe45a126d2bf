import { createLinks } from '../../src/models/secretLinks.ts';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { activityInfo } from '@temporalio/activity';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { createDispatcher } from '../../src/commands/dispatch.ts';
import { openWorkflowsAmong, openTemporal, type Temporal } from '../../src/commands/temporal.ts';
import { createWorkflowOperations } from '../../src/commands/workflowOperations.ts';
import { createDocumentRequests } from '../../src/commands/documentRequests.ts';
import { createWorkflowCommands } from '../../src/commands/workflows.ts';
import type { ActivityDependencies } from '../../src/activities/index.ts';
import type { SendMail } from '../../src/activities/notifications.ts';
import { attribute } from '../../src/workflows/searchAttributes.ts';
import { openClosedRuns } from '../../worker/closedRuns.ts';
import { createWorkers } from '../../worker/createWorker.ts';
import { openReplay } from '../../worker/replay.ts';
import { openReportSchedules } from '../../worker/reportSchedules.ts';
import { ensureSearchAttributes } from '../../worker/searchAttributes.ts';
import { openTroubledRuns } from '../../worker/troubledRuns.ts';
import { services } from './services.ts';
import { startSkippingServer } from './skippingServer.ts';
import { noDocuments } from './documents.ts';
import { noWebhooks } from './webhooks.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
});

export type Mail = Parameters<SendMail>[0];

/** A Temporal with our workers on it, and the product's own way of asking it. */
export interface TestTemporal {
  readonly env: TestWorkflowEnvironment;
  readonly skipsTime: boolean;
  readonly temporal: Temporal;
  readonly taskQueue: string;
  /** What the notification worker sent, in order. */
  readonly mails: Mail[];
  close(): Promise<void>;
}

/** A busy machine takes longer than a person should wait. */
const answeredWithinMs = 20_000;

type Overrides = (mails: Mail[]) => Partial<ActivityDependencies>;

/** Years pass in seconds; time is shared by all runs on it, so one journey goes after another. */
export async function openSkippingTemporal(
  overrides: Overrides = () => ({}),
): Promise<TestTemporal> {
  const env = await startSkippingServer(services().testServer);
  await env.connection.operatorService.addSearchAttributes({
    namespace: env.namespace ?? 'default',
    searchAttributes: Object.fromEntries(
      Object.values(attribute).map(({ name, type }) => [name, indexedType[type]]),
    ),
  });
  // By the clock of this machine what is held until the morning would be for ever.
  const now = (): number => activityInfo().currentAttemptScheduledTimestampMs;
  return withWorkers(env, true, 'test', (mails) => ({ now, ...overrides(mails) }));
}

/** The real server, in real time; a queue of its own keeps other files' workers away. */
export async function openRealTemporal(overrides: Overrides = () => ({})): Promise<TestTemporal> {
  const env = await TestWorkflowEnvironment.createFromExistingServer({
    address: services().temporalAddress,
    namespace: 'default',
  });
  await ensureSearchAttributes(env.connection, 'default');
  return withWorkers(env, false, `test-${randomUUID()}`, overrides);
}

async function withWorkers(
  env: TestWorkflowEnvironment,
  skipsTime: boolean,
  taskQueue: string,
  overrides: Overrides,
): Promise<TestTemporal> {
  const namespace = env.namespace ?? 'default';
  const { address } = env;
  const temporal = openTemporal(
    { temporal: { address, namespace, taskQueue, uiUrl: '', tls: false, apiKey: undefined } },
    answeredWithinMs,
  );
  const mails: Mail[] = [];
  const dispatcher = createDispatcher({ temporal, log: pino({ level: 'silent' }) });
  const workflows = createWorkflowCommands(temporal);
  const { carryOut } = createWorkflowOperations({ temporal, workflows, dispatcher });
  const documents = noDocuments();
  const bundle = { code: readFileSync(services().bundle, 'utf8') };
  const workers = await createWorkers({
    connection: env.nativeConnection,
    namespace,
    taskQueue,
    bundle,
    dependencies: {
      sendMail: async (mail) => void mails.push(mail),
      openWorkflows: openWorkflowsAmong(temporal.client),
      troubledRuns: openTroubledRuns(temporal.client, taskQueue),
      closedRuns: openClosedRuns(temporal.client, taskQueue),
      replayRun: openReplay({ client: temporal.client, bundle, storage: documents.storage }),
      reportSchedules: openReportSchedules(temporal.client, taskQueue),
      operateRun: carryOut,
      answerRequest: createDocumentRequests({ workflows }).answer,
      links: createLinks({
        publicUrl: 'http://127.0.0.1:3000',
        secretKey: 'a secret of the tests',
      }),
      allowedHosts: [],
      platformDomain: undefined,
      documents,
      webhooks: noWebhooks(),
      ...overrides(mails),
    },
    maxActivities: 20,
    mailsPerSecond: 1000,
  });
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    env,
    skipsTime,
    temporal,
    taskQueue,
    mails,
    async close() {
      for (const worker of workers) worker.shutdown();
      await running;
      await dispatcher.drained();
      await temporal.close();
      await env.teardown();
    },
  };
}

/** Numbers of `temporal.api.enums.v1.IndexedValueType`. */
const indexedType = {
  TEXT: 1,
  KEYWORD: 2,
  INT: 3,
  DOUBLE: 4,
  BOOL: 5,
  DATETIME: 6,
  KEYWORD_LIST: 7,
} as const;
