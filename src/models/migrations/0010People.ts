import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * What one company decides about a person stands on the memberships there: the person's row belongs to
 * all companies. The version counts what people change on a membership.
 */
const up = `
ALTER TABLE platform.memberships
  ADD COLUMN is_active boolean NOT NULL DEFAULT true,
  ADD COLUMN archived_at timestamptz,
  ADD COLUMN version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  ADD COLUMN delegate_user_id uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  ADD COLUMN delegate_until timestamptz,
  ADD CONSTRAINT memberships_delegate_check
    CHECK (delegate_user_id <> user_id AND (delegate_user_id IS NULL) = (delegate_until IS NULL));
CREATE INDEX memberships_delegate_idx ON platform.memberships (company_id, delegate_user_id)
  WHERE delegate_user_id IS NOT NULL;

/* A person is made where the accounts are, and so is the answer that is kept of it. */
CREATE POLICY identity ON core.idempotency_keys TO app_auth
  USING (company_id = (SELECT app.company_id()))
  WITH CHECK (company_id = (SELECT app.company_id()));
GRANT SELECT, INSERT, DELETE ON core.idempotency_keys TO app_auth;

CREATE TABLE platform.email_changes (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  new_email text NOT NULL CHECK (new_email = lower(new_email) AND length(new_email) <= 320),
  code_hash text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX email_changes_user_idx ON platform.email_changes (user_id, created_at);
ALTER TABLE platform.email_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.email_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY identity ON platform.email_changes TO app_auth USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON platform.email_changes TO app_auth;

ALTER TABLE platform.users
  ADD COLUMN mfa_secret text,
  ADD COLUMN mfa_last_step bigint NOT NULL DEFAULT 0,
  ADD COLUMN mfa_recovery_hashes text[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT users_mfa_check CHECK (NOT mfa_enabled OR mfa_secret IS NOT NULL);

CREATE TABLE core.invitations (${baseColumns},
  email text NOT NULL CHECK (email = lower(email) AND length(email) <= 320),
  role text NOT NULL,
  token_hash text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'accepted', 'expired', 'revoked')),
  expires_at timestamptz NOT NULL,
  resent_count integer NOT NULL DEFAULT 0 CHECK (resent_count BETWEEN 0 AND 3),
  accepted_by uuid,
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX invitations_pending_key ON core.invitations (company_id, email)
  WHERE status = 'pending';
CREATE UNIQUE INDEX invitations_token_key ON core.invitations (token_hash);
${baseIndexes('core.invitations')}
${wall('core.invitations')}
/* Whoever accepts belongs to no company yet. */
CREATE POLICY identity ON core.invitations TO app_auth USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON core.invitations TO app_auth;
`;

const down = `
DROP TABLE core.invitations;
DROP TABLE platform.email_changes;
ALTER TABLE platform.users
  DROP COLUMN mfa_recovery_hashes,
  DROP COLUMN mfa_last_step,
  DROP COLUMN mfa_secret;
REVOKE SELECT, INSERT, DELETE ON core.idempotency_keys FROM app_auth;
DROP POLICY identity ON core.idempotency_keys;
ALTER TABLE platform.memberships
  DROP COLUMN delegate_until,
  DROP COLUMN delegate_user_id,
  DROP COLUMN version,
  DROP COLUMN archived_at,
  DROP COLUMN is_active;
`;

export const people = { name: '0010-people', up, down };
