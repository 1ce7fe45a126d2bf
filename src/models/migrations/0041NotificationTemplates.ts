import { baseColumns, baseIndexes, wall } from './wall.ts';

/** Words that a company has chosen for its messages. */
const up = `
CREATE TABLE core.notification_templates (${baseColumns},
  code text NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX notification_templates_code_key ON core.notification_templates (company_id, code)
  WHERE archived_at IS NULL;
${baseIndexes('core.notification_templates')}
${wall('core.notification_templates')}
`;

const down = `
DROP TABLE core.notification_templates;
`;

export const notificationTemplates = { name: '0041-notification-templates', up, down };
