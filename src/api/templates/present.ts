import type { TemplateView } from '../../commands/templates.ts';

export const presentTemplate = (template: TemplateView) => ({
  id: template.id,
  name: template.name,
  description: template.description,
  document_link: template.documentLink,
  document_sha256: template.documentSha256,
  version_number: template.versionNumber,
  is_latest: template.isLatest,
  is_active: template.archivedAt === null,
  change_log: template.changeLog,
  created_at: template.createdAt.toISOString(),
  updated_at: template.updatedAt.toISOString(),
  archived_at: template.archivedAt?.toISOString() ?? null,
  version: template.version,
});
