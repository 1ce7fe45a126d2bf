import type { AcknowledgementTimelines } from '../../commands/acknowledgementTimelines.ts';
import type { BulkOperations } from '../../commands/bulkOperations.ts';
import type { ClaimTimelines } from '../../commands/claimTimelines.ts';
import type { DocumentTimelines } from '../../commands/documentTimelines.ts';
import type { BookingTimelines } from '../../commands/bookingTimelines.ts';
import type { PaymentTimelines } from '../../commands/paymentTimelines.ts';
import type { PolicyApprovalTimelines } from '../../commands/policyApprovalTimelines.ts';
import type { SubscriptionTimelines } from '../../commands/subscriptionTimelines.ts';
import type { RegistrationTimelines } from '../../commands/registrationTimelines.ts';
import type { ReportTimelines } from '../../commands/reportTimelines.ts';
import type { WorkflowDrifts } from '../../commands/workflowDrifts.ts';
import type { WorkflowOperations } from '../../commands/workflowOperations.ts';
import type { previewAcknowledgement } from '../../commands/acknowledgementPreview.ts';
import type { previewBooking } from '../../commands/bookingPreview.ts';
import type { previewClaim } from '../../commands/claimPreview.ts';
import type { previewPolicyApproval } from '../../commands/policyApprovalPreview.ts';
import type { previewSubscription } from '../../commands/subscriptionPreview.ts';
import type { WorkflowReplays } from '../../commands/workflowReplays.ts';
import type { WorkflowSearch } from '../../commands/workflowSearch.ts';
import { invalidField } from '../../errors.ts';
import { claimStatuses } from '../../rules/claims.ts';
import type { Permission } from '../../rules/permissions.ts';
import { policyVersionStatuses } from '../../rules/policyApproval.ts';
import { kindsWith, type RunAction } from '../../rules/runActions.ts';
import type { WorkflowKind } from '../../rules/workflowIds.ts';
import { listRoute, route, type Route } from '../route.ts';
import {
  presentBulk,
  presentBulkBegun,
  presentBulkItem,
  presentDrift,
  presentExplanation,
  presentOperated,
  presentPreview,
  presentRepaired,
  presentReplay,
  presentTimeline,
  presentTimerChanged,
  presentWorkflow,
  presentWorkflowDetail,
} from './present.ts';
import {
  bulkAnswer,
  bulkBegunAnswer,
  bulkBody,
  bulkExample,
  bulkItemAnswer,
  bulkItemsQuery,
  bulksQuery,
  changeTimerBody,
  confirmedBody,
  driftAnswer,
  driftsQuery,
  explanationAnswer,
  explanationExample,
  operatedAnswer,
  operationBody,
  previewAnswer,
  previewBody,
  previewExample,
  repairedAnswer,
  replayAnswer,
  skipTimerBody,
  timelineAnswer,
  timelineExample,
  timerChangedExample,
  timerChangedAnswer,
  timerPath,
  workflowAnswer,
  workflowDetailAnswer,
  workflowPath,
  workflowsQuery,
} from './schema.ts';

const tag = 'Workflows';

/** What any kind of workflow tells of itself. */
interface Kind {
  timeline: SubscriptionTimelines['timeline'];
  explain: SubscriptionTimelines['explain'];
}

/** One with deadlines of its own. */
interface Timed {
  changeTimer: SubscriptionTimelines['changeTimer'];
}

