import { baseColumns, baseIndexes, wall } from './wall.ts';

/** Files of a policy or a claim. The bytes are in the storage, under `storage_key`. */
const business = {
  up: `
CREATE TABLE documents (${baseColumns},
  policy_id uuid,
  claim_id uuid,
  document_type text NOT NULL CHECK (document_type IN ('police_report', 'estimate', 'photo',
    'medical_bill', 'invoice', 'report', 'other')),
  file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 255),
  mime text NOT NULL CHECK (length(mime) <= 100),
  size integer NOT NULL CHECK (size > 0),
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  storage_key text NOT NULL CHECK (length(storage_key) <= 200),
  description text CHECK (length(description) <= 200),
  uploaded_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  uploaded_at timestamptz NOT NULL,
  scan_status text NOT NULL DEFAULT 'quarantined'
    CHECK (scan_status IN ('quarantined', 'clean', 'infected', 'unscanned')),
  scanned_at timestamptz,
  scan_finding text CHECK (length(scan_finding) <= 200),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, policy_id) REFERENCES policies (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, claim_id) REFERENCES claims (company_id, id) ON DELETE RESTRICT,
  CHECK (num_nonnulls(policy_id, claim_id) = 1),
  CHECK ((scan_status = 'quarantined') = (scanned_at IS NULL)),
  CHECK ((scan_status = 'infected') = (scan_finding IS NOT NULL))
);
CREATE UNIQUE INDEX documents_storage_key ON documents (company_id, storage_key);
CREATE INDEX documents_policy_idx ON documents (company_id, policy_id, created_at)
  WHERE policy_id IS NOT NULL;
CREATE INDEX documents_claim_idx ON documents (company_id, claim_id, created_at)
  WHERE claim_id IS NOT NULL;
CREATE INDEX documents_content_idx ON documents (company_id, sha256);
CREATE INDEX documents_waiting_idx ON documents (company_id, created_at)
  WHERE scan_status = 'quarantined';
${baseIndexes('documents')}
${wall('documents')}
`,
  down: `DROP TABLE documents;`,
};

export const documents = { name: '0025-documents', business };
