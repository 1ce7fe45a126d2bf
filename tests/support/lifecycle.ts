import { readFileSync } from 'node:fs';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { attribute } from '../../src/workflows/searchAttributes.ts';
import type { SendMail } from '../../src/activities/notifications.ts';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { createWorkers } from '../../worker/createWorker.ts';
import { services } from './services.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
});

export type Mail = Parameters<SendMail>[0];

/** A time-skipping Temporal with our workers on it; shared time, so one journey after another. */
export async function openSkippingTemporal(): Promise<{
  readonly env: TestWorkflowEnvironment;
  readonly mails: Mail[];
  close(): Promise<void>;
}> {
  const { testServer, bundle } = services();
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: testServer } },
  });
  await env.connection.operatorService.addSearchAttributes({
    namespace: env.namespace ?? 'default',
    searchAttributes: Object.fromEntries(
      Object.values(attribute).map(({ name, type }) => [name, indexedType[type]]),
    ),
  });
  const namespace = env.namespace ?? 'default';
  const mails: Mail[] = [];
  const workers = await createWorkers({
    connection: env.nativeConnection,
    namespace,
    taskQueue: 'test',
    bundle: { code: readFileSync(bundle, 'utf8') },
    dependencies: {
      sendMail: async (mail) => {
        mails.push(mail);
      },
      openWorkflows: () => Promise.resolve(new Set()),
    },
    maxActivities: 8,
    mailsPerSecond: 1000,
  });
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    env,
    mails,
    async close() {
      for (const worker of workers) worker.shutdown();
      await running;
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
