/**
 * Whoever listens on `notifications` hears, at the commit, of which company a message in the application
 * was written or read: its id alone, once for each transaction. What is unread has its own indexes.
 */
const up = `
CREATE FUNCTION app.hint_at_notifications() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM pg_notify('notifications', company_id::text)
    FROM (SELECT DISTINCT company_id FROM written WHERE channel = 'in_app') AS companies;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.hint_at_notifications() FROM PUBLIC;
CREATE FUNCTION app.hint_at_reading() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM pg_notify('notifications', NEW.company_id::text);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.hint_at_reading() FROM PUBLIC;

CREATE TRIGGER notifications_written AFTER INSERT ON core.notifications
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION app.hint_at_notifications();
CREATE TRIGGER notifications_read AFTER UPDATE OF read_at ON core.notifications
  FOR EACH ROW WHEN (OLD.read_at IS DISTINCT FROM NEW.read_at) EXECUTE FUNCTION app.hint_at_reading();

CREATE INDEX notifications_unread_user_idx ON core.notifications (company_id, recipient_user_id)
  WHERE channel = 'in_app' AND read_at IS NULL AND status <> 'suppressed';
CREATE INDEX notifications_unread_role_idx ON core.notifications (company_id, recipient_role)
  WHERE channel = 'in_app' AND read_at IS NULL AND status <> 'suppressed' AND recipient_role IS NOT NULL;
`;

const down = `
DROP INDEX core.notifications_unread_role_idx;
DROP INDEX core.notifications_unread_user_idx;
DROP TRIGGER notifications_read ON core.notifications;
DROP TRIGGER notifications_written ON core.notifications;
DROP FUNCTION app.hint_at_reading();
DROP FUNCTION app.hint_at_notifications();
`;

export const notificationHints = { name: '0045-notification-hints', up, down };
