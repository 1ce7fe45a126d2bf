import { jest } from '@jest/globals';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Context } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { currentContext, type WorkContext } from '../../src/context.ts';
import { Conflict } from '../../src/errors.ts';
import { scheduleWorkflowId, subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { contextHeader, type CauseContext } from '../../src/workflows/context.ts';
import { maxSilenceMs } from '../../src/workflows/doing.ts';
import { activityInterceptor } from '../../worker/activityInterceptor.ts';

describe('every activity', () => {
  const companyId = uuid();
  const workflowId = subscriptionWorkflowId(companyId, uuid());

  /** Runs an activity as the worker does: the given input and header, in the given workflow. */
  async function run({
    input,
    cause,
    id = workflowId,
    work = () => Promise.resolve(currentContext()),
    ...told
  }: {
    input?: object;
    cause?: CauseContext;
    id?: string;
    work?: () => Promise<unknown>;
    /** Milliseconds that it may be silent. */
    heartbeatTimeoutMs?: number;
    onBeat?: () => void;
  }): Promise<unknown> {
    const environment = new MockActivityEnvironment({
      workflowExecution: { workflowId: id, runId: uuid() },
      ...(told.heartbeatTimeoutMs && { heartbeatTimeoutMs: told.heartbeatTimeoutMs }),
    });
    if (told.onBeat) environment.on('heartbeat', told.onBeat);
    const { execute } = activityInterceptor(environment.context satisfies Context);
    if (!execute) throw new Error('The interceptor lets activities pass unseen');
    const headers = cause ? { [contextHeader]: defaultPayloadConverter.toPayload(cause) } : {};
    return execute({ args: input ? [input] : [], headers }, work);
  }

  it('works for whom the header names, in the workflow that ordered it', async () => {
    const cause = { requestId: 'req_1', companyId, actorId: uuid(), actorType: 'user' } as const;

    const seen = await run({ input: { companyId }, cause });

    expect(seen).toEqual({ ...cause, workflowId } satisfies WorkContext);
  });

  it('is stopped for good where the input names another company than the workflow', async () => {
    let done = 0;

    const stopped = run({
      input: { companyId: uuid() },
      work: async () => (done += 1),
    });

    await expect(stopped).rejects.toMatchObject({ type: 'COMPANY_MISMATCH', nonRetryable: true });
    expect(done).toBe(0);
  });

  it('is stopped for good where the header names another company', async () => {
    const cause = { requestId: 'req_1', companyId: uuid() };

    const stopped = run({ input: { companyId }, cause });

    await expect(stopped).rejects.toMatchObject({ type: 'COMPANY_MISMATCH', nonRetryable: true });
  });

  it('is stopped for good where a workflow of a company gives no company', async () => {
    await expect(run({})).rejects.toMatchObject({ type: 'COMPANY_MISMATCH', nonRetryable: true });
  });

  it('of the periodic jobs names no company', async () => {
    const seen = await run({ id: scheduleWorkflowId('reconcile') });

    expect(seen).toMatchObject({ workflowId: 'schedule/reconcile' });
  });

  it('is heard of while it waits for something outside, and no longer', async () => {
    jest.useFakeTimers();
    let beats = 0;
    const waiting = {
      input: { companyId },
      work: () => new Promise((resolve) => setTimeout(resolve, 10_000)),
      onBeat: () => void (beats += 1),
    };

    const ended = run({ ...waiting, heartbeatTimeoutMs: maxSilenceMs });
    await jest.advanceTimersByTimeAsync(10_000);
    await ended;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(beats).toBe(3);

    const itself = run({ ...waiting, heartbeatTimeoutMs: maxSilenceMs * 2 });
    await jest.advanceTimersByTimeAsync(10_000);
    await itself;
    expect(beats).toBe(3);
    jest.useRealTimers();
  });

  it('turns a refusal into a failure that is not tried again, with what clients may see', async () => {
    const refusal = new Conflict('VERSION_CONFLICT', 'It changed meanwhile', {
      current_version: 3,
    });

    const refused = run({ input: { companyId }, work: () => Promise.reject(refusal) });

    await expect(refused).rejects.toMatchObject({
      type: 'VERSION_CONFLICT',
      nonRetryable: true,
      message: 'It changed meanwhile',
      details: [{ status: 409, facts: { current_version: 3 }, fields: [] }],
    });
  });

  it('lets a bug pass as it is, so that it is tried again', async () => {
    const bug = new TypeError('undefined is not a function');

    const failed = run({ input: { companyId }, work: () => Promise.reject(bug) });

    await expect(failed).rejects.toBe(bug);
  });
});
