import {
  Client,
  Connection,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type WorkflowClientInterceptor,
  type WorkflowHandle,
} from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  defaultPayloadConverter,
  defineSearchAttributeKey,
  SearchAttributeType,
  TimeoutFailure,
  type Headers,
  type SignalDefinition,
  type UpdateDefinition,
  type WorkflowIdReusePolicy,
} from '@temporalio/common';
import type { ReplayedRun, ReplayOrder } from '../rules/replays.ts';
import type { Config } from '../config.ts';
import { currentContext, type Actor } from '../context.ts';
import { NotFound, Refusal, Unavailable, type FieldProblem } from '../errors.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import type { ShownRun } from '../models/WorkflowDrift.ts';
import { codeFailsFrom } from '../rules/alerts.ts';
import { allows } from '../rules/permissions.ts';
import { replayWorkflowId } from '../rules/workflowIds.ts';
import { changed } from '../workflows/acknowledgement.ts';
import { gatewayNews } from '../workflows/payment.ts';
import { contextHeader } from '../workflows/context.ts';
import type { replayCheck } from '../workflows/replayCheck.ts';
import { attribute, searchAttributePairs } from '../workflows/searchAttributes.ts';

/** What the rest of the product asks of Temporal; its errors come back as ours. */
export interface Temporal {
  /**
   * Content when the workflow runs already, or ran; the keeper of acknowledgements is woken up.
   * @throws Unavailable while Temporal is away; another error is about this start itself
   */
  start(start: WorkflowStart): Promise<void>;
  /**
   * Sends a validated command and waits for its result. The same `commandId` has one effect.
   * @throws Refusal what the workflow answered; NotFound no such run; Unavailable SERVICE_UNAVAILABLE
   * when nothing was sent, COMMAND_PENDING when it may still take effect
   */
  command<Result, Wish>(
    update: UpdateDefinition<Result, [Wish]>,
    target: { readonly workflowId: string; readonly commandId: string; readonly wish: Wish },
  ): Promise<Result>;
  /**
   * Waits for the end of a command that was sent before.
   * @returns false where the run knows of none
   * @throws as `command`
   */
  outcome(sent: { readonly workflowId: string; readonly commandId: string }): Promise<boolean>;
  /**
   * Gives a run a hint; content when there is none, or when it is over.
   * @throws Unavailable while Temporal is away
   */
  tell(signal: SignalDefinition | typeof changed, workflowId: string): Promise<void>;
  /**
   * Asks a run to end its object and to undo what has to be undone; it is still under way afterwards.
   * @throws NotFound no such run; Unavailable
   */
  cancel(workflowId: string): Promise<void>;
  /** Ends a run at once; none of its code runs any more. @throws NotFound no such run; Unavailable */
  terminate(workflowId: string, reason: string): Promise<void>;
  /** What keeps a run from going on at present, if anything; undefined also when Temporal is away. */
  failingStep(workflowId: string): Promise<FailingStep | undefined>;
  /**
   * Ids of a company's runs of which a step failed for good, or whose own code fails: they go on once
   * somebody has helped. By Temporal's visibility, which lags by a second or so; the first 1,000.
   * @param suspects runs to ask one by one where Temporal does not list those whose code fails
   * @throws Unavailable while Temporal is away
   */
  blocked(
    companyId: string,
    suspects: () => Promise<readonly string[]>,
  ): Promise<readonly string[]>;
  /**
   * The latest run of a workflow, replayed by a worker; who asks for the same one meanwhile gets the
   * same answer.
   * @throws NotFound HISTORY_NOT_FOUND; Unavailable while Temporal or the workers are away or busy
   */
  replay(order: ReplayOrder): Promise<ReplayedRun>;
  /** Where operators see a run; ids contain slashes, so they are encoded. */
  uiUrl(workflowId: string): string;
  /** How many workers wait for workflow tasks. */
  pollers(): Promise<number>;
  /**
   * When a worker last asked each task queue for work; undefined where none has for minutes, or ever.
   * @throws Unavailable while Temporal is away
   */
  lastPolls(): Promise<ReadonlyMap<string, Date | undefined>>;
  /** Lets calls that nobody waits for any more come to their end, within their deadline. */
  close(): Promise<void>;
  readonly client: Client;
  readonly connection: Connection;
}

