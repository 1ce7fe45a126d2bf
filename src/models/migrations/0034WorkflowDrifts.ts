import { wall } from './wall.ts';

/** Where a row and its run were found to differ. */
const up = `
CREATE TABLE core.workflow_drifts (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('subscription', 'claim', 'payment', 'report', 'onboarding')),
  entity_id uuid NOT NULL,
  workflow_id text NOT NULL,
  finding text NOT NULL CHECK (finding IN ('missing', 'left_open', 'state', 'timers')),
  details jsonb NOT NULL DEFAULT '{}',
  found_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  repaired_at timestamptz,
  repaired_by uuid,
  resolved_at timestamptz,
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX workflow_drifts_open_key
  ON core.workflow_drifts (company_id, workflow_id, finding) WHERE resolved_at IS NULL;
CREATE INDEX workflow_drifts_found_idx ON core.workflow_drifts (company_id, found_at, id);
${wall('core.workflow_drifts')}
`;

const down = 'DROP TABLE core.workflow_drifts;';

export const workflowDrifts = { name: '0034-workflow-drifts', up, down };
