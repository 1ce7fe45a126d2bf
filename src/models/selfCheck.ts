import { CannotStart, reasonOf } from '../errors.ts';
import { execute, select, withGlobal } from './database.ts';
import { claimSearchBody } from './migrations/0030ClaimSearch.ts';
import { propertySearchBody } from './migrations/0091BoundedSearch.ts';
import { newestPolicySearchBody } from './migrations/0092FrequentPolicySearch.ts';
import { eraseInAuditBody } from './migrations/0095Applicants.ts';
import { migrations } from './migrations/index.ts';
import { activity, largeObjects } from './roles.ts';

/** The wall is not as it must be, or cannot be looked at; its message is for the operator. */
export class SelfCheckFailed extends CannotStart {}

/** Roles a request or a job of ours can act as; the first two log in. */
const runtime = `ARRAY(SELECT oid FROM pg_roles WHERE rolname IN ('app_api', 'app_worker', session_user))`;
const doors = `ARRAY['app_auth', 'app_global', 'app_relay', 'app_sealer']`;
const everyRole = `(${runtime} || ARRAY(SELECT oid FROM pg_roles WHERE rolname = ANY (${doors} || ARRAY['app_search'])))`;
/** Where companies' rows are, dedicated schemas included. */
const inOurs = `n.nspname ~ '^(platform|core|shared|t_[0-9a-f]{16})$'`;
const notSystem = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'`;

/** The API counts requests in a table that holds no company's data. */
const isOfLimits = `(c.oid::regclass::text = 'limits.counters' AND g.grantee::regrole::text = 'app_api'
  AND g.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') AND NOT g.is_grantable)`;

/** What may run with its owner's rights: each does one thing, for the present company or for none. */
const ownerFunctions = `ARRAY['app.ensure_audit_partitions()', 'app.prepare_business_schema()',
  'app.drop_unused_business_schema()', 'app.retire_audit_month()', 'app.retire_audit_month(integer)']`;

/** How Postgres writes down the conditions that ask for the company. */
const ownRows = '(company_id = ( SELECT app.company_id() AS company_id))';
const ownCompany = '(id = ( SELECT app.company_id() AS company_id))';
/** What a company may change of its own row. */
const ownCompanyColumns = `'{name,contact_email,contact_phone,linkedin,address,logo_url,default_currency,time_zone,settings,version,updated_at,updated_by}'::name[]`;
/** What a company says when it claims a domain: never that it is verified. */
const claimColumns = `'{id,company_id,domain,verification_token}'::name[]`;
/** How a search function, which stands before the wall, asks for the company itself. */
const ownSearch =
  '^\\s*SELECT id FROM \\w+\\.\\w+\\s+WHERE company_id = \\(SELECT app\\.company_id\\(\\)\\)\\s+' +
  'AND \\([^()]*\\)\\s+ORDER BY created_at DESC LIMIT 10000\\s*$';
const ownMembers = `(EXISTS ( SELECT 1 FROM platform.memberships m
  WHERE ((m.user_id = users.id) AND (m.company_id = ( SELECT app.company_id() AS company_id)))))`;
const oneLine = (sql: string): string => sql.replaceAll(/\s+/g, ' ');
const condition = (column: string): string =>
  `regexp_replace(pg_get_expr(p.${column}, p.polrelid), '\\s+', ' ', 'g')`;

const companyFunction = `DECLARE company text := current_setting('app.current_company_id', true);
BEGIN IF company IS NULL OR company = '' THEN
RAISE insufficient_privilege USING MESSAGE = 'no company is set for this transaction'; END IF;
RETURN company::uuid; END`;

/** Between quotes; a dollar would be the place of a value. */
const asLiteral = (text: string): string => text.replaceAll("'", "''").replaceAll('$', '$$$$');

