/** Mails that could wait, and the one mail in which they went together. */
const up = `
ALTER TABLE core.notifications ADD COLUMN digest_id uuid;
CREATE INDEX notifications_digest_idx ON core.notifications (company_id, digest_id, id)
  WHERE digest_id IS NOT NULL;
CREATE INDEX notifications_waiting_idx ON core.notifications (company_id, recipient_user_id, id)
  WHERE status = 'queued' AND channel = 'email';
`;

const down = `
DROP INDEX core.notifications_waiting_idx;
DROP INDEX core.notifications_digest_idx;
ALTER TABLE core.notifications DROP COLUMN digest_id;
`;

export const mailDigests = { name: '0046-mail-digests', up, down };
