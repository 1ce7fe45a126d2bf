import type { PolicyConfigurationView } from '../../commands/policyConfigurations.ts';

export const presentConfiguration = (row: PolicyConfigurationView) => ({
  id: row.id,
  policy_id: row.policyId,
  key: row.key,
  value: row.value,
  status: row.status,
  reason: row.reason ?? null,
  decided_by: row.decidedBy ?? null,
  decided_at: row.decidedAt?.toISOString() ?? null,
  policy_version: row.policyVersion ?? null,
  created_by: row.createdBy ?? null,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
  archived_at: row.archivedAt?.toISOString() ?? null,
  version: row.version,
});
