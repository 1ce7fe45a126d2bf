import type { SubscriptionTimelines } from '../../commands/subscriptionTimelines.ts';
import type { RegistrationTimelines } from '../../commands/registrationTimelines.ts';
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

/** What any kind of workflow tells of itself. */
interface Kind {
  timeline: SubscriptionTimelines['timeline'];
  explain: SubscriptionTimelines['explain'];
  changeTimer: SubscriptionTimelines['changeTimer'];
}

export const workflowRoutes = ({
  timelines,
  registrationTimelines,
}: {
  readonly timelines: SubscriptionTimelines;
  readonly registrationTimelines: RegistrationTimelines;
}): Route[] => [
  ...routesOf('subscription', timelines),
  // A registration belongs to the platform, whatever address one works at.
  ...routesOf('onboarding', registrationTimelines, { company: false }),
];

const routesOf = (type: string, kind: Kind, where: { readonly company?: false } = {}): Route[] => [
  route({
    ...where,
    method: 'GET',
    path: `/workflows/${type}/:id/timeline`,
    permission: 'workflow:read',
    summary: 'Past events in business words and future timers with the time that remains',
    tag,
    params: workflowPath,
    answer: presentTimeline,
    answerSchema: timelineAnswer,
    handle: ({ actor, params }) => kind.timeline(actor, params.id),
  }),
  route({
    ...where,
    method: 'GET',
    path: `/workflows/${type}/:id/explain`,
    permission: 'workflow:read',
    summary: 'Why it waits, on whom, since when, what would move it, and what happens next',
    tag,
    params: workflowPath,
    answer: presentExplanation,
    answerSchema: explanationAnswer,
    handle: ({ actor, params }) => kind.explain(actor, params.id),
  }),
  route({
    ...where,
    method: 'PATCH',
    path: `/workflows/${type}/:id/timers/:name`,
    permission: type === 'onboarding' ? 'registration:retry' : 'timer:change',
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
      return kind.changeTimer(actor, params.id, params.name, change, once);
    },
    examples: { body: { extend_by: 86_400, reason: 'Somebody is abroad', dry_run: true } },
  }),
];
