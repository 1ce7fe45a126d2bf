import type { CustomerComplianceView } from '../../commands/customerCompliances.ts';

export const presentCustomerCompliance = (row: CustomerComplianceView) => ({
  id: row.id,
  customer_id: row.customerId,
  compliance_id: row.complianceId,
  status: row.status,
  compliance_percentage: row.compliancePercentage,
  acknowledged_count: row.acknowledgedCount,
  pending_count: row.pendingCount,
  declined_count: row.declinedCount,
  compliance_updated: row.complianceUpdated?.toISOString() ?? null,
  audit_date: row.auditDate,
  audit_status: row.auditStatus,
  evidence_pack_id: row.evidencePackId,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
  archived_at: row.archivedAt?.toISOString() ?? null,
  version: row.version,
});
