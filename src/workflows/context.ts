import {
  defaultPayloadConverter,
  type Headers,
  type WorkflowInterceptors,
} from '@temporalio/workflow';

/** Who and what caused the present step; ids only. Travels as one Temporal header. */
export interface CauseContext {
  readonly requestId: string;
  readonly companyId?: string | undefined;
  readonly actorId?: string | null | undefined;
  readonly actorType?: 'user' | 'api_key' | 'workflow' | 'system' | undefined;
}

export const contextHeader = 'surety-context';

// One workflow has its own module state; several steps never run at once (see inbox.ts).
const started: { cause: CauseContext } = { cause: { requestId: '' } };
const updates = new Map<string, CauseContext>();
let present: CauseContext | undefined;

/** Lets the activities of one command act for whoever sent it, until called with undefined. */
export const actFor = (updateId: string | undefined): void => {
  present = updateId === undefined ? undefined : updates.get(updateId);
  if (updateId !== undefined) updates.delete(updateId);
};

const read = (headers: Headers): CauseContext | undefined => {
  const payload = headers[contextHeader];
  return payload && defaultPayloadConverter.fromPayload<CauseContext>(payload);
};

/** A timer has no sender: what it does is done by the workflow, for the request that began it. */
const write = (headers: Headers): Headers => {
  const cause: CauseContext = present ?? {
    requestId: started.cause.requestId,
    companyId: started.cause.companyId,
    actorId: null,
    actorType: 'workflow',
  };
  return { ...headers, [contextHeader]: defaultPayloadConverter.toPayload(cause) };
};

/** Loaded by the worker for every workflow; adds no awaits. */
export const interceptors = (): WorkflowInterceptors => ({
  inbound: [
    {
      execute: (input, next) => {
        started.cause = read(input.headers) ?? started.cause;
        return next(input);
      },
      handleUpdate: (input, next) => {
        const cause = read(input.headers);
        if (cause) updates.set(input.updateId, cause);
        return next(input);
      },
    },
  ],
  outbound: [
    {
      scheduleActivity: (input, next) => next({ ...input, headers: write(input.headers) }),
      startChildWorkflowExecution: (input, next) =>
        next({ ...input, headers: write(input.headers) }),
      continueAsNew: (input, next) =>
        next({
          ...input,
          headers: {
            ...input.headers,
            [contextHeader]: defaultPayloadConverter.toPayload(started.cause),
          },
        }),
    },
  ],
});
