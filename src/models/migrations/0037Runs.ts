/**
 * What the list of runs asks: whether a scan goes on (one that an operator ended leaves its document in
 * quarantine), and the newest rows of every kind in one order.
 */
const business = {
  up: `
ALTER TABLE documents ADD COLUMN scan_stopped_at timestamptz;
DROP INDEX claims_created_idx;
CREATE INDEX claims_created_idx ON claims (company_id, created_at, id);
DROP INDEX claims_open_idx;
CREATE INDEX claims_open_idx ON claims (company_id, created_at, id)
  WHERE workflow_closed_at IS NULL;
CREATE INDEX claims_run_status_idx ON claims (company_id, status, created_at, id);
DROP INDEX policy_subscriptions_created_idx;
CREATE INDEX policy_subscriptions_created_idx ON policy_subscriptions (company_id, created_at, id);
DROP INDEX policy_subscriptions_open_idx;
CREATE INDEX policy_subscriptions_open_idx ON policy_subscriptions (company_id, created_at, id)
  WHERE workflow_closed_at IS NULL;
DROP INDEX payments_created_idx;
CREATE INDEX payments_created_idx ON payments (company_id, created_at, id);
DROP INDEX payments_open_idx;
CREATE INDEX payments_open_idx ON payments (company_id, created_at, id)
  WHERE workflow_closed_at IS NULL;
DROP INDEX documents_created_idx;
CREATE INDEX documents_created_idx ON documents (company_id, created_at, id);
CREATE INDEX documents_open_idx ON documents (company_id, created_at, id)
  WHERE coalesce(scanned_at, scan_stopped_at) IS NULL;
CREATE INDEX documents_scan_status_idx ON documents (company_id, scan_status, created_at, id);
`,
  down: `
DROP INDEX documents_scan_status_idx;
DROP INDEX documents_open_idx;
DROP INDEX documents_created_idx;
CREATE INDEX documents_created_idx ON documents (company_id, created_at);
DROP INDEX payments_open_idx;
CREATE INDEX payments_open_idx ON payments (company_id, created_at)
  WHERE workflow_closed_at IS NULL;
DROP INDEX payments_created_idx;
CREATE INDEX payments_created_idx ON payments (company_id, created_at);
DROP INDEX policy_subscriptions_open_idx;
CREATE INDEX policy_subscriptions_open_idx ON policy_subscriptions (company_id, created_at)
  WHERE workflow_closed_at IS NULL;
DROP INDEX policy_subscriptions_created_idx;
CREATE INDEX policy_subscriptions_created_idx ON policy_subscriptions (company_id, created_at);
DROP INDEX claims_run_status_idx;
DROP INDEX claims_open_idx;
CREATE INDEX claims_open_idx ON claims (company_id, created_at) WHERE workflow_closed_at IS NULL;
DROP INDEX claims_created_idx;
CREATE INDEX claims_created_idx ON claims (company_id, created_at);
ALTER TABLE documents DROP COLUMN scan_stopped_at;
`,
};

export const runs = { name: '0037-runs', business };
