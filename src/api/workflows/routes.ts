import type { SubscriptionTimelines } from '../../commands/subscriptionTimelines.ts';
import { invalidField } from '../../errors.ts';
import { route, type Route } from '../route.ts';
import { presentExplanation, presentTimeline, presentTimerChanged } from './present.ts';
import {
  changeTimerBody,
  explanationAnswer,
  timelineAnswer,
  timerChangedAnswer,
  timerPath,
  workflowPath,
} from './schema.ts';

const tag = 'Workflows';

export const workflowRoutes = ({
  timelines,
}: {
  readonly timelines: SubscriptionTimelines;
}): Route[] => [
  route({
    method: 'GET',
    path: '/workflows/subscription/:id/timeline',
    permission: 'workflow:read',
    summary: 'Past events in business words and future timers with the time that remains',
    tag,
    params: workflowPath,
    answer: presentTimeline,
    answerSchema: timelineAnswer,
    handle: ({ actor, params }) => timelines.timeline(actor, params.id),
  }),
  route({
    method: 'GET',
    path: '/workflows/subscription/:id/explain',
    permission: 'workflow:read',
    summary: 'Why it waits, on whom, since when, what would move it, and what happens next',
    tag,
    params: workflowPath,
    answer: presentExplanation,
    answerSchema: explanationAnswer,
    handle: ({ actor, params }) => timelines.explain(actor, params.id),
  }),
  route({
    method: 'PATCH',
    path: '/workflows/subscription/:id/timers/:name',
    permission: 'timer:change',
    summary: 'Move a running timer, or see what that would do',
    tag,
    idempotency: 'optional',
    businessRules: true,
    params: timerPath,
    body: changeTimerBody,
    answer: presentTimerChanged,
    answerSchema: timerChangedAnswer,
    handle: ({ actor, params, body: { dueAt, extendBy, reason, dryRun }, once }) => {
      if ((dueAt === undefined) === (extendBy === undefined)) {
        throw invalidField('due_at', 'Give either due_at or extend_by', 'REQUIRED');
      }
      const extendByMs = extendBy === undefined ? undefined : extendBy * 1000;
      const change = { dueAt, extendByMs, reason, dryRun };
      return timelines.changeTimer(actor, params.id, params.name, change, once);
    },
    examples: { body: { extend_by: 86_400, reason: 'The holder is abroad', dry_run: true } },
  }),
];
