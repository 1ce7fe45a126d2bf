/**
 * How long the audit is kept is no argument: whoever could name the years could take out all but one. The
 * function asks the settings itself, tells of what went in the platform's audit, and only workers may call
 * it. What took out a month before is now its inner part, which no login may call.
 */
const up = `
ALTER FUNCTION app.retire_audit_month(integer) RENAME TO drop_audit_month;
ALTER FUNCTION app.drop_audit_month(integer) SECURITY INVOKER;
REVOKE EXECUTE ON FUNCTION app.drop_audit_month(integer) FROM app_global;

/* Takes out the oldest month whose time is over; NULL where there is none. */
CREATE FUNCTION app.retire_audit_month() RETURNS date LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  caller text := current_setting('app.current_company_id', true);
  platform uuid;
  years integer;
  gone date;
BEGIN
  /* The platform's setting, and at least the longest of a company. */
  SELECT greatest(
      max(coalesce((settings -> 'audit' ->> 'retentionYears')::int, 7)) FILTER (WHERE code = 'PLATFORM'),
      max((settings -> 'audit' ->> 'retentionYears')::int)),
    (array_agg(id) FILTER (WHERE code = 'PLATFORM'))[1]
  INTO years, platform FROM platform.companies;
  gone := app.drop_audit_month(years);
  IF gone IS NOT NULL THEN
    PERFORM set_config('app.current_company_id', platform::text, true);
    INSERT INTO core.audit_logs (company_id, id, timestamp, actor_type, action, entity_type, after)
    VALUES (platform, gen_random_uuid(), date_trunc('milliseconds', clock_timestamp()), 'system', 'DELETE',
      'audit_month', jsonb_build_object('month', gone));
    PERFORM set_config('app.current_company_id', coalesce(caller, ''), true);
  END IF;
  RETURN gone;
END $$;
REVOKE EXECUTE ON FUNCTION app.retire_audit_month() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.retire_audit_month() TO app_worker;

/* For workers of the release before, which come through a door that is the API's too: years are not heard. */
CREATE FUNCTION app.retire_audit_month(years integer) RETURNS date LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
  IF NOT has_function_privilege(session_user, 'app.retire_audit_month()', 'EXECUTE') THEN
    RAISE insufficient_privilege USING MESSAGE = 'permission denied for function retire_audit_month';
  END IF;
  RETURN app.retire_audit_month();
END $$;
REVOKE EXECUTE ON FUNCTION app.retire_audit_month(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.retire_audit_month(integer) TO app_global;
`;

const down = `
DROP FUNCTION app.retire_audit_month(integer);
DROP FUNCTION app.retire_audit_month();
ALTER FUNCTION app.drop_audit_month(integer) RENAME TO retire_audit_month;
ALTER FUNCTION app.retire_audit_month(integer) SECURITY DEFINER;
GRANT EXECUTE ON FUNCTION app.retire_audit_month(integer) TO app_global;
`;

export const auditYears = { name: '0053-audit-years', up, down };