export const workflowRoutes = ({
  timelines,
  registrationTimelines,
  claimTimelines,
  bookingTimelines,
  paymentTimelines,
  reportTimelines,
  documentTimelines,
  policyApprovalTimelines,
  acknowledgementTimelines,
  workflowOperations,
  workflowDrifts,
  workflowPreviews,
  workflowReplays,
  workflowSearch,
  bulkOperations,
}: {
  readonly timelines: SubscriptionTimelines;
  readonly registrationTimelines: RegistrationTimelines;
  readonly claimTimelines: ClaimTimelines;
  readonly bookingTimelines: BookingTimelines;
  readonly paymentTimelines: PaymentTimelines;
  readonly reportTimelines: ReportTimelines;
  readonly documentTimelines: DocumentTimelines;
  readonly policyApprovalTimelines: PolicyApprovalTimelines;
  readonly acknowledgementTimelines: AcknowledgementTimelines;
  readonly workflowOperations: WorkflowOperations;
  readonly workflowDrifts: WorkflowDrifts;
  readonly workflowPreviews: {
    readonly claim: typeof previewClaim;
    readonly subscription: typeof previewSubscription;
    readonly booking: typeof previewBooking;
    readonly 'policy-approval': typeof previewPolicyApproval;
    readonly acknowledgement: typeof previewAcknowledgement;
  };
  readonly workflowReplays: WorkflowReplays;
  readonly workflowSearch: WorkflowSearch;
  readonly bulkOperations: BulkOperations;
}): Route[] => [
  listRoute({
    path: '/workflows',
    permission: 'workflow:read',
    company: 'optional',
    summary: 'Runs of the company by type, status, what is late and what waits for help',
    tag,
    businessRules: true,
    query: workflowsQuery,
    answer: presentWorkflow,
    answerSchema: workflowAnswer,
    handle: ({ actor, query }) => workflowSearch.list(actor, query),
  }),
  route({
    method: 'POST',
    path: '/workflows/preview',
    permission: 'workflow:read',
    summary: 'What would happen from now on under other dates or settings; nothing is stored',
    tag,
    message: 'Preview',
    businessRules: true,
    body: previewBody,
    answer: presentPreview,
    answerSchema: previewAnswer,
    handle: ({ actor, body }) => {
      const { type, id, startDate, endDate, publishAt, reviewDate, deadlines } = body;
      refuseOthers(type, body);
      switch (type) {
        case 'claim': {
          const status = statusAmong(claimStatuses, body.status);
          const settings = body.claimSettings;
          return workflowPreviews.claim(actor, { id, status, settings, deadlines });
        }
        case 'subscription': {
          const settings = body.lifecycleConfig;
          return workflowPreviews.subscription(actor, { id, startDate, endDate, settings });
        }
        case 'booking': {
          const settings = body.bookingSettings;
          return workflowPreviews.booking(actor, { id, startDate, endDate, settings });
        }
        case 'policy-approval': {
          const status = statusAmong(policyVersionStatuses, body.status);
          const settings = body.complianceSettings;
          const wish = { id, status, publishAt, reviewDate, settings, deadlines };
          return workflowPreviews[type](actor, wish);
        }
        case 'acknowledgement': {
          const settings = body.complianceSettings;
          return workflowPreviews.acknowledgement(actor, { id, settings });
        }
        default:
          return type satisfies never;
      }
    },
    examples: { body: previewExample },
  }),
  listRoute({
    path: '/workflows/drift',
    permission: 'workflow:read',
    company: 'optional',
    summary: 'Where the nightly check found that a row and its run differ',
    tag,
    businessRules: true,
    query: driftsQuery,
    answer: presentDrift,
    answerSchema: driftAnswer,
    handle: ({ actor, query }) => workflowDrifts.list(actor, query),
  }),
  route({
    method: 'POST',
    path: '/workflows/drift/:id/repair',
    permission: 'workflow:operate',
    company: 'optional',
    summary: 'Brings a run together with its row, which rules: starts it, has it read, or ends it',
    tag,
    status: 202,
    message: 'Repair begun',
    idempotency: 'optional',
    businessRules: true,
    params: workflowPath,
    body: operationBody,
    answer: presentRepaired,
    answerSchema: repairedAnswer,
    handle: ({ actor, params: { id }, body: { reason }, once }) =>
      workflowDrifts.repair(actor, { id, reason }, once),
    examples: { body: { reason: 'Found by the nightly check' } },
  }),
  ...bulkRoutes(bulkOperations),
  ...detailOf('subscription', workflowSearch),
  ...detailOf('claim', workflowSearch),
  ...detailOf('payment', workflowSearch),
  ...detailOf('booking', workflowSearch),
  ...detailOf('report', workflowSearch),
  ...detailOf('document', workflowSearch),
  ...detailOf('policy-approval', workflowSearch),
  ...detailOf('acknowledgement', workflowSearch),
  ...detailOf('onboarding', workflowSearch, platform),
  ...replayOf('subscription', workflowReplays),
  ...replayOf('claim', workflowReplays),
  ...replayOf('payment', workflowReplays),
  ...replayOf('booking', workflowReplays),
  ...replayOf('report', workflowReplays),
  ...replayOf('document', workflowReplays),
  ...replayOf('policy-approval', workflowReplays),
  ...replayOf('acknowledgement', workflowReplays),
  ...replayOf('onboarding', workflowReplays, platform),
  ...routesOf('subscription', timelines),
  ...timerRoutesOf('subscription', timelines),
  ...routesOf('claim', claimTimelines),
  ...timerRoutesOf('claim', claimTimelines),
  ...routesOf('payment', paymentTimelines),
  ...timerRoutesOf('payment', paymentTimelines),
  ...routesOf('booking', bookingTimelines),
  ...timerRoutesOf('booking', bookingTimelines),
  ...routesOf('report', reportTimelines),
  ...routesOf('document', documentTimelines),
  ...routesOf('policy-approval', policyApprovalTimelines),
  ...timerRoutesOf('policy-approval', policyApprovalTimelines),
  ...routesOf('acknowledgement', acknowledgementTimelines),
  // A registration belongs to the platform, whatever address one works at.
  ...routesOf('onboarding', registrationTimelines, platform),
  ...timerRoutesOf('onboarding', registrationTimelines, platform),
  ...operationsOf('subscription', workflowOperations),
  ...operationsOf('claim', workflowOperations),
  ...operationsOf('payment', workflowOperations),
  ...operationsOf('booking', workflowOperations),
  ...operationsOf('report', workflowOperations),
  ...operationsOf('document', workflowOperations),
  ...operationsOf('policy-approval', workflowOperations),
  ...operationsOf('acknowledgement', workflowOperations),
  ...operationsOf('onboarding', workflowOperations, platform),
];

