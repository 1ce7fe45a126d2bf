/** Nobody whom another company knows as well; `user` is the column with the person's id. */
const known = (user: string): string => `NOT EXISTS (SELECT FROM platform.memberships m
    WHERE m.user_id = ${user} AND m.company_id <> (SELECT app.company_id()))`;

/**
 * What the owner of the tables needs to write one company to a file, to bring it back and to remove it.
 * A person belongs to all companies that know them: the owner finds everybody, and changes or removes
 * those of the present company alone.
 */
const up = `
CREATE POLICY owner_in ON platform.companies FOR INSERT TO app_owner
  WITH CHECK (id = (SELECT app.company_id()));
CREATE POLICY owner_edit ON platform.companies FOR UPDATE TO app_owner
  USING (id = (SELECT app.company_id())) WITH CHECK (id = (SELECT app.company_id()));
CREATE POLICY owner_out ON platform.companies FOR DELETE TO app_owner
  USING (id = (SELECT app.company_id()));

CREATE POLICY owner ON platform.memberships FOR SELECT TO app_owner USING (true);
CREATE POLICY owner ON platform.users FOR SELECT TO app_owner USING (true);
CREATE POLICY owner_in ON platform.users FOR INSERT TO app_owner WITH CHECK (true);
CREATE POLICY owner_edit ON platform.users FOR UPDATE TO app_owner
  USING (${known('users.id')}) WITH CHECK (true);
CREATE POLICY owner_out ON platform.users FOR DELETE TO app_owner USING (${known('users.id')});
CREATE POLICY owner ON platform.password_reset_tokens TO app_owner
  USING (${known('password_reset_tokens.user_id')});
CREATE POLICY owner ON platform.email_changes TO app_owner
  USING (${known('email_changes.user_id')});

CREATE POLICY company ON platform.refresh_tokens TO app_owner
  USING (company_id = (SELECT app.company_id()))
  WITH CHECK (company_id = (SELECT app.company_id()));
CREATE POLICY company ON platform.feature_flags TO app_owner
  USING (company_id = (SELECT app.company_id()))
  WITH CHECK (company_id = (SELECT app.company_id()));

/* Removals that have begun, and how many rows went so far; each ends with its company. */
CREATE TABLE migrations.company_drops (
  company_id uuid PRIMARY KEY,
  code text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  exported_sha256 text,
  removed jsonb NOT NULL DEFAULT '{}'
);
`;

const down = `
DROP TABLE migrations.company_drops;
DROP POLICY company ON platform.feature_flags;
DROP POLICY company ON platform.refresh_tokens;
DROP POLICY owner ON platform.email_changes;
DROP POLICY owner ON platform.password_reset_tokens;
DROP POLICY owner_out ON platform.users;
DROP POLICY owner_edit ON platform.users;
DROP POLICY owner_in ON platform.users;
DROP POLICY owner ON platform.users;
DROP POLICY owner ON platform.memberships;
DROP POLICY owner_out ON platform.companies;
DROP POLICY owner_edit ON platform.companies;
DROP POLICY owner_in ON platform.companies;
`;

export const oneCompany = { name: '0018-one-company', up, down };
