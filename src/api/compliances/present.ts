import type { ComplianceView } from '../../commands/compliances.ts';

export const presentCompliance = (compliance: ComplianceView) => ({
  id: compliance.id,
  compliance_type: compliance.complianceType,
  compliance_title: compliance.complianceTitle,
  requirements: compliance.requirements.map(({ code, text }) => ({ code, text })),
  created_at: compliance.createdAt.toISOString(),
  updated_at: compliance.updatedAt.toISOString(),
  archived_at: compliance.archivedAt?.toISOString() ?? null,
  version: compliance.version,
});
