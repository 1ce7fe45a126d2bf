import { baseColumns, baseIndexes, wall } from './wall.ts';

const kinds = `'activity_failing', 'workflow_task_failing', 'timers_overdue', 'no_worker', 'drift'`;

/** What raises an alert, the alerts, and the steps that are tried again. */
const up = `
CREATE TABLE core.alert_rules (${baseColumns},
  kind text NOT NULL CHECK (kind IN (${kinds})),
  is_enabled boolean NOT NULL DEFAULT true,
  attempts integer CHECK (attempts > 0),
  minutes integer CHECK (minutes > 0),
  channels jsonb NOT NULL,
  roles jsonb NOT NULL,
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX alert_rules_kind_key ON core.alert_rules (company_id, kind)
  WHERE archived_at IS NULL;
${baseIndexes('core.alert_rules')}
${wall('core.alert_rules')}

CREATE TABLE core.alerts (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN (${kinds})),
  subject text NOT NULL,
  type text,
  entity_id uuid,
  since timestamptz NOT NULL,
  detail text,
  attempts integer,
  raised_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  acknowledged_at timestamptz,
  acknowledged_by uuid,
  reason text,
  resolved_at timestamptz,
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX alerts_unresolved_key ON core.alerts (company_id, kind, subject)
  WHERE resolved_at IS NULL;
CREATE INDEX alerts_raised_idx ON core.alerts (company_id, raised_at, id);
${wall('core.alerts')}

CREATE TABLE core.retried_steps (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  workflow_id text NOT NULL,
  step text NOT NULL,
  since timestamptz NOT NULL,
  noted_at timestamptz NOT NULL,
  settled_at timestamptz,
  PRIMARY KEY (company_id, workflow_id)
);
CREATE INDEX retried_steps_unsettled_idx ON core.retried_steps (company_id, since)
  WHERE settled_at IS NULL;
${wall('core.retried_steps')}
`;

const down = `
DROP TABLE core.retried_steps;
DROP TABLE core.alerts;
DROP TABLE core.alert_rules;
`;

export const alerts = { name: '0036-alerts', up, down };
