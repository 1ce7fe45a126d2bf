import { wall } from './wall.ts';

/**
 * How far a customer is follows from the counts. `status`, `compliance_percentage`, `acknowledged_count` and
 * `pending_count` of its compliances are no longer read; the release before this one still does.
 * What an audit has seen is kept in packs, which the runtime may not change.
 */
const business = {
  up: `
ALTER TABLE customer_compliances ADD COLUMN has_begun boolean NOT NULL DEFAULT false;

CREATE TABLE evidence_packs (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  customer_compliance_id uuid NOT NULL,
  audit_date date NOT NULL,
  acknowledged integer NOT NULL CHECK (acknowledged >= 0),
  pending integer NOT NULL CHECK (pending >= 0),
  declined integer NOT NULL CHECK (declined >= 0),
  exempted integer NOT NULL CHECK (exempted >= 0),
  compliance_percentage numeric(5,2) NOT NULL CHECK (compliance_percentage BETWEEN 0 AND 100),
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL,
  completed_by uuid,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, customer_compliance_id)
    REFERENCES customer_compliances (company_id, id) ON DELETE RESTRICT
);
CREATE INDEX evidence_packs_created_idx ON evidence_packs (company_id, created_at);
CREATE INDEX evidence_packs_of_idx ON evidence_packs (company_id, customer_compliance_id, created_at);
${wall('evidence_packs', 'SELECT, INSERT')}

CREATE TABLE evidence_pack_lines (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  pack_id uuid NOT NULL,
  place integer NOT NULL CHECK (place > 0),
  acknowledgement_id uuid NOT NULL,
  policy_id uuid NOT NULL,
  policy_version integer NOT NULL,
  employee_id uuid NOT NULL,
  status text NOT NULL,
  acknowledged_at timestamptz,
  evidence_hash text,
  PRIMARY KEY (company_id, pack_id, place),
  -- The pack comes last: its hash is of the lines.
  FOREIGN KEY (company_id, pack_id) REFERENCES evidence_packs (company_id, id) ON DELETE RESTRICT
    DEFERRABLE INITIALLY DEFERRED
);
${wall('evidence_pack_lines', 'SELECT, INSERT')}
`,
  down: `
DROP TABLE evidence_pack_lines;
DROP TABLE evidence_packs;
ALTER TABLE customer_compliances DROP COLUMN has_begun;
`,
};

export const complianceProgress = { name: '0047-compliance-progress', business };