/** Of the company that one is in; the platform's own people have its registrations. */
const bulkRoutes = (bulk: BulkOperations): Route[] => [
  route({
    method: 'POST',
    path: '/workflows/bulk',
    permission: 'workflow:operate',
    company: 'optional',
    summary: 'Do the same to every run that a filter finds, so many a second; or count them',
    tag,
    status: 202,
    dryRuns: true,
    message: 'Begun',
    idempotency: 'optional',
    businessRules: true,
    body: bulkBody,
    answer: presentBulkBegun,
    answerSchema: bulkBegunAnswer,
    handle: ({ actor, body, once }) => bulk.begin(actor, body, once),
    examples: { body: bulkExample },
  }),
  listRoute({
    path: '/workflows/bulk',
    permission: 'workflow:read',
    company: 'optional',
    summary: 'Operations on many runs, and how far each has come',
    tag,
    businessRules: true,
    query: bulksQuery,
    answer: presentBulk,
    answerSchema: bulkAnswer,
    handle: ({ actor, query }) => bulk.list(actor, query),
  }),
  route({
    method: 'GET',
    path: '/workflows/bulk/:id',
    permission: 'workflow:read',
    company: 'optional',
    summary: 'How far an operation on many runs has come',
    tag,
    params: workflowPath,
    answer: presentBulk,
    answerSchema: bulkAnswer,
    handle: ({ actor, params }) => bulk.get(actor, params.id),
  }),
  listRoute({
    path: '/workflows/bulk/:id/items',
    permission: 'workflow:read',
    company: 'optional',
    summary: 'What it came to with each run, in their order',
    tag,
    businessRules: true,
    params: workflowPath,
    query: bulkItemsQuery,
    answer: presentBulkItem,
    answerSchema: bulkItemAnswer,
    handle: ({ actor, params, query }) => bulk.items(actor, params.id, query),
  }),
  route({
    method: 'POST',
    path: '/workflows/bulk/:id/abort',
    permission: 'workflow:operate',
    company: 'optional',
    summary: 'Stop what has not begun',
    tag,
    message: 'Stopped',
    idempotency: 'optional',
    businessRules: true,
    params: workflowPath,
    body: operationBody,
    answer: presentBulk,
    answerSchema: bulkAnswer,
    handle: ({ actor, params: { id }, body: { reason }, once }) =>
      bulk.abort(actor, { id, reason }, once),
    examples: { body: { reason: 'The wrong filter' } },
  }),
];

