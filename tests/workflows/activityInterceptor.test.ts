import { defaultPayloadConverter } from '@temporalio/common';
import type { Context } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { currentContext, type WorkContext } from '../../src/context.ts';
import { Conflict } from '../../src/errors.ts';
import { scheduleWorkflowId, subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { contextHeader, type CauseContext } from '../../src/workflows/context.ts';
import { maxSilenceMs } from '../../src/workflows/doing.ts';
import { platformCompanyId } from '../../src/models/database.ts';
import { activityInterceptor } from '../../worker/activityInterceptor.ts';
import { buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

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
  /** Which try it is. */
  attempt?: number;
  onBeat?: () => void;
}): Promise<unknown> {
  const environment = new MockActivityEnvironment({
    workflowExecution: { workflowId: id, runId: uuid() },
    activityType: 'work',
    ...(told.heartbeatTimeoutMs && { heartbeatTimeoutMs: told.heartbeatTimeoutMs }),
    ...(told.attempt && { attempt: told.attempt }),
  });
  if (told.onBeat) environment.on('heartbeat', told.onBeat);
  const { execute } = activityInterceptor(environment.context satisfies Context);
  if (!execute) throw new Error('The interceptor lets activities pass unseen');
  const headers = cause ? { [contextHeader]: defaultPayloadConverter.toPayload(cause) } : {};
  return execute({ args: input ? [input] : [], headers }, work);
}

describe('every activity', () => {
  it('works for whom the header names, in the workflow that ordered it', async () => {
    const cause = { requestId: 'req_1', companyId, actorId: uuid(), actorType: 'user' } as const;

    const seen = await run({ input: { companyId }, cause });

    expect(seen).toEqual({ ...cause, workflowId, activity: 'work' } satisfies WorkContext);
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

  it('is tried also where it cannot be noted that it has failed before', async () => {
    const tried = await run({ input: { companyId }, attempt: 9, work: async () => 'done' });

    expect(tried).toBe('done');
  });
});

describe('an activity that has failed before', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  const noted = () =>
    database.sql<{ workflow_id: string }>(
      `SELECT company_id, workflow_id, step, settled_at FROM core.retried_steps
       WHERE workflow_id LIKE '%' || $1`,
      [companyId],
    );

  const tryIn = async (id: string, attempt: number): Promise<unknown> =>
    run({ id, attempt, input: { companyId: id.split('/')[1] } }).catch((error: unknown) => error);

  it('twice is noted for the alerts, of its company or of the platform', async () => {
    const { id } = await buildCompany();
    const ofCompany = `claim/${id}/${companyId}`;
    const ofPlatform = `schedule/${companyId}`;

    for (const attempt of [1, 2]) await tryIn(ofCompany, attempt);
    expect(await noted()).toEqual([]);
    for (const attempt of [3, 4]) await tryIn(ofCompany, attempt);
    await tryIn(ofPlatform, 3);

    const retried = { step: expect.any(String), settled_at: null };
    expect(await noted()).toEqual(
      expect.arrayContaining([
        { ...retried, company_id: id, workflow_id: ofCompany },
        { ...retried, company_id: platformCompanyId, workflow_id: ofPlatform },
      ]),
    );
    expect(await noted()).toHaveLength(2);
  });

  it('is not noted of a message, which has a rule of its own', async () => {
    const { id } = await buildCompany();
    const delivery = `notification/${id}/${uuid()}`;

    await tryIn(delivery, 5);

    expect(
      await database.sql('SELECT FROM core.retried_steps WHERE company_id = $1', [id]),
    ).toEqual([]);
  });
});
