import { baseColumns, baseIndexes, wall } from './wall.ts';

/** A clock that stands still remembers since when, so that what was left of it can be given back. */
const up = `ALTER TABLE core.timers ADD COLUMN paused_at timestamptz;`;
const down = `ALTER TABLE core.timers DROP COLUMN paused_at;`;

const business = {
  up: `
CREATE TABLE claims (${baseColumns},
  claim_number text NOT NULL CHECK (length(claim_number) <= 60),
  policy_id uuid NOT NULL,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  description text NOT NULL CHECK (length(description) <= 5000),
  status text NOT NULL CHECK (status IN ('reported', 'assigned', 'under_review', 'investigation',
    'documents_requested', 'waiting_approval', 'approved', 'payment_processing', 'paid', 'denied',
    'closed')),
  state_version integer NOT NULL DEFAULT 1 CHECK (state_version > 0),
  previous_status text CHECK (previous_status IN ('under_review', 'investigation')),
  priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high', 'catastrophe')),
  sla_status text NOT NULL DEFAULT 'on_track' CHECK (sla_status IN ('on_track', 'due_soon', 'breached')),
  incident_date date NOT NULL,
  claim_amount numeric(20,2) CHECK (claim_amount > 0),
  proposed_amount numeric(20,2) CHECK (proposed_amount > 0),
  approved_amount numeric(20,2) CHECK (approved_amount > 0),
  paid_amount numeric(20,2) NOT NULL DEFAULT 0 CHECK (paid_amount >= 0),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  rationale text CHECK (length(rationale) <= 2000),
  assigned_to uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  reported_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  proposed_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  decided_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  claimant_name text NOT NULL CHECK (length(claimant_name) <= 400),
  claimant_email text NOT NULL CHECK (claimant_email = lower(claimant_email)),
  claimant_phone text CHECK (length(claimant_phone) <= 50),
  denial_code text CHECK (length(denial_code) <= 40),
  denial_reason text CHECK (length(denial_reason) <= 2000),
  closed_outcome text
    CHECK (closed_outcome IN ('completed', 'denied', 'withdrawn', 'duplicate', 'fraud')),
  closed_at timestamptz,
  no_cover boolean NOT NULL DEFAULT false,
  flag_reasons jsonb NOT NULL DEFAULT '[]',
  duplicate_of uuid,
  on_hold boolean NOT NULL DEFAULT false,
  hold_reason text CHECK (length(hold_reason) <= 500),
  needs_new_assignee boolean NOT NULL DEFAULT false,
  payment_id uuid,
  payment_failed boolean NOT NULL DEFAULT false,
  payment_reference text CHECK (length(payment_reference) <= 200),
  config jsonb NOT NULL,
  config_version integer NOT NULL CHECK (config_version > 0),
  workflow_closed_at timestamptz,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, policy_id) REFERENCES policies (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, duplicate_of) REFERENCES claims (company_id, id) ON DELETE RESTRICT,
  CHECK ((status = 'closed') = (closed_outcome IS NOT NULL)),
  CHECK (status NOT IN ('approved', 'payment_processing', 'paid') OR approved_amount IS NOT NULL)
);
CREATE UNIQUE INDEX claims_number_key ON claims (company_id, claim_number);
CREATE INDEX claims_policy_idx ON claims (company_id, policy_id, incident_date);
CREATE INDEX claims_status_idx ON claims (company_id, status, created_at);
CREATE INDEX claims_assigned_idx ON claims (company_id, assigned_to, created_at);
CREATE INDEX claims_open_idx ON claims (company_id, created_at) WHERE workflow_closed_at IS NULL;
${baseIndexes('claims')}
${wall('claims')}

CREATE TABLE claim_assignments (${baseColumns},
  claim_id uuid NOT NULL,
  from_user_id uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  to_user_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  assigned_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  reason text CHECK (length(reason) <= 500),
  at timestamptz NOT NULL,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, claim_id) REFERENCES claims (company_id, id) ON DELETE RESTRICT
);
CREATE INDEX claim_assignments_claim_idx ON claim_assignments (company_id, claim_id, at);
CREATE INDEX claim_assignments_to_idx ON claim_assignments (company_id, to_user_id, at);
${baseIndexes('claim_assignments')}
${wall('claim_assignments', 'SELECT, INSERT')}

CREATE TABLE document_requests (${baseColumns},
  claim_id uuid NOT NULL,
  items jsonb NOT NULL CHECK (jsonb_typeof(items) = 'array'),
  requested_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  due_at timestamptz NOT NULL,
  final_due_at timestamptz NOT NULL,
  fulfilled_at timestamptz,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, claim_id) REFERENCES claims (company_id, id) ON DELETE RESTRICT,
  CHECK (final_due_at >= due_at)
);
CREATE INDEX document_requests_claim_idx ON document_requests (company_id, claim_id, created_at);
${baseIndexes('document_requests')}
${wall('document_requests')}
`,
  down: `
DROP TABLE document_requests;
DROP TABLE claim_assignments;
DROP TABLE claims;
`,
};

export const claims = { name: '0022-claims', up, down, business };
