import type { BulkBegun, BulkItemView, BulkView } from '../../commands/bulkOperations.ts';
import type { FoundWorkflow, WorkflowDetail } from '../../commands/workflowSearch.ts';
import type { Operated } from '../../commands/workflowOperations.ts';
import type { DriftView, Repaired } from '../../commands/workflowDrifts.ts';
import type { ReplayCheck } from '../../commands/workflowReplays.ts';
import type { Preview } from '../../commands/workflowPreviews.ts';
import type { ObjectState } from '../../rules/stateDifferences.ts';
import type { Explanation, FutureTimer, Timeline, TimerChanged } from '../../commands/timelines.ts';

export const presentWorkflow = (found: FoundWorkflow) => ({
  type: found.kind,
  id: found.id,
  company_id: found.companyId,
  reference: found.reference,
  status: found.status,
  state_version: found.stateVersion,
  workflow: { id: found.workflowId, state: found.run },
  overdue: found.isOverdue,
  next_timer: found.next && { name: found.next.name, due_at: found.next.dueAt.toISOString() },
  created_at: found.createdAt.toISOString(),
  closed_at: found.closedAt?.toISOString() ?? null,
});

export const presentWorkflowDetail = (detail: WorkflowDetail) => ({
  ...presentWorkflow(detail),
  workflow_url: detail.workflowUrl,
  blocked: detail.isBlocked,
  failing_step: detail.failingStep && {
    name: detail.failingStep.name,
    attempt: detail.failingStep.attempt,
    error: detail.failingStep.error,
    moved_by: movedBy[detail.failingStep.movedBy],
  },
  timers: detail.timers.map((timer) => ({
    name: timer.name,
    due_at: timer.dueAt.toISOString(),
    original_due_at: timer.originalDueAt.toISOString(),
    source: timer.source,
    paused: timer.status === 'paused',
  })),
});

const movedBy = { retry: 'retry', retryStep: 'retry_step', release: 'release' } as const;

export const presentTimeline = (timeline: Timeline) => ({
  workflow_id: timeline.workflowId,
  workflow_url: timeline.workflowUrl,
  status: timeline.status,
  past: timeline.past.map((event) => ({
    at: event.at.toISOString(),
    kind: event.kind,
    name: event.name,
    title: event.title,
    actor_type: event.actorType,
    reason: event.reason,
  })),
  future: timeline.future.map(presentTimer),
});

export const presentExplanation = (explanation: Explanation) => ({
  workflow_id: explanation.workflowId,
  workflow_url: explanation.workflowUrl,
  status: explanation.status,
  summary: explanation.summary,
  waits_for: explanation.waitsFor,
  since: explanation.since.toISOString(),
  moves: explanation.moves.map(({ event, who }) => ({ event, who })),
  next: explanation.next && presentTimer(explanation.next),
  consequence: explanation.consequence,
  failing_step: explanation.failingStep,
});

export const presentTimerChanged = (changed: TimerChanged) => ({
  dry_run: changed.dryRun,
  scheduled: changed.scheduled.map(({ name, dueAt }) => ({ name, due_at: dueAt.toISOString() })),
  cancelled: [...changed.cancelled],
});

export const presentOperated = ({ workflowId, operation }: Operated) => ({
  workflow_id: workflowId,
  operation,
});

export const presentDrift = (drift: DriftView) => ({
  id: drift.id,
  type: drift.kind,
  entity_id: drift.entityId,
  workflow_id: drift.workflowId,
  finding: drift.finding,
  row: presentStanding(drift.details.row),
  run: drift.details.run && presentStanding(drift.details.run),
  found_at: drift.foundAt.toISOString(),
  seen_at: drift.seenAt.toISOString(),
  repaired_at: drift.repairedAt?.toISOString() ?? null,
  repaired_by: drift.repairedBy ?? null,
  resolved_at: drift.resolvedAt?.toISOString() ?? null,
});

const presentStanding = <Version>(standing: {
  readonly stateVersion: Version;
  readonly dueAt: string | null;
}) => ({ state_version: standing.stateVersion, due_at: standing.dueAt });

export const presentRepaired = ({ workflowId, repair }: Repaired) => ({
  workflow_id: workflowId,
  repair,
});

export const presentPreview = (preview: Preview) => ({
  workflow_id: preview.workflowId,
  status: preview.status,
  timers: preview.timers.map((timer) => ({
    name: timer.name,
    title: timer.title,
    kind: timer.kind,
    due_at: timer.dueAt.toISOString(),
    runs_until: timer.runsUntil?.toISOString() ?? null,
    consequence: timer.consequence,
    follows: timer.follows,
  })),
  paused: [...preview.paused],
  cancelled: [...preview.cancelled],
});

export const presentBulkBegun = (begun: BulkBegun) => ({
  dry_run: begun.dryRun,
  count: begun.count,
  items: begun.items.map(presentWorkflow),
  bulk_id: begun.bulkId,
});

export const presentBulk = ({ filter, counts, ...bulk }: BulkView) => ({
  id: bulk.id,
  action: bulk.action,
  status: bulk.status,
  filter: {
    type: filter.type,
    status: filter.status,
    overdue: filter.overdue,
    blocked: filter.blocked,
    created_after: filter.createdAfter,
    created_before: filter.createdBefore,
  },
  reason: bulk.reason,
  per_second: bulk.perSecond,
  counts: {
    total: counts.total,
    pending: counts.pending,
    done: counts.done,
    refused: counts.refused,
    failed: counts.failed,
  },
  workflow_id: bulk.workflowId,
  asked_by: bulk.asker.userId ?? bulk.asker.key?.id ?? null,
  created_at: bulk.createdAt.toISOString(),
  aborted_at: bulk.abortedAt?.toISOString() ?? null,
  aborted_by: bulk.abortedBy ?? null,
  abort_reason: bulk.abortReason ?? null,
  ended_at: bulk.workflowClosedAt?.toISOString() ?? null,
});

export const presentBulkItem = (item: BulkItemView) => ({
  id: item.id,
  type: item.kind,
  entity_id: item.entityId,
  result: item.result,
  code: item.code ?? null,
  message: item.message ?? null,
  ended_at: item.endedAt?.toISOString() ?? null,
});

export const presentReplay = (check: ReplayCheck) => ({
  workflow_id: check.workflowId,
  run_id: check.runId,
  events: check.events,
  is_deterministic: check.isDeterministic,
  error: check.error,
  under_way: check.isUnderWay,
  state: check.state && presentState(check.state),
  row: presentState(check.row),
  differences: check.differences.map(({ field, run, row }) => ({ field, run, row })),
});

const presentState = ({ status, stateVersion, isClosed, timers = [] }: ObjectState) => ({
  status,
  state_version: stateVersion,
  closed: isClosed,
  timers: timers.map(({ name, dueAt }) => ({ name, due_at: new Date(dueAt).toISOString() })),
});

const presentTimer = (timer: FutureTimer) => ({
  name: timer.name,
  title: timer.title,
  due_at: timer.dueAt.toISOString(),
  original_due_at: timer.originalDueAt.toISOString(),
  remaining_seconds: timer.remainingSeconds,
  source: timer.source,
});
