import { activityInfo, heartbeat } from '@temporalio/activity';
import { select, withGlobal } from '../models/database.ts';
import { isExported, keepHistory, ownerOf, type ClosedRun } from '../storage/histories.ts';
import type { Storage } from '../storage/storage.ts';

/** What Temporal knows of runs that are over. */
export interface ClosedRuns {
  /** Those that closed from one instant up to before another; visibility lags by a second or so. */
  list(from: Date, to: Date): Promise<readonly ClosedRun[]>;
  /** As JSON; undefined where Temporal has removed it. */
  history(run: ClosedRun): Promise<string | undefined>;
}

export interface ClosedRunDependencies {
  readonly closedRuns: ClosedRuns;
  readonly documents: { readonly storage: Storage };
}

export interface ExportOrder {
  /** Up to where an earlier one came, in epoch milliseconds; undefined for the first. */
  readonly after: number | undefined;
  readonly until: number;
}

const hourMs = 60 * 60 * 1000;

/** What the first export finds: Temporal keeps so much of what is closed. */
const firstReachMs = 30 * 24 * hourMs;

/** The next night goes on; other jobs of the night have a time of their own. */
const longestMs = 20 * 60 * 1000;

/** Few, because a worker has other work and a history may have megabytes. */
const atOnce = 4;

export const closedRunActivities = ({ closedRuns, documents }: ClosedRunDependencies) => ({
  /**
   * Safe to repeat: a run has one file, with the same content whenever it is written. Hour by hour, the
   * oldest first, so that a next try or a next night goes on where this one came to.
   */
  async exportHistories({
    after,
    until,
  }: ExportOrder): Promise<{ readonly exportedUntil: number }> {
    const begun: { from?: number } = { ...Object(activityInfo().heartbeatDetails) };
    const stopAt = performance.now() + longestMs;
    let from = begun.from ?? after ?? until - firstReachMs;
    while (from < until && performance.now() < stopAt) {
      const to = Math.min(from + hourMs, until);
      const runs = await ofOurCompanies(await closedRuns.list(new Date(from), new Date(to)));
      for (let next = 0; next < runs.length; next += atOnce) {
        await Promise.all(
          runs.slice(next, next + atOnce).map(async (run) => {
            const history = await closedRuns.history(run);
            if (history !== undefined) await keepHistory(documents.storage, run, history);
          }),
        );
        heartbeat({ from });
      }
      from = to;
      heartbeat({ from });
    }
    return { exportedUntil: from };
  },
});

/** What a company that is removed has left in Temporal is not written down again. */
async function ofOurCompanies(runs: readonly ClosedRun[]): Promise<readonly ClosedRun[]> {
  const exported = runs.filter(({ workflowId }) => isExported(workflowId));
  const owners = [...new Set(exported.map(({ workflowId }) => ownerOf(workflowId)))];
  if (owners.length === 0) return [];
  const found = await withGlobal(() =>
    select<{ id: string }>(
      'SELECT id FROM platform.companies WHERE id::text = ANY ($1::text[]) AND archived_at IS NULL',
      [owners],
    ),
  );
  const ours = new Set(found.map(({ id }) => id));
  return exported.filter(({ workflowId }) => ours.has(ownerOf(workflowId)));
}
