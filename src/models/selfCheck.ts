import { select, withGlobal } from './database.ts';

/** The wall is not as it must be, or cannot be looked at; its message is for the operator. */
export class SelfCheckFailed extends Error {}

/** Each finds what breaks the wall; a finding is one sentence. Catalog facts only, no rows. */
const checks: readonly string[] = [
  `SELECT format('the login %s is a superuser, inherits rights or bypasses row security', rolname) AS finding
   FROM pg_roles WHERE rolname = session_user AND (rolsuper OR rolbypassrls OR rolinherit OR rolcreaterole)`,

  `SELECT format('the login %s owns %s', session_user, c.oid::regclass) AS finding
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname IN ('platform', 'core', 'shared', 'app')
     AND pg_get_userbyid(c.relowner) = session_user`,

  `SELECT format('the table %s has no forced row security', c.oid::regclass) AS finding
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('platform', 'core', 'shared')
     AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,

  `SELECT format('the table %s has a policy that does not ask for the company', p.polrelid::regclass) AS finding
   FROM pg_policy p
     JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id' AND NOT a.attisdropped
   WHERE n.nspname IN ('platform', 'core', 'shared')
     AND p.polroles && ARRAY(SELECT oid FROM pg_roles WHERE rolname IN ('app_api', 'app_worker'))
     AND pg_get_expr(p.polqual, p.polrelid) NOT LIKE '%app.company_id()%'`,

  `SELECT format('%s may %s on %s', g.grantee, g.privilege_type, g.table_schema || '.' || g.table_name) AS finding
   FROM information_schema.role_table_grants g
   WHERE g.grantee IN ('app_api', 'app_worker', 'PUBLIC')
     AND g.table_schema IN ('platform', 'core', 'shared')
     AND (g.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
       OR (g.table_name LIKE 'audit\\_logs%' AND g.privilege_type IN ('UPDATE', 'DELETE'))
       OR g.table_name ~ '^audit_logs_')`,

  `SELECT format('the view %s does not check its caller''s rights', c.oid::regclass) AS finding
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname IN ('platform', 'core', 'shared')
     AND (c.relkind = 'm' OR (c.relkind = 'v'
       AND NOT coalesce(c.reloptions, '{}') @> ARRAY['security_invoker=true']))`,

  `SELECT format('the function %s runs with its owner''s rights', p.oid::regprocedure) AS finding
   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname IN ('app', 'platform', 'core', 'shared') AND p.prosecdef
     AND (p.proname <> ALL (ARRAY['ensure_audit_partitions']) OR p.proconfig IS NULL)`,
];

/**
 * Refuses to serve behind a wall with a hole, such as after a grant by hand.
 * @throws SelfCheckFailed naming every finding
 */
export async function selfCheck(): Promise<void> {
  const findings = await withGlobal(async () => {
    const found: string[] = [];
    for (const check of checks) {
      found.push(...(await select<{ finding: string }>(check)).map(({ finding }) => finding));
    }
    return found;
  }).catch((error: unknown) => {
    throw new SelfCheckFailed(
      `The database cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  });
  if (findings.length > 0) {
    throw new SelfCheckFailed(`The wall between companies has a hole: ${findings.join('; ')}`);
  }
}
