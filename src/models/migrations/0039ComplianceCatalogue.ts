import { baseColumns, baseIndexes, wall } from './wall.ts';

/** What customers have to comply with, how far each is, and the documents that policies are made from. */
const business = {
  up: `
CREATE TABLE compliances (${baseColumns},
  compliance_type text NOT NULL CHECK (compliance_type ~ '^[a-z][a-z0-9_]{0,49}$'),
  compliance_title text NOT NULL CHECK (length(compliance_title) BETWEEN 1 AND 200),
  requirements jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(requirements) = 'array'),
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX compliances_title_key ON compliances (company_id, lower(compliance_title))
  WHERE archived_at IS NULL;
CREATE INDEX compliances_type_idx ON compliances (company_id, compliance_type);
${baseIndexes('compliances')}
${wall('compliances')}

CREATE TABLE customer_compliances (${baseColumns},
  customer_id uuid NOT NULL,
  compliance_id uuid NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'in_progress', 'completed')),
  compliance_percentage numeric(5,2) NOT NULL DEFAULT 0
    CHECK (compliance_percentage BETWEEN 0 AND 100),
  audit_date date,
  audit_status text NOT NULL DEFAULT 'pending' CHECK (audit_status IN ('pending', 'completed')),
  acknowledged_count integer NOT NULL DEFAULT 0 CHECK (acknowledged_count >= 0),
  pending_count integer NOT NULL DEFAULT 0 CHECK (pending_count >= 0),
  compliance_updated timestamptz,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, customer_id) REFERENCES customers (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, compliance_id) REFERENCES compliances (company_id, id) ON DELETE RESTRICT,
  CHECK (audit_status = 'pending' OR audit_date IS NOT NULL)
);
CREATE UNIQUE INDEX customer_compliances_pair_key
  ON customer_compliances (company_id, customer_id, compliance_id) WHERE archived_at IS NULL;
CREATE INDEX customer_compliances_compliance_idx
  ON customer_compliances (company_id, compliance_id, status);
CREATE INDEX customer_compliances_status_idx ON customer_compliances (company_id, status);
${baseIndexes('customer_compliances')}
${wall('customer_compliances')}

CREATE TABLE templates (${baseColumns},
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description text CHECK (length(description) <= 2000),
  document_link text CHECK (length(document_link) <= 2000),
  version_number integer NOT NULL CHECK (version_number > 0),
  is_latest boolean NOT NULL,
  change_log text CHECK (length(change_log) <= 2000),
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX templates_latest_key ON templates (company_id, lower(name)) WHERE is_latest;
CREATE UNIQUE INDEX templates_version_key ON templates (company_id, lower(name), version_number);
${baseIndexes('templates')}
${wall('templates')}
`,
  down: `
DROP TABLE templates;
DROP TABLE customer_compliances;
DROP TABLE compliances;
`,
};

export const complianceCatalogue = { name: '0039-compliance-catalogue', business };
