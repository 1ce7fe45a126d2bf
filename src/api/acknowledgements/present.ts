import type { DueMoved, ManualOutcome } from '../../commands/acknowledgements.ts';
import type {
  AcknowledgementDetail,
  AcknowledgementView,
  historyOf,
} from '../../commands/acknowledgementViews.ts';
import { labelText } from '../../rules/compliancePolicies.ts';

export const presentAcknowledgement = (view: AcknowledgementView) => ({
  id: view.id,
  policy_id: view.policyId,
  policy_title: view.policyTitle,
  policy_version: view.policyVersion,
  version_label: labelText(view),
  employee_id: view.employeeId,
  employee_name: view.employeeName,
  employee_email: view.employeeEmail,
  customer_id: view.customerId,
  department: view.department || null,
  acknowledgement_type: view.acknowledgementType,
  campaign_id: view.campaignId ?? null,
  cycle: view.cycle,
  status: view.status,
  escalation_status: view.escalationStatus,
  due_date: view.dueDate,
  original_due_date: view.originalDueDate,
  is_overdue: view.isOverdue,
  next_action: view.nextAction,
  next_action_at: view.nextActionAt?.toISOString() ?? null,
  acknowledged_at: view.acknowledgedAt?.toISOString() ?? null,
  on_time: view.onTime ?? null,
  reason: view.reason ?? null,
  exempted_until: view.exemptedUntil ?? null,
  exemption_open: view.exemptionOpen,
  created_at: view.createdAt.toISOString(),
  updated_at: view.updatedAt.toISOString(),
  version: view.version,
});

export const presentDetail = (view: AcknowledgementDetail) => ({
  ...presentAcknowledgement(view),
  document: {
    content: view.document.content,
    document_link: view.document.documentLink,
    statement: view.document.statement,
    quiz: view.document.quiz.map(({ question, options }) => ({ question, options: [...options] })),
  },
  exemption: view.exemption && {
    reason: view.exemption.reason,
    valid_until: view.exemption.validUntil,
    status: view.exemption.status,
    decision_reason: view.exemption.decisionReason,
  },
});

export const presentRequested = ({ asked, alreadyAsked }: ManualOutcome) => ({
  asked: [...asked],
  already_asked: [...alreadyAsked],
});

export const presentMoved = ({
  dryRun,
  dueDate,
  nextAction,
  nextActionAt,
  schedule,
}: DueMoved) => ({
  dry_run: dryRun,
  due_date: dueDate,
  next_action: nextAction,
  next_action_at: nextActionAt?.toISOString() ?? null,
  schedule: schedule.map(({ action, at, consequence }) => ({
    action,
    at: at.toISOString(),
    consequence,
  })),
});

export const presentHistory = (changes: Awaited<ReturnType<typeof historyOf>>) =>
  changes.map((change) => ({
    id: change.id,
    field: change.field,
    old_value: change.oldValue,
    new_value: change.newValue,
    reason: change.reason ?? null,
    actor_id: change.actorId,
    actor_type: change.actorType,
    updated_at: change.updatedAt.toISOString(),
  }));
