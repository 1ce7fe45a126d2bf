import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { createSubscriptions } from '../../src/commands/subscriptions.ts';
import { as, buildActor, buildCompany, buildPlan, once } from '../support/build.ts';
import { connect, openCluster, type Cluster } from './cluster.ts';

let cluster: Cluster;
let ours: string;
let theirs: Awaited<ReturnType<typeof buildSold>>;
let before: string;
let superuser: string;
const marker = 'Zyzzyva';

beforeAll(async () => {
  cluster = await openCluster();
  ours = (await buildCompany()).id;
  await buildPlan({ companyId: ours });
  theirs = await buildSold();
  await cluster.admin.query(`UPDATE shared.policies SET policyholder_name = '${marker}'`);
  await cluster.admin.query(`UPDATE core.audit_logs SET user_agent = '${marker}'`);
  await cluster.admin.query(
    `INSERT INTO core.idempotency_keys (company_id, scope, body_hash, expires_at)
     VALUES ($1, '${marker}', '', now() + interval '1 day')`,
    [theirs.companyId],
  );
  await cluster.admin.query('ANALYZE');
  superuser = new URL(cluster.adminUrl).username;
  before = await fingerprint();
}, 120_000);
afterAll(() => cluster.close());

/** A company with a row in every table. */
async function buildSold() {
  const companyId = (await buildCompany()).id;
  const plan = await buildPlan({ companyId });
  const holder = await buildActor({ companyId });
  const subscriptions = createSubscriptions({
    dispatcher: { dispatch: () => undefined, drained: () => Promise.resolve() },
    workflows: { command: () => Promise.reject(new Error('No commands here')) },
  });
  const wish = { insurancePlanId: plan.id, autoRenew: false };
  await as(holder, () => subscriptions.subscribe(holder, wish, once(holder)));
  const categoryId = plan.propertyCategoryId;
  return { companyId, planId: plan.id, categoryId, userId: holder.userId };
}

/** All rows of the other company, and who may do what: neither ever changes. */
async function fingerprint(): Promise<string> {
  const { rows: tables } = await cluster.admin.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('platform', 'core', 'shared')
     ORDER BY 1`,
  );
  const parts: unknown[] = [];
  for (const { name } of tables) {
    const { rows } = await cluster.admin.query(
      `SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ${name} t WHERE t::text LIKE $1`,
      [`%${theirs.companyId}%`],
    );
    parts.push(name, rows);
  }
  const { rows } = await cluster.admin.query(
    `SELECT md5(string_agg(concat(relname, relacl, relrowsecurity, relforcerowsecurity, relowner), ','
       ORDER BY oid)) AS tables,
     (SELECT md5(string_agg(p::text, ',' ORDER BY oid)) FROM pg_policy p) AS policies,
     (SELECT md5(string_agg(p.prosrc, ',' ORDER BY oid)) FROM pg_proc p) AS functions
     FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')`,
  );
  return JSON.stringify([parts, rows]);
}

interface Attempt {
  readonly what: string;
  readonly sql: string | readonly string[];
  /** SQLSTATE, or how many rows the last statement gives. */
  readonly outcome: string | number;
  /** What is set before; ours unless told. */
  readonly company?: string | undefined;
}

const denied = '42501';
const category = (companyId: string, name = marker): string =>
  `(company_id, id, name, segment) VALUES ('${companyId}', '${uuid()}', '${name}', 'residential')`;

