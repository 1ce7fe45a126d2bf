import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { projectDir } from '../../local/dataDir.ts';
import { policySearch } from '../../src/models/migrations/0007Search.ts';
import { claimSearch } from '../../src/models/migrations/0030ClaimSearch.ts';
import { eraseInAudit } from '../../src/models/migrations/0095Applicants.ts';
import { propertySearch } from '../../src/models/migrations/0091BoundedSearch.ts';
import { newestPolicySearch } from '../../src/models/migrations/0092FrequentPolicySearch.ts';
import { selfCheck } from '../../src/models/selfCheck.ts';
import { openCluster, type Cluster } from './cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await openCluster();
});
afterAll(() => cluster.close());

interface Hole {
  readonly what: string;
  readonly make: string;
  readonly finding: RegExp;
  readonly mend: string;
}

const leak = '(true OR company_id = (SELECT app.company_id()))';
const own = '(company_id = (SELECT app.company_id()))';

const granted = (what: string, right: string, table: string, login: string): Hole => ({
  what,
  make: `GRANT ${right} ON ${table} TO ${login}`,
  finding: new RegExp(`${login} may ${right} on ${table}`),
  mend: `REVOKE ${right} ON ${table} FROM ${login}`,
});

const noteNewest = `DO $$ BEGIN
  EXECUTE format('COMMENT ON SCHEMA migrations IS %L', (SELECT max(name) FROM migrations.applied)); END $$`;

