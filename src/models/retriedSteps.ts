import { execute, select } from './database.ts';

/** A run that has a step tried again. */
export interface RetriedStep {
  readonly workflowId: string;
  /** The name of the activity. */
  readonly step: string;
  /** When it was first to be done. */
  readonly since: Date;
}

/**
 * Temporal cannot be asked which runs have a step tried again, so whoever tries one again notes it.
 * Whether it is still so, Temporal tells.
 */
export async function noteRetriedStep(companyId: string, retried: RetriedStep): Promise<void> {
  const { workflowId, step, since } = retried;
  await execute(
    `INSERT INTO core.retried_steps (company_id, workflow_id, step, since, noted_at)
     VALUES ($1, $2, $3, $4, now())
     ON CONFLICT (company_id, workflow_id) DO UPDATE SET step = EXCLUDED.step,
       since = EXCLUDED.since, noted_at = EXCLUDED.noted_at, settled_at = NULL`,
    [companyId, workflowId, step, since],
  );
}

/** Those not known to be over, the oldest first. */
export const retriedSteps = (most: number): Promise<RetriedStep[]> =>
  select<RetriedStep>(
    `SELECT workflow_id AS "workflowId", step, since FROM core.retried_steps
     WHERE settled_at IS NULL ORDER BY since, workflow_id LIMIT $1`,
    [most],
  );

/** They are no longer tried again. What was noted since then stays. */
export async function settleRetriedSteps(workflowIds: readonly string[], at: Date): Promise<void> {
  if (workflowIds.length === 0) return;
  await execute(
    `UPDATE core.retried_steps SET settled_at = now()
     WHERE workflow_id = ANY ($1::text[]) AND settled_at IS NULL AND noted_at < $2`,
    [workflowIds, at],
  );
}
