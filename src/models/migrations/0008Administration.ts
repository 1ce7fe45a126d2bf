import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * When each company works (without a row: Monday to Friday, nine to five), and audit lines for what
 * the platform's people do to companies.
 */
const up = `
CREATE TABLE core.calendars (${baseColumns},
  time_zone text NOT NULL,
  working_days jsonb NOT NULL
    CHECK (jsonb_typeof(working_days) = 'array' AND jsonb_array_length(working_days) BETWEEN 1 AND 7),
  working_hours jsonb NOT NULL CHECK (jsonb_typeof(working_hours) = 'object'),
  holidays jsonb NOT NULL DEFAULT '[]'
    CHECK (jsonb_typeof(holidays) = 'array' AND jsonb_array_length(holidays) <= 1000),
  PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX calendars_company_key ON core.calendars (company_id);
${baseIndexes('core.calendars')}
${wall('core.calendars')}
CREATE POLICY global_writes ON core.audit_logs FOR INSERT TO app_global WITH CHECK (true);
GRANT INSERT ON core.audit_logs TO app_global;
`;

const down = `
REVOKE INSERT ON core.audit_logs FROM app_global;
DROP POLICY global_writes ON core.audit_logs;
DROP TABLE core.calendars;
`;

export const administration = { name: '0008-administration', up, down };