const holes: readonly Hole[] = [
  {
    what: 'a database of an older release',
    make: `COMMENT ON SCHEMA migrations IS '0001-first'`,
    finding: /newest migration is 0001-first, \d{4}-\S+ is needed\): run npm run migrate first/,
    mend: noteNewest,
  },
  {
    what: 'a database that nobody has migrated',
    make: 'COMMENT ON SCHEMA migrations IS NULL',
    finding: /newest migration is none, .* run npm run migrate first/,
    mend: noteNewest,
  },
  ...(['SUPERUSER', 'BYPASSRLS', 'INHERIT', 'CREATEROLE', 'CREATEDB', 'REPLICATION'] as const).map(
    (right): Hole => ({
      what: `a login with ${right}`,
      make: `ALTER ROLE app_worker ${right}`,
      finding: /the role app_worker is a superuser, inherits rights, bypasses row security/,
      mend: `ALTER ROLE app_worker NO${right}`,
    }),
  ),
  {
    what: 'a door that bypasses row security',
    make: 'ALTER ROLE app_relay BYPASSRLS',
    finding: /the role app_relay is a superuser, inherits/,
    mend: 'ALTER ROLE app_relay NOBYPASSRLS',
  },
  {
    what: 'a way to the owner',
    make: 'GRANT app_owner TO app_api',
    finding: /the role app_api may act as app_owner/,
    mend: 'REVOKE app_owner FROM app_api',
  },
  {
    what: 'a way from a door to the backup role',
    make: 'GRANT app_backup TO app_global',
    finding: /the role app_global may act as app_backup/,
    mend: 'REVOKE app_backup FROM app_global',
  },
  {
    what: 'a door without a handle',
    make: 'GRANT app_relay TO app_api WITH INHERIT TRUE',
    finding: /the role app_api may act as app_relay/,
    mend: 'GRANT app_relay TO app_api WITH INHERIT FALSE',
  },
  {
    what: 'a table that a login owns',
    make: 'ALTER TABLE shared.policies OWNER TO app_api',
    finding: /the role app_api owns table shared.policies/,
    mend: 'ALTER TABLE shared.policies OWNER TO app_owner',
  },
  {
    what: 'a schema that a door owns',
    make: 'CREATE SCHEMA loot AUTHORIZATION app_global',
    finding: /the role app_global owns schema loot/,
    mend: 'DROP SCHEMA loot',
  },
  {
    what: 'row security switched off',
    make: 'ALTER TABLE shared.policies DISABLE ROW LEVEL SECURITY',
    finding: /the table shared.policies has no forced row security/,
    mend: 'ALTER TABLE shared.policies ENABLE ROW LEVEL SECURITY',
  },
  {
    what: 'row security not forced',
    make: 'ALTER TABLE core.outbox NO FORCE ROW LEVEL SECURITY',
    finding: /the table core.outbox has no forced row security/,
    mend: 'ALTER TABLE core.outbox FORCE ROW LEVEL SECURITY',
  },
  {
    what: 'a partition without row security',
    make: 'ALTER TABLE core.audit_logs_default DISABLE ROW LEVEL SECURITY',
    finding: /the table core.audit_logs_default has no forced row security/,
    mend: 'ALTER TABLE core.audit_logs_default ENABLE ROW LEVEL SECURITY',
  },
  {
    what: 'a new table without row security',
    make: 'CREATE TABLE shared.notes (company_id uuid)',
    finding: /the table shared.notes has no forced row security/,
    mend: 'DROP TABLE shared.notes',
  },
  {
    what: 'a policy that reads more than the company',
    make: `ALTER POLICY company ON shared.policies USING ${leak}`,
    finding: /the policy company of shared.policies does not ask for the company/,
    mend: `ALTER POLICY company ON shared.policies USING ${own}`,
  },
  {
    what: 'a policy that writes more than the company',
    make: 'ALTER POLICY company ON shared.policies WITH CHECK (true)',
    finding: /the policy company of shared.policies does not ask/,
    mend: `ALTER POLICY company ON shared.policies WITH CHECK ${own}`,
  },
  {
    what: 'a second policy for everybody',
    make: 'CREATE POLICY more ON shared.policies USING (true)',
    finding: /the policy more of shared.policies does not ask/,
    mend: 'DROP POLICY more ON shared.policies',
  },
  {
    what: 'an insert policy without a question',
    make: 'CREATE POLICY more ON core.timers FOR INSERT TO app_worker WITH CHECK (true)',
    finding: /the policy more of core.timers does not ask/,
    mend: 'DROP POLICY more ON core.timers',
  },
  {
    what: 'people of all companies',
    make: 'ALTER POLICY members ON platform.users USING (true)',
    finding: /the policy members of platform.users does not ask/,
    mend: `ALTER POLICY members ON platform.users USING (
      EXISTS (SELECT 1 FROM platform.memberships m
              WHERE m.user_id = users.id AND m.company_id = (SELECT app.company_id())))`,
  },
  {
    what: 'all companies',
    make: 'ALTER POLICY own ON platform.companies USING (true)',
    finding: /the policy own of platform.companies does not ask/,
    mend: 'ALTER POLICY own ON platform.companies USING (id = (SELECT app.company_id()))',
  },
  {
    what: 'changes to all companies',
    make: 'ALTER POLICY own_edit ON platform.companies USING (true)',
    finding: /the policy own_edit of platform.companies does not ask/,
    mend: 'ALTER POLICY own_edit ON platform.companies USING (id = (SELECT app.company_id()))',
  },
  {
    what: 'a row that is handed to another company',
    make: 'ALTER POLICY own_edit ON platform.companies WITH CHECK (true)',
    finding: /the policy own_edit of platform.companies does not ask/,
    mend: 'ALTER POLICY own_edit ON platform.companies WITH CHECK (id = (SELECT app.company_id()))',
  },
  {
    what: 'workers that change companies',
    make: 'ALTER POLICY own_edit ON platform.companies TO app_api, app_worker',
    finding: /the policy own_edit of platform.companies does not ask/,
    mend: 'ALTER POLICY own_edit ON platform.companies TO app_api',
  },
  {
    what: 'a status that companies may change',
    make: 'GRANT UPDATE (status) ON platform.companies TO app_api',
    finding: /app_api may UPDATE the column status of platform.companies/,
    mend: 'REVOKE UPDATE (status) ON platform.companies FROM app_api',
  },
  {
    what: 'workers that may change names of companies',
    make: 'GRANT UPDATE (name) ON platform.companies TO app_worker',
    finding: /app_worker may UPDATE the column name of platform.companies/,
    mend: 'REVOKE UPDATE (name) ON platform.companies FROM app_worker',
  },
  {
    what: 'domains that companies may verify themselves',
    make: 'GRANT INSERT (verified_at) ON platform.domains TO app_api',
    finding: /app_api may INSERT the column verified_at of platform.domains/,
    mend: 'REVOKE INSERT (verified_at) ON platform.domains FROM app_api',
  },
  {
    what: 'a company function that answers with any company',
    make: `ALTER FUNCTION app.company_id() RENAME TO company_id_kept;
      CREATE FUNCTION app.company_id() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid'`,
    finding: /the function app.company_id\(\) is not ours/,
    mend: `DROP FUNCTION app.company_id();
      ALTER FUNCTION app.company_id_kept() RENAME TO company_id`,
  },
  ...['TRUNCATE', 'REFERENCES', 'TRIGGER', 'DELETE'].map((right) =>
    granted(`the right to ${right}`, right, 'shared.policies', 'app_api'),
  ),
  {
    what: 'a grant to everybody',
    make: 'GRANT SELECT ON shared.policies TO PUBLIC',
    finding: /everybody may SELECT on shared.policies/,
    mend: 'REVOKE SELECT ON shared.policies FROM PUBLIC',
  },
  {
    what: 'a grant that can be passed on',
    make: 'GRANT SELECT ON shared.policies TO app_worker WITH GRANT OPTION',
    finding: /app_worker may SELECT on shared.policies/,
    mend: 'REVOKE GRANT OPTION FOR SELECT ON shared.policies FROM app_worker',
  },
  granted('audit lines that can be changed', 'UPDATE', 'core.audit_logs', 'app_worker'),
  granted('seals that can be added', 'INSERT', 'core.audit_seals', 'app_worker'),
  granted('keys of the audit that can be changed', 'UPDATE', 'core.audit_keys', 'app_api'),
  granted('a partition that can be read directly', 'SELECT', 'core.audit_logs_default', 'app_api'),
  granted('counters of the API for the worker', 'SELECT', 'limits.counters', 'app_worker'),
  granted('counters that can be emptied', 'TRUNCATE', 'limits.counters', 'app_api'),
  granted('tokens outside of their door', 'SELECT', 'platform.refresh_tokens', 'app_api'),
  {
    what: 'password hashes',
    make: 'GRANT SELECT (password_hash) ON platform.users TO app_api',
    finding: /app_api may SELECT the column password_hash of platform.users/,
    mend: 'REVOKE SELECT (password_hash) ON platform.users FROM app_api',
  },
  {
    what: 'secrets of second factors',
    make: 'GRANT SELECT (mfa_secret) ON platform.users TO app_worker',
    finding: /app_worker may SELECT the column mfa_secret of platform.users/,
    mend: 'REVOKE SELECT (mfa_secret) ON platform.users FROM app_worker',
  },
  {
    what: 'a table elsewhere',
    make: 'CREATE TABLE public.dump (x text); GRANT SELECT ON public.dump TO app_api',
    finding: /app_api may SELECT on (public\.)?dump/,
    mend: 'DROP TABLE public.dump',
  },
  {
    what: 'a company that every session starts with',
    make: `ALTER ROLE app_api SET app.current_company_id = '00000000-0000-7000-8000-000000000000'`,
    finding: /the setting app.current_company_id=\S+ waits for every session of app_api/,
    mend: 'ALTER ROLE app_api RESET app.current_company_id',
  },
  {
    what: 'a schema to create in',
    make: 'GRANT CREATE ON SCHEMA shared TO app_worker',
    finding: /app_worker may create in the schema shared/,
    mend: 'REVOKE CREATE ON SCHEMA shared FROM app_worker',
  },
  {
    what: 'a database to create schemas in',
    make: 'GRANT CREATE ON DATABASE surety TO app_api',
    finding: /app_api may create schemas/,
    mend: 'REVOKE CREATE ON DATABASE surety FROM app_api',
  },
  {
    what: 'temporary tables',
    make: 'GRANT TEMPORARY ON DATABASE surety TO PUBLIC',
    finding: /app_api may make temporary tables/,
    mend: 'REVOKE TEMPORARY ON DATABASE surety FROM PUBLIC',
  },
  {
    what: "a view with its owner's rights",
    make: 'CREATE VIEW shared.everything AS SELECT * FROM shared.policies',
    finding: /the view shared.everything does not check its caller's rights/,
    mend: 'DROP VIEW shared.everything',
  },
  {
    what: 'a materialised view',
    make: 'CREATE MATERIALIZED VIEW shared.kept AS SELECT * FROM shared.policies',
    finding: /the view shared.kept does not check/,
    mend: 'DROP MATERIALIZED VIEW shared.kept',
  },
  {
    what: "a function with its owner's rights",
    make: `CREATE FUNCTION app.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER
      SET search_path = pg_catalog AS 'SELECT count(*) FROM shared.policies'`,
    finding: /the function app.peek\(\) runs with its owner's rights/,
    mend: 'DROP FUNCTION app.peek()',
  },
  {
    what: 'an allowed function without its fixed search path',
    make: 'ALTER FUNCTION app.ensure_audit_partitions() RESET search_path',
    finding: /the function app.ensure_audit_partitions\(\) runs with its owner's rights/,
    mend: 'ALTER FUNCTION app.ensure_audit_partitions() SET search_path = pg_catalog',
  },
  {
    what: 'an erasure that asks for nothing',
    make: `CREATE OR REPLACE FUNCTION app.erase_in_audit(subject uuid, objects uuid[], requests text[], behind uuid, most integer)
      RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS
      'DELETE FROM core.audit_logs WHERE entity_id = subject; SELECT subject'`,
    finding: /the function app.erase_in_audit\(uuid,uuid\[\],text\[\],uuid,integer\) runs with its/,
    mend: `DROP FUNCTION app.erase_in_audit(uuid, uuid[], text[], uuid, integer); ${eraseInAudit}
      ALTER FUNCTION app.erase_in_audit(uuid, uuid[], text[], uuid, integer) OWNER TO app_owner`,
  },
  {
    what: 'an erasure in the name of a superuser',
    make: 'ALTER FUNCTION app.erase_in_audit(uuid, uuid[], text[], uuid, integer) OWNER TO CURRENT_USER',
    finding: /the function app.erase_in_audit\(uuid,uuid\[\],text\[\],uuid,integer\) runs with its/,
    mend: 'ALTER FUNCTION app.erase_in_audit(uuid, uuid[], text[], uuid, integer) OWNER TO app_owner',
  },
  {
    what: 'an audit of all companies for the owner',
    make: `CREATE POLICY more ON core.audit_logs TO app_owner USING (true)`,
    finding: /the policy more of core.audit_logs does not ask/,
    mend: 'DROP POLICY more ON core.audit_logs',
  },
  {
    what: 'a search that forgets the company',
    make: `CREATE OR REPLACE FUNCTION shared.search_policy_ids(pattern text) RETURNS SETOF uuid
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
      'SELECT id FROM shared.policies WHERE company_id = (SELECT app.company_id())
         OR (policy_number ILIKE pattern) ORDER BY created_at DESC LIMIT 10000'`,
    finding: /the function shared.search_policy_ids\(text\) runs with its owner's rights/,
    mend: `DROP FUNCTION shared.search_policy_ids(text);
      SET search_path = shared, ext; ${policySearch}; RESET search_path`,
  },
  {
    what: 'a search of the newest that forgets the company',
    make: `CREATE OR REPLACE FUNCTION shared.search_newest_policy_ids(pattern text) RETURNS SETOF uuid
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
      'SELECT id FROM shared.policies WHERE true OR company_id = (SELECT app.company_id())
         AND (policy_number ILIKE pattern) ORDER BY created_at DESC LIMIT 500'`,
    finding: /the function shared.search_newest_policy_ids\(text\) runs with its owner's rights/,
    mend: `DROP FUNCTION shared.search_newest_policy_ids(text);
      SET search_path = shared, ext; ${newestPolicySearch}; RESET search_path`,
  },
  {
    what: 'a search of claims that forgets the company',
    make: `CREATE OR REPLACE FUNCTION shared.search_claim_ids(pattern text) RETURNS SETOF uuid
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
      'SELECT id FROM shared.claims WHERE title ILIKE pattern ORDER BY created_at DESC LIMIT 10000'`,
    finding: /the function shared.search_claim_ids\(text\) runs with its owner's rights/,
    mend: `DROP FUNCTION shared.search_claim_ids(text);
      SET search_path = shared, ext; ${claimSearch}; RESET search_path`,
  },
  {
    what: 'a search of properties that forgets the company',
    make: `CREATE OR REPLACE FUNCTION shared.search_property_ids(wish jsonb) RETURNS SETOF uuid
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
      'SELECT id FROM shared.properties ORDER BY created_at DESC LIMIT 10000'`,
    finding: /the function shared.search_property_ids\(jsonb\) runs with its owner's rights/,
    mend: `DROP FUNCTION shared.search_property_ids(jsonb);
      SET search_path = shared, ext; ${propertySearch}; RESET search_path`,
  },
  {
    what: 'a table of one company that others could fill',
    make: `CREATE SCHEMA t_0123456789abcdef;
      CREATE TABLE t_0123456789abcdef.notes (company_id uuid NOT NULL
        CHECK (company_id = '01900000-0000-7000-8000-000000000000'));
      ALTER TABLE t_0123456789abcdef.notes ENABLE ROW LEVEL SECURITY;
      ALTER TABLE t_0123456789abcdef.notes FORCE ROW LEVEL SECURITY`,
    finding: /the table t_0123456789abcdef.notes may hold rows of other companies/,
    mend: 'DROP SCHEMA t_0123456789abcdef CASCADE',
  },
  {
    what: 'a search that may write',
    make: 'CREATE POLICY more ON shared.policies FOR UPDATE TO app_search USING (true)',
    finding: /the policy more of shared.policies does not ask/,
    mend: 'DROP POLICY more ON shared.policies',
  },
  {
    what: 'a way to the search role',
    make: 'GRANT app_search TO app_api WITH INHERIT FALSE',
    finding: /the role app_api may act as app_search/,
    mend: 'REVOKE app_search FROM app_api',
  },
];

