import { baseColumns, baseIndexes, wall } from './wall.ts';

/** What people do not want to be told, and why a message was not sent. */
const up = `
CREATE TABLE core.notification_preferences (${baseColumns},
  user_id uuid NOT NULL,
  muted jsonb NOT NULL,
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX notification_preferences_user_key
  ON core.notification_preferences (company_id, user_id);
${baseIndexes('core.notification_preferences')}
${wall('core.notification_preferences')}

ALTER TABLE core.notifications ADD COLUMN suppressed_because text
  CHECK (suppressed_because IN ('muted', 'erased', 'company_suspended'));
`;

const down = `
ALTER TABLE core.notifications DROP COLUMN suppressed_because;
DROP TABLE core.notification_preferences;
`;

export const notificationPreferences = { name: '0040-notification-preferences', up, down };
