import { denied, empty, refused, type Attempt } from './attempt.ts';

/** The wall itself: tables, policies, functions, grants and roles. */
export const definitionAttempts = (): Attempt[] => [
  ...['platform', 'core', 'shared', 'app', 'ext', 'public', 'migrations', 'pg_temp'].map(
    (schema): Attempt => ({
      what: `a table in ${schema}`,
      sql: `CREATE TABLE ${schema}.loot (x text)`,
      outcome: denied,
    }),
  ),
  ...refused({
    'a schema': 'CREATE SCHEMA loot',
    'a view': 'CREATE VIEW shared.loot AS SELECT * FROM shared.policies',
    'a temporary view': 'CREATE TEMP VIEW loot AS SELECT * FROM shared.policies',
    'a materialised view': 'CREATE MATERIALIZED VIEW shared.loot AS SELECT * FROM shared.policies',
    'a function': `CREATE FUNCTION public.loot() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
    'replacing the company function': `CREATE OR REPLACE FUNCTION app.company_id() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'`,
    'changing the company function': 'ALTER FUNCTION app.company_id() SECURITY DEFINER',
    'changing the search of the newest':
      'ALTER FUNCTION shared.search_newest_policy_ids(text) RESET search_path',
    'changing the search': 'ALTER FUNCTION shared.search_policy_ids(text) RESET search_path',
    'changing the search of claims':
      'ALTER FUNCTION shared.search_claim_ids(text) RESET search_path',
    'owning the search': 'ALTER FUNCTION shared.search_policy_ids(text) OWNER TO CURRENT_USER',
    'changing the erasure':
      'ALTER FUNCTION app.erase_in_audit(uuid, uuid[], text[], uuid, integer) RESET search_path',
    "a partition by the owner's function": 'SELECT app.ensure_audit_partitions()',
    'the oldest month of the audit': 'SELECT app.retire_audit_month(1)',
    'the oldest month of the audit past its settings': 'SELECT app.drop_audit_month(1)',
    'a month that did not go': `INSERT INTO core.audit_retired SELECT app.company_id(), now(), 1, now(), now()`,
    'that the audit was always kept for a year': `INSERT INTO platform.audit_terms VALUES ('-infinity', 1)`,
    'that nobody wanted it longer': 'DELETE FROM platform.audit_terms',
    'a schema that we are not meant to have': 'SELECT app.prepare_business_schema()',
    'what makes schemas': `UPDATE migrations.business_steps SET up = ''`,
    'switching row security off': 'ALTER TABLE shared.policies DISABLE ROW LEVEL SECURITY',
    'no longer forcing it': 'ALTER TABLE shared.policies NO FORCE ROW LEVEL SECURITY',
    'changing a policy': 'ALTER POLICY company ON shared.policies USING (true)',
    'a policy of our own': 'CREATE POLICY loot ON shared.policies USING (true)',
    'dropping a policy': 'DROP POLICY company ON shared.policies',
    'dropping a table': 'DROP TABLE shared.policies',
    'owning a table': 'ALTER TABLE shared.policies OWNER TO CURRENT_USER',
    'a trigger':
      'CREATE TRIGGER loot BEFORE INSERT ON shared.policies FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'a rule': 'CREATE RULE loot AS ON INSERT TO shared.policies DO ALSO NOTHING',
    'an extension': 'CREATE EXTENSION tablefunc',
    'a publication': 'CREATE PUBLICATION loot FOR TABLE shared.policies',
    'a foreign server': 'CREATE FOREIGN DATA WRAPPER loot',
    'granting roles': 'GRANT app_owner TO CURRENT_USER',
    'granting to everybody': 'GRANT SELECT ON platform.refresh_tokens TO PUBLIC',
  }),
  ...empty({
    'granting what may not be passed on': 'GRANT SELECT ON shared.policies TO PUBLIC',
  }),
  ...refused({
    BYPASSRLS: 'ALTER ROLE CURRENT_USER BYPASSRLS',
    SUPERUSER: 'ALTER ROLE CURRENT_USER SUPERUSER',
    'a role': 'CREATE ROLE loot',
  }),
  {
    what: 'a server setting',
    sql: ['COMMIT', `ALTER SYSTEM SET log_statement = 'all'`],
    outcome: denied,
  },
  ...refused({
    'a superuser setting': 'SET session_replication_role = replica',
    'loading code': `LOAD 'auto_explain'`,
    'a DO block': `DO 'BEGIN EXECUTE ''ALTER TABLE shared.policies DISABLE ROW LEVEL SECURITY''; END'`,
  }),
  ...empty({
    'a DO block that reads': `DO 'BEGIN IF EXISTS (SELECT FROM shared.policies) THEN RAISE EXCEPTION ''seen''; END IF; END'`,
    listening: 'LISTEN loot',
  }),
];
