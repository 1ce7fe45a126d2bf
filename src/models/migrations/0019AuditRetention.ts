import { wall } from './wall.ts';

/**
 * The audit ends somewhere: whole months go when their time is over. What went is noted for each company,
 * so that its chain, whose seals all stay, is known to begin later; only the function can note it.
 */
const up = `
CREATE TABLE core.audit_retired (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  month date NOT NULL,
  lines bigint NOT NULL CHECK (lines > 0),
  last_at timestamptz NOT NULL,
  retired_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, month)
);
${wall('core.audit_retired', 'SELECT')}

/* Takes out the oldest month that is older than so many years and all sealed; NULL where there is none. */
CREATE FUNCTION app.retire_audit_month(years integer) RETURNS date LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  caller text := current_setting('app.current_company_id', true);
  oldest regclass;
  first_day date;
  each_company uuid;
  sealed bigint;
  found record;
BEGIN
  IF coalesce(years, 0) NOT BETWEEN 1 AND 10 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'the audit is kept for 1 to 10 years';
  END IF;
  SELECT c.oid, to_date(right(c.relname, 7), 'YYYY_MM') INTO oldest, first_day
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'core.audit_logs'::regclass AND c.relname ~ '^audit_logs_[0-9]{4}_[0-9]{2}$'
  ORDER BY c.relname LIMIT 1;
  IF oldest IS NULL OR first_day + interval '1 month' + make_interval(years => years) > now() THEN
    RETURN NULL;
  END IF;
  /* The owner too sees the lines of one company at a time, and only through the table as a whole. */
  FOR each_company IN SELECT id FROM platform.companies LOOP
    PERFORM set_config('app.current_company_id', each_company::text, true);
    SELECT count(*) AS lines, max(a.timestamp) AS last_at INTO found FROM core.audit_logs a
    WHERE a.company_id = each_company AND a.tableoid = oldest
      AND a.timestamp < first_day + interval '1 month 1 day';
    CONTINUE WHEN found.lines = 0;
    SELECT count(*) INTO sealed FROM core.audit_logs a JOIN core.audit_seals s
      ON s.company_id = a.company_id AND s.audit_id = a.id AND s.audit_timestamp = a.timestamp
    WHERE a.company_id = each_company AND a.tableoid = oldest
      AND a.timestamp < first_day + interval '1 month 1 day';
    IF sealed < found.lines THEN
      RAISE object_in_use USING MESSAGE = format('%s lines of %s are not sealed', found.lines - sealed, oldest);
    END IF;
    INSERT INTO core.audit_retired (company_id, month, lines, last_at)
    VALUES (each_company, first_day, found.lines, found.last_at);
  END LOOP;
  PERFORM set_config('app.current_company_id', coalesce(caller, ''), true);
  EXECUTE format('DROP TABLE %s', oldest);
  RETURN first_day;
END $$;
REVOKE EXECUTE ON FUNCTION app.retire_audit_month(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.retire_audit_month(integer) TO app_global;
`;

const down = `
DROP FUNCTION app.retire_audit_month(integer);
DROP TABLE core.audit_retired;
`;

export const auditRetention = { name: '0019-audit-retention', up, down };
