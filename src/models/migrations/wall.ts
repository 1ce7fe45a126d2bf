/** SQL that every company-owned table repeats: base columns, the wall, and what the runtime may do. */

/** Columns of every entity that belongs to a company. */
export const baseColumns = `
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  created_by uuid,
  updated_by uuid,
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1 CHECK (version > 0)`;

/**
 * Row-level security that also binds the owner; it and the runtime roles see and write the rows of
 * one company at a time.
 * @param table with its schema, unless it is a business table
 * @param rights what the runtime logins may do; never DELETE or TRUNCATE
 */
export const wall = (table: string, rights = 'SELECT, INSERT, UPDATE'): string => `
ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;
CREATE POLICY company ON ${table} TO app_api, app_worker, app_owner
  USING (company_id = (SELECT app.company_id()))
  WITH CHECK (company_id = (SELECT app.company_id()));
GRANT ${rights} ON ${table} TO app_api, app_worker;
`;

/** The indexes that every list and every clean-up needs. */
export const baseIndexes = (table: string): string => {
  const name = table.replace('.', '_');
  return `
CREATE INDEX ${name}_created_idx ON ${table} (company_id, created_at);
CREATE INDEX ${name}_live_idx ON ${table} (company_id, id) WHERE archived_at IS NULL;
CREATE INDEX ${name}_people_idx ON ${table} (company_id, created_by, updated_by);
`;
};
