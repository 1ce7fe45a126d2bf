import type { Preview, TemplateView } from '../../commands/notificationTemplates.ts';

export const presentTemplate = (template: TemplateView) => ({
  ...(template.id !== null && { id: template.id }),
  code: template.code,
  subject: template.subject,
  body: template.body,
  placeholders: [...template.placeholders],
  created_at: template.createdAt?.toISOString() ?? null,
  updated_at: template.updatedAt?.toISOString() ?? null,
  version: template.version,
});

export const presentPreview = ({ subject, text, html }: Preview) => ({ subject, text, html });
