import { baseColumns, baseIndexes, wall } from './wall.ts';

const kinds = `'subscription', 'claim', 'payment', 'report', 'onboarding'`;

/** Of what runs are the ones that are operated on many at once, and compared with their rows. */
const allow = (bulk: string, drift: string, check = ''): string => `
ALTER TABLE core.bulk_items DROP CONSTRAINT bulk_items_kind_check;
ALTER TABLE core.bulk_items
  ADD CONSTRAINT bulk_items_kind_check CHECK (kind IN (${bulk})) ${check};
ALTER TABLE core.workflow_drifts DROP CONSTRAINT workflow_drifts_kind_check;
ALTER TABLE core.workflow_drifts
  ADD CONSTRAINT workflow_drifts_kind_check CHECK (kind IN (${drift})) ${check};
`;

const up = allow(`${kinds}, 'document', 'policy-approval'`, `${kinds}, 'policy-approval'`);

/** Rows of the kinds that it takes back stay as they are. */
const down = allow(kinds, kinds, 'NOT VALID');

const versionStatuses = `'draft', 'pending_approval', 'approved', 'published', 'superseded', 'retired'`;

/**
 * Documents that people must read. The policy says whom it concerns; what it says stands in its
 * versions, each carried by a workflow from the draft until another one takes its place.
 */