const attempts = (): Attempt[] => {
  const { companyId, planId, categoryId, userId } = theirs;
  const foreign = `company_id = '${companyId}'`;
  const refusedRole = (role: string): Attempt[] => [
    { what: `SET ROLE ${role}`, sql: `SET ROLE ${role}`, outcome: denied },
    {
      what: `the setting role ${role}`,
      sql: `SELECT set_config('role', '${role}', true)`,
      outcome: denied,
    },
    {
      what: `SESSION AUTHORIZATION ${role}`,
      sql: `SET SESSION AUTHORIZATION ${role}`,
      outcome: denied,
    },
  ];
  const doorSees = (role: string, table: string): Attempt => ({
    what: `${table} through ${role}`,
    sql: [`SET LOCAL ROLE ${role}`, `SELECT * FROM ${table}`],
    outcome: denied,
  });
  return [
    {
      what: 'reading without a company',
      sql: 'SELECT * FROM shared.policies',
      outcome: denied,
      company: undefined,
    },
    {
      what: 'reading with an empty company',
      sql: 'SELECT * FROM shared.policies',
      outcome: denied,
      company: '',
    },
    {
      what: 'writing without a company',
      sql: `INSERT INTO shared.property_categories ${category(companyId)}`,
      outcome: denied,
      company: undefined,
    },
    {
      what: 'changing without a company',
      sql: 'UPDATE shared.policies SET premium = 0',
      outcome: denied,
      company: undefined,
    },
    {
      what: 'a company that is SQL',
      sql: 'SELECT * FROM shared.policies',
      outcome: '22P02',
      company: "' OR true --",
    },
    {
      what: 'a list of companies',
      sql: 'SELECT * FROM shared.policies',
      outcome: '22P02',
      company: `${ours},${companyId}`,
    },
    {
      what: 'reading by company',
      sql: `SELECT * FROM shared.policies WHERE ${foreign}`,
      outcome: 0,
    },
    {
      what: 'reading by id',
      sql: `SELECT * FROM shared.insurance_plans WHERE id = '${planId}'`,
      outcome: 0,
    },
    { what: 'reading the outbox', sql: `SELECT * FROM core.outbox WHERE ${foreign}`, outcome: 0 },
    {
      what: 'reading the audit',
      sql: `SELECT * FROM core.audit_logs WHERE ${foreign}`,
      outcome: 0,
    },
    {
      what: 'reading stored answers',
      sql: `SELECT * FROM core.idempotency_keys WHERE ${foreign}`,
      outcome: 0,
    },
    {
      what: 'reading notifications',
      sql: `SELECT * FROM core.notifications WHERE ${foreign}`,
      outcome: 0,
    },
    {
      what: 'reading people',
      sql: `SELECT id, email FROM platform.users WHERE id = '${userId}'`,
      outcome: 0,
    },
    {
      what: 'reading memberships',
      sql: `SELECT * FROM platform.memberships WHERE ${foreign}`,
      outcome: 0,
    },
    {
      what: 'reading the company',
      sql: `SELECT * FROM platform.companies WHERE id = '${companyId}'`,
      outcome: 0,
    },
    { what: 'reading hashes', sql: 'SELECT password_hash FROM platform.users', outcome: denied },
    { what: 'reading all of a person', sql: 'SELECT * FROM platform.users', outcome: denied },
    { what: 'reading tokens', sql: 'SELECT * FROM platform.refresh_tokens', outcome: denied },
    {
      what: 'reading reset codes',
      sql: 'SELECT * FROM platform.password_reset_tokens',
      outcome: denied,
    },
    {
      what: 'locking',
      sql: `SELECT * FROM shared.policies WHERE ${foreign} FOR UPDATE`,
      outcome: 0,
    },
    {
      what: 'reading by place',
      sql: `SELECT * FROM shared.policies WHERE ctid = '(0,1)'`,
      outcome: 0,
    },
    { what: 'a sample', sql: 'SELECT * FROM shared.policies TABLESAMPLE SYSTEM (100)', outcome: 0 },
    {
      what: 'a recursive query',
      sql: `WITH RECURSIVE r AS (SELECT * FROM shared.policies UNION SELECT p.* FROM shared.policies p JOIN r ON true) SELECT * FROM r`,
      outcome: 0,
    },
    {
      what: 'INSERT',
      sql: `INSERT INTO shared.property_categories ${category(companyId)}`,
      outcome: denied,
    },
    {
      what: 'INSERT of our rows as theirs',
      sql: `INSERT INTO shared.property_categories (company_id, id, name, segment) SELECT '${companyId}', id, name, segment FROM shared.property_categories`,
      outcome: denied,
    },
    {
      what: 'UPDATE',
      sql: `UPDATE shared.insurance_plans SET premium = 1 WHERE id = '${planId}'`,
      outcome: 0,
    },
    {
      what: 'handing a row over',
      sql: `UPDATE shared.insurance_plans SET company_id = '${companyId}'`,
      outcome: denied,
    },
    {
      what: 'upsert',
      sql: `INSERT INTO shared.property_categories ${category(companyId)} ON CONFLICT (company_id, id) DO UPDATE SET name = 'x'`,
      outcome: denied,
    },
    {
      what: 'upsert onto a row of theirs',
      sql: `INSERT INTO shared.property_categories (company_id, id, name, segment) VALUES ('${companyId}', '${categoryId}', 'x', 'residential') ON CONFLICT (company_id, id) DO UPDATE SET name = 'x'`,
      outcome: denied,
    },
    {
      what: 'upsert that does nothing',
      sql: `INSERT INTO core.idempotency_keys (company_id, scope, body_hash, expires_at) VALUES ('${companyId}', '${marker}', '', now()) ON CONFLICT DO NOTHING`,
      outcome: denied,
    },
    {
      what: 'MERGE that changes',
      sql: `MERGE INTO shared.insurance_plans p USING (VALUES ('${planId}'::uuid)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET premium = 1`,
      outcome: 0,
    },
    {
      what: 'MERGE that adds',
      sql: `MERGE INTO shared.property_categories c USING (VALUES (1)) v ON false WHEN NOT MATCHED THEN INSERT ${category(companyId)}`,
      outcome: denied,
    },
    { what: 'COPY in', sql: 'COPY shared.property_categories FROM STDIN', outcome: '0A000' },
    { what: 'COPY out', sql: 'COPY shared.policies TO STDOUT', outcome: 0 },
    {
      what: 'DELETE where it is allowed',
      sql: `DELETE FROM core.idempotency_keys WHERE ${foreign}`,
      outcome: 0,
    },
    { what: 'DELETE', sql: 'DELETE FROM shared.policies', outcome: denied },
    {
      what: 'a foreign key',
      sql: `UPDATE shared.insurance_plans SET property_category_id = '${categoryId}'`,
      outcome: '23503',
    },
    {
      what: 'a unique name',
      sql: `INSERT INTO shared.property_categories ${category(ours)}`,
      outcome: 1,
    },
    {
      what: 'a unique id',
      sql: `INSERT INTO shared.property_categories (company_id, id, name, segment) VALUES ('${ours}', '${categoryId}', 'free here', 'residential')`,
      outcome: 1,
    },
    {
      what: 'an event of theirs',
      sql: `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_type, action, entity_type) VALUES ('${companyId}', '${uuid()}', now(), 'user', 'CREATE', 'user')`,
      outcome: denied,
    },
    {
      what: 'changing the audit',
      sql: 'UPDATE core.audit_logs SET action = action',
      outcome: denied,
    },
    { what: 'emptying the audit', sql: 'DELETE FROM core.audit_logs', outcome: denied },
    {
      what: 'changing history',
      sql: 'UPDATE core.transitions SET reason = reason',
      outcome: denied,
    },
    { what: 'a partition', sql: 'SELECT * FROM core.audit_logs_default', outcome: denied },
    {
      what: "this month's partition",
      sql: `SELECT * FROM core.audit_logs_${new Date().toISOString().slice(0, 7).replace('-', '_')}`,
      outcome: denied,
    },
    {
      what: 'a new role',
      sql: `INSERT INTO platform.memberships (company_id, id, user_id, role) VALUES ('${ours}', '${uuid()}', '${userId}', 'tenant_admin')`,
      outcome: denied,
    },
    {
      what: 'a domain',
      sql: `INSERT INTO platform.domains (id, company_id, domain) VALUES ('${uuid()}', '${ours}', 'their.example')`,
      outcome: denied,
    },
    {
      what: 'closing a company',
      sql: `UPDATE platform.companies SET status = 'closed'`,
      outcome: denied,
    },
    { what: 'TRUNCATE', sql: 'TRUNCATE shared.policies', outcome: denied },
    {
      what: 'row_security off',
      sql: ['SET row_security = off', 'SELECT * FROM shared.policies'],
      outcome: denied,
    },
    ...[
      'app_owner',
      'app_migrate',
      'app_backup',
      'app_search',
      'pg_read_all_data',
      'pg_write_all_data',
      'pg_monitor',
      'pg_read_server_files',
      superuser,
    ].flatMap(refusedRole),
    ...['app_auth', 'app_global', 'app_relay', 'app_sealer'].map((door) =>
      doorSees(door, 'shared.policies'),
    ),
    doorSees('app_relay', 'platform.users'),
    doorSees('app_global', 'platform.refresh_tokens'),
    doorSees('app_auth', 'core.audit_logs'),
    {
      what: 'a savepoint that was another company',
      sql: [
        'SAVEPOINT s',
        `SELECT set_config('app.current_company_id', '${companyId}', true)`,
        'ROLLBACK TO s',
        'SELECT * FROM shared.policies',
      ],
      outcome: 0,
    },
    {
      what: 'a statement prepared elsewhere',
      sql: [
        `SELECT set_config('app.current_company_id', '${companyId}', true)`,
        'PREPARE kept AS SELECT * FROM shared.policies',
        'COMMIT',
        'BEGIN',
        `SELECT set_config('app.current_company_id', '${ours}', true)`,
        'EXECUTE kept',
      ],
      outcome: 0,
    },
    {
      what: 'a cursor opened elsewhere',
      sql: [
        `SELECT set_config('app.current_company_id', '${companyId}', true)`,
        'DECLARE kept CURSOR FOR SELECT * FROM shared.policies',
        'COMMIT',
        'BEGIN',
        'FETCH ALL FROM kept',
      ],
      outcome: '34000',
    },
    {
      what: 'the next transaction',
      sql: ['COMMIT', 'BEGIN', 'SELECT * FROM shared.policies'],
      outcome: denied,
    },
    {
      what: 'a cast that tells values',
      sql: 'SELECT * FROM shared.policies WHERE policyholder_name::int = 1',
      outcome: 0,
    },
    {
      what: 'an operator that tells values',
      sql: 'SELECT * FROM shared.policies WHERE 1 / (length(policyholder_name) - length(policyholder_name)) = 1',
      outcome: 0,
    },
    {
      what: 'a query as XML',
      sql: `SELECT query_to_xml('SELECT * FROM shared.policies', true, true, '')`,
      outcome: 1,
    },
    {
      what: 'a leaky function',
      sql: `CREATE FUNCTION pg_temp.leak(text) RETURNS bool LANGUAGE plpgsql COST 0.001 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END'`,
      outcome: denied,
    },
    { what: 'sequences', sql: 'SELECT * FROM pg_sequences', outcome: 0 },
    {
      what: 'statistics',
      sql: `SELECT * FROM pg_stats WHERE schemaname IN ('shared', 'core', 'platform')`,
      outcome: 0,
    },
    { what: 'raw statistics', sql: 'SELECT * FROM pg_statistic', outcome: denied },
    { what: "other sessions' statements", sql: 'SELECT * FROM pg_stat_activity', outcome: denied },
    {
      what: "other sessions' statements by function",
      sql: 'SELECT * FROM pg_stat_get_activity(NULL)',
      outcome: denied,
    },
    { what: 'a large object', sql: `SELECT lo_from_bytea(0, 'x')`, outcome: denied },
    { what: 'an empty large object', sql: 'SELECT lo_create(0)', outcome: denied },
    { what: 'large objects', sql: 'SELECT * FROM pg_largeobject', outcome: denied },
    { what: 'passwords', sql: 'SELECT * FROM pg_authid', outcome: denied },
    { what: 'pg_read_file', sql: `SELECT pg_read_file('PG_VERSION')`, outcome: denied },
    { what: 'pg_ls_dir', sql: `SELECT pg_ls_dir('.')`, outcome: denied },
    { what: 'COPY from a file', sql: `COPY shared.policies FROM '/etc/passwd'`, outcome: denied },
    { what: 'COPY to a program', sql: `COPY (SELECT 1) TO PROGRAM 'cat'`, outcome: denied },
    ...['platform', 'core', 'shared', 'app', 'ext', 'public', 'migrations', 'pg_temp'].map(
      (schema): Attempt => ({
        what: `a table in ${schema}`,
        sql: `CREATE TABLE ${schema}.loot (x text)`,
        outcome: denied,
      }),
    ),
    { what: 'a schema', sql: 'CREATE SCHEMA loot', outcome: denied },
    {
      what: 'a view',
      sql: 'CREATE VIEW shared.loot AS SELECT * FROM shared.policies',
      outcome: denied,
    },
    {
      what: 'a temporary view',
      sql: 'CREATE TEMP VIEW loot AS SELECT * FROM shared.policies',
      outcome: denied,
    },
    {
      what: 'a materialised view',
      sql: 'CREATE MATERIALIZED VIEW shared.loot AS SELECT * FROM shared.policies',
      outcome: denied,
    },
    {
      what: 'a function',
      sql: `CREATE FUNCTION public.loot() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
      outcome: denied,
    },
    {
      what: 'replacing the company function',
      sql: `CREATE OR REPLACE FUNCTION app.company_id() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'`,
      outcome: denied,
    },
    {
      what: 'changing the company function',
      sql: 'ALTER FUNCTION app.company_id() SECURITY DEFINER',
      outcome: denied,
    },
    {
      what: "a partition by the owner's function",
      sql: 'SELECT app.ensure_audit_partitions()',
      outcome: denied,
    },
    {
      what: 'switching row security off',
      sql: 'ALTER TABLE shared.policies DISABLE ROW LEVEL SECURITY',
      outcome: denied,
    },
    {
      what: 'no longer forcing it',
      sql: 'ALTER TABLE shared.policies NO FORCE ROW LEVEL SECURITY',
      outcome: denied,
    },
    {
      what: 'changing a policy',
      sql: 'ALTER POLICY company ON shared.policies USING (true)',
      outcome: denied,
    },
    {
      what: 'a policy of our own',
      sql: 'CREATE POLICY loot ON shared.policies USING (true)',
      outcome: denied,
    },
    { what: 'dropping a policy', sql: 'DROP POLICY company ON shared.policies', outcome: denied },
    { what: 'dropping a table', sql: 'DROP TABLE shared.policies', outcome: denied },
    {
      what: 'owning a table',
      sql: 'ALTER TABLE shared.policies OWNER TO CURRENT_USER',
      outcome: denied,
    },
    {
      what: 'a trigger',
      sql: 'CREATE TRIGGER loot BEFORE INSERT ON shared.policies FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
      outcome: denied,
    },
    {
      what: 'a rule',
      sql: 'CREATE RULE loot AS ON INSERT TO shared.policies DO ALSO NOTHING',
      outcome: denied,
    },
    { what: 'an extension', sql: 'CREATE EXTENSION tablefunc', outcome: denied },
    {
      what: 'a publication',
      sql: 'CREATE PUBLICATION loot FOR TABLE shared.policies',
      outcome: denied,
    },
    { what: 'a foreign server', sql: 'CREATE FOREIGN DATA WRAPPER loot', outcome: denied },
    { what: 'granting roles', sql: 'GRANT app_owner TO CURRENT_USER', outcome: denied },
    {
      what: 'granting to everybody',
      sql: 'GRANT SELECT ON platform.refresh_tokens TO PUBLIC',
      outcome: denied,
    },
    {
      what: 'granting what may not be passed on',
      sql: 'GRANT SELECT ON shared.policies TO PUBLIC',
      outcome: 0,
    },
    { what: 'BYPASSRLS', sql: 'ALTER ROLE CURRENT_USER BYPASSRLS', outcome: denied },
    { what: 'SUPERUSER', sql: 'ALTER ROLE CURRENT_USER SUPERUSER', outcome: denied },
    { what: 'a role', sql: 'CREATE ROLE loot', outcome: denied },
    {
      what: 'a server setting',
      sql: ['COMMIT', `ALTER SYSTEM SET log_statement = 'all'`],
      outcome: denied,
    },
    { what: 'a superuser setting', sql: 'SET session_replication_role = replica', outcome: denied },
    { what: 'loading code', sql: `LOAD 'auto_explain'`, outcome: '42501' },
    {
      what: 'a DO block',
      sql: `DO 'BEGIN EXECUTE ''ALTER TABLE shared.policies DISABLE ROW LEVEL SECURITY''; END'`,
      outcome: denied,
    },
    {
      what: 'a DO block that reads',
      sql: `DO 'BEGIN IF EXISTS (SELECT FROM shared.policies) THEN RAISE EXCEPTION ''seen''; END IF; END'`,
      outcome: 0,
    },
    { what: 'listening', sql: 'LISTEN loot', outcome: 0 },
  ];
};

