import { eraseFunctions, replacing } from '../eraseInAudit.ts';
import { firstEntityTypes, firstPersonalNames } from './0016Privacy.ts';
import { eraseInAudit as eraseInAuditBefore } from './0027ClaimPrivacy.ts';
import { baseColumns, baseIndexes, wall } from './wall.ts';

export const personalNames = [
  ...firstPersonalNames,
  'claimantEmail',
  'claimantName',
  'claimantPhone',
  'description',
  'fileName',
  'payeeEmail',
  'payeeName',
  'title',
] as const;

export const entityTypes = [
  ...firstEntityTypes,
  'claim',
  'payment',
  'document',
  'employee',
] as const;

/** What stands about a person in the audit lines of their employment. */
export const { eraseInAudit } = eraseFunctions(personalNames, entityTypes);

/** In the schema that comes first on the search path, like `policySearch` of 0007. */
export const employeeSearch = `
DO $search$
DECLARE
  here text := current_schema();
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.search_employee_ids(pattern text) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
  SELECT id FROM %1$I.employees
  WHERE company_id = (SELECT app.company_id())
    AND (name ILIKE pattern OR email ILIKE pattern)
  ORDER BY created_at DESC LIMIT 10000
$$;
REVOKE EXECUTE ON FUNCTION %1$I.search_employee_ids(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION %1$I.search_employee_ids(text) TO app_api, app_worker;
GRANT CREATE ON SCHEMA %1$I TO app_search;
ALTER FUNCTION %1$I.search_employee_ids(text) OWNER TO app_search;
REVOKE CREATE ON SCHEMA %1$I FROM app_search;
$create$, here);
END
$search$;
`;

/**
 * Whoever reports to whom is checked at the end of a transaction: a company's file, and an import, name
 * people before their managers.
 */
const business = {
  up: `
CREATE TABLE employees (${baseColumns},
  customer_id uuid NOT NULL,
  user_id uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  email text NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
  role text CHECK (length(role) BETWEEN 1 AND 100),
  department text CHECK (length(department) BETWEEN 1 AND 100),
  manager_id uuid CHECK (manager_id <> id),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
  join_date date NOT NULL,
  leave_date date,
  return_date date CHECK (return_date >= join_date),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, customer_id) REFERENCES customers (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, manager_id) REFERENCES employees (company_id, id)
    DEFERRABLE INITIALLY DEFERRED,
  CHECK ((status = 'inactive') = (leave_date IS NOT NULL)),
  CHECK (leave_date >= join_date AND leave_date >= coalesce(return_date, join_date))
);
CREATE UNIQUE INDEX employees_email_key ON employees (company_id, email) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX employees_user_key ON employees (company_id, user_id)
  WHERE user_id IS NOT NULL AND archived_at IS NULL;
CREATE INDEX employees_name_idx ON employees (company_id, lower(name), id) WHERE archived_at IS NULL;
CREATE INDEX employees_customer_idx ON employees (company_id, customer_id, status);
CREATE INDEX employees_department_idx ON employees (company_id, department);
CREATE INDEX employees_manager_idx ON employees (company_id, manager_id)
  WHERE manager_id IS NOT NULL;
CREATE INDEX employees_search_idx ON employees USING gin (
  company_id ext.uuid_ops, name ext.gin_trgm_ops, email ext.gin_trgm_ops);
${baseIndexes('employees')}
${wall('employees')}
CREATE POLICY search ON employees FOR SELECT TO app_search USING (true);
GRANT SELECT (company_id, id, created_at, name, email) ON employees TO app_search;
${employeeSearch}`,
  down: `
DROP FUNCTION search_employee_ids(text);
DROP TABLE employees;
`,
};

/** What a file says while it is imported; its rows live within one transaction. */
const up = `
CREATE TABLE core.employee_import_lines (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  import_id uuid NOT NULL,
  line integer NOT NULL CHECK (line > 0),
  id uuid NOT NULL,
  is_new boolean NOT NULL DEFAULT true,
  audit_id uuid NOT NULL,
  email text NOT NULL,
  name text NOT NULL,
  role text,
  department text,
  manager_email text,
  manager_id uuid,
  join_date date,
  problem text,
  PRIMARY KEY (company_id, import_id, line),
  UNIQUE (company_id, import_id, email)
);
${wall('core.employee_import_lines', 'SELECT, INSERT, UPDATE, DELETE')}
${replacing(eraseInAudit)}`;

const down = `
${replacing(eraseInAuditBefore)}
DROP TABLE core.employee_import_lines;
`;

export const employees = { name: '0038-employees', up, down, business };
