import type {
  CompliancePolicyView,
  PolicyVersionSummary,
  PolicyVersionView,
} from '../../commands/compliancePolicyViews.ts';
import type { VersionDiff } from '../../commands/policyDiffs.ts';
import type { ApprovalRound } from '../../commands/policyVersions.ts';
import { labelText } from '../../rules/compliancePolicies.ts';
import { policyApprovalWorkflowId } from '../../rules/workflowIds.ts';

export const presentPolicy = ({ policy, latest }: CompliancePolicyView) => ({
  ...presentFields(policy),
  latest_version: latest && presentVersion(latest),
});

export const presentPolicySummary = ({
  policy,
  latest,
}: CompliancePolicyView<PolicyVersionSummary>) => ({
  ...presentFields(policy),
  latest_version: latest && presentVersionSummary(latest),
});

const presentFields = (policy: CompliancePolicyView['policy']) => ({
  id: policy.id,
  type: policy.type,
  title: policy.title,
  description: policy.description ?? null,
  template_id: policy.templateId ?? null,
  update_available: policy.updateAvailable,
  customer_compliance_id: policy.customerComplianceId ?? null,
  owner_id: policy.ownerId ?? null,
  audience_customer_id: policy.audienceCustomerId ?? null,
  audience_role: policy.audienceRole ?? null,
  audience_department: policy.audienceDepartment ?? null,
  classification: policy.classification,
  review_date: policy.reviewDate ?? null,
  review_overdue: policy.reviewOverdue,
  approval_status: policy.approvalStatus,
  approval_requested_at: policy.approvalRequestedAt?.toISOString() ?? null,
  approved_by: policy.approvedBy ?? null,
  approved_at: policy.approvedAt?.toISOString() ?? null,
  policy_version: policy.policyVersion,
  created_at: policy.createdAt.toISOString(),
  created_by: policy.createdBy ?? null,
  updated_at: policy.updatedAt.toISOString(),
  archived_at: policy.archivedAt?.toISOString() ?? null,
  version: policy.version,
});

export const presentVersion = (version: PolicyVersionView) => ({
  ...presentVersionSummary(version),
  content: version.content ?? null,
  quiz: version.quiz.map(({ question, options, correct }) => ({
    question,
    options: [...options],
    correct,
  })),
});

export const presentVersionSummary = (version: PolicyVersionSummary) => ({
  id: version.id,
  number: version.number,
  label: labelText(version),
  document_link: version.documentLink ?? null,
  document_sha256: version.documentSha256 ?? null,
  content_sha256: version.contentSha256,
  change_log: version.changeLog ?? null,
  template_id: version.templateId ?? null,
  requires_reack: version.requiresReack,
  authors: [...version.authors],
  approvers: [...version.approvers],
  quorum: version.quorum,
  round: version.round,
  status: version.status,
  is_escalated: version.isEscalated,
  submitted_at: version.submittedAt?.toISOString() ?? null,
  approved_at: version.approvedAt?.toISOString() ?? null,
  publish_at: version.publishAt?.toISOString() ?? null,
  published_at: version.publishedAt?.toISOString() ?? null,
  published_by: version.publishedBy ?? null,
  ended_at: version.endedAt?.toISOString() ?? null,
  created_at: version.createdAt.toISOString(),
  updated_at: version.updatedAt.toISOString(),
  archived_at: version.archivedAt?.toISOString() ?? null,
  workflow: {
    id: policyApprovalWorkflowId(version.companyId, version.id),
    state: runOf(version),
  },
  state_version: version.stateVersion,
});

const runOf = ({
  workflowClosedAt,
  isStarting,
}: PolicyVersionSummary): 'starting' | 'running' | 'closed' => {
  if (workflowClosedAt) return 'closed';
  return isStarting ? 'starting' : 'running';
};

export const presentApprovals = ({ number, round, quorum, approvals, steps }: ApprovalRound) => ({
  number,
  round,
  quorum,
  approvals,
  steps: steps.map(({ approverId, state, reason, decidedAt }) => ({
    approver_id: approverId,
    state,
    reason,
    decided_at: decidedAt?.toISOString() ?? null,
  })),
});

export const presentDiff = ({ number, against, parts, isWhole, document }: VersionDiff) => ({
  number,
  against,
  parts: parts.map(({ change, lines, text }) => ({ change, lines, text })),
  whole: isWhole,
  document: {
    changed: document.isChanged,
    before: document.before && presentFile(document.before),
    after: presentFile(document.after),
  },
});

const presentFile = ({ documentLink, documentSha256 }: VersionDiff['document']['after']) => ({
  document_link: documentLink ?? null,
  document_sha256: documentSha256 ?? null,
});
