import type { Logger } from '../logger.ts';
import { runInContext } from '../context.ts';
import { failpoint } from '../failpoints.ts';
import { execute, select, withSystem } from '../models/database.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import type { Temporal } from './temporal.ts';

/** Starts promised workflows right after their commit. What it does not manage the relay does. */
export interface Dispatcher {
  readonly dispatch: (start: WorkflowStart) => void;
  /** Resolves when nothing is under way; for a clean stop. */
  drained(): Promise<void>;
}

/** More than this many at once are left to the relay, so that a burst does not pile up here. */
const maxUnderway = 20;
/** Starts within this time are marked in one statement. */
const markAfterMs = 20;

export function createDispatcher({
  temporal,
  log,
}: {
  readonly temporal: Pick<Temporal, 'start'>;
  readonly log: Logger;
}): Dispatcher {
  const underway = new Set<Promise<void>>();
  let started: WorkflowStart[] = [];
  let marking: Promise<void> | undefined;

  const markSoon = (): Promise<void> => {
    marking ??= new Promise((resolve) => setTimeout(resolve, markAfterMs)).then(() => {
      const batch = started;
      started = [];
      marking = undefined;
      return markDispatched(batch);
    });
    return marking;
  };

  const startAndMark = async (start: WorkflowStart): Promise<void> => {
    try {
      failpoint('dispatch.beforeStart');
      await runInContext(start.context, () => temporal.start(start));
      failpoint('dispatch.afterStart');
      started.push(start);
      await markSoon();
      failpoint('dispatch.afterMark');
    } catch (error) {
      log.warn({ err: error, workflow_id: start.workflowId }, 'left to the relay');
    }
  };

  return {
    dispatch(start) {
      if (underway.size >= maxUnderway) return;
      const work = startAndMark(start).finally(() => underway.delete(work));
      underway.add(work);
    },
    async drained() {
      await Promise.all(underway);
    },
  };
}

/**
 * A mark that is lost costs one more start, which Temporal answers with the running workflow. Earlier starts
 * of the same run that were given up are settled with it: the newest stands for the rows.
 */
export const markDispatched = (starts: readonly WorkflowStart[]): Promise<void> =>
  withSystem('relay', async () => {
    await execute(
      `UPDATE core.outbox AS o SET dispatched_at = now(), locked_until = NULL
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
         AS done (company_id, id, entity_id, workflow_id)
       WHERE o.company_id = done.company_id AND o.entity_id = done.entity_id
         AND o.dispatched_at IS NULL AND (o.id = done.id OR (o.id < done.id
           AND o.workflow_id = done.workflow_id AND o.parked_at IS NOT NULL))`,
      [
        starts.map(({ companyId }) => companyId),
        starts.map(({ id }) => id),
        starts.map(({ entityId }) => entityId),
        starts.map(({ workflowId }) => workflowId),
      ],
    );
  });

/** Seconds that the oldest owed start has waited; 0 when none is owed. */
export const outboxAge = (): Promise<number> =>
  withSystem('relay', async () => {
    const [row] = await select<{ age: string | null }>(
      `SELECT extract(epoch FROM now() - min(created_at)) AS age FROM core.outbox
       WHERE dispatched_at IS NULL AND parked_at IS NULL`,
    );
    return Number(row?.age ?? 0);
  });

/** Owed starts that failed too often and wait for an operator. */
export const parkedStarts = (): Promise<number> =>
  withSystem('relay', async () => {
    const [row] = await select<{ parked: number }>(
      `SELECT count(*)::int AS parked FROM core.outbox
       WHERE dispatched_at IS NULL AND parked_at IS NOT NULL`,
    );
    return row?.parked ?? 0;
  });
