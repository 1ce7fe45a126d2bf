import type { KeeperStatus } from '../rules/acknowledgements.ts';
import type { BookingStatus } from '../rules/bookings.ts';
import type { ClaimStatus } from '../rules/claims.ts';
import type { RegistrationStatus } from '../rules/onboarding.ts';
import type { ScanStatus } from '../rules/documents.ts';
import type { PaymentStatus } from '../rules/payments.ts';
import type { PolicyVersionStatus } from '../rules/policyApproval.ts';
import type { ReportStatus } from '../rules/reports.ts';
import type { SubscriptionStatus } from '../rules/subscriptions.ts';
import type { WorkflowKind } from '../rules/workflowIds.ts';
import { select } from './database.ts';
import { isAsking, isKept } from './keepers.ts';
import { noSuch } from './rows.ts';
import { isOverdue } from './watchedPolicy.ts';

/** Of any object that a workflow carries. */
export type LifecycleStatus =
  | SubscriptionStatus
  | RegistrationStatus
  | ClaimStatus
  | PaymentStatus
  | BookingStatus
  | ReportStatus
  | ScanStatus
  | PolicyVersionStatus
  | KeeperStatus;

/** An object with a workflow of its own, whatever its kind. */
export interface WorkflowRow<Kind extends WorkflowKind = WorkflowKind> {
  readonly kind: Kind;
  readonly id: string;
  readonly companyId: string;
  readonly status: LifecycleStatus;
  readonly stateVersion: number;
  readonly createdAt: Date;
  readonly workflowClosedAt: Date | null;
}

/** The same columns of each kind: whatever is not of a kind is NULL. */
const tableOf: Readonly<Record<WorkflowKind, string>> = {
  subscription: `SELECT company_id, id, 'subscription'::text AS kind, status, state_version,
      created_at, updated_at, workflow_closed_at, policy_id, NULL::text AS reference, false AS is_late
    FROM policy_subscriptions`,
  claim: `SELECT company_id, id, 'claim'::text AS kind, status, state_version,
      created_at, updated_at, workflow_closed_at, policy_id, claim_number AS reference,
      sla_status = 'breached' AS is_late
    FROM claims`,
  payment: `SELECT company_id, id, 'payment'::text AS kind, status, state_version,
      created_at, updated_at, workflow_closed_at, NULL::uuid AS policy_id, transaction_id AS reference,
      false AS is_late
    FROM payments`,
  booking: `SELECT company_id, id, 'booking'::text AS kind, status, state_version,
      created_at, updated_at, workflow_closed_at, NULL::uuid AS policy_id,
      start_date::text AS reference, false AS is_late
    FROM bookings`,
  report: `SELECT company_id, id, 'report'::text AS kind, status, state_version,
      created_at, updated_at, workflow_closed_at, NULL::uuid AS policy_id, report_type AS reference,
      false AS is_late
    FROM reports`,
  document: `SELECT company_id, id, 'document'::text AS kind, scan_status AS status, 1 AS state_version,
      created_at, updated_at, coalesce(scanned_at, scan_stopped_at) AS workflow_closed_at,
      NULL::uuid AS policy_id, document_type AS reference, false AS is_late
    FROM documents`,
  'policy-approval': `SELECT company_id, id, 'policy-approval'::text AS kind, status, state_version,
      created_at, updated_at, workflow_closed_at, NULL::uuid AS policy_id,
      (SELECT d.title FROM compliance_policies d
        WHERE d.company_id = compliance_policy_versions.company_id
          AND d.id = compliance_policy_versions.policy_id) AS reference,
      is_escalated AS is_late
    FROM compliance_policy_versions`,
  // Overdue by the clocks of the database: at most a day from what the company's own say.
  acknowledgement: `SELECT p.company_id, p.id, 'acknowledgement'::text AS kind,
      CASE WHEN ${isAsking} THEN 'watching' WHEN ${isKept} THEN 'idle' ELSE 'closed' END AS status,
      p.policy_version AS state_version, p.created_at, p.updated_at,
      CASE WHEN ${isKept} THEN NULL ELSE p.updated_at END AS workflow_closed_at,
      NULL::uuid AS policy_id, p.title AS reference,
      p.id IN (SELECT DISTINCT a.policy_id FROM acknowledgements a
        WHERE ${isOverdue('current_date')}) AS is_late
    FROM compliance_policies p WHERE p.policy_version > 0 OR p.clocks IS NOT NULL`,
  onboarding: `SELECT company_id, id, 'onboarding'::text AS kind, status, state_version,
      created_at, updated_at, workflow_closed_at, NULL::uuid AS policy_id, company_name AS reference,
      false AS is_late
    FROM core.registration_requests`,
};

/** SQL for a FROM, without an alias: the objects of these kinds in one table. */
export const workflowTable = (kinds: readonly WorkflowKind[]): string =>
  `(${kinds.map((kind) => tableOf[kind]).join('\nUNION ALL\n')})`;

/** Of that table under the alias `w`. */
export const workflowColumns = `w.kind, w.id, w.company_id AS "companyId", w.status,
  w.state_version AS "stateVersion", w.created_at AS "createdAt",
  w.workflow_closed_at AS "workflowClosedAt"`;

/** @throws NotFound */
export async function getWorkflowRow(kind: WorkflowKind, id: string): Promise<WorkflowRow> {
  const [row] = await select<WorkflowRow>(
    `SELECT ${workflowColumns} FROM ${workflowTable([kind])} w WHERE w.id = $1`,
    [id],
  );
  if (!row) throw noSuch(kind, id);
  return row;
}