export interface FailingStep {
  readonly name: string;
  readonly attempt: number;
  readonly error: string;
  /**
   * What moves it: nothing but time, because it is tried again; an operator's `retryStep`; or other
   * code, because the workflow's own fails.
   */
  readonly movedBy: 'retry' | 'retryStep' | 'release';
}

const mostBlocked = 1000;

const [workflowTasks, activityTasks] = [1, 2];

/** Every queue of a worker, and the tasks that it is asked for. */
const queues = [
  { name: 'lifecycle', type: workflowTasks },
  { name: 'notifications', type: activityTasks },
  { name: 'webhooks', type: activityTasks },
  { name: 'payments', type: activityTasks },
  { name: 'documents', type: activityTasks },
  { name: 'provisioning', type: activityTasks },
] as const;

/** Where those who operate runs see this one; null for others. */
export const uiUrlFor = (
  actor: Actor,
  temporal: Pick<Temporal, 'uiUrl'>,
  workflowId: string,
): string | null => (allows(actor, 'workflow:operate') ? temporal.uiUrl(workflowId) : null);

/**
 * Connects on first use, so that a process starts while Temporal is away.
 * @param deadlineMs how long an answer is waited for
 */
export function openTemporal(
  { temporal: { address, namespace, taskQueue, uiUrl, tls, apiKey } }: Pick<Config, 'temporal'>,
  deadlineMs = 3000,
): Temporal {
  const connection = Connection.lazy({
    address,
    tls,
    ...(apiKey && { apiKey }),
    // By default up to 120 s pass after a long outage until the next try to connect.
    channelArgs: { 'grpc.max_reconnect_backoff_ms': 5000 },
  });
  const client = new Client({
    connection,
    namespace,
    interceptors: { workflow: [contextInterceptor] },
  });
  const underway = new Set<Promise<unknown>>();
  const inTime = <T>(work: () => Promise<T>, withinMs = deadlineMs): Promise<T> => {
    const call = connection.withDeadline(Date.now() + withinMs, work);
    underway.add(call);
    const done = (): void => void underway.delete(call);
    call.then(done, done);
    return call;
  };

  const ended = async (end: () => Promise<unknown>): Promise<void> => {
    try {
      await inTime(end);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) {
        throw new NotFound('There is no such running workflow');
      }
      throw passing.has(grpcStatus(error) ?? 0) ? away(error) : error;
    }
  };

  async function pollers(): Promise<number> {
    const { pollers: found } = await inTime(() =>
      connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: `${taskQueue}-lifecycle` },
        taskQueueType: 1,
      }),
    );
    return found?.length ?? 0;
  }

  const listed = (companyId: string, condition: string): Promise<readonly string[]> =>
    inTime(async () => {
      const query = `${attribute.companyId.name} = '${companyId}' AND ExecutionStatus = 'Running'
        AND ${condition}`;
      const found: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query, pageSize: mostBlocked })) {
        if (found.push(workflowId) === mostBlocked) break;
      }
      return found;
    });

  async function failingAmong(workflowIds: readonly string[]): Promise<readonly string[]> {
    const failing = await inTime(() =>
      Promise.all(
        workflowIds.map(async (workflowId) => {
          const described = client.workflow.getHandle(workflowId).describe();
          const { raw } = await described.catch(noneIfUnknown);
          return (raw?.pendingWorkflowTask?.attempt ?? 0) >= codeFailsFrom;
        }),
      ),
    );
    return workflowIds.filter((_, index) => failing[index]);
  }

  return {
    client,
    connection,
    pollers,

    async close() {
      await Promise.allSettled(underway);
      await connection.close();
    },

    uiUrl: (workflowId) =>
      `${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`,

    async lastPolls() {
      const asked = queues.map(async ({ name, type }) => {
        const { pollers: found } = await inTime(() =>
          connection.workflowService.describeTaskQueue({
            namespace,
            taskQueue: { name: `${taskQueue}-${name}` },
            taskQueueType: type,
          }),
        );
        // Seconds are Long objects.
        const polls = (found ?? []).map(
          ({ lastAccessTime }) => Number(String(lastAccessTime?.seconds ?? 0)) * 1000,
        );
        const last = polls.length > 0 ? new Date(Math.max(...polls)) : undefined;
        return [`${taskQueue}-${name}`, last] as const;
      });
      // None is left under way when another one fails.
      await Promise.allSettled(asked);
      try {
        return new Map(await Promise.all(asked));
      } catch (error) {
        throw grpcStatus(error) === undefined ? error : away(error);
      }
    },

    async start(entry) {
      try {
        const options = {
          workflowId: entry.workflowId,
          taskQueue: `${taskQueue}-lifecycle`,
          args: [entry.input],
          workflowIdReusePolicy: reusePolicyOf(entry),
          staticSummary: entry.summary,
          typedSearchAttributes: searchAttributePairs(entry.attributes),
          priority: { fairnessKey: entry.companyId },
        };
        const signal = signalOf(entry);
        await inTime<unknown>(() =>
          signal
            ? client.workflow.signalWithStart(entry.workflowType, { ...options, ...signal })
            : client.workflow.start(entry.workflowType, {
                ...options,
                workflowIdConflictPolicy: 'USE_EXISTING',
              }),
        );
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return;
        throw passing.has(grpcStatus(error) ?? 0) ? away(error) : error;
      }
    },

    async command(update, { workflowId, commandId, wish }) {
      await inTime(() => connection.workflowService.getSystemInfo({})).catch((error: unknown) => {
        throw grpcStatus(error) === undefined ? error : away(error);
      });
      try {
        return await inTime(() =>
          client.workflow
            .getHandle(workflowId)
            .executeUpdate(update, { updateId: commandId, args: [wish] }),
        );
      } catch (error) {
        throw asRefusal(error);
      }
    },

    async outcome({ workflowId, commandId }) {
      try {
        await inTime(() =>
          client.workflow.getHandle(workflowId).getUpdateHandle(commandId).result(),
        );
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError || grpcStatus(error) === unknown) return false;
        throw asRefusal(error);
      }
    },

    async tell(signal, workflowId) {
      try {
        await inTime(() => client.workflow.getHandle(workflowId).signal(signal));
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return;
        throw passing.has(grpcStatus(error) ?? 0) ? away(error) : error;
      }
    },

    cancel: (workflowId) => ended(() => client.workflow.getHandle(workflowId).cancel()),

    terminate: (workflowId, reason) =>
      ended(() => client.workflow.getHandle(workflowId).terminate(reason)),

    async replay(order) {
      const withinMs = 5 * deadlineMs;
      try {
        if ((await pollers()) === 0) throw notReplayed();
        const started = await inTime(() =>
          client.workflow.start<typeof replayCheck>('replayCheck', {
            workflowId: replayWorkflowId(order.companyId, order.workflowId),
            taskQueue: `${taskQueue}-lifecycle`,
            args: [order],
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowExecutionTimeout: withinMs,
            staticSummary: 'Replay of a run',
            typedSearchAttributes: [{ key: attribute.companyId, value: order.companyId }],
          }),
        );
        return await inTime(() => started.result(), withinMs);
      } catch (error) {
        throw whyNotReplayed(error);
      }
    },

    async blocked(companyId, suspects) {
      const needsAttention = `${attribute.needsAttention.name} = true`;
      try {
        try {
          return await listed(companyId, `(${needsAttention} OR ${isReported})`);
        } catch (error) {
          if (grpcStatus(error) !== invalidArgument) throw error;
        }
        const waiting = await listed(companyId, needsAttention);
        return [...waiting, ...(await failingAmong(await suspects()))];
      } catch (error) {
        throw grpcStatus(error) === undefined ? error : away(error);
      }
    },

    async failingStep(workflowId) {
      try {
        const handle = client.workflow.getHandle(workflowId);
        const { raw, typedSearchAttributes } = await inTime(() => handle.describe());
        // Before the others: no step and no command of such a run gets on.
        const problems = typedSearchAttributes.get(reportedProblems) ?? [];
        const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
        if (problems.length > 0 || attempt >= codeFailsFrom) {
          const { events } = await inTime(() => handle.fetchHistory()).catch(() => ({
            events: [],
          }));
          const error = lastFailureOfCode(events ?? []) ?? problems.join(', ');
          return { name: 'workflow', attempt, error, movedBy: 'release' };
        }
        if (typedSearchAttributes.get(attribute.needsAttention)) {
          // The flag alone already tells whom to call; the history may be out of reach.
          const { events } = await inTime(() => handle.fetchHistory()).catch(() => ({
            events: [],
          }));
          return { ...lastFailedStep(events ?? []), movedBy: 'retryStep' };
        }
        const failing = raw.pendingActivities?.find(({ lastFailure }) => lastFailure);
        if (!failing) return undefined;
        return {
          name: failing.activityType?.name ?? 'step',
          attempt: failing.attempt ?? 0,
          error: failing.lastFailure?.message ?? '',
          movedBy: 'retry',
        };
      } catch {
        return undefined;
      }
    },
  };
}

