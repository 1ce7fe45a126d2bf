import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Context } from '@temporalio/activity';
import {
  bundleWorkflowCode,
  Worker,
  type ActivityInboundCallsInterceptor,
  type NativeConnection,
  type WorkerOptions as WorkerSettings,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { createActivities, type ActivityDependencies } from '../src/activities/index.ts';
import { activityInterceptor } from './activityInterceptor.ts';
import { createPrecedence } from './precedence.ts';

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** Prefix of the queues: `-lifecycle`, `-notifications`, `-webhooks`, `-payments` and so on. */
  readonly taskQueue: string;
  readonly bundle: WorkflowBundleOption;
  readonly dependencies: Omit<ActivityDependencies, 'mailsPerSecond'>;
  /** Steps at once over all queues but that of webhooks; not more than the connections of the pool. */
  readonly maxActivities: number;
  readonly mailsPerSecond: number;
  readonly identity?: string;
}

const sourceOf = (path: string): string =>
  fileURLToPath(new URL(`../src/${path}${extension}`, import.meta.url));

/** `.ts` from the sources, `.js` when built: paths in strings are not rewritten by the compiler. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/**
 * The rules that workflows judge by, and the date library below them, hold no state: one copy serves all
 * runs. A run with a copy of its own begins in 3.6 ms instead of 1.2, and takes 180 KB more of the cache.
 */
const sharedRules = ['claims', 'onboarding', 'policyApproval', 'subscriptions', 'workflowIds'];

/** The workflows as one script; takes seconds, so it is made once and shared. */
export const bundleWorkflows = async (): Promise<{ code: string }> =>
  bundleWorkflowCode({
    workflowsPath: sourceOf('workflows/index'),
    workflowInterceptorModules: [sourceOf('workflows/context'), sourceOf('workflows/rebuilt')],
    preloadModules: sharedRules.map((name) => sourceOf(`rules/${name}`)),
    logger: { ...console, log() {}, trace() {}, debug() {}, info() {} },
    webpackConfigHook: (config) => ({
      ...config,
      resolve: { ...config.resolve, extensionAlias: { '.ts': ['.ts', '.js'] } },
    }),
  });

/**
 * Steps at once of each queue, so that what waits for others never takes every connection. Webhooks have
 * no part in that: one holds no connection while it waits for an answer, which may take 15 seconds.
 * @param maxActivities of all other queues together; from six on that holds
 */
export function slotsOf(maxActivities: number) {
  const share = (part: number): number => Math.max(1, Math.floor(maxActivities * part));
  return {
    lifecycle: share(0.4),
    notifications: share(0.22),
    payments: share(0.13),
    documents: share(0.1),
    provisioning: share(0.06),
    webhooks: 50,
  };
}

/**
 * One worker for workflows and their SQL, one that sends mail at a bounded rate, one that calls the
 * webhooks of companies, two that set companies up and read documents, few at a time, and one that talks
 * to the payment gateway.
 */
export async function createWorkers({
  connection,
  namespace,
  taskQueue,
  bundle,
  dependencies,
  maxActivities,
  mailsPerSecond,
  identity = `${process.pid}@${hostname()}`,
}: WorkerOptions): Promise<readonly Worker[]> {
  const activities = createActivities({ ...dependencies, mailsPerSecond });
  const slots = slotsOf(maxActivities);
  const precedence = createPrecedence();
  const interceptedBy = (...more: readonly ActivityInboundCallsInterceptor[]) => ({
    activity: [
      (context: Context) => ({ inbound: activityInterceptor(context) }),
      ...more.map((inbound) => () => ({ inbound })),
    ],
  });
  const common: Omit<WorkerSettings, 'taskQueue'> = {
    connection,
    namespace,
    activities,
    identity,
    interceptors: interceptedBy(),
    maxHeartbeatThrottleInterval: '5 seconds',
    shutdownGraceTime: '20 seconds',
    shutdownForceTime: '30 seconds',
  };

  return Promise.all([
    Worker.create({
      ...common,
      taskQueue: `${taskQueue}-lifecycle`,
      interceptors: interceptedBy(precedence.first()),
      workflowBundle: bundle,
      maxCachedWorkflows: 100,
      maxConcurrentWorkflowTaskExecutions: 40,
      maxConcurrentActivityTaskExecutions: slots.lifecycle,
      workflowTaskPollerBehavior: { type: 'autoscaling', minimum: 2, maximum: 10 },
      activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, maximum: 10 },
    }),
    Worker.create({
      ...common,
      taskQueue: `${taskQueue}-notifications`,
      interceptors: interceptedBy(precedence.second()),
      maxConcurrentActivityTaskExecutions: slots.notifications,
      maxTaskQueueActivitiesPerSecond: mailsPerSecond,
    }),
    Worker.create({
      ...common,
      taskQueue: `${taskQueue}-webhooks`,
      maxConcurrentActivityTaskExecutions: slots.webhooks,
    }),
    Worker.create({
      ...common,
      taskQueue: `${taskQueue}-provisioning`,
      maxConcurrentActivityTaskExecutions: slots.provisioning,
    }),
    Worker.create({
      ...common,
      taskQueue: `${taskQueue}-documents`,
      maxConcurrentActivityTaskExecutions: slots.documents,
    }),
    Worker.create({
      ...common,
      taskQueue: `${taskQueue}-payments`,
      maxConcurrentActivityTaskExecutions: slots.payments,
    }),
  ]);
}
