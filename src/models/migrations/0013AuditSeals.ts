import { wall } from './wall.ts';

/**
 * Each audit line is sealed once, in a chain for each company. Values enter the hashes as digests under
 * the company's key, so that a person can be erased and the chain still verifies.
 */
const up = `
CREATE TABLE core.audit_seals (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  seq bigint NOT NULL CHECK (seq > 0),
  audit_id uuid NOT NULL,
  audit_timestamp timestamptz NOT NULL,
  hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
  prev_hash text NOT NULL CHECK (prev_hash ~ '^[0-9a-f]{64}$'),
  sealed_at timestamptz NOT NULL,
  PRIMARY KEY (company_id, seq),
  UNIQUE (company_id, audit_id)
);
/* How far the sealer has come, over all companies. */
CREATE INDEX audit_seals_reach_idx ON core.audit_seals (least(audit_timestamp, sealed_at));
CREATE INDEX audit_logs_sealing_idx ON core.audit_logs (timestamp, id);
${wall('core.audit_seals', 'SELECT')}
CREATE POLICY sealer ON core.audit_seals TO app_sealer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON core.audit_seals TO app_sealer;

CREATE TABLE core.audit_keys (
  company_id uuid PRIMARY KEY REFERENCES platform.companies (id) ON DELETE RESTRICT,
  key text NOT NULL CHECK (key ~ '^[0-9a-f]{128}$'),
  created_at timestamptz NOT NULL DEFAULT now()
);
${wall('core.audit_keys', 'SELECT')}
CREATE POLICY sealer ON core.audit_keys TO app_sealer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON core.audit_keys TO app_sealer;
`;

const down = `
DROP TABLE core.audit_keys;
DROP TABLE core.audit_seals;
DROP INDEX core.audit_logs_sealing_idx;
`;

export const auditSeals = { name: '0013-audit-seals', up, down };
