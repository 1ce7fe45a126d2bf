import {
  alertChannels,
  alertKinds,
  alertRoles,
  alertStatuses,
  leastAttempts,
} from '../../rules/alerts.ts';
import { workflowKinds } from '../../rules/workflowIds.ts';
import { listQuery } from '../listQuery.ts';
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
  partial,
  text,
} from '../schema.ts';

export const alertPath = object({ id: id() });

const kind = oneOf(...alertKinds).description(
  'activity_failing: a step is tried again and again, or was given up. workflow_task_failing: a ' +
    "run's own code fails. timers_overdue: a timer is due and does not fire. outbox_late: a run is owed " +
    'its start and does not get it. outbox_parked: a start was given up. no_worker: nobody asks a ' +
    'task queue for work. drift: a row and its run differ, or counts and what they count',
);

export const alertsQuery = listQuery({
  filters: {
    status: oneOf(...alertStatuses),
    kind,
    type: oneOf(...workflowKinds),
    since: instant().description('Raised then or later'),
  },
  sorts: ['raised_at'],
  defaultSort: '-raised_at',
  takes: [],
});

export const acknowledgeBody = object({ reason: text(500) });

const most = 2_147_483_647;

export const alertAnswer = object({
  id: id(),
  kind,
  status: oneOf(...alertStatuses),
  subject: text(300).description(
    'The id of a run, the name of a task queue, or compliance-counts/ with the id of a policy',
  ),
  type: nullable(oneOf(...workflowKinds)).description('Of the object that the run stands for'),
  entity_id: nullable(id()),
  since: instant().description('When it began, or was first seen'),
  detail: nullable(text(300)).description(
    'The step, the timers, why a start failed, or the differences',
  ),
  attempts: nullable(integer(0, most)).description('How often the step has failed'),
  raised_at: instant(),
  seen_at: instant().description('By the latest look that found it'),
  acknowledged_at: nullable(instant()),
  acknowledged_by: nullable(id()),
  reason: nullable(text(500)).description('Why it was acknowledged'),
  resolved_at: nullable(instant()).description('When a look no longer found it'),
}).id('Alert');

export const alertExample = {
  id: '01998e3a-7d00-7b22-8c33-1d44e55f6071',
  kind: 'activity_failing',
  status: 'open',
  subject: 'subscription/0190b1a0-0000-7000-8000-000000000001/0190b1a0-0000-7000-8000-000000000002',
  type: 'subscription',
  entity_id: '0190b1a0-0000-7000-8000-000000000002',
  since: '2027-01-02T00:00:00.000Z',
  detail: 'fireSubscriptionTimer',
  attempts: 11,
  raised_at: '2027-01-02T00:05:00.000Z',
  seen_at: '2027-01-02T00:09:00.000Z',
  acknowledged_at: null,
  acknowledged_by: null,
  reason: null,
  resolved_at: null,
} as const;

const settings = {
  is_enabled: boolean(),
  attempts: integer(leastAttempts, 1000).description(
    'Of activity_failing: more failures of one step than these',
  ),
  minutes: integer(1, 10_080).description(
    'Of activity_failing, timers_overdue, outbox_late and no_worker: longer than this',
  ),
  channels: array(oneOf(...alertChannels), { max: 10 }).description(
    'None: the list alone shows it',
  ),
  roles: array(oneOf(...alertRoles), { min: 1, max: 10 }).description(
    'Who is told; the administrators of the company where nobody holds one of them',
  ),
};

const version = integer(1, most);

export const createAlertRuleBody = object({
  kind,
  is_enabled: optional(settings.is_enabled),
  attempts: optional(settings.attempts),
  minutes: optional(settings.minutes),
  channels: optional(settings.channels),
  roles: optional(settings.roles),
}).id('CreateAlertRule');

export const editAlertRuleBody = partial({ ...settings, version });

export const alertRulesQuery = object({
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

export const alertRuleAnswer = object({
  id: optional(id()).description('Absent where the usual settings hold: there is no rule yet'),
  kind,
  ...settings,
  attempts: nullable(settings.attempts),
  minutes: nullable(settings.minutes),
  created_at: nullable(instant()),
  updated_at: nullable(instant()),
  version: integer(0, most),
}).id('AlertRule');

export const alertRuleExample = {
  id: '01998e3a-7d00-7b22-8c33-1d44e55f6072',
  kind: 'activity_failing',
  is_enabled: true,
  attempts: 5,
  minutes: 15,
  channels: ['email', 'in_app'],
  roles: ['operator', 'tenant_admin'],
  created_at: '2027-01-02T00:00:00.000Z',
  updated_at: '2027-01-02T00:00:00.000Z',
  version: 1,
} as const;
