import { markDispatched } from '../src/commands/dispatch.ts';
import type { Temporal } from '../src/commands/temporal.ts';
import { runInContext } from '../src/context.ts';
import { Unavailable } from '../src/errors.ts';
import { failpoint } from '../src/failpoints.ts';
import type { Logger } from '../src/logger.ts';
import { execute, select, withSystem } from '../src/models/database.ts';
import type { WorkflowStart } from '../src/models/OutboxEntry.ts';
import { startPolling, type Polling } from '../src/polling.ts';

const batch = 100;
const pollMs = 1000;
const lockSeconds = 30;
const maxTries = 20;
const maxBackoffSeconds = 30;

/**
 * Starts what inline dispatch left behind: claim in one short transaction, start outside of it, mark
 * in another. Dying anywhere in between costs one more start, which Temporal knows already.
 */
export function startRelay({
  temporal,
  log,
}: {
  readonly temporal: Pick<Temporal, 'start'>;
  readonly log: Logger;
}): Polling {
  const round = async (isStopping: () => boolean): Promise<boolean> => {
    const entries = await claim();
    const started: WorkflowStart[] = [];
    for (const [place, entry] of entries.entries()) {
      if (isStopping()) {
        await putBack(entries.slice(place));
        break;
      }
      try {
        failpoint('relay.afterClaim');
        await runInContext(entry.context, () => temporal.start(entry));
        failpoint('relay.afterStart');
        started.push(entry);
      } catch (error) {
        const { companyId, entityType, entityId, workflowId } = entry;
        log.warn({ err: error, workflow_id: workflowId }, 'start failed');
        if (error instanceof Unavailable) {
          // One try told that Temporal is away; the others would each wait for the same answer.
          await putBack(entries.slice(place), error);
          break;
        }
        if (await recordFailure(entry, error)) {
          const ids = {
            outbox_id: entry.id,
            company_id: companyId,
            entity_type: entityType,
            entity_id: entityId,
            workflow_id: workflowId,
          };
          log.error({ err: error, ...ids }, 'start given up, it waits for an operator');
        }
      }
    }
    if (started.length > 0) {
      await markDispatched(started);
      failpoint('relay.afterMark');
    }
    return started.length === batch;
  };

  return startPolling({
    everyMs: pollMs,
    round,
    onError: (error) => log.error({ err: error }, 'relay round failed'),
  });
}

/**
 * Takes the oldest open entries of entities that have no earlier open one. Those that wake a keeper say
 * all the same, so that they need not follow each other.
 */
const claim = (): Promise<WorkflowStart[]> =>
  withSystem('relay', () =>
    select<WorkflowStart>(
      `WITH taken AS (
         UPDATE core.outbox AS o SET locked_until = now() + make_interval(secs => $1)
         FROM (
           SELECT company_id, id FROM core.outbox AS c
           WHERE dispatched_at IS NULL AND parked_at IS NULL AND not_before <= now()
             AND (locked_until IS NULL OR locked_until < now())
             AND (workflow_type = 'acknowledgement' OR NOT EXISTS (
               SELECT 1 FROM core.outbox AS earlier
               WHERE earlier.company_id = c.company_id AND earlier.entity_id = c.entity_id
                 AND earlier.id < c.id
                 AND earlier.dispatched_at IS NULL AND earlier.parked_at IS NULL))
           ORDER BY not_before LIMIT $2
           FOR UPDATE SKIP LOCKED
         ) AS next
         WHERE o.company_id = next.company_id AND o.id = next.id
         RETURNING o.*
       )
       SELECT company_id AS "companyId", id, entity_type AS "entityType", entity_id AS "entityId",
         workflow_type AS "workflowType", workflow_id AS "workflowId", input, summary, attributes,
         context, is_restart AS "isRestart"
       FROM taken ORDER BY not_before, id`,
      [lockSeconds, batch],
    ),
  );

/**
 * Temporal being away, or our own stop, is no failure of the entries: nothing is counted. The first,
 * which was tried, goes behind the others: what is slow about it alone must not hold them up.
 */
const putBack = (entries: readonly WorkflowStart[], error?: unknown): Promise<void> =>
  withSystem('relay', async () => {
    await execute(
      `UPDATE core.outbox AS o SET locked_until = NULL, last_error = coalesce($3, last_error),
         not_before = CASE back.place WHEN 1 THEN now() ELSE o.not_before END
       FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS back (company_id, id, place)
       WHERE o.company_id = back.company_id AND o.id = back.id`,
      [
        entries.map(({ companyId }) => companyId),
        entries.map(({ id }) => id),
        error ? wordsOf(error) : null,
      ],
    );
  });

/** @returns whether it is given up with that */
const recordFailure = ({ companyId, id }: WorkflowStart, error: unknown): Promise<boolean> =>
  withSystem('relay', async () => {
    const [row] = await select<{ isParked: boolean }>(
      `UPDATE core.outbox SET locked_until = NULL, last_error = $3, tries = tries + 1,
         parked_at = CASE WHEN tries + 1 >= ${maxTries} THEN now() END,
         not_before = now() + make_interval(secs => least(${maxBackoffSeconds}, 2 ^ tries))
       WHERE company_id = $1 AND id = $2
       RETURNING parked_at IS NOT NULL AS "isParked"`,
      [companyId, id, wordsOf(error)],
    );
    return row?.isParked ?? false;
  });

/** The innermost cause: around it stand sentences that are the same for every failure. */
const wordsOf = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined
    ? wordsOf(error.cause)
    : String(error instanceof Error ? error.message : error).slice(0, 500);