/** Set by Temporal itself, from 1.30 on, while the workflow's code fails again and again. */
const reportedProblems = defineSearchAttributeKey(
  'TemporalReportedProblems',
  SearchAttributeType.KEYWORD_LIST,
);

const isReported = `${reportedProblems.name} IN ('category=WorkflowTaskFailed', 'category=WorkflowTaskTimedOut')`;

/** gRPC's word for a search attribute that the server does not know. */
const invalidArgument = 3;

/** The same for an update, or a run. */
const unknown = 5;

type HistoryEvents = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>;

/** Only the first of several attempts is written down. */
const lastFailureOfCode = (events: HistoryEvents): string | undefined =>
  events.findLast((event) => event.workflowTaskFailedEventAttributes)
    ?.workflowTaskFailedEventAttributes?.failure?.message ?? undefined;

/** The step that was given up last: that is the one an operator is asked about. */
function lastFailedStep(events: HistoryEvents): Pick<FailingStep, 'name' | 'attempt' | 'error'> {
  const ends = events.map(
    (event) => event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes,
  );
  const end = ends.findLast(Boolean);
  // Ids are Long objects, equal by their digits.
  const eventOf = (id: unknown): HistoryEvents[number] | undefined =>
    events.find(({ eventId }) => String(eventId) === String(id));
  return {
    name:
      eventOf(end?.scheduledEventId)?.activityTaskScheduledEventAttributes?.activityType?.name ??
      'step',
    attempt: eventOf(end?.startedEventId)?.activityTaskStartedEventAttributes?.attempt ?? 0,
    error: end?.failure?.message ?? '',
  };
}

