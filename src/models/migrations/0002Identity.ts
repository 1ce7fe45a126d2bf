const up = `
CREATE TABLE platform.users (
  id uuid PRIMARY KEY,
  username text NOT NULL CHECK (length(username) BETWEEN 1 AND 30),
  email text NOT NULL CHECK (email = lower(email) AND email LIKE '%_@_%' AND length(email) <= 320),
  password_hash text,
  first_name text NOT NULL DEFAULT '',
  last_name text NOT NULL DEFAULT '',
  phone_number text UNIQUE CHECK (length(phone_number) <= 15),
  is_active boolean NOT NULL DEFAULT true,
  date_joined timestamptz NOT NULL DEFAULT now(),
  last_login_at timestamptz,
  failed_logins integer NOT NULL DEFAULT 0,
  locked_until timestamptz,
  mfa_enabled boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  created_by uuid,
  updated_by uuid,
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX users_email_key ON platform.users (email);
CREATE UNIQUE INDEX users_username_key ON platform.users (lower(username));

CREATE TABLE platform.memberships (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  user_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  role text NOT NULL,
  valid_from timestamptz NOT NULL DEFAULT now(),
  valid_to timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  created_by uuid,
  PRIMARY KEY (company_id, id),
  UNIQUE (company_id, user_id, role),
  CHECK (valid_to > valid_from)
);
CREATE INDEX memberships_user_idx ON platform.memberships (user_id);
CREATE INDEX memberships_role_idx ON platform.memberships (company_id, role);
ALTER TABLE platform.memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.memberships FORCE ROW LEVEL SECURITY;
CREATE POLICY company ON platform.memberships TO app_api, app_worker
  USING (company_id = (SELECT app.company_id()))
  WITH CHECK (company_id = (SELECT app.company_id()));
CREATE POLICY identity ON platform.memberships TO app_auth USING (true) WITH CHECK (true);
GRANT SELECT ON platform.memberships TO app_api, app_worker;
GRANT SELECT, INSERT, UPDATE ON platform.memberships TO app_auth;

ALTER TABLE platform.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.users FORCE ROW LEVEL SECURITY;
/* Users are global: a company sees the people who have a membership in it, and no hashes. */
CREATE POLICY members ON platform.users FOR SELECT TO app_api, app_worker USING (
  EXISTS (SELECT 1 FROM platform.memberships m
          WHERE m.user_id = users.id AND m.company_id = (SELECT app.company_id())));
CREATE POLICY identity ON platform.users TO app_auth USING (true) WITH CHECK (true);
GRANT SELECT (id, username, email, first_name, last_name, phone_number, is_active, date_joined,
  last_login_at, mfa_enabled, created_at, updated_at, created_by, updated_by, archived_at, version)
  ON platform.users TO app_api, app_worker;
GRANT SELECT, INSERT, UPDATE ON platform.users TO app_auth;

CREATE TABLE platform.refresh_tokens (
  id uuid PRIMARY KEY,
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  user_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  family_id uuid NOT NULL,
  token_hash text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  rotated_at timestamptz,
  revoked_at timestamptz,
  ip text,
  user_agent text
);
CREATE INDEX refresh_tokens_family_idx ON platform.refresh_tokens (family_id);
CREATE INDEX refresh_tokens_ended_idx ON platform.refresh_tokens (family_id) WHERE revoked_at IS NOT NULL;
CREATE INDEX refresh_tokens_user_idx ON platform.refresh_tokens (company_id, user_id, created_at);
ALTER TABLE platform.refresh_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.refresh_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY identity ON platform.refresh_tokens TO app_auth USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.refresh_tokens TO app_auth;

CREATE TABLE platform.password_reset_tokens (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  code_hash text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX password_reset_tokens_user_idx ON platform.password_reset_tokens (user_id);
ALTER TABLE platform.password_reset_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.password_reset_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY identity ON platform.password_reset_tokens TO app_auth USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON platform.password_reset_tokens TO app_auth;
`;

const down = `
DROP TABLE platform.password_reset_tokens;
DROP TABLE platform.refresh_tokens;
DROP TABLE platform.users CASCADE;
DROP TABLE IF EXISTS platform.memberships;
`;

export const identity = { name: '0002-identity', up, down };
