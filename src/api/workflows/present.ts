import type { Explanation, FutureTimer, Timeline, TimerChanged } from '../../commands/timelines.ts';

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

const presentTimer = (timer: FutureTimer) => ({
  name: timer.name,
  title: timer.title,
  due_at: timer.dueAt.toISOString(),
  original_due_at: timer.originalDueAt.toISOString(),
  remaining_seconds: timer.remainingSeconds,
  source: timer.source,
});