/** For all pages of a list. */
const listedWithinMs = 30_000;

/**
 * Those of these workflows that are open and what they show, by Temporal's visibility. Ids come from
 * rows and hold no quotes.
 */
export const openWorkflowsAmong =
  (client: Client) =>
  async (workflowIds: readonly string[]): Promise<ReadonlyMap<string, ShownRun>> => {
    const open = new Map<string, ShownRun>();
    const quoted = workflowIds.map((id) => `'${id}'`).join(', ');
    const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${quoted})`;
    await client.connection.withDeadline(Date.now() + listedWithinMs, async () => {
      for await (const { workflowId, typedSearchAttributes } of client.workflow.list({ query })) {
        open.set(workflowId, {
          stateVersion: typedSearchAttributes.get(attribute.stateVersion),
          dueAt: typedSearchAttributes.get(attribute.dueAt),
        });
      }
    });
    return open;
  };

/**
 * Ends the open workflows of a company for good; what they would still have done is not done.
 * @returns how many visibility listed, which lags by a second or so
 */
export const endWorkflowsOf =
  (client: Client) =>
  async (companyId: string): Promise<number> => {
    const query = `${attribute.companyId.name} = '${companyId}' AND ExecutionStatus = 'Running'`;
    let [listed, underway]: [number, Promise<void>[]] = [0, []];
    for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: 200 })) {
      listed += 1;
      underway.push(endRun(client, workflowId, runId));
      if (underway.length < maxEndings) continue;
      await Promise.all(underway);
      underway = [];
    }
    await Promise.all(underway);
    return listed;
  };

const maxEndings = 20;

async function endRun(client: Client, workflowId: string, runId: string): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId, runId).terminate('The company is removed');
  } catch (error) {
    // It ended by itself meanwhile.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** It has not begun, or its history is kept no longer. */
function noneIfUnknown(error: unknown): { readonly raw?: undefined } {
  if (error instanceof WorkflowNotFoundError) return {};
  throw error;
}

/** What a run that is there already hears of the start. */
function signalOf({ workflowType, input }: WorkflowStart) {
  if (workflowType === 'acknowledgement') return { signal: changed.name, signalArgs: [input] };
  return workflowType === 'payment' && 'isNews' in input
    ? { signal: gatewayNews.name, signalArgs: [] }
    : undefined;
}

/**
 * Runs of a report, or of a keeper, follow one another; a claim, and a version of a policy, live again after
 * their run has ended by itself.
 */
function reusePolicyOf({ isRestart, workflowType }: WorkflowStart): WorkflowIdReusePolicy {
  if (workflowType === 'report' || workflowType === 'acknowledgement') return 'ALLOW_DUPLICATE';
  if (!isRestart) return 'REJECT_DUPLICATE';
  return livesAgain.has(workflowType) ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY';
}

const livesAgain: ReadonlySet<string> = new Set(['claimProcessing', 'policyApproval']);

/** gRPC states that say nothing about the request itself: cancelled, deadline exceeded, unavailable. */
const passing: ReadonlySet<number> = new Set([1, 4, 14]);

/** The SDK wraps what gRPC answered, at times more than once; undefined where gRPC did not fail. */
function grpcStatus(error: unknown): number | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (isGrpcServiceError(each)) return each.code;
  }
  return undefined;
}

/** The cause is for the log; callers see the sentence. */
const away = (cause: unknown): Unavailable =>
  Object.assign(new Unavailable('The workflow service is away; nothing was changed'), { cause });

/** What a workflow refused reaches the caller word for word; what is unclear says so. */
function asRefusal(error: unknown): unknown {
  if (error instanceof WorkflowUpdateFailedError) {
    const failure = error.cause instanceof ActivityFailure ? error.cause.cause : error.cause;
    return failure instanceof ApplicationFailure ? refusalFrom(failure) : error;
  }
  if (error instanceof WorkflowNotFoundError)
    return new NotFound('There is no such running workflow');
  const isUnclear =
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || grpcStatus(error) !== undefined;
  // It was sent: whatever gRPC says, the workflow may have it already.
  return isUnclear ? pending(error) : error;
}

function whyNotReplayed(error: unknown): unknown {
  if (error instanceof WorkflowFailedError) {
    if (error.cause instanceof TimeoutFailure) return notReplayed(error);
    const failure = error.cause instanceof ActivityFailure ? error.cause.cause : error.cause;
    return failure instanceof ApplicationFailure ? refusalFrom(failure) : error;
  }
  const status = grpcStatus(error);
  if (status === undefined) return error;
  return status === deadlinePassed ? notReplayed(error) : away(error);
}

const deadlinePassed = 4;

const notReplayed = (cause?: unknown): Unavailable =>
  Object.assign(new Unavailable('No worker has replayed the run in time: they are away or busy'), {
    cause,
  });

const pending = (cause: unknown): Unavailable =>
  Object.assign(
    new Unavailable(
      'The command was sent and not answered yet: repeat it with its Idempotency-Key, or look at the ' +
        'resource before you send it again',
      'COMMAND_PENDING',
    ),
    { cause },
  );

interface RefusalFacts {
  readonly status: number;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly fields?: readonly FieldProblem[];
}

function refusalFrom(failure: ApplicationFailure): unknown {
  const [told] = failure.details ?? [];
  if (!isRefusalFacts(told) || !failure.type) return failure;
  return new Refusal(told.status, failure.type, failure.message, {
    facts: told.facts,
    details: told.fields ?? [],
  });
}

const isRefusalFacts = (value: unknown): value is RefusalFacts =>
  typeof value === 'object' &&
  value !== null &&
  'status' in value &&
  typeof value.status === 'number' &&
  'facts' in value;

const withContext = (headers: Headers): Headers => {
  const { requestId, companyId, actorId, actorType } = currentContext();
  return {
    ...headers,
    [contextHeader]: defaultPayloadConverter.toPayload({
      requestId,
      companyId,
      actorId,
      actorType,
    }),
  };
};

const contextInterceptor: WorkflowClientInterceptor = {
  start: (input, next) => next({ ...input, headers: withContext(input.headers) }),
  startUpdate: (input, next) => next({ ...input, headers: withContext(input.headers) }),
  signal: (input, next) => next({ ...input, headers: withContext(input.headers) }),
  signalWithStart: (input, next) => next({ ...input, headers: withContext(input.headers) }),
};
