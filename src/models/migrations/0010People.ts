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
`;

const down = `
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
