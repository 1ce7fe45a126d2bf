import { wall } from './wall.ts';

/** Carries what belongs to no company (`platformCompanyId` of database.ts). */
const platformCompanyId = '00000000-0000-7000-8000-000000000000';

const up = `
CREATE SCHEMA ext;
CREATE SCHEMA app;
CREATE SCHEMA platform;
CREATE SCHEMA core;
CREATE SCHEMA shared;
CREATE EXTENSION pg_trgm SCHEMA ext;
CREATE EXTENSION btree_gist SCHEMA ext;
GRANT USAGE ON SCHEMA ext, app, platform, core, shared
  TO app_api, app_worker, app_search, app_auth, app_global, app_relay, app_sealer, app_backup;

CREATE FUNCTION app.company_id() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog AS $$
DECLARE
  company text := current_setting('app.current_company_id', true);
BEGIN
  IF company IS NULL OR company = '' THEN
    RAISE insufficient_privilege USING MESSAGE = 'no company is set for this transaction';
  END IF;
  RETURN company::uuid;
END $$;

CREATE TABLE platform.companies (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  code text NOT NULL UNIQUE CHECK (code ~ '^[A-Z0-9]{2,20}$'),
  schema_name text NOT NULL DEFAULT 'shared',
  isolation text NOT NULL DEFAULT 'shared' CHECK (isolation IN ('shared', 'dedicated_schema')),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
  business_type text NOT NULL DEFAULT 'home'
    CHECK (business_type IN ('auto', 'home', 'life', 'health', 'business', 'travel', 'other')),
  contact_email text CHECK (contact_email = lower(contact_email)),
  contact_phone text,
  default_currency text NOT NULL DEFAULT 'EUR' CHECK (default_currency ~ '^[A-Z]{3}$'),
  subscription_plan text NOT NULL DEFAULT 'free'
    CHECK (subscription_plan IN ('free', 'standard', 'premium')),
  time_zone text NOT NULL DEFAULT 'UTC',
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  created_by uuid,
  updated_by uuid,
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1
);
INSERT INTO platform.companies (id, name, code) VALUES ('${platformCompanyId}', 'Platform', 'PLATFORM');
ALTER TABLE platform.companies ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.companies FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON platform.companies FOR SELECT TO app_api, app_worker
  USING (id = (SELECT app.company_id()));
CREATE POLICY every ON platform.companies TO app_global USING (true) WITH CHECK (true);
CREATE POLICY named ON platform.companies FOR SELECT TO app_auth USING (true);
GRANT SELECT ON platform.companies TO app_api, app_worker, app_auth;
GRANT SELECT, INSERT, UPDATE ON platform.companies TO app_global;

CREATE TABLE platform.domains (
  id uuid PRIMARY KEY,
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  domain text NOT NULL UNIQUE CHECK (domain = lower(domain)),
  is_primary boolean NOT NULL DEFAULT false,
  verified_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX domains_company_idx ON platform.domains (company_id, created_at);
ALTER TABLE platform.domains ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.domains FORCE ROW LEVEL SECURITY;
CREATE POLICY company ON platform.domains TO app_api, app_worker
  USING (company_id = (SELECT app.company_id()))
  WITH CHECK (company_id = (SELECT app.company_id()));
CREATE POLICY every ON platform.domains TO app_global USING (true) WITH CHECK (true);
GRANT SELECT ON platform.domains TO app_api, app_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.domains TO app_global;

CREATE TABLE core.outbox (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  entity_type text NOT NULL,
  entity_id uuid NOT NULL,
  workflow_type text NOT NULL,
  workflow_id text NOT NULL CHECK (length(workflow_id) <= 200),
  input jsonb NOT NULL,
  summary text NOT NULL DEFAULT '',
  attributes jsonb NOT NULL DEFAULT '{}',
  context jsonb NOT NULL DEFAULT '{}',
  is_restart boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  not_before timestamptz NOT NULL,
  locked_until timestamptz,
  tries integer NOT NULL DEFAULT 0,
  last_error text,
  dispatched_at timestamptz,
  parked_at timestamptz,
  PRIMARY KEY (company_id, id)
);
CREATE INDEX outbox_created_idx ON core.outbox (company_id, created_at);
CREATE INDEX outbox_open_idx ON core.outbox (not_before) WHERE dispatched_at IS NULL AND parked_at IS NULL;
CREATE INDEX outbox_entity_idx ON core.outbox (company_id, entity_id, id)
  WHERE dispatched_at IS NULL;
${wall('core.outbox')}
CREATE POLICY relay ON core.outbox TO app_relay USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON core.outbox TO app_relay;

CREATE TABLE core.idempotency_keys (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  scope text NOT NULL,
  body_hash text NOT NULL,
  answer jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (company_id, scope)
);
CREATE INDEX idempotency_keys_expiry_idx ON core.idempotency_keys (company_id, expires_at);
${wall('core.idempotency_keys', 'SELECT, INSERT, UPDATE, DELETE')}

CREATE TABLE core.audit_logs (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  timestamp timestamptz NOT NULL,
  actor_id uuid,
  actor_type text NOT NULL CHECK (actor_type IN ('user', 'api_key', 'workflow', 'system')),
  action text NOT NULL,
  entity_type text NOT NULL,
  entity_id uuid,
  before jsonb,
  after jsonb,
  request_id text,
  workflow_id text,
  ip text,
  user_agent text,
  PRIMARY KEY (company_id, id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX audit_logs_time_idx ON core.audit_logs (company_id, timestamp DESC, id DESC);
CREATE INDEX audit_logs_entity_idx ON core.audit_logs (company_id, entity_type, entity_id, timestamp);
${wall('core.audit_logs', 'SELECT, INSERT')}
CREATE POLICY every ON core.audit_logs FOR SELECT TO app_global, app_sealer USING (true);
CREATE POLICY identity ON core.audit_logs FOR INSERT TO app_auth
  WITH CHECK (company_id = (SELECT app.company_id()));
GRANT SELECT ON core.audit_logs TO app_global, app_sealer;
GRANT INSERT ON core.audit_logs TO app_auth;
CREATE TABLE core.audit_logs_default PARTITION OF core.audit_logs DEFAULT;

CREATE FUNCTION app.create_audit_partition(month date) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
DECLARE
  partition text := 'audit_logs_' || to_char(month, 'YYYY_MM');
BEGIN
  IF to_regclass('core.' || partition) IS NOT NULL THEN RETURN false; END IF;
  EXECUTE format('CREATE TABLE core.%I PARTITION OF core.audit_logs FOR VALUES FROM (%L) TO (%L)',
    partition, month, (month + interval '1 month')::date);
  EXECUTE format('ALTER TABLE core.%I ENABLE ROW LEVEL SECURITY', partition);
  EXECUTE format('ALTER TABLE core.%I FORCE ROW LEVEL SECURITY', partition);
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION app.create_audit_partition(date) FROM PUBLIC;
ALTER TABLE core.audit_logs_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE core.audit_logs_default FORCE ROW LEVEL SECURITY;

/* Months from this one on for a year; the daily job calls it, as whoever owns the table. */
CREATE FUNCTION app.ensure_audit_partitions() RETURNS integer LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
  SELECT count(*) FILTER (WHERE app.create_audit_partition(month::date))::integer
  FROM generate_series(date_trunc('month', now()), now() + interval '12 months', interval '1 month') AS month
$$;
REVOKE EXECUTE ON FUNCTION app.ensure_audit_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.ensure_audit_partitions() TO app_global;
SELECT app.create_audit_partition(month::date)
FROM generate_series(date_trunc('month', now()), date_trunc('month', now()) + interval '23 months', interval '1 month') AS month;

CREATE TABLE core.transitions (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  entity_type text NOT NULL,
  entity_id uuid NOT NULL,
  state_version integer NOT NULL CHECK (state_version > 0),
  event text NOT NULL,
  from_status text,
  to_status text NOT NULL,
  command_id text NOT NULL CHECK (length(command_id) <= 300),
  reason text,
  facts jsonb NOT NULL DEFAULT '{}',
  actor_id uuid,
  actor_type text NOT NULL,
  at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, id),
  UNIQUE (company_id, command_id),
  UNIQUE (company_id, entity_id, state_version)
);
CREATE INDEX transitions_created_idx ON core.transitions (company_id, created_at);
${wall('core.transitions', 'SELECT, INSERT')}

CREATE TABLE core.timers (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  workflow_id text NOT NULL,
  entity_type text NOT NULL,
  entity_id uuid NOT NULL,
  occurrence integer NOT NULL,
  name text NOT NULL,
  due_at timestamptz NOT NULL,
  original_due_at timestamptz NOT NULL,
  source text NOT NULL,
  status text NOT NULL CHECK (status IN ('scheduled', 'fired', 'cancelled', 'paused')),
  fired_at timestamptz,
  changed_by uuid,
  reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, id),
  UNIQUE (company_id, workflow_id, occurrence, name)
);
CREATE INDEX timers_created_idx ON core.timers (company_id, created_at);
CREATE INDEX timers_entity_idx ON core.timers (company_id, entity_id, due_at);
CREATE INDEX timers_due_idx ON core.timers (company_id, due_at) WHERE status = 'scheduled';
${wall('core.timers')}

CREATE TABLE core.notifications (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  recipient_user_id uuid,
  recipient_role text,
  recipient_address text CHECK (recipient_address = lower(recipient_address)),
  channel text NOT NULL CHECK (channel IN ('email', 'in_app')),
  template_code text NOT NULL,
  locale text NOT NULL DEFAULT 'en',
  payload jsonb NOT NULL DEFAULT '{}',
  status text NOT NULL CHECK (status IN ('queued', 'sent', 'failed', 'suppressed', 'read')),
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  dedupe_key text NOT NULL CHECK (length(dedupe_key) <= 400),
  workflow_id text,
  entity_type text,
  entity_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz,
  read_at timestamptz,
  PRIMARY KEY (company_id, id),
  UNIQUE (company_id, dedupe_key),
  CHECK (channel = 'in_app' OR recipient_address IS NOT NULL OR recipient_user_id IS NOT NULL)
);
CREATE INDEX notifications_created_idx ON core.notifications (company_id, created_at);
CREATE INDEX notifications_user_idx ON core.notifications (company_id, recipient_user_id, created_at DESC);
CREATE INDEX notifications_role_idx ON core.notifications (company_id, recipient_role, created_at DESC)
  WHERE recipient_role IS NOT NULL;
CREATE INDEX notifications_entity_idx ON core.notifications (company_id, entity_id);
${wall('core.notifications')}
/* Identity mails (welcome, known address) are written where the account is. */
CREATE POLICY identity ON core.notifications FOR INSERT TO app_auth
  WITH CHECK (company_id = (SELECT app.company_id()));
GRANT INSERT ON core.notifications TO app_auth;
CREATE POLICY identity ON core.outbox FOR INSERT TO app_auth
  WITH CHECK (company_id = (SELECT app.company_id()));
GRANT INSERT ON core.outbox TO app_auth;

CREATE TABLE core.counters (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  name text NOT NULL,
  value bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, name)
);
${wall('core.counters')}
`;

const down = `
DROP SCHEMA core CASCADE;
DROP SCHEMA platform CASCADE;
DROP SCHEMA shared CASCADE;
DROP SCHEMA app CASCADE;
DROP SCHEMA ext CASCADE;
`;

export const foundation = { name: '0001-foundation', up, down };
