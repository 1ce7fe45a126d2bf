import type { ExportedClaim } from '../../commands/claimExport.ts';
import type { AllowedTransitions, ClaimHistoryEntry } from '../../commands/claimHistories.ts';
import type { ClaimView } from '../../commands/claimViews.ts';
import type { Decider } from '../../models/claimStaff.ts';
import { exportedFile } from '../exportedFile.ts';

export const presentClaim = ({ claim, policyNumber, isInternal, workflow }: ClaimView) => ({
  id: claim.id,
  claim_number: claim.claimNumber,
  policy_id: claim.policyId,
  policy_number: policyNumber,
  title: claim.title,
  description: claim.description,
  status: claim.status,
  priority: claim.priority,
  incident_date: claim.incidentDate,
  claim_amount: claim.claimAmount ?? null,
  approved_amount: claim.approvedAmount ?? null,
  paid_amount: claim.paidAmount,
  currency: claim.currency,
  claimant_name: claim.claimantName,
  claimant_email: claim.claimantEmail,
  claimant_phone: claim.claimantPhone ?? null,
  denial_code: claim.denialCode ?? null,
  denial_reason: claim.denialReason ?? null,
  closed_outcome: claim.closedOutcome ?? null,
  closed_at: claim.closedAt?.toISOString() ?? null,
  internal: isInternal ? presentInternal(claim) : null,
  assigned_to: isInternal ? (claim.assignedTo ?? null) : null,
  sla_status: isInternal ? claim.slaStatus : null,
  on_hold: isInternal ? claim.onHold : null,
  workflow: { id: workflow.id, state: workflow.state },
  version: claim.version,
  state_version: claim.stateVersion,
  created_at: claim.createdAt.toISOString(),
  updated_at: claim.updatedAt.toISOString(),
});

const presentInternal = (claim: ClaimView['claim']) => ({
  sla_status: claim.slaStatus,
  assigned_to: claim.assignedTo ?? null,
  reported_by: claim.reportedBy ?? null,
  proposed_amount: claim.proposedAmount ?? null,
  proposed_by: claim.proposedBy ?? null,
  rationale: claim.rationale ?? null,
  decided_by: claim.decidedBy ?? null,
  on_hold: claim.onHold,
  hold_kind: claim.holdKind ?? null,
  hold_reason: claim.holdReason ?? null,
  no_cover: claim.noCover,
  flag_reasons: [...claim.flagReasons],
  duplicate_of: claim.duplicateOf ?? null,
  needs_new_assignee: claim.needsNewAssignee,
  payment_id: claim.paymentId ?? null,
  payment_failed: claim.paymentFailed,
  payment_reference: claim.paymentReference ?? null,
  config_version: claim.configVersion,
});

export const presentClaimHistory = (entry: ClaimHistoryEntry) => ({
  id: entry.id,
  from: entry.from,
  to: entry.to,
  event: entry.event,
  actor_id: entry.actorId,
  actor_type: entry.actorType,
  reason: entry.reason,
  hold_kind: entry.holdKind,
  at: entry.at.toISOString(),
});

export const presentAllowed = ({ status, transitions }: AllowedTransitions) => ({
  status,
  allowed_transitions: transitions.map(({ event, to, by, mine }) => ({
    event,
    to,
    by: [...by],
    mine,
  })),
});

export const presentDelegates = (delegates: readonly Decider[]) => ({
  delegates: delegates.map(({ userId, name, isDelegate }) => ({
    user_id: userId,
    name,
    is_delegate: isDelegate,
  })),
});

export const presentExport = ({ view, company, parts }: ExportedClaim) =>
  exportedFile({ company, claim: presentClaim(view) }, parts);
