import {
  acknowledgementActions,
  acknowledgementStatuses,
  acknowledgementTypes,
  escalationStatuses,
} from '../../rules/acknowledgements.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  email,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '../schema.ts';

const version = integer(1, 2_147_483_647);
const reason = text(2000).description('Why, for whoever looks at it later');
const option = integer(0, 99).description('Which option, counted from 0');

export const acknowledgementPath = object({ id: id() });

export const acknowledgementsQuery = listQuery({
  filters: {
    policy_id: id(),
    campaign_id: id(),
    employee_id: id(),
    customer_id: id(),
    department: text(100),
    status: oneOf(...acknowledgementStatuses),
    type: oneOf(...acknowledgementTypes),
    escalation_status: oneOf(...escalationStatuses),
    overdue: boolean().description('Not answered, and the day has passed'),
  },
  sorts: ['due_date', 'created_at', 'acknowledged_at'],
  defaultSort: 'due_date',
  takes: ['search', 'created_after', 'created_before'],
});

export const requestBody = object({
  policy_id: id(),
  employee_ids: array(id(), { min: 1, max: 500 }).unique(),
  due_date: optional(calendarDate().description('As the settings say where it is left out')),
}).id('RequestAcknowledgements');

export const acknowledgeBody = object({
  policy_version: version.description('The number of the version that was read'),
  typed_name: text(200).description('The name, as the person types it under the statement'),
  answers: array(option, { max: 50 }).default([]).description('Of each question of the quiz'),
  opened_at: nullable(instant()).default(null),
  scrolled_at: nullable(instant()).default(null),
}).id('Acknowledge');

export const declineBody = object({ reason });
export const exemptionBody = object({ reason, valid_until: calendarDate() });
export const decisionBody = object({ granted: boolean(), reason });
export const moveBody = object({
  due_date: calendarDate(),
  reason,
  dry_run: boolean().default(false).description('Shows what would follow and changes nothing'),
  version: optional(version),
});

const facts = {
  id: id(),
  policy_id: id(),
  policy_title: text(200),
  policy_version: version.description('The number of the version that is asked about'),
  version_label: text(20),
  employee_id: id(),
  employee_name: text(200),
  employee_email: email(),
  customer_id: id(),
  department: nullable(text(100)),
  acknowledgement_type: oneOf(...acknowledgementTypes),
  campaign_id: nullable(id()).description('That it belongs to'),
  cycle: version,
  status: oneOf(...acknowledgementStatuses),
  escalation_status: oneOf(...escalationStatuses),
  due_date: calendarDate(),
  original_due_date: calendarDate(),
  is_overdue: boolean(),
  next_action: nullable(oneOf(...acknowledgementActions)),
  next_action_at: nullable(instant()),
  acknowledged_at: nullable(instant()),
  on_time: nullable(boolean()),
  reason: nullable(reason),
  exempted_until: nullable(calendarDate()),
  exemption_open: boolean().description('An exemption is asked for, and nobody has decided'),
  created_at: instant(),
  updated_at: instant(),
  version,
};

export const acknowledgementAnswer = object(facts).id('Acknowledgement');

export const acknowledgementDetail = object({
  ...facts,
  document: object({
    content: nullable(text(200_000)),
    document_link: nullable(text(2000)),
    statement: text(500).description('What is confirmed'),
    quiz: array(object({ question: text(500), options: array(text(200), { max: 20 }) }), {
      max: 50,
    }),
  }),
  exemption: nullable(
    object({
      reason,
      valid_until: calendarDate(),
      status: oneOf('open', 'granted', 'refused', 'lapsed'),
      decision_reason: nullable(text(2000)),
    }),
  ).description('The latest one that was asked for'),
}).id('AcknowledgementDetail');

export const requestedAnswer = object({
  asked: array(id(), { max: 500 }).description('Ids of the acknowledgements'),
  already_asked: array(id(), { max: 500 }).description(
    'Employees who have not answered an earlier one',
  ),
}).id('RequestedAcknowledgements');

export const movedAnswer = object({
  dry_run: boolean(),
  due_date: calendarDate(),
  next_action: nullable(oneOf(...acknowledgementActions)),
  next_action_at: nullable(instant()),
  schedule: array(
    object({ action: oneOf(...acknowledgementActions), at: instant(), consequence: text(200) }),
    { max: 100 },
  ).description('All that happens by itself while nobody answers, soonest first'),
}).id('MovedAcknowledgement');

export const historyAnswer = array(
  object({
    id: id(),
    field: text(50),
    old_value: nullable(text(200)),
    new_value: nullable(text(200)),
    reason: nullable(text(2000)),
    actor_id: nullable(id()),
    actor_type: text(20),
    updated_at: instant(),
  }),
  { max: 1000 },
).id('AcknowledgementHistory');

export const acknowledgementExample = {
  id: '01998e3a-c150-7f60-8c85-91a314253641',
  policy_id: '01998e3a-c150-7f60-8c85-91a314253642',
  policy_title: 'Acceptable use',
  policy_version: 2,
  version_label: '2.0',
  employee_id: '01998e3a-c150-7f60-8c85-91a314253643',
  employee_name: 'Grace Hopper',
  employee_email: 'grace@example.com',
  customer_id: '01998e3a-c150-7f60-8c85-91a314253644',
  department: 'Engineering',
  acknowledgement_type: 'manual',
  campaign_id: null,
  cycle: 1,
  status: 'pending',
  escalation_status: 'none',
  due_date: '2026-03-02',
  original_due_date: '2026-03-02',
  is_overdue: false,
  next_action: 'remind',
  next_action_at: '2026-02-23T07:00:00.000Z',
  acknowledged_at: null,
  on_time: null,
  reason: null,
  exempted_until: null,
  exemption_open: false,
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  version: 1,
} as const;

export const detailExample = {
  ...acknowledgementExample,
  document: {
    content: 'Company devices are for work.',
    document_link: null,
    statement: 'I have read and understood "Acceptable use", version 2.0, and will act by it.',
    quiz: [{ question: 'What are devices for?', options: ['Work', 'Games'] }],
  },
  exemption: null,
} as const;
