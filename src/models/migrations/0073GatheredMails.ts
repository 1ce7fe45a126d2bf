/** When a mail that others of its kind wait behind was let go, alone or with those that had waited. */
const up = `
ALTER TABLE core.notifications ADD COLUMN let_go_at timestamptz;
CREATE INDEX notifications_let_go_user_idx
  ON core.notifications (company_id, recipient_user_id, template_code, let_go_at)
  WHERE let_go_at IS NOT NULL;
CREATE INDEX notifications_let_go_address_idx
  ON core.notifications (company_id, recipient_address, template_code, let_go_at)
  WHERE let_go_at IS NOT NULL AND recipient_address IS NOT NULL;
`;

const down = `
DROP INDEX core.notifications_let_go_address_idx;
DROP INDEX core.notifications_let_go_user_idx;
ALTER TABLE core.notifications DROP COLUMN let_go_at;
`;

export const gatheredMails = { name: '0073-gathered-mails', up, down };
