import { registrationStatuses } from '../../rules/onboarding.ts';
import { subscriptionStatuses } from '../../rules/subscriptions.ts';
import {
  array,
  boolean,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '../schema.ts';

export const workflowPath = object({ id: id() });
export const timerPath = object({ id: id(), name: text(60) });

/** Of everything that has a timeline. */
const statuses = [...new Set([...subscriptionStatuses, ...registrationStatuses])];

const year = 366 * 24 * 60 * 60;

export const changeTimerBody = object({
  due_at: optional(instant()),
  extend_by: optional(integer(-year, year).description('Seconds, from the present due time')),
  reason: text(500),
  dry_run: boolean().default(false),
});

const futureTimer = object({
  name: text(60),
  title: text(200),
  due_at: instant(),
  original_due_at: instant(),
  remaining_seconds: integer(0, 10_000_000_000),
  source: text(20),
});

export const timelineAnswer = object({
  workflow_id: text(200),
  workflow_url: text(2000),
  status: oneOf(...statuses),
  past: array(
    object({
      at: instant(),
      kind: oneOf('event', 'timer'),
      name: text(60),
      title: text(200),
      actor_type: text(20),
      reason: nullable(text(500)),
    }),
    { max: 10_000 },
  ),
  future: array(futureTimer, { max: 1000 }),
});

export const explanationAnswer = object({
  workflow_id: text(200),
  workflow_url: text(2000),
  status: oneOf(...statuses),
  summary: text(500),
  waits_for: oneOf('nothing', 'time', 'person', 'repair'),
  since: instant(),
  moves: array(object({ event: text(60), who: text(200) }), { max: 20 }),
  next: nullable(futureTimer),
  consequence: nullable(text(500)),
  failing_step: nullable(
    object({ name: text(200), attempt: integer(0, 2_147_483_647), error: text(2000).allow('') }),
  ),
});

export const timerChangedAnswer = object({
  dry_run: boolean(),
  scheduled: array(object({ name: text(60), due_at: instant() }), { max: 100 }),
  cancelled: array(text(60), { max: 100 }),
});
