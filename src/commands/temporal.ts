import {
  Client,
  Connection,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type WorkflowClientInterceptor,
} from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  defaultPayloadConverter,
  type Headers,
  type UpdateDefinition,
} from '@temporalio/common';
import type { Config } from '../config.ts';
import { currentContext } from '../context.ts';
import { NotFound, Refusal, Unavailable, type FieldProblem } from '../errors.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import { contextHeader } from '../workflows/context.ts';
import { searchAttributePairs } from '../workflows/searchAttributes.ts';

/** What the rest of the product asks of Temporal; its errors come back as ours. */
export interface Temporal {
  /** Content when the workflow runs already, or ran. @throws while Temporal is away */
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
  /** The step that keeps failing at present, where there is one; undefined also when Temporal is away. */
  failingStep(
    workflowId: string,
  ): Promise<{ name: string; attempt: number; error: string } | undefined>;
  /** Where operators see a run; ids contain slashes, so they are encoded. */
  uiUrl(workflowId: string): string;
  /** How many workers wait for workflow tasks. */
  pollers(): Promise<number>;
  readonly client: Client;
  readonly connection: Connection;
}

const deadlineMs = 3000;

/** Connects on first use, so that a process starts while Temporal is away. */
export function openTemporal({
  temporal: { address, namespace, taskQueue, uiUrl, tls, apiKey },
}: Pick<Config, 'temporal'>): Temporal {
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
  const inTime = <T>(work: () => Promise<T>): Promise<T> =>
    connection.withDeadline(Date.now() + deadlineMs, work);

  return {
    client,
    connection,

    uiUrl: (workflowId) =>
      `${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`,

    async pollers() {
      const { pollers } = await inTime(() =>
        connection.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: `${taskQueue}-lifecycle` },
          taskQueueType: 1,
        }),
      );
      return pollers?.length ?? 0;
    },

    async start(entry) {
      try {
        await inTime(() =>
          client.workflow.start(entry.workflowType, {
            workflowId: entry.workflowId,
            taskQueue: `${taskQueue}-lifecycle`,
            args: [entry.input],
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: entry.isRestart
              ? 'ALLOW_DUPLICATE_FAILED_ONLY'
              : 'REJECT_DUPLICATE',
            staticSummary: entry.summary,
            typedSearchAttributes: searchAttributePairs(entry.attributes),
            priority: { fairnessKey: entry.companyId },
          }),
        );
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },

    async command(update, { workflowId, commandId, wish }) {
      await inTime(() => connection.workflowService.getSystemInfo({})).catch((error: unknown) => {
        throw isGrpcServiceError(error) ? away() : error;
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

    async failingStep(workflowId) {
      try {
        const { raw } = await inTime(() => client.workflow.getHandle(workflowId).describe());
        const failing = raw.pendingActivities?.find(({ lastFailure }) => lastFailure);
        if (!failing) return undefined;
        return {
          name: failing.activityType?.name ?? 'step',
          attempt: failing.attempt ?? 0,
          error: failing.lastFailure?.message ?? '',
        };
      } catch {
        return undefined;
      }
    },
  };
}

/**
 * Which of these workflows are open, by Temporal's visibility. Ids come from rows and hold no quotes.
 */
export const openWorkflowsAmong =
  (client: Client) =>
  async (workflowIds: readonly string[]): Promise<ReadonlySet<string>> => {
    const open = new Set<string>();
    const quoted = workflowIds.map((id) => `'${id}'`).join(', ');
    const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${quoted})`;
    for await (const { workflowId } of client.workflow.list({ query })) open.add(workflowId);
    return open;
  };

const away = (): Unavailable =>
  new Unavailable('The workflow service is away; nothing was changed');

/** What a workflow refused reaches the caller word for word; what is unclear says so. */
function asRefusal(error: unknown): unknown {
  if (error instanceof WorkflowUpdateFailedError) {
    const failure = error.cause instanceof ActivityFailure ? error.cause.cause : error.cause;
    return failure instanceof ApplicationFailure ? refusalFrom(failure) : error;
  }
  if (error instanceof WorkflowNotFoundError)
    return new NotFound('There is no such running workflow');
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    return new Unavailable(
      'The command was taken and not answered yet; repeat it with the same Idempotency-Key',
      'COMMAND_PENDING',
    );
  }
  return isGrpcServiceError(error) ? away() : error;
}

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
};
