import { auditYears } from './0053AuditYears.ts';

/** Carries what belongs to no company (`platformCompanyId` of database.ts). */
const platformCompanyId = '00000000-0000-7000-8000-000000000000';

/** The platform's setting, and at least the longest of a company. */
export const yearsWished = `
  SELECT greatest(
    max(coalesce((settings -> 'audit' ->> 'retentionYears')::int, 7)) FILTER (WHERE id = '${platformCompanyId}'),
    max((settings -> 'audit' ->> 'retentionYears')::int)) AS years
  FROM platform.companies`;

/** The function that takes out a month, for as many years as `wishes` selects as `years`. */
export const retireAuditMonth = (wishes: string): string =>
  `
/* Takes out the oldest month whose time is over; NULL where there is none. */
CREATE OR REPLACE FUNCTION app.retire_audit_month() RETURNS date LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  caller text := current_setting('app.current_company_id', true);
  noted integer;
  wished integer;
  oldest date;
  gone date;
BEGIN
  PERFORM set_config('app.current_company_id', '${platformCompanyId}', true);
  SELECT t.years INTO noted FROM platform.audit_terms t ORDER BY t.since DESC LIMIT 1;
  SELECT w.years INTO wished FROM (${wishes}) w;
  IF noted IS DISTINCT FROM wished THEN
    INSERT INTO platform.audit_terms (years) VALUES (wished);
    INSERT INTO core.audit_logs
      (company_id, id, timestamp, actor_type, action, entity_type, before, after)
    VALUES ('${platformCompanyId}', gen_random_uuid(), date_trunc('milliseconds', clock_timestamp()), 'system',
      'UPDATE', 'audit_term', jsonb_build_object('years', noted), jsonb_build_object('years', wished));
  END IF;
  SELECT min(to_date(right(c.relname, 7), 'YYYY_MM')) INTO oldest
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'core.audit_logs'::regclass AND c.relname ~ '^audit_logs_[0-9]{4}_[0-9]{2}$';
  gone := app.drop_audit_month((SELECT max(t.years)
    FROM (SELECT years, lead(since) OVER (ORDER BY since) AS until FROM platform.audit_terms) t
    WHERE t.until IS NULL OR t.until > oldest));
  IF gone IS NOT NULL THEN
    INSERT INTO core.audit_logs (company_id, id, timestamp, actor_type, action, entity_type, after)
    VALUES ('${platformCompanyId}', gen_random_uuid(), date_trunc('milliseconds', clock_timestamp()), 'system',
      'DELETE', 'audit_month', jsonb_build_object('month', gone));
  END IF;
  PERFORM set_config('app.current_company_id', coalesce(caller, ''), true);
  RETURN gone;
END $$;
`.trimStart();

/**
 * The API's login writes the settings, so whoever has stolen it could say that the audit is kept for a
 * year. The years that were in force are therefore noted where no login writes, and a month is kept for
 * the most that were so since it began: fewer hold for what is written from then on.
 */
const up = `
CREATE TABLE platform.audit_terms (
  since timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
  years integer NOT NULL CHECK (years BETWEEN 1 AND 10)
);
ALTER TABLE platform.audit_terms ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.audit_terms FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON platform.audit_terms TO app_owner USING (true) WITH CHECK (true);
INSERT INTO platform.audit_terms (years) ${yearsWished};

${retireAuditMonth(yearsWished)}`;

const down = `
${auditYears.down}
${auditYears.up}
DROP TABLE platform.audit_terms;
`;

export const auditTerms = { name: '0058-audit-terms', up, down };
