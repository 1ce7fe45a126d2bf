/**
 * A company may have its business tables in a schema of its own. What makes them is kept here as SQL, so
 * that the worker can have one made and can do nothing else with the schema.
 */
const up = `
CREATE TABLE migrations.business_steps (name text PRIMARY KEY, up text NOT NULL);
CREATE TABLE migrations.business_schemas (
  company_id uuid PRIMARY KEY,
  schema_name text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE migrations.applied_in_schemas (
  company_id uuid REFERENCES migrations.business_schemas (company_id) ON DELETE CASCADE,
  name text,
  run_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, name)
);

/* The owner acts for one company at a time, like everybody; it must know which there are. */
CREATE POLICY owner ON platform.companies FOR SELECT TO app_owner USING (true);
DO $$
DECLARE
  made record;
BEGIN
  FOR made IN SELECT schemaname, tablename FROM pg_policies
    WHERE policyname = 'company' AND roles = '{app_api,app_worker}' LOOP
    EXECUTE format('ALTER POLICY company ON %I.%I TO app_api, app_worker, app_owner',
      made.schemaname, made.tablename);
  END LOOP;
  /* Names of indexes said the schema; they are the same in each now. */
  FOR made IN SELECT indexname FROM pg_indexes
    WHERE schemaname = 'shared' AND starts_with(indexname, 'shared_') LOOP
    EXECUTE format('ALTER INDEX shared.%I RENAME TO %I', made.indexname, substr(made.indexname, 8));
  END LOOP;
END $$;

/* The end of an id is what chance made of it; its beginning is the time. */
CREATE FUNCTION app.business_schema(company uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 't_' || right(replace(company::text, '-', ''), 16);

/* Makes the present company's own schema, or brings it up to date; says how many steps that took. */
CREATE FUNCTION app.prepare_business_schema() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  company uuid := app.company_id();
  own text := app.business_schema(company);
  step record;
  bare record;
  steps integer := 0;
BEGIN
  PERFORM FROM platform.companies WHERE id = company AND isolation = 'dedicated_schema';
  IF NOT FOUND THEN
    RAISE insufficient_privilege USING MESSAGE = 'this company has no schema of its own';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(own, 0));
  IF to_regnamespace(own) IS NULL THEN
    PERFORM pg_advisory_xact_lock(7352108);
    IF (SELECT count(*) FROM migrations.business_schemas) >= 200 THEN
      RAISE program_limit_exceeded USING MESSAGE = 'there are 200 schemas of companies already';
    END IF;
    EXECUTE format('CREATE SCHEMA %I', own);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO app_api, app_worker, app_search, app_backup', own);
    INSERT INTO migrations.business_schemas (company_id, schema_name) VALUES (company, own);
  END IF;
  FOR step IN SELECT s.name, s.up FROM migrations.business_steps s
    WHERE NOT EXISTS (SELECT FROM migrations.applied_in_schemas a
      WHERE a.company_id = company AND a.name = s.name)
    ORDER BY s.name LOOP
    PERFORM set_config('search_path', own || ', ext', true);
    EXECUTE step.up;
    PERFORM set_config('search_path', 'pg_catalog', true);
    INSERT INTO migrations.applied_in_schemas (company_id, name) VALUES (company, step.name);
    steps := steps + 1;
  END LOOP;
  FOR bare IN SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = to_regnamespace(own) AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = 'own_company')
  LOOP
    EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT own_company CHECK (company_id = %L)',
      own, bare.relname, company);
  END LOOP;
  RETURN steps;
END $$;
REVOKE EXECUTE ON FUNCTION app.prepare_business_schema() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.prepare_business_schema() TO app_api, app_worker;

/* Takes the schema back while it holds nothing but what every company begins with. */
CREATE FUNCTION app.drop_unused_business_schema() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  company uuid := app.company_id();
  own text := app.business_schema(company);
  each_table text;
  is_used boolean;
BEGIN
  IF to_regnamespace(own) IS NULL THEN RETURN false; END IF;
  FOR each_table IN SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = to_regnamespace(own) AND c.relkind IN ('r', 'p')
      AND c.relname NOT IN ('property_categories', 'customers') LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', own, each_table) INTO is_used;
    IF is_used THEN
      RAISE object_in_use USING MESSAGE = format('%s holds rows: the schema stays', each_table);
    END IF;
  END LOOP;
  EXECUTE format('DROP SCHEMA %I CASCADE', own);
  DELETE FROM migrations.business_schemas WHERE company_id = company;
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION app.drop_unused_business_schema() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.drop_unused_business_schema() TO app_api, app_worker;
`;

const down = `
DROP FUNCTION app.drop_unused_business_schema();
DROP FUNCTION app.prepare_business_schema();
DROP FUNCTION app.business_schema(uuid);
DROP POLICY owner ON platform.companies;
DO $$
DECLARE
  own text;
BEGIN
  FOR own IN SELECT schema_name FROM migrations.business_schemas LOOP
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', own);
  END LOOP;
END $$;
DROP TABLE migrations.applied_in_schemas;
DROP TABLE migrations.business_schemas;
DROP TABLE migrations.business_steps;
`;

export const businessSchemas = { name: '0014-business-schemas', up, down };
