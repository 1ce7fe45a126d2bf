import { keeperStatuses } from '../../rules/acknowledgements.ts';
import { bookingStatuses } from '../../rules/bookings.ts';
import { claimStatuses } from '../../rules/claims.ts';
import { bookingBounds } from '../../rules/bookingSettings.ts';
import { claimBounds } from '../../rules/claimSettings.ts';
import { complianceBounds } from '../../rules/complianceSettings.ts';
import { scanStatuses } from '../../rules/documents.ts';
import { registrationStatuses } from '../../rules/onboarding.ts';
import { paymentStatuses } from '../../rules/payments.ts';
import { policyVersionStatuses } from '../../rules/policyApproval.ts';
import { reportStatuses } from '../../rules/reports.ts';
import {
  bulkRate,
  bulkResults,
  bulkStatuses,
  mostBulkItems,
  runActions,
} from '../../rules/runActions.ts';
import { subscriptionStatuses } from '../../rules/subscriptions.ts';
import { driftFindings, driftKinds } from '../../rules/workflowDrifts.ts';
import { workflowKinds } from '../../rules/workflowIds.ts';
import { cursor, listQuery } from '../listQuery.ts';
import { lifecycleConfig } from '../plans/schema.ts';
import {
  array,
  boolean,
  calendarDate,
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
import { subscriptionExample } from '../subscriptions/schema.ts';

export const workflowPath = object({ id: id() });
export const timerPath = object({ id: id(), name: text(60) });

/** Of everything that has a timeline. */
const statuses = [
  ...new Set([
    ...subscriptionStatuses,
    ...registrationStatuses,
    ...claimStatuses,
    ...paymentStatuses,
    ...bookingStatuses,
    ...reportStatuses,
    ...scanStatuses,
    ...policyVersionStatuses,
    ...keeperStatuses,
  ]),
];

const runFilters = {
  type: oneOf(...workflowKinds),
  status: oneOf(...statuses),
  overdue: boolean().description('A timer is late, or a deadline of people was missed'),
  blocked: boolean().description(
    'It goes on only once somebody has helped: a step failed for good, the code of its workflow fails, or its start was given up',
  ),
};

export const workflowsQuery = listQuery({
  filters: {
    ...runFilters,
    open: boolean().description('Whether the run goes on'),
    company_id: id().description('Of a company that a global administrator enters'),
    cursor,
  },
  sorts: ['created_at'],
  defaultSort: '-created_at',
  takes: ['search', 'created_after', 'created_before'],
});

const mostVersions = 2_147_483_647;

const workflowFields = {
  type: oneOf(...workflowKinds),
  id: id(),
  company_id: id(),
  reference: nullable(text(300)).description('A number or name that people call it by'),
  status: oneOf(...statuses),
  state_version: integer(0, mostVersions),
  workflow: object({
    id: text(200),
    state: oneOf('starting', 'parked', 'running', 'closed').description(
      'parked: its start was given up and waits for an operator',
    ),
  }),
  overdue: boolean(),
  next_timer: nullable(object({ name: text(60), due_at: instant() })),
  created_at: instant(),
  closed_at: nullable(instant()),
};

export const workflowAnswer = object(workflowFields).id('Workflow');

const workflowUrl = nullable(text(2000)).description(
  'In the Temporal UI, for those who operate runs',
);

export const workflowDetailAnswer = object({
  ...workflowFields,
  workflow_url: workflowUrl,
  blocked: boolean(),
  failing_step: nullable(
    object({
      name: text(200),
      attempt: integer(0, mostVersions),
      error: text(2000).allow(''),
      moved_by: oneOf('retry', 'retry_step', 'release'),
    }),
  ),
  timers: array(
    object({
      name: text(60),
      due_at: instant(),
      original_due_at: instant(),
      source: text(20),
      paused: boolean(),
    }),
    { max: 1000 },
  ),
}).id('WorkflowDetail');

export const operationBody = object({ reason: text(500) });
export const confirmedBody = object({
  reason: text(500),
  confirm: id().description('The id of the object once more: nothing is undone'),
});
export const skipTimerBody = object({ name: text(60), reason: text(500) });
export const operatedAnswer = object({
  workflow_id: text(200),
  operation: oneOf(...runActions),
});

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
  workflow_url: workflowUrl,
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
  workflow_url: workflowUrl,
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

const counted = (key: keyof typeof claimBounds) =>
  optional(integer(claimBounds[key].min, claimBounds[key].max));

const clockSettings = object({
  triage_hours: counted('triageHours'),
  acknowledgement_bd: counted('acknowledgementBd'),
  first_review_bd: counted('firstReviewBd'),
  decision_bd: counted('decisionBd'),
  investigation_days: counted('investigationDays'),
  status_letter_days: counted('statusLetterDays'),
  documents_days: counted('documentsDays'),
  document_reminder_days: optional(
    array(integer(claimBounds.documentReminderDays.min, claimBounds.documentReminderDays.max), {
      max: 10,
    }),
  ),
  documents_final_days: counted('documentsFinalDays'),
  approval_bd: counted('approvalBd'),
  payment_days: counted('paymentDays'),
  paid_close_days: counted('paidCloseDays'),
  denied_close_days: counted('deniedCloseDays'),
  due_soon_percent: counted('dueSoonPercent'),
  manager_bd: counted('managerBd'),
  admin_bd: counted('adminBd'),
});

const ofBooking = (key: keyof typeof bookingBounds) => {
  const { min, max } = bookingBounds[key];
  return integer(min, max);
};

const bookingClockSettings = object({
  hold_minutes: optional(ofBooking('holdMinutes')),
  host_confirmation_hours: optional(ofBooking('hostConfirmationHours')),
  stay_reminder_days: optional(array(ofBooking('stayReminderDays'), { max: 10 })),
  review_days: optional(ofBooking('reviewDays')),
  review_reminder_days: optional(ofBooking('reviewReminderDays')),
  refund_watch_days: optional(ofBooking('refundWatchDays')),
});

const ofCompliance = (key: keyof typeof complianceBounds) => {
  const { min, max } = complianceBounds[key];
  return integer(min, max);
};

const approvalClockSettings = {
  approval_reminder_bd: optional(ofCompliance('approvalReminderBd')),
  approval_escalate_bd: optional(ofCompliance('approvalEscalateBd')),
  review_days: optional(ofCompliance('reviewDays')),
  review_reminder_days: optional(array(ofCompliance('reviewReminderDays'), { max: 10 })),
};

const keeperSettings = {
  new_joiner_days: optional(ofCompliance('newJoinerDays')),
  periodic_days: optional(ofCompliance('periodicDays')),
  periodic_lead_days: optional(ofCompliance('periodicLeadDays')),
  manual_days: optional(ofCompliance('manualDays')),
  remind_before: optional(array(ofCompliance('remindBefore'), { max: 10 })),
  overdue_every_days: optional(ofCompliance('overdueEveryDays')),
  escalate_hr_days: optional(ofCompliance('escalateHrDays')),
  escalate_exec_days: optional(ofCompliance('escalateExecDays')),
};

export const previewBody = object({
  type: oneOf('claim', 'subscription', 'booking', 'policy-approval', 'acknowledgement'),
  id: id(),
  start_date: optional(
    calendarDate().description('Of the running term of a subscription, or of a stay'),
  ),
  end_date: optional(
    calendarDate().description('The first day without cover, or of the departure'),
  ),
  lifecycle_config: optional(lifecycleConfig),
  booking_settings: optional(
    bookingClockSettings.description('Of a booking: as if it had been made under these'),
  ),
  status: optional(
    oneOf(...new Set([...claimStatuses, ...policyVersionStatuses])).description(
      'Of a claim or a version: it goes there now',
    ),
  ),
  publish_at: optional(instant().description('Of an approved version')),
  review_date: optional(calendarDate().description('Of a version')),
  compliance_settings: optional(
    object({ ...approvalClockSettings, ...keeperSettings }).description(
      'Of a version those of approval and review, as if it had been submitted and published under them; of the acknowledgements of a policy the others, as if they were configured for it',
    ),
  ),
  claim_settings: optional(
    clockSettings.description('Of a claim: as if these were applied to it; bd: business days'),
  ),
  deadlines: optional(
    array(object({ name: text(60), due_at: instant() }), { max: 20 }),
  ).description('Of a claim or a version: deadlines that somebody moves'),
}).id('PreviewWorkflow');

export const previewExample = {
  type: 'claim',
  id: '0190b1a0-0000-7000-8000-000000000001',
  claim_settings: { triage_hours: 8, manager_bd: 2 },
};

export const previewAnswer = object({
  workflow_id: text(200),
  status: oneOf(...statuses),
  timers: array(
    object({
      name: text(60),
      title: text(200),
      kind: oneOf('notice', 'deadline', 'escalation'),
      due_at: instant(),
      runs_until: nullable(instant()).description('When the running one is due'),
      consequence: text(500),
      follows: nullable(text(60)).description('The timer that has to pass first'),
    }),
    { max: 1000 },
  ).description(
    'From now on while nobody acts; of a claim a year ahead, of what is weekly three months, of acknowledgements the first dates',
  ),
  paused: array(text(60), { max: 1000 }).description('They stand still'),
  cancelled: array(text(60), { max: 1000 }).description('Running now, and not any more'),
}).id('WorkflowPreview');

export const driftsQuery = listQuery({
  filters: {
    type: oneOf(...driftKinds),
    finding: oneOf(...driftFindings),
    open: boolean().description('Whether it was still there at the latest check'),
  },
  sorts: ['found_at'],
  defaultSort: '-found_at',
  takes: [],
});

export const driftAnswer = object({
  id: id(),
  type: oneOf(...driftKinds),
  entity_id: id(),
  workflow_id: text(200),
  finding: oneOf(...driftFindings).description(
    'missing: the object goes on without a run. left_open: its run goes on after its end. state, timers: they differ',
  ),
  row: object({ state_version: integer(0, mostVersions), due_at: nullable(instant()) }),
  run: nullable(
    object({ state_version: nullable(integer(0, mostVersions)), due_at: nullable(instant()) }),
  ),
  found_at: instant(),
  seen_at: instant().description('By the latest check that found it'),
  repaired_at: nullable(instant()),
  repaired_by: nullable(id()),
  resolved_at: nullable(instant()).description('When a check no longer found it'),
}).id('WorkflowDrift');

export const repairedAnswer = object({
  workflow_id: text(200),
  repair: oneOf('start', 'read_again', 'end'),
});

export const bulkBody = object({
  action: oneOf(...runActions),
  filter: partial({
    ...runFilters,
    open: boolean().valid(true).description('Runs that have ended are never acted on'),
    search: text(200),
    created_after: instant(),
    created_before: instant(),
  }).description('As in GET /workflows, of the runs that go on'),
  reason: text(500),
  confirm: optional(
    integer(1, mostBulkItems).description(
      'For terminate and reset: the number of runs that the dry run told of',
    ),
  ),
  dry_run: boolean().default(false).description('Count, begin nothing'),
  per_second: integer(1, bulkRate.most).default(bulkRate.usual),
}).id('BeginBulkOperation');

export const bulkExample = {
  action: 'retry_step',
  filter: { type: 'payment', blocked: true },
  reason: 'The gateway is back',
  dry_run: true,
};

const howMany = integer(0, mostVersions);

export const bulkBegunAnswer = object({
  dry_run: boolean(),
  count: howMany,
  items: array(workflowAnswer, { max: 10 }).description('The first of them; of a dry run alone'),
  bulk_id: nullable(id()),
});

export const bulkAnswer = object({
  id: id(),
  action: oneOf(...runActions),
  status: oneOf(...bulkStatuses),
  filter: partial({
    ...runFilters,
    created_after: instant(),
    created_before: instant(),
  }).description('Without the text searched for, which is not kept'),
  reason: text(500),
  per_second: integer(1, bulkRate.most),
  counts: object({
    total: howMany,
    pending: howMany,
    done: howMany,
    refused: howMany,
    failed: howMany,
  }),
  workflow_id: text(200),
  asked_by: nullable(id()),
  created_at: instant(),
  aborted_at: nullable(instant()),
  aborted_by: nullable(id()),
  abort_reason: nullable(text(500)),
  ended_at: nullable(instant()).description('When nothing was left to be done'),
}).id('BulkOperation');

export const bulksQuery = listQuery({
  filters: { status: oneOf(...bulkStatuses), action: oneOf(...runActions) },
  sorts: ['created_at'],
  defaultSort: '-created_at',
  takes: [],
});

export const bulkItemsQuery = listQuery({
  filters: { result: oneOf(...bulkResults) },
  sorts: ['id'],
  defaultSort: 'id',
  takes: [],
});

export const bulkItemAnswer = object({
  id: id(),
  type: oneOf(...workflowKinds),
  entity_id: id(),
  result: oneOf(...bulkResults).description(
    'refused: the run or its state does not allow it. failed: it was tried and nobody answered',
  ),
  code: nullable(text(60)),
  message: nullable(text(500)),
  ended_at: nullable(instant()),
}).id('BulkItem');

const objectState = object({
  status: text(60),
  state_version: integer(0, mostVersions),
  closed: boolean(),
  timers: array(object({ name: text(60), due_at: instant() }), { max: 1000 }),
});

export const replayAnswer = object({
  workflow_id: text(200),
  run_id: text(200),
  events: integer(0, mostVersions),
  is_deterministic: nullable(boolean()).description(
    'Whether the present code goes the way of the history; null where that was not tried',
  ),
  error: nullable(text(500)),
  under_way: boolean().description('A step was under way, so differences may pass by themselves'),
  state: nullable(objectState).description(
    'What the replay led to; null where it did not come to it',
  ),
  row: objectState,
  differences: array(
    object({ field: text(100), run: nullable(text(2000)), row: nullable(text(2000)) }),
    { max: 1000 },
  ).description('Between the state and the row'),
}).id('WorkflowReplay');

/** Asked right after the purchase. */
const timerExample = (
  timer: { readonly name: string; readonly title: string; readonly source: string },
  dueAt: string,
) => ({
  ...timer,
  due_at: dueAt,
  original_due_at: dueAt,
  remaining_seconds: (Date.parse(dueAt) - Date.parse(subscriptionExample.created_at)) / 1000,
});

const nextTimerExample = timerExample(
  { name: 'renewal_offer', title: 'Renewal offer to the holder', source: 'default' },
  '2026-12-17T23:00:00.000Z',
);

const runExample = {
  workflow_id: subscriptionExample.workflow.id,
  workflow_url: null,
  status: 'active',
} as const;

export const timelineExample = {
  ...runExample,
  past: [
    {
      at: subscriptionExample.created_at,
      kind: 'event',
      name: 'subscribe',
      title: 'Bought',
      actor_type: 'user',
      reason: null,
    },
  ],
  future: [
    nextTimerExample,
    timerExample(
      { name: 'expiry', title: 'Cover ends', source: 'term' },
      subscriptionExample.expires_at,
    ),
  ],
} as const;

export const explanationExample = {
  ...runExample,
  summary: 'The subscription is active and waits for its next date',
  waits_for: 'time',
  since: subscriptionExample.created_at,
  moves: [
    { event: 'cancel', who: 'the holder, or a tenant admin with a reason' },
    { event: 'renew', who: 'the holder, the call centre or a tenant admin' },
  ],
  next: nextTimerExample,
  consequence: 'The holder is reminded by e-mail',
  failing_step: null,
} as const;

export const timerChangedExample = {
  dry_run: true,
  scheduled: [
    { name: 'renewal_reminder_1', due_at: '2027-01-31T23:00:00.000Z' },
    { name: 'expiry', due_at: '2027-02-01T23:00:00.000Z' },
  ],
  cancelled: [],
} as const;
