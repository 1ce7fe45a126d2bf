import { baseColumns, baseIndexes, wall } from './wall.ts';

/** `report_data` are those of the last generation that got ready; the other columns tell of the latest. */
const up = `
CREATE TABLE reports (${baseColumns},
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  report_type text NOT NULL CHECK (report_type IN (
    'claims_overview', 'financial_summary', 'adjuster_performance', 'policy_type_analysis',
    'compliance_status', 'acknowledgement_overdue', 'sla_breaches', 'booking_revenue',
    'renewal_pipeline')),
  filters jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(filters) = 'object'),
  format text NOT NULL CHECK (format IN ('json', 'csv')),
  schedule jsonb CHECK (jsonb_typeof(schedule) = 'object'),
  status text NOT NULL CHECK (status IN ('pending', 'running', 'ready', 'failed')),
  state_version integer NOT NULL DEFAULT 1 CHECK (state_version > 0),
  generation integer NOT NULL DEFAULT 1 CHECK (generation > 0),
  progress integer NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
  report_data jsonb CHECK (jsonb_typeof(report_data) = 'object'),
  generated_at timestamptz,
  error text CHECK (length(error) <= 500),
  workflow_closed_at timestamptz,
  PRIMARY KEY (company_id, id),
  CHECK ((report_data IS NULL) = (generated_at IS NULL)),
  CHECK (status <> 'ready' OR report_data IS NOT NULL)
);
CREATE INDEX reports_open_idx ON reports (company_id, created_at) WHERE workflow_closed_at IS NULL;
CREATE INDEX reports_scheduled_idx ON reports (company_id, id)
  WHERE schedule IS NOT NULL AND archived_at IS NULL;
${baseIndexes('reports')}
${wall('reports')}
`;

export const reports = { name: '0026-reports', business: { up, down: 'DROP TABLE reports' } };
