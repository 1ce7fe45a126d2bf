/**
 * A company changes what it says about itself and its settings in its own transaction: these columns
 * of its own row and no others.
 */
const up = `
ALTER TABLE platform.companies ADD COLUMN logo_url text CHECK (length(logo_url) <= 500);
CREATE POLICY own_edit ON platform.companies FOR UPDATE TO app_api
  USING (id = (SELECT app.company_id()))
  WITH CHECK (id = (SELECT app.company_id()));
GRANT UPDATE (name, contact_email, contact_phone, linkedin, address, logo_url, default_currency,
  time_zone, settings, version, updated_at, updated_by) ON platform.companies TO app_api;
`;

const down = `
REVOKE UPDATE (name, contact_email, contact_phone, linkedin, address, logo_url, default_currency,
  time_zone, settings, version, updated_at, updated_by) ON platform.companies FROM app_api;
DROP POLICY own_edit ON platform.companies;
ALTER TABLE platform.companies DROP COLUMN logo_url;
`;

export const companySettings = { name: '0011-company-settings', up, down };