/** Each finds what breaks the wall; a finding is one sentence. Catalog facts only, no rows. */
const checks: readonly string[] = [
  `SELECT format('the role %s is a superuser, inherits rights, bypasses row security or makes roles', rolname) AS finding
   FROM pg_roles WHERE oid = ANY (${everyRole})
     AND (rolsuper OR rolbypassrls OR rolinherit OR rolcreaterole OR rolcreatedb OR rolreplication)`,

  `SELECT format('the role %s may act as %s', m.member::regrole, m.roleid::regrole) AS finding
   FROM pg_auth_members m
   WHERE m.member = ANY (${everyRole})
     AND (m.admin_option OR NOT (m.member = ANY (${runtime}) AND m.roleid::regrole::text = ANY (${doors}))
       OR to_jsonb(m) ->> 'inherit_option' = 'true')`,

  `SELECT format('the role %s owns %s', d.refobjid::regrole,
     pg_describe_object(d.classid, d.objid, d.objsubid)) AS finding
   FROM pg_shdepend d
   WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o' AND d.refobjid = ANY (${everyRole})
     AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
     AND NOT (d.classid = 'pg_proc'::regclass AND d.refobjid::regrole::text = 'app_search')`,

  `SELECT format('the table %s has no forced row security', c.oid::regclass) AS finding
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND ${inOurs} AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,

  `SELECT format('the table %s may hold rows of other companies', c.oid::regclass) AS finding
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND n.nspname ~ '^t_[0-9a-f]{16}$'
     AND NOT EXISTS (SELECT FROM pg_constraint k
       WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.convalidated
         AND pg_get_constraintdef(k.oid) ~ '^CHECK \\(\\(company_id = ''[0-9a-f-]{36}''::uuid\\)\\)$'
         AND app.business_schema(substring(pg_get_constraintdef(k.oid) from '''(.{36})''')::uuid)
           = n.nspname)`,

  // A restrictive policy only takes away.
  `SELECT format('the policy %s of %s does not ask for the company', p.polname, p.polrelid::regclass) AS finding
   FROM pg_policy p
     JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${inOurs} AND p.polpermissive
     AND NOT p.polroles <@ ARRAY(SELECT oid FROM pg_roles WHERE rolname = ANY (${doors}))
     AND NOT (n.nspname = 'platform'
       AND p.polroles = ARRAY(SELECT oid FROM pg_roles WHERE rolname = 'app_owner'))
     AND NOT (p.polcmd = 'r' AND p.polroles <@ ARRAY(SELECT oid FROM pg_roles WHERE rolname = 'app_search'))
     AND NOT (p.polroles <@ ARRAY(SELECT oid FROM pg_roles
         WHERE rolname IN ('app_api', 'app_worker', 'app_owner'))
       AND coalesce(${condition('polqual')}, '${ownRows}') IN ('${ownRows}',
         CASE WHEN p.polcmd <> 'r' THEN ''
           WHEN p.polrelid::regclass::text = 'platform.companies' THEN '${ownCompany}'
           WHEN p.polrelid::regclass::text = 'platform.users' THEN '${oneLine(ownMembers)}' ELSE '' END)
       AND coalesce(${condition('polwithcheck')}, '${ownRows}') = '${ownRows}'
       AND (p.polqual IS NOT NULL OR p.polwithcheck IS NOT NULL))
     AND NOT (p.polrelid::regclass::text = 'platform.companies' AND p.polcmd = 'w'
       AND p.polroles = ARRAY(SELECT oid FROM pg_roles WHERE rolname = 'app_api')
       AND ${condition('polqual')} = '${ownCompany}'
       AND ${condition('polwithcheck')} = '${ownCompany}')`,

  `SELECT format('the function app.company_id() is not ours') AS finding
   WHERE NOT EXISTS (SELECT FROM pg_proc p
     WHERE p.oid = to_regprocedure('app.company_id()') AND NOT p.prosecdef AND p.provolatile = 's'
       AND p.proowner = (SELECT oid FROM pg_roles WHERE rolname = 'app_owner')
       AND btrim(regexp_replace(p.prosrc, '[\\s;]+', ' ', 'g'))
         = '${oneLine(companyFunction)
           .replaceAll(/[\s;]+/g, ' ')
           .replaceAll("'", "''")}')`,

  // Everybody may set defaults for their own role; they would outlive every transaction.
  `SELECT format('the setting %s waits for every session of %s', c,
     coalesce(nullif(s.setrole, 0)::regrole::text, 'everybody')) AS finding
   FROM pg_db_role_setting s, unnest(s.setconfig) c
   WHERE (s.setrole = 0 OR s.setrole = ANY (${everyRole}))
     AND c ~* '^(app\\.|role=|row_security=|search_path=|session_)'`,

  // Grants are read from the catalog: information_schema shows only those of the present role.
  `SELECT format('%s may %s on %s', coalesce(nullif(g.grantee, 0)::regrole::text, 'everybody'),
     g.privilege_type, c.oid::regclass) AS finding
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) g
   WHERE (g.grantee = 0 OR g.grantee = ANY (${runtime})) AND ${notSystem} AND n.nspname <> 'ext'
     AND NOT ${isOfLimits}
     AND (NOT (${inOurs}) OR c.relispartition OR g.is_grantable OR g.grantee = 0
       OR g.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
       OR (g.privilege_type = 'DELETE'
         AND c.relname NOT IN ('idempotency_keys', 'employee_import_lines'))
       OR (g.privilege_type = 'UPDATE' AND c.relname IN ('audit_logs', 'transitions', 'ledger_entries'))
       OR (g.privilege_type <> 'SELECT' AND c.relname IN ('audit_seals', 'audit_keys', 'audit_retired'))
       OR (n.nspname = 'platform'
         AND (g.privilege_type <> 'SELECT' OR c.relname NOT IN ('companies', 'domains', 'memberships'))))`,

  `SELECT format('%s may %s the column %s of %s', coalesce(nullif(g.grantee, 0)::regrole::text, 'everybody'),
     g.privilege_type, a.attname, c.oid::regclass) AS finding
   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
     aclexplode(a.attacl) g
   WHERE (g.grantee = 0 OR g.grantee = ANY (${runtime})) AND ${inOurs}
     AND (g.privilege_type <> 'SELECT' OR g.is_grantable OR c.oid::regclass::text <> 'platform.users'
       OR a.attname IN ('password_hash', 'failed_logins', 'locked_until',
         'mfa_secret', 'mfa_last_step', 'mfa_recovery_hashes'))
     AND NOT (g.privilege_type = 'UPDATE' AND NOT g.is_grantable
       AND g.grantee = (SELECT oid FROM pg_roles WHERE rolname = 'app_api')
       AND c.oid::regclass::text = 'platform.companies' AND a.attname = ANY (${ownCompanyColumns}))
     AND NOT (g.privilege_type = 'UPDATE' AND NOT g.is_grantable
       AND g.grantee = (SELECT oid FROM pg_roles WHERE rolname = 'app_api')
       AND c.relname = 'acknowledgement_history' AND a.attname = 'reason')
     AND NOT (g.privilege_type = 'INSERT' AND NOT g.is_grantable
       AND g.grantee = (SELECT oid FROM pg_roles WHERE rolname = 'app_api')
       AND c.oid::regclass::text = 'platform.domains' AND a.attname = ANY (${claimColumns}))`,

  `SELECT format('%s may create in the schema %s', r.oid::regrole, n.nspname) AS finding
   FROM pg_namespace n, pg_roles r
   WHERE r.oid = ANY (${everyRole}) AND n.nspname !~ '^pg_(toast|temp)'
     AND has_schema_privilege(r.oid, n.oid, 'CREATE')
   UNION ALL
   SELECT format('%s may create schemas', r.oid::regrole)
   FROM pg_roles r
   WHERE r.oid = ANY (${everyRole}) AND has_database_privilege(r.oid, current_database(), 'CREATE')`,

  // As everybody may in a fresh database.
  `SELECT format('%s may make temporary tables', r.oid::regrole) AS finding
   FROM pg_roles r
   WHERE r.oid = ANY (${everyRole}) AND has_database_privilege(r.oid, current_database(), 'TEMP')`,

  `SELECT format('the view %s does not check its caller''s rights', c.oid::regclass) AS finding
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${notSystem} AND n.nspname <> 'ext'
     AND (c.relkind = 'm' OR (c.relkind = 'v'
       AND NOT coalesce(c.reloptions, '{}') && ARRAY['security_invoker=true', 'security_invoker=on']))`,

  `SELECT format('the function %s runs with its owner''s rights', p.oid::regprocedure) AS finding
   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE ${notSystem} AND n.nspname <> 'ext' AND p.prosecdef
     AND NOT (coalesce(p.proconfig, '{}') @> ARRAY['search_path=pg_catalog']
       AND (p.oid::regprocedure::text = ANY (${ownerFunctions})
         OR (p.oid::regprocedure::text = 'app.erase_in_audit(uuid,uuid[],text[],uuid,integer)'
           AND p.proowner = (SELECT oid FROM pg_roles WHERE rolname = 'app_owner')
           AND p.prosrc = '${asLiteral(eraseInAuditBody)}')
         OR (p.oid::regprocedure::text ~ '^(shared|t_[0-9a-f]{16})\\.search_(policy|employee)_ids\\(text\\)$'
           AND p.proowner::regrole::text = 'app_search'
           AND p.prosrc ~ '${ownSearch}')
         OR (p.oid::regprocedure::text = n.nspname || '.search_newest_policy_ids(text)'
           AND p.proowner::regrole::text = 'app_search'
           AND replace(p.prosrc, n.nspname || '.policies', 'here.policies')
             = '${newestPolicySearchBody('here')}')
         OR (p.oid::regprocedure::text = n.nspname || '.search_claim_ids(text)'
           AND p.proowner::regrole::text = 'app_search'
           AND replace(p.prosrc, n.nspname || '.', 'here.') = '${claimSearchBody('here')}')
         OR (p.oid::regprocedure::text = n.nspname || '.search_property_ids(jsonb)'
           AND p.proowner::regrole::text = 'app_search'
           AND replace(p.prosrc, n.nspname || '.', 'here.')
             = '${asLiteral(propertySearchBody('here'))}')))`,
];

