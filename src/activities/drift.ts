import { select, withTenant } from '../models/database.ts';
import { WorkflowDrift, type FoundDrift, type ShownRun } from '../models/WorkflowDrift.ts';
import { workflowColumns, workflowTable, type WorkflowRow } from '../models/workflowRows.ts';
import { driftKinds, type DriftKind } from '../rules/workflowDrifts.ts';
import { workflowIdOf } from '../rules/workflowIds.ts';

/** Those of these workflows that are open; asks Temporal's visibility, which lags by a second or so. */
export type OpenWorkflows = (
  workflowIds: readonly string[],
) => Promise<ReadonlyMap<string, ShownRun>>;

const pageSize = 200;

/** Long enough for a step to end and for Temporal's visibility to know it. */
const settledAfter = `interval '10 minutes'`;

/** What ended longer ago was compared by an earlier night. */
const endedWithin = `interval '3 days'`;

/** Others carry no date: a payment waits for its gateway, a report for its tables. */
const dated: ReadonlySet<DriftKind> = new Set<DriftKind>([
  'subscription',
  'claim',
  'booking',
  'policy-approval',
  'onboarding',
]);

/**
 * Compares the rows of a company with what their runs show, page by page, and writes down where they
 * differ. Rows that a step has just touched, or is about to, are left for the next time.
 */
export async function compareRuns(
  companyId: string,
  openWorkflows: OpenWorkflows,
  beat: () => void,
): Promise<void> {
  const startedAt = new Date();
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await withTenant(companyId, () => settledRows(after));
    const last = rows.at(-1);
    if (!last) break;
    after = last.id;
    const compared = rows.map((row) => ({ row, workflowId: idOf(row) }));
    const open = await openWorkflows(compared.map(({ workflowId }) => workflowId));
    const found = compared.flatMap(({ row, workflowId }) =>
      differences(row, workflowId, open.get(workflowId)),
    );
    await withTenant(companyId, () => WorkflowDrift.note(companyId, found, new Date()));
    beat();
  }
  await withTenant(companyId, () => WorkflowDrift.settle(startedAt));
}

interface SettledRow extends WorkflowRow<DriftKind> {
  /** Of the next timer. */
  readonly dueAt: Date | null;
}

const settledRows = (after: string): Promise<SettledRow[]> =>
  select<SettledRow>(
    `SELECT ${workflowColumns}, next.due_at AS "dueAt"
     FROM ${workflowTable(driftKinds)} w
       LEFT JOIN LATERAL (SELECT min(t.due_at) FILTER (WHERE t.status = 'scheduled') AS due_at,
           max(greatest(t.updated_at, t.fired_at)) AS changed_at
         FROM core.timers t WHERE t.company_id = w.company_id AND t.entity_id = w.id) next ON true
     WHERE w.id > $1
       AND (w.workflow_closed_at IS NULL OR w.workflow_closed_at > now() - ${endedWithin})
       AND w.updated_at < now() - ${settledAfter}
       AND coalesce(next.changed_at < now() - ${settledAfter}, true)
       AND coalesce(next.due_at NOT BETWEEN now() - ${settledAfter} AND now() + ${settledAfter}, true)
       AND NOT EXISTS (SELECT FROM core.outbox o
         WHERE o.company_id = w.company_id AND o.entity_id = w.id
           AND o.dispatched_at IS NULL AND o.parked_at IS NULL)
     ORDER BY w.id LIMIT ${pageSize}`,
    [after],
  );

const idOf = ({ kind, companyId, id }: WorkflowRow): string => workflowIdOf(kind, companyId, id);

function differences(
  row: SettledRow,
  workflowId: string,
  run: ShownRun | undefined,
): readonly FoundDrift[] {
  const { kind, id: entityId, stateVersion, dueAt } = row;
  const details = {
    row: { stateVersion, dueAt: dueAt?.toISOString() ?? null },
    run: run
      ? { stateVersion: run.stateVersion ?? null, dueAt: run.dueAt?.toISOString() ?? null }
      : null,
  };
  const drift = (finding: FoundDrift['finding']): FoundDrift => ({
    kind,
    entityId,
    workflowId,
    finding,
    details,
  });
  if (row.workflowClosedAt) return run ? [drift('left_open')] : [];
  if (!run) return [drift('missing')];
  const isDated = dated.has(kind) && run.dueAt?.getTime() !== dueAt?.getTime();
  return [
    ...(run.stateVersion === stateVersion ? [] : [drift('state')]),
    ...(isDated ? [drift('timers')] : []),
  ];
}
