import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { closedRunActivities } from '../../src/activities/closedRuns.ts';
import { openTemporal, type Temporal } from '../../src/commands/temporal.ts';
import { createWorkflowReplays, type ReplayCheck } from '../../src/commands/workflowReplays.ts';
import type { Actor } from '../../src/context.ts';
import { replayWorkflowId, type WorkflowKind } from '../../src/rules/workflowIds.ts';
import { openClosedRuns } from '../../worker/closedRuns.ts';
import { openReplay } from '../../worker/replay.ts';
import { as, buildActor, buildSubscription } from '../support/build.ts';
import { beginClaim } from '../support/claims.ts';
import { dayMs, useJourneys, type Journey, type Journeys } from '../support/journey.ts';
import { memoryStorage } from '../support/documents.ts';
import { openRealTemporal } from '../support/lifecycle.ts';
import { services } from '../support/services.ts';

type ReplayRun = ReturnType<typeof openReplay>;

describe('the replay of a run', () => {
  const code = readFileSync(services().bundle, 'utf8');
  const storage = memoryStorage();
  let journeys: Journeys;
  /** As the worker has it; a test may give it another release, or other limits. */
  let replayRun: ReplayRun;
  useJourneys(
    (opened) => void (journeys = opened),
    () => openRealTemporal(() => ({ replayRun: (workflowId) => replayRun(workflowId) })),
  );

  beforeEach(() => {
    replayRun = replayBy({});
  });

  const replayBy = (options: Partial<Parameters<typeof openReplay>[0]>): ReplayRun =>
    openReplay({ client: journeys.server.temporal.client, bundle: { code }, storage, ...options });

  /** A release that differs from the one that ran, in one word. */
  function releasedWith(word: string, other: string): ReplayRun {
    if (!code.includes(word)) throw new Error(`The workflows have no ${word}`);
    return replayBy({ bundle: { code: code.replaceAll(word, other) } });
  }

  const check = (
    actor: Actor,
    kind: WorkflowKind,
    id: string,
    temporal: Pick<Temporal, 'replay'> = journeys.server.temporal,
  ): Promise<ReplayCheck> =>
    as(actor, () => createWorkflowReplays({ temporal }).replay(actor, kind, id));

  const checkOf = async ({ id, staff }: Journey): Promise<ReplayCheck> =>
    check(await staff('operator'), 'subscription', id);

  it('leads a sound subscription to what its row says', async () => {
    const journey = await journeys.begin();
    await journey.moveExpiry(journeys.now() + 20 * dayMs);
    await journey.rest();

    const checked = await checkOf(journey);

    expect(checked).toMatchObject({
      workflowId: journey.workflowId,
      isDeterministic: true,
      error: null,
      isUnderWay: false,
      state: { status: 'active', stateVersion: 2, isClosed: false },
      differences: [],
    });
    expect(checked.state).toEqual(checked.row);
    expect(checked.events).toBeGreaterThan(10);
  });

  it('leads a claim that people worked on to what its row says, also once it is closed', async () => {
    const claim = await beginClaim(journeys);
    const manager = await claim.person('claims_manager');
    const operator = await claim.person('operator');
    await claim.toReview();
    await claim.rest();

    const reviewed = await check(operator, 'claim', claim.id);
    await claim.as(manager, (command) => claim.claims.withdraw(manager, command));
    await claim.end();
    const closed = await check(operator, 'claim', claim.id);

    expect(reviewed).toMatchObject({ isDeterministic: true, differences: [] });
    expect(reviewed.state).toMatchObject({ status: 'under_review' });
    expect(closed).toMatchObject({ isDeterministic: true, isUnderWay: false, differences: [] });
    expect(closed.state).toMatchObject({ status: 'closed', isClosed: true });
  });

  it('shows what somebody changed behind its back', async () => {
    const journey = await journeys.begin();
    await journey.setRow('state_version = 7');
    await journeys.database.sql(
      `UPDATE core.timers SET due_at = '2190-01-01' WHERE entity_id = $1 AND name = 'expiry'`,
      [journey.id],
    );

    const { isDeterministic, differences } = await checkOf(journey);

    expect(isDeterministic).toBe(true);
    expect(differences).toEqual([
      { field: 'state_version', run: '1', row: '7' },
      { field: 'timers.expiry.1', run: expect.any(String), row: '2190-01-01T00:00:00.000Z' },
    ]);
  });

  it('tells that the present release would have taken other steps', async () => {
    const journey = await journeys.begin();
    replayRun = releasedWith('deliverNotification', 'deliverPostcard');

    expect(await checkOf(journey)).toMatchObject({
      isDeterministic: false,
      error: expect.stringContaining('other steps'),
      state: null,
      row: { status: 'active' },
      differences: [],
    });
  });

  it('tells that the present release fails on the way', async () => {
    const journey = await journeys.begin();
    replayRun = releasedWith('kind.headline(', 'kind.noHeadline(');

    expect(await checkOf(journey)).toMatchObject({
      isDeterministic: false,
      error: expect.stringContaining('fails on the way'),
      state: null,
    });
  });

  it('is not tried where the history is too long to wait for', async () => {
    const journey = await journeys.begin();
    replayRun = replayBy({ mostEvents: 5 });

    expect(await checkOf(journey)).toMatchObject({
      isDeterministic: null,
      error: expect.stringContaining('too long'),
      state: null,
      differences: [],
    });
  });

  it('may be behind its row while a step is under way', async () => {
    const journey = await journeys.begin();
    replayRun = async (workflowId) => {
      const replayed = await replayBy({})(workflowId);
      await journey.setRow('state_version = 2');
      return replayed;
    };

    expect(await checkOf(journey)).toMatchObject({
      isUnderWay: true,
      differences: [{ field: 'state_version', run: '1', row: '2' }],
    });
  });

  it('goes by the exported history once Temporal has removed the run', async () => {
    const claim = await beginClaim(journeys);
    const manager = await claim.person('claims_manager');
    const operator = await claim.person('operator');
    await claim.toReview();
    await claim.as(manager, (command) => claim.claims.withdraw(manager, command));
    await claim.end();
    const { client, connection } = journeys.server.temporal;
    const closedRuns = openClosedRuns(client, journeys.server.taskQueue);
    const { exportHistories } = closedRunActivities({ closedRuns, documents: { storage } });
    const after = Date.now() - dayMs;
    const isListed = async (): Promise<boolean> =>
      (await closedRuns.list(new Date(after), new Date())).some(
        ({ workflowId }) => workflowId === claim.workflowId,
      );
    while (!(await isListed())) await setTimeout(200);

    await new MockActivityEnvironment().run(() => exportHistories({ after, until: Date.now() }));
    await connection.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: claim.workflowId },
    });
    const isThere = (): Promise<boolean> =>
      client.workflow
        .getHandle(claim.workflowId)
        .describe()
        .then(
          () => true,
          () => false,
        );
    while (await isThere()) await setTimeout(200);
    const checked = await check(operator, 'claim', claim.id);

    expect(checked).toMatchObject({
      isDeterministic: true,
      isUnderWay: false,
      state: { status: 'closed', isClosed: true },
      differences: [],
    });
    expect([...storage.files.keys()]).toContainEqual(
      expect.stringMatching(
        `^${claim.contract.company.id}/histories/claim/${claim.id}/.*_${checked.runId}\\.json\\.gz$`,
      ),
    );
  });

  it('has nothing to go by where the run has not begun', async () => {
    const { company } = await journeys.begin();
    const operator = await buildActor({ companyId: company.id, role: 'operator' });
    const { id } = await buildSubscription({ companyId: company.id });

    await expect(check(operator, 'subscription', id)).rejects.toMatchObject({
      status: 404,
      code: 'HISTORY_NOT_FOUND',
    });
  });

  it('is for whoever may see the run', async () => {
    const claim = await beginClaim(journeys);
    const { id, contract } = claim;
    const stranger = await (await journeys.begin()).staff('operator');
    const admin = await contract.staff('tenant_admin');
    await journeys.database.sql('UPDATE shared.policies SET user_id = $2 WHERE id = $1', [
      (await contract.row())['policy_id'],
      admin.userId,
    ]);

    await expect(check(stranger, 'claim', id)).rejects.toMatchObject({ status: 404 });
    await expect(check(admin, 'claim', id)).rejects.toMatchObject({ status: 404 });
  });

  describe('by workers that do not answer', () => {
    const openWith = (taskQueue: string, deadlineMs?: number): Temporal =>
      openTemporal(
        {
          temporal: {
            address: services().temporalAddress,
            namespace: 'default',
            taskQueue,
            uiUrl: '',
            tls: false,
            apiKey: undefined,
          },
        },
        deadlineMs,
      );

    it('is unavailable at once where there are none', async () => {
      const { id, staff } = await journeys.begin();
      const temporal = openWith(`nobody-${uuid()}`);

      const checked = check(await staff('operator'), 'subscription', id, temporal);

      await expect(checked).rejects.toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE' });
      await temporal.close();
    });

    it('is unavailable once its time is over, and sound again when they have time', async () => {
      const journey = await journeys.begin();
      // Time to start it on any machine; the answer is waited for five times as long.
      const temporal = openWith(journeys.server.taskQueue, 2000);
      let release = (): void => {};
      const isReleased = new Promise<void>((resolve) => (release = resolve));
      replayRun = async (workflowId) => {
        await isReleased;
        return replayBy({})(workflowId);
      };

      const late = check(await journey.staff('operator'), 'subscription', journey.id, temporal);

      await expect(late).rejects.toMatchObject({
        status: 503,
        message: expect.stringContaining('in time'),
      });
      await temporal.close();
      const ended = replayWorkflowId(journey.company.id, journey.workflowId);
      const { workflow } = journeys.server.temporal.client;
      await expect(workflow.getHandle(ended).result()).rejects.toMatchObject({
        cause: { name: 'TimeoutFailure' },
      });
      release();
      expect(await checkOf(journey)).toMatchObject({ isDeterministic: true });
    });
  });
});