interface Where {
  readonly company?: false;
}

const platform: Where = { company: false };

/** What can be changed of each type, and what the field is called outside. */
const changes = {
  claim: { status: 'status', claimSettings: 'claim_settings', deadlines: 'deadlines' },
  subscription: {
    startDate: 'start_date',
    endDate: 'end_date',
    lifecycleConfig: 'lifecycle_config',
  },
  booking: {
    startDate: 'start_date',
    endDate: 'end_date',
    bookingSettings: 'booking_settings',
  },
  'policy-approval': {
    status: 'status',
    publishAt: 'publish_at',
    reviewDate: 'review_date',
    complianceSettings: 'compliance_settings',
    deadlines: 'deadlines',
  },
  acknowledgement: { complianceSettings: 'compliance_settings' },
} as const;

/** @throws Invalid for a status that the type does not have */
function statusAmong<Status extends string>(
  statuses: readonly Status[],
  wanted: string | undefined,
): Status | undefined {
  if (wanted === undefined) return undefined;
  const status = statuses.find((each) => each === wanted);
  if (!status) throw invalidField('status', 'The type has no such status', 'INVALID_VALUE');
  return status;
}

/** @throws Invalid for a change that the type does not have */
function refuseOthers(type: keyof typeof changes, body: object): void {
  for (const [key, field] of Object.values(changes).flatMap(Object.entries<string>)) {
    if (Object.hasOwn(body, key) && !Object.hasOwn(changes[type], key)) {
      throw invalidField(field, `A ${type} has no such change`, 'UNKNOWN_FIELD');
    }
  }
}

const detailOf = (type: WorkflowKind, search: WorkflowSearch, where: Where = {}): Route[] => [
  route({
    ...where,
    method: 'GET',
    path: `/workflows/${type}/:id`,
    permission: 'workflow:read',
    summary: 'One run: how its object stands, its timers, and the step that fails',
    tag,
    params: workflowPath,
    answer: presentWorkflowDetail,
    answerSchema: workflowDetailAnswer,
    handle: ({ actor, params }) => search.get(actor, type, params.id),
  }),
];

const replayOf = (type: WorkflowKind, replays: WorkflowReplays, where: Where = {}): Route[] => [
  route({
    ...where,
    method: 'GET',
    path: `/workflows/${type}/:id/replay`,
    permission: 'workflow:read',
    summary:
      'The history of a run replayed by the present code, and what it leads to beside the row',
    tag,
    params: workflowPath,
    answer: presentReplay,
    answerSchema: replayAnswer,
    handle: ({ actor, params }) => replays.replay(actor, type, params.id),
  }),
];

const mayChangeTimers = {
  subscription: 'timer:change',
  claim: 'claim:change_timer',
  payment: 'timer:change',
  booking: 'timer:change',
  'policy-approval': 'compliance_policy:change_timer',
  onboarding: 'registration:retry',
} as const satisfies Readonly<Record<string, Permission>>;

const routesOf = (type: WorkflowKind, kind: Kind, where: Where = {}): Route[] => [
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
    ...(type === 'subscription' && { examples: { answer: timelineExample } }),
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
    ...(type === 'subscription' && { examples: { answer: explanationExample } }),
    handle: ({ actor, params }) => kind.explain(actor, params.id),
  }),
];