const business = {
  up: `
CREATE TABLE compliance_policies (${baseColumns},
  type text NOT NULL CHECK (type IN ('default', 'custom')),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  description text CHECK (length(description) <= 2000),
  template_id uuid,
  update_available boolean NOT NULL DEFAULT false,
  customer_compliance_id uuid,
  owner_id uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  audience_customer_id uuid,
  audience_role text CHECK (length(audience_role) BETWEEN 1 AND 100),
  audience_department text CHECK (length(audience_department) BETWEEN 1 AND 100),
  classification text NOT NULL DEFAULT 'internal'
    CHECK (classification IN ('public', 'internal', 'confidential', 'restricted')),
  review_date date,
  review_overdue boolean NOT NULL DEFAULT false,
  approval_status text NOT NULL DEFAULT 'pending'
    CHECK (approval_status IN ('pending', 'approved', 'rejected')),
  approval_requested_at timestamptz,
  approved_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  approved_at timestamptz,
  policy_version integer NOT NULL DEFAULT 0 CHECK (policy_version >= 0),
  reack_version integer NOT NULL DEFAULT 0 CHECK (reack_version BETWEEN 0 AND policy_version),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, template_id) REFERENCES templates (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, customer_compliance_id)
    REFERENCES customer_compliances (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, audience_customer_id)
    REFERENCES customers (company_id, id) ON DELETE RESTRICT,
  CHECK ((type = 'default') = (template_id IS NOT NULL))
);
CREATE UNIQUE INDEX compliance_policies_title_key ON compliance_policies (company_id, lower(title))
  WHERE archived_at IS NULL;
CREATE INDEX compliance_policies_template_idx ON compliance_policies (company_id, template_id)
  WHERE template_id IS NOT NULL;
CREATE INDEX compliance_policies_compliance_idx
  ON compliance_policies (company_id, customer_compliance_id)
  WHERE customer_compliance_id IS NOT NULL;
CREATE INDEX compliance_policies_audience_idx
  ON compliance_policies (company_id, audience_customer_id)
  WHERE audience_customer_id IS NOT NULL;
${baseIndexes('compliance_policies')}
${wall('compliance_policies')}

CREATE TABLE compliance_policy_versions (${baseColumns},
  policy_id uuid NOT NULL,
  number integer NOT NULL CHECK (number > 0),
  major integer NOT NULL CHECK (major > 0),
  minor integer NOT NULL CHECK (minor >= 0),
  content text CHECK (length(content) <= 200000),
  document_link text CHECK (length(document_link) <= 2000),
  document_sha256 text CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
  content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
  change_log text CHECK (length(change_log) <= 2000),
  template_id uuid,
  requires_reack boolean NOT NULL,
  quiz jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(quiz) = 'array'),
  authors jsonb NOT NULL CHECK (jsonb_typeof(authors) = 'array'),
  approvers jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(approvers) = 'array'),
  quorum integer NOT NULL DEFAULT 1 CHECK (quorum BETWEEN 1 AND 5),
  round integer NOT NULL DEFAULT 0 CHECK (round >= 0),
  status text NOT NULL DEFAULT 'draft' CHECK (status IN (${versionStatuses})),
  state_version integer NOT NULL DEFAULT 1 CHECK (state_version > 0),
  is_escalated boolean NOT NULL DEFAULT false,
  submitted_at timestamptz,
  approved_at timestamptz,
  publish_at timestamptz,
  published_at timestamptz,
  published_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  ended_at timestamptz,
  workflow_closed_at timestamptz,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, policy_id)
    REFERENCES compliance_policies (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, template_id) REFERENCES templates (company_id, id) ON DELETE RESTRICT,
  CHECK (content IS NOT NULL OR document_link IS NOT NULL),
  CHECK ((published_at IS NOT NULL) = (status IN ('published', 'superseded', 'retired'))),
  CHECK ((ended_at IS NOT NULL) = (status IN ('superseded', 'retired')))
);
CREATE UNIQUE INDEX compliance_policy_versions_number_key
  ON compliance_policy_versions (company_id, policy_id, number);
CREATE UNIQUE INDEX compliance_policy_versions_open_key
  ON compliance_policy_versions (company_id, policy_id)
  WHERE status IN ('draft', 'pending_approval', 'approved') AND archived_at IS NULL;
CREATE UNIQUE INDEX compliance_policy_versions_published_key
  ON compliance_policy_versions (company_id, policy_id) WHERE status = 'published';
CREATE INDEX compliance_policy_versions_status_idx
  ON compliance_policy_versions (company_id, status, created_at, id);
CREATE INDEX compliance_policy_versions_open_idx
  ON compliance_policy_versions (company_id, created_at, id) WHERE workflow_closed_at IS NULL;
${baseIndexes('compliance_policy_versions')}
DROP INDEX compliance_policy_versions_created_idx;
CREATE INDEX compliance_policy_versions_created_idx
  ON compliance_policy_versions (company_id, created_at, id);
${wall('compliance_policy_versions')}

CREATE TABLE approval_steps (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  version_id uuid NOT NULL,
  round integer NOT NULL CHECK (round > 0),
  approver_id uuid NOT NULL REFERENCES platform.users (id) ON DELETE RESTRICT,
  state text NOT NULL CHECK (state IN ('approved', 'rejected', 'voided')),
  reason text CHECK (length(reason) <= 2000),
  decided_at timestamptz NOT NULL,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, version_id)
    REFERENCES compliance_policy_versions (company_id, id) ON DELETE RESTRICT,
  UNIQUE (company_id, version_id, round, approver_id)
);
${wall('approval_steps')}

CREATE TABLE policy_configurations (${baseColumns},
  policy_id uuid NOT NULL,
  key text NOT NULL CHECK (key ~ '^[a-z][a-z0-9_]{0,63}$'),
  value text NOT NULL CHECK (length(value) BETWEEN 1 AND 200),
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'active', 'rejected')),
  reason text CHECK (length(reason) <= 2000),
  decided_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  decided_at timestamptz,
  policy_version integer CHECK (policy_version > 0),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, policy_id)
    REFERENCES compliance_policies (company_id, id) ON DELETE RESTRICT,
  CHECK ((status = 'pending') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX policy_configurations_active_key
  ON policy_configurations (company_id, policy_id, key)
  WHERE status = 'active' AND archived_at IS NULL;
CREATE INDEX policy_configurations_policy_idx ON policy_configurations (company_id, policy_id, status);
${baseIndexes('policy_configurations')}
${wall('policy_configurations')}
`,
  down: `
DROP TABLE policy_configurations;
DROP TABLE approval_steps;
DROP TABLE compliance_policy_versions;
DROP TABLE compliance_policies;
`,
};

export const compliancePolicies = { name: '0043-compliance-policies', up, down, business };
