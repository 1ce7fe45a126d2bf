import { MockActivityEnvironment } from '@temporalio/testing';
import { closedRunActivities, type ClosedRuns } from '../../src/activities/closedRuns.ts';
import { lastHistory, type ClosedRun } from '../../src/storage/histories.ts';
import { buildCompany } from '../support/build.ts';
import { memoryStorage } from '../support/documents.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

const hourMs = 3_600_000;
const night = Date.parse('2026-11-25T02:40:00Z');

describe('exportHistories', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await openTestDatabase()));
  afterAll(() => database.close());

  /** A Temporal in which these runs are over; it notes what it was asked for. */
  function closedRunsOf(runs: readonly ClosedRun[]) {
    const asked: string[] = [];
    const closedRuns: ClosedRuns = {
      list: async (from, to) => runs.filter(({ closedAt: at }) => at >= from && at < to),
      history: async ({ runId }) => {
        asked.push(runId);
        if (runId === 'unreadable') throw new Error('Temporal is away');
        return runId === 'gone' ? undefined : JSON.stringify({ events: [runId] });
      },
    };
    return { asked, closedRuns };
  }

  const closed = (workflowId: string, runId: string, hoursBefore: number): ClosedRun => ({
    workflowId,
    runId,
    closedAt: new Date(night - hoursBefore * hourMs),
  });

  function exporting(closedRuns: ClosedRuns) {
    const storage = memoryStorage();
    const { exportHistories } = closedRunActivities({ closedRuns, documents: { storage } });
    return {
      storage,
      run: (
        after: number | undefined,
        environment = new MockActivityEnvironment(),
      ): ReturnType<typeof exportHistories> =>
        environment.run(() => exportHistories({ after, until: night })),
    };
  }

  it('writes each run once, the second night only what closed since the first', async () => {
    const { id } = await buildCompany();
    const workflowId = `claim/${id}/1`;
    const { asked, closedRuns } = closedRunsOf([
      closed(workflowId, 'first', 30),
      closed(workflowId, 'second', 2),
      closed(workflowId, 'running out of time', -0.5),
    ]);
    const { storage, run } = exporting(closedRuns);

    const { exportedUntil } = await run(undefined);
    const again = await run(exportedUntil);

    expect(exportedUntil).toBe(night);
    expect(again).toEqual({ exportedUntil: night });
    expect(asked).toEqual(['first', 'second']);
    expect([...storage.files.keys()]).toHaveLength(2);
    expect(await lastHistory(storage, workflowId)).toEqual({
      runId: 'second',
      history: '{"events":["second"]}',
    });
  });

  it('goes on in the hour that it failed in', async () => {
    const { id } = await buildCompany();
    const { asked, closedRuns } = closedRunsOf([
      closed(`claim/${id}/1`, 'done', 5),
      closed(`claim/${id}/2`, 'unreadable', 3),
    ]);
    const { run } = exporting(closedRuns);
    const environment = new MockActivityEnvironment();
    let told: unknown;
    environment.on('heartbeat', (details: unknown) => void (told = details));

    await expect(run(night - 6 * hourMs, environment)).rejects.toThrow('Temporal is away');
    const next = new MockActivityEnvironment({ heartbeatDetails: told });
    await expect(run(night - 6 * hourMs, next)).rejects.toThrow('Temporal is away');

    expect(asked).toEqual(['done', 'unreadable', 'unreadable']);
  });

  it('leaves out jobs, replays, what is gone, and companies that are not ours or removed', async () => {
    const { id } = await buildCompany();
    const { id: removed } = await buildCompany();
    await database.sql('UPDATE platform.companies SET archived_at = now() WHERE id = $1', [
      removed,
    ]);
    const { closedRuns } = closedRunsOf([
      closed('schedule/surety/maintain', '1', 1),
      closed(`replay/${id}/claim/${id}/1`, '2', 1),
      closed('claim/of-somebody-else/1', '3', 1),
      closed(`claim/${removed}/1`, '4', 1),
      closed(`claim/${id}/1`, 'gone', 1),
      closed('onboarding/1', '5', 1),
    ]);
    const { storage, run } = exporting(closedRuns);

    await run(undefined);

    expect([...storage.files.keys()]).toEqual([
      expect.stringMatching(/^[0-9a-f-]{36}\/histories\/onboarding\/1\/.*_5\.json\.gz$/),
    ]);
  });
});
