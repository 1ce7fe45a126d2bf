/** What lists of claims are filtered and counted by, so that a count reads the index alone. */
const business = {
  up: `
DROP INDEX claims_status_idx;
CREATE INDEX claims_status_idx ON claims (company_id, status, created_at, id)
  WHERE archived_at IS NULL;
CREATE INDEX claims_sla_idx ON claims (company_id, sla_status, created_at, id)
  WHERE archived_at IS NULL;
CREATE INDEX claims_incident_idx ON claims (company_id, incident_date, id)
  WHERE archived_at IS NULL;
`,
  down: `
DROP INDEX claims_incident_idx;
DROP INDEX claims_sla_idx;
DROP INDEX claims_status_idx;
CREATE INDEX claims_status_idx ON claims (company_id, status, created_at);
`,
};

export const claimLists = { name: '0031-claim-lists', business };