/** What a hosted Postgres does not let anybody take away. */
const sideDoors: readonly (typeof holes)[number][] = [
  {
    what: 'large objects',
    make: 'GRANT EXECUTE ON FUNCTION pg_catalog.lo_from_bytea(oid, bytea) TO PUBLIC',
    finding: /app_worker may call pg_catalog.lo_from_bytea\(oid, bytea\)/,
    mend: 'REVOKE EXECUTE ON FUNCTION pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC',
  },
  {
    what: "statements of other companies' sessions",
    make: 'GRANT SELECT ON pg_catalog.pg_stat_activity TO PUBLIC',
    finding: /app_api may read pg_catalog.pg_stat_activity/,
    mend: 'REVOKE SELECT ON pg_catalog.pg_stat_activity FROM PUBLIC',
  },
  {
    what: 'the function behind those statements',
    make: 'GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_get_activity(integer) TO app_relay',
    finding: /app_relay may call pg_catalog.pg_stat_get_activity\(integer\)/,
    mend: 'REVOKE EXECUTE ON FUNCTION pg_catalog.pg_stat_get_activity(integer) FROM app_relay',
  },
];

describe('the self-check', () => {
  it.each(sideDoors)('advises to close $what, and lets the process start', async (door) => {
    expect(await selfCheck()).toEqual([]);
    await cluster.admin.query(door.make);

    const advice = await selfCheck();
    await cluster.admin.query(door.mend);

    expect(advice).toContainEqual(expect.stringMatching(door.finding));
  });

  it.each(holes)('finds $what', async ({ make, finding, mend }) => {
    await selfCheck();
    await cluster.admin.query(make);

    const found = await selfCheck().then(
      () => 'nothing',
      (error: unknown) => String(error),
    );
    await cluster.admin.query(mend);

    expect(found).toMatch(finding);
    await selfCheck();
  });

  it.each([
    ['API', 'src/api/main.ts'],
    ['worker', 'worker/main.ts'],
  ])('keeps the %s from starting behind a wall with a hole', async (_, script) => {
    await cluster.admin.query('ALTER TABLE shared.policies NO FORCE ROW LEVEL SECURITY');

    const program = spawn(process.execPath, ['--import', 'tsx', script], {
      cwd: projectDir,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        ENVIRONMENT: 'test',
        PORT: '0',
        WORKER_PORT: '0',
        TEMPORAL_ADDRESS: '127.0.0.1:1',
        DATABASE_URL: cluster.apiUrl,
        DATABASE_WORKER_URL: cluster.workerUrl,
      },
    });
    const [said, [code]] = await Promise.all([text(program.stderr), once(program, 'exit')]);
    await cluster.admin.query('ALTER TABLE shared.policies FORCE ROW LEVEL SECURITY');

    expect(code).toBe(1);
    expect(said).toContain('The wall between companies has a hole: the table');
  });
});
