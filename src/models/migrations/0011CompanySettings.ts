/**
 * A company changes what it says about itself and its settings in its own transaction: these columns
 * of its own row and no others. It may claim a domain there as well; only the platform verifies one.
 */
const up = `
ALTER TABLE platform.companies ADD COLUMN logo_url text CHECK (length(logo_url) <= 500);
CREATE POLICY own_edit ON platform.companies FOR UPDATE TO app_api
  USING (id = (SELECT app.company_id()))
  WITH CHECK (id = (SELECT app.company_id()));
GRANT UPDATE (name, contact_email, contact_phone, linkedin, address, logo_url, default_currency,
  time_zone, settings, version, updated_at, updated_by) ON platform.companies TO app_api;

ALTER TABLE platform.domains ADD COLUMN verification_token text;
CREATE UNIQUE INDEX domains_primary_key ON platform.domains (company_id) WHERE is_primary;
GRANT INSERT (id, company_id, domain, verification_token) ON platform.domains TO app_api;

/* Of the platform's own company: for all that have no value of their own. */
CREATE TABLE platform.feature_flags (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  flag text NOT NULL CHECK (flag ~ '^[a-z_]{1,60}$'),
  enabled boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by uuid,
  PRIMARY KEY (company_id, flag)
);
ALTER TABLE platform.feature_flags ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.feature_flags FORCE ROW LEVEL SECURITY;
CREATE POLICY every ON platform.feature_flags TO app_global USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON platform.feature_flags TO app_global;
`;

const down = `
DROP TABLE platform.feature_flags;

REVOKE INSERT (id, company_id, domain, verification_token) ON platform.domains FROM app_api;
DROP INDEX platform.domains_primary_key;
ALTER TABLE platform.domains DROP COLUMN verification_token;

REVOKE UPDATE (name, contact_email, contact_phone, linkedin, address, logo_url, default_currency,
  time_zone, settings, version, updated_at, updated_by) ON platform.companies FROM app_api;
DROP POLICY own_edit ON platform.companies;
ALTER TABLE platform.companies DROP COLUMN logo_url;
`;

export const companySettings = { name: '0011-company-settings', up, down };