async function attempt(client: pg.Client, { sql, ...rest }: Attempt): Promise<unknown> {
  const said: string[] = [];
  const hear = (notice: unknown): void => void said.push(String(notice));
  client.on('notice', hear);
  client.on('notification', (message) => void said.push(JSON.stringify(message)));
  const company = 'company' in rest ? rest.company : ours;
  await client.query('BEGIN');
  try {
    if (company !== undefined) {
      await client.query(`SELECT set_config('app.current_company_id', $1, true)`, [company]);
    }
    let last: pg.QueryResult | undefined;
    for (const statement of [sql].flat()) last = await client.query(statement);
    await client.query('COMMIT');
    said.push(JSON.stringify(last?.rows));
    return last?.rowCount ?? 0;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    said.push(JSON.stringify([error.message, error.detail, error.where, error.hint]));
    return error.code;
  } finally {
    await client.query('ROLLBACK');
    client.off('notice', hear);
    expect(said.join('\n')).not.toContain(marker);
  }
}

describe.each(['app_api', 'app_worker'] as const)('as %s', (login) => {
  it('every way around the wall is refused or leads to nothing', async () => {
    const url = login === 'app_api' ? cluster.apiUrl : cluster.workerUrl;
    const all = attempts();
    const outcomes: [string, unknown][] = [];
    for (const each of all) {
      // A connection each, so that nothing is left over from the one before.
      const client = await connect(url);
      outcomes.push([each.what, await attempt(client, each)]);
      await client.end();
      await cluster.admin.query(
        `DELETE FROM shared.property_categories WHERE company_id = $1 AND name IN ('${marker}', 'free here')`,
        [ours],
      );
    }

    expect(all.length).toBeGreaterThanOrEqual(40);
    expect(outcomes).toEqual(all.map(({ what, outcome }) => [what, outcome]));
    expect(await fingerprint()).toBe(before);
    console.info(`${login}: ${all.length} attempts, 0 got through`);
  }, 120_000);

  it('a foreign and an unknown key are refused in the same words', async () => {
    const client = await connect(login === 'app_api' ? cluster.apiUrl : cluster.workerUrl);
    const refusal = async (categoryId: string): Promise<unknown> => {
      await client.query('BEGIN');
      await client.query(`SELECT set_config('app.current_company_id', $1, true)`, [ours]);
      const error: unknown = await client
        .query(`UPDATE shared.insurance_plans SET property_category_id = '${categoryId}'`)
        .catch((refused: unknown) => refused);
      await client.query('ROLLBACK');
      if (!(error instanceof pg.DatabaseError)) return undefined;
      const { code, message, detail } = error;
      return [code, message, detail?.replace(categoryId, '<id>')];
    };

    const [foreign, unknown] = [await refusal(theirs.categoryId), await refusal(uuid())];
    await client.end();

    expect(foreign).toEqual(unknown);
    expect(foreign).toEqual(['23503', expect.any(String), expect.any(String)]);
  });
});