/**
 * What everybody may do in a fresh database and only a superuser can take away, whom a hosted Postgres does
 * not give. No request leads there; whoever could send statements of their own would reach further by it.
 */
const sideDoors = `
  SELECT format('%s may call %s', r.oid::regrole, f) AS finding
  FROM pg_roles r, unnest(ARRAY['${[...largeObjects, ...activity.functions].join("', '")}']) f
  WHERE r.oid = ANY (${everyRole}) AND has_function_privilege(r.oid, f, 'EXECUTE')
  UNION ALL
  SELECT format('%s may read ${activity.view}', r.oid::regrole)
  FROM pg_roles r
  WHERE r.oid = ANY (${everyRole}) AND has_table_privilege(r.oid, '${activity.view}', 'SELECT')`;

/**
 * Refuses to serve behind a wall with a hole, such as after a grant by hand.
 * @returns what a superuser should take away besides, for the log
 * @throws SelfCheckFailed naming every finding
 */
export async function selfCheck(): Promise<readonly string[]> {
  const { findings, advice } = await withGlobal(async () => {
    const found = async (check: string): Promise<string[]> =>
      (await select<{ finding: string }>(check)).map(({ finding }) => finding);
    const holes: string[] = [];
    // So that every table is named with its schema.
    await execute(`SELECT set_config('search_path', 'pg_catalog', true)`);
    await refuseOlder();
    for (const check of checks) holes.push(...(await found(check)));
    return { findings: holes, advice: await found(sideDoors) };
  }).catch((error: unknown) => {
    if (error instanceof SelfCheckFailed) throw error;
    throw new SelfCheckFailed(`The database of DATABASE_URL cannot be used: ${reasonOf(error)}`, {
      cause: error,
    });
  });
  if (findings.length > 0) {
    throw new SelfCheckFailed(`The wall between companies has a hole: ${findings.join('; ')}`);
  }
  return advice;
}

/** @throws SelfCheckFailed where this release has migrations that the database has not; newer ones do no harm */
async function refuseOlder(): Promise<void> {
  const needed = migrations.at(-1)?.name ?? '';
  const [found] = await select<{ newest: string | null }>(
    `SELECT obj_description(to_regnamespace('migrations'), 'pg_namespace') AS newest`,
  );
  const newest = found?.newest ?? 'none';
  if (newest !== 'none' && newest >= needed) return;
  throw new SelfCheckFailed(
    `The database has not been migrated for this release (its newest migration is ${newest}, ${needed} is needed): run npm run migrate first.`,
  );
}