const timerRoutesOf = (
  type: keyof typeof mayChangeTimers,
  kind: Timed,
  where: Where = {},
): Route[] => [
  route({
    ...where,
    method: 'PATCH',
    path: `/workflows/${type}/:id/timers/:name`,
    permission: mayChangeTimers[type],
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
    examples: {
      body: { extend_by: 86_400, reason: 'Somebody is abroad', dry_run: true },
      ...(type === 'subscription' && { answer: timerChangedExample }),
    },
  }),
  route({
    ...where,
    method: 'POST',
    path: `/workflows/${type}/:id/skip-timer`,
    permission: mayChangeTimers[type],
    summary: 'Let a running timer be due now, where it may be moved there',
    tag,
    message: 'Due now',
    idempotency: 'optional',
    businessRules: true,
    params: workflowPath,
    body: skipTimerBody,
    answer: presentTimerChanged,
    answerSchema: timerChangedAnswer,
    handle: ({ actor, params, body: { name, reason }, once }) =>
      kind.changeTimer(
        actor,
        params.id,
        name,
        { dueAt: new Date(Date.now() + soonMs), reason, dryRun: false, skips: true },
        once,
      ),
    examples: { body: { name: 'expiry', reason: 'Nobody waits for it' } },
  }),
];

/** Now, and still ahead when the workflow hears of it. */
const soonMs = 2000;

const operationsOf = (
  kind: WorkflowKind,
  operations: WorkflowOperations,
  where: Where = {},
): Route[] => {
  const asked = (action: RunAction, summary: string, example: string): Route[] =>
    kindsWith(action).includes(kind)
      ? [
          route({
            ...operation,
            ...where,
            path: `/workflows/${kind}/:id/${action.replace('_', '-')}`,
            summary,
            body: operationBody,
            handle: ({ actor, params: { id }, body: { reason }, once }) =>
              operations.operate(actor, { action, kind, id, reason, once }),
            examples: { body: { reason: example } },
          }),
        ]
      : [];
  const confirmed = (action: 'terminate' | 'reset', summary: string, example: string): Route[] =>
    kindsWith(action).includes(kind)
      ? [
          route({
            ...operation,
            ...where,
            path: `/workflows/${kind}/:id/${action}`,
            summary,
            body: confirmedBody,
            handle: ({ actor, params: { id }, body: { reason, confirm }, once }) =>
              operations.operate(actor, { action, kind, id, reason, confirm, once }),
            examples: {
              body: { reason: example, confirm: '0190b1a0-0000-7000-8000-000000000001' },
            },
          }),
        ]
      : [];

  return [
    ...asked(
      'retry_step',
      'Try a step again that failed for good, once its cause is removed',
      'The row was put right',
    ),
    ...asked(
      'signal',
      'Have the run read its row again and go on from there',
      'The row was put right',
    ),
    ...asked(
      'cancel',
      'End the object as its lifecycle does, and undo what has to be undone',
      'Opened by mistake',
    ),
    ...confirmed(
      'terminate',
      'End the run at once; nothing is undone, and nobody starts it again',
      'It cannot go on',
    ),
    ...confirmed(
      'reset',
      'End a run that cannot go on, and have another one go on from the row',
      'Its history cannot be replayed',
    ),
    ...asked(
      'pause',
      kind === 'claim'
        ? 'Stop every clock of the claim: its hold'
        : 'Stop every clock of the approval; people go on deciding',
      'A lawsuit',
    ),
    ...asked('resume', 'Let the clocks go on with what was left of them', 'It is settled'),
  ];
};

const operation = {
  method: 'POST',
  permission: 'workflow:operate',
  tag,
  status: 202,
  idempotency: 'optional',
  businessRules: true,
  params: workflowPath,
  answer: presentOperated,
  answerSchema: operatedAnswer,
} as const;