describe('the catalog', () => {
  const rowsOf = async (sql: string): Promise<unknown[]> =>
    (await cluster.admin.query({ text: sql, rowMode: 'array' })).rows;

  it('has forced row security and a policy on every table of ours', async () => {
    const open = await rowsOf(
      `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname IN ('platform', 'core', 'shared') AND c.relkind IN ('r', 'p')
         AND NOT (c.relrowsecurity AND c.relforcerowsecurity
           AND (c.relispartition OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)))`,
    );
    const tables = await rowsOf(
      `SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname IN ('platform', 'core', 'shared') AND c.relkind IN ('r', 'p')`,
    );

    expect(open).toEqual([]);
    expect(Number(tables.flat()[0])).toBeGreaterThan(15);
  });

  it('keys and indexes of tables with a company begin with the company', async () => {
    const others = await rowsOf(
      `SELECT i.indexrelid::regclass::text FROM pg_index i
         JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id'
       WHERE n.nspname IN ('platform', 'core', 'shared') AND i.indkey[0] <> a.attnum
         AND NOT c.relispartition ORDER BY 1`,
    );

    // Credentials and domains are found before a company is known; the relay looks over all.
    expect(others.flat()).toEqual([
      'core.outbox_open_idx',
      'platform.domains_domain_key',
      'platform.domains_pkey',
      'platform.memberships_user_idx',
      'platform.refresh_tokens_ended_idx',
      'platform.refresh_tokens_family_idx',
      'platform.refresh_tokens_pkey',
      'platform.refresh_tokens_token_hash_key',
    ]);
  });

  it('foreign keys between tables of companies carry the company', async () => {
    const loose = await rowsOf(
      `SELECT k.conname FROM pg_constraint k
         JOIN pg_attribute f ON f.attrelid = k.conrelid AND f.attname = 'company_id'
         JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attname = 'company_id'
       WHERE k.contype = 'f' AND NOT (f.attnum = ANY (k.conkey) AND t.attnum = ANY (k.confkey))`,
    );

    expect(loose).toEqual([]);
  });

  it('gives each role what it needs and nothing more', async () => {
    const grants = await rowsOf(
      `SELECT g.grantee::regrole::text || ': ' || c.oid::regclass::text || ' ' ||
         string_agg(left(g.privilege_type, 1), '' ORDER BY g.privilege_type)
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) g
       WHERE n.nspname IN ('platform', 'core', 'shared', 'migrations') AND g.grantee <> c.relowner
       GROUP BY g.grantee, c.oid ORDER BY 1`,
    );

    const tenant = (table: string, rights: string): string[] => [
      `app_api: ${table} ${rights}`,
      `app_worker: ${table} ${rights}`,
    ];
    const designed = [
      ...['outbox', 'timers', 'notifications', 'counters'].flatMap((t) =>
        tenant(`core.${t}`, 'ISU'),
      ),
      ...['audit_logs', 'transitions'].flatMap((t) => tenant(`core.${t}`, 'IS')),
      ...tenant('core.idempotency_keys', 'DISU'),
      ...[
        'property_categories',
        'insurance_plans',
        'policies',
        'policy_subscriptions',
        'subscription_terms',
      ].flatMap((t) => tenant(`shared.${t}`, 'ISU')),
      ...['companies', 'domains', 'memberships'].flatMap((t) => tenant(`platform.${t}`, 'S')),
      'app_auth: core.audit_logs I',
      'app_auth: core.notifications I',
      'app_auth: core.outbox I',
      'app_auth: platform.companies S',
      'app_auth: platform.memberships ISU',
      'app_auth: platform.password_reset_tokens ISU',
      'app_auth: platform.refresh_tokens DISU',
      'app_auth: platform.users ISU',
      'app_global: core.audit_logs S',
      'app_global: platform.companies ISU',
      'app_global: platform.domains DISU',
      'app_relay: core.outbox SU',
      'app_sealer: core.audit_logs S',
    ];
    expect(grants.flat().toSorted()).toEqual(designed.toSorted());
  });

  it("has the functions, extensions and owner's rights that we know", async () => {
    const functions = await rowsOf(
      `SELECT p.oid::regprocedure::text || CASE WHEN p.prosecdef THEN ' definer' ELSE '' END
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname IN ('app', 'platform', 'core', 'shared', 'public', 'migrations') ORDER BY 1`,
    );
    const extensions = await rowsOf('SELECT extname FROM pg_extension ORDER BY 1');

    expect(functions.flat()).toEqual([
      'app.company_id()',
      'app.create_audit_partition(date)',
      'app.ensure_audit_partitions() definer',
    ]);
    expect(extensions.flat()).toEqual(['btree_gist', 'pg_trgm', 'plpgsql']);
  });

  it('lets logins step into the four doors only, and inherit nothing', async () => {
    const memberships = await rowsOf(
      `SELECT member::regrole::text, roleid::regrole::text FROM pg_auth_members
       WHERE member::regrole::text IN ('app_api', 'app_worker', 'app_auth', 'app_global', 'app_relay',
         'app_sealer', 'app_search', 'app_backup') ORDER BY 1, 2`,
    );
    const doors = ['app_auth', 'app_global', 'app_relay', 'app_sealer'];
    const temporary = await rowsOf(
      `SELECT has_database_privilege('app_api', current_database(), 'TEMP')`,
    );

    expect(memberships).toEqual(
      ['app_api', 'app_worker'].flatMap((login) => doors.map((door) => [login, door])),
    );
    expect(temporary).toEqual([[false]]);
  });
});
