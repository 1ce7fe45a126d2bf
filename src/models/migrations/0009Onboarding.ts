import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * Registrations belong to the platform, which is a company like any other to the wall. Open ones keep
 * their name, domain and administrator's address from each other.
 */
const up = `
CREATE TABLE core.registration_requests (${baseColumns},
  company_name text NOT NULL CHECK (length(company_name) BETWEEN 1 AND 200),
  business_type text NOT NULL
    CHECK (business_type IN ('auto', 'home', 'life', 'health', 'business', 'travel', 'other')),
  company_phone text CHECK (length(company_phone) <= 30),
  contact_email text NOT NULL CHECK (contact_email = lower(contact_email)),
  company_address text CHECK (length(company_address) <= 500),
  company_linkedin text CHECK (length(company_linkedin) <= 300),
  requested_domain text CHECK (requested_domain = lower(requested_domain) AND length(requested_domain) <= 253),
  admin_email text NOT NULL CHECK (admin_email = lower(admin_email)),
  admin_username text NOT NULL CHECK (length(admin_username) BETWEEN 1 AND 30),
  admin_phone text CHECK (length(admin_phone) <= 15),
  admin_password_hash text,
  default_currency text NOT NULL CHECK (default_currency ~ '^[A-Z]{3}$'),
  subscription_plan text NOT NULL CHECK (subscription_plan IN ('free', 'standard', 'premium')),
  isolation text NOT NULL DEFAULT 'shared' CHECK (isolation IN ('shared', 'dedicated_schema')),
  status text NOT NULL
    CHECK (status IN ('pending', 'approved', 'provisioning', 'active', 'rejected', 'expired', 'failed')),
  state_version integer NOT NULL DEFAULT 1 CHECK (state_version > 0),
  reason text CHECK (length(reason) <= 500),
  note text CHECK (length(note) <= 500),
  reviewed_by uuid,
  reviewed_at timestamptz,
  expires_at timestamptz NOT NULL,
  verification_hash text,
  verification_expires_at timestamptz,
  email_verified_at timestamptz,
  new_company_id uuid NOT NULL,
  admin_user_id uuid,
  activated_at timestamptz,
  last_error text CHECK (length(last_error) <= 500),
  workflow_closed_at timestamptz,
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX registration_requests_name_key
  ON core.registration_requests (company_id, lower(company_name))
  WHERE status IN ('pending', 'approved', 'provisioning', 'failed');
CREATE UNIQUE INDEX registration_requests_domain_key
  ON core.registration_requests (company_id, requested_domain)
  WHERE status IN ('pending', 'approved', 'provisioning', 'failed');
CREATE UNIQUE INDEX registration_requests_admin_key
  ON core.registration_requests (company_id, admin_email)
  WHERE status IN ('pending', 'approved', 'provisioning', 'failed');
CREATE UNIQUE INDEX registration_requests_verification_key
  ON core.registration_requests (company_id, verification_hash);
CREATE INDEX registration_requests_status_idx
  ON core.registration_requests (company_id, status, created_at);
${baseIndexes('core.registration_requests')}
${wall('core.registration_requests')}

CREATE UNIQUE INDEX companies_name_key ON platform.companies (lower(name))
  WHERE archived_at IS NULL AND status <> 'closed';
ALTER TABLE platform.companies
  ADD COLUMN address text CHECK (length(address) <= 500),
  ADD COLUMN linkedin text CHECK (length(linkedin) <= 300);
`;

const down = `
ALTER TABLE platform.companies DROP COLUMN linkedin, DROP COLUMN address;
DROP INDEX platform.companies_name_key;
DROP TABLE core.registration_requests;
`;

const business = {
  up: `
CREATE TABLE customers (${baseColumns},
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  subscription_type text NOT NULL DEFAULT 'free'
    CHECK (subscription_type IN ('free', 'standard', 'premium')),
  is_self boolean NOT NULL DEFAULT false,
  contact_email text CHECK (contact_email = lower(contact_email)),
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX customers_name_key ON customers (company_id, lower(name))
  WHERE archived_at IS NULL;
CREATE UNIQUE INDEX customers_self_key ON customers (company_id) WHERE is_self;
${baseIndexes('customers')}
${wall('customers')}
`,
  down: 'DROP TABLE customers',
};

export const onboarding = { name: '0009-onboarding', up, down, business };
