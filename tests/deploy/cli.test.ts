import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { openDataDir } from '../../local/dataDir.ts';
import { startPostgres, type Postgres } from '../../local/postgres.ts';
import { defineModels } from '../../src/models/all.ts';
import { openDatabase } from '../../src/models/database.ts';
import { selfCheck } from '../../src/models/selfCheck.ts';

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Roles belong to a whole server, so these tests have servers of their own. */
const servers: { postgres: Postgres; dir: string }[] = [];

async function startServer(): Promise<string> {
  const { dir, runAs } = openDataDir(mkdtempSync(path.join(tmpdir(), 'surety-cli-')));
  const postgres = await startPostgres({
    dir: path.join(dir, 'postgres'),
    port: 0,
    throwaway: true,
    runAs,
  });
  servers.push({ postgres, dir });
  return postgres.url;
}

afterAll(async () => {
  for (const { postgres, dir } of servers) {
    await postgres.stop();
    rmSync(dir, { recursive: true });
  }
});

function cli(args: readonly string[], env: NodeJS.ProcessEnv): Answer {
  const { NODE_OPTIONS: _jest, ...inherited } = process.env;
  return spawnSync(process.execPath, ['--import', 'tsx', 'src/models/cli.ts', ...args], {
    env: { ...inherited, NODE_ENV: 'test', ENVIRONMENT: 'development', ...env },
    encoding: 'utf8',
  });
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function as(url: string, user: string, password: string): string {
  const changed = new URL(url);
  changed.username = user;
  changed.password = password;
  return changed.toString();
}

const roles = `SELECT rolname, rolcanlogin, rolinherit, rolbypassrls, rolsuper, rolcreaterole
  FROM pg_roles WHERE rolname LIKE 'app\\_%' ORDER BY rolname`;
const memberships = `SELECT r.rolname AS role, m.rolname AS member, g.inherit_option, g.set_option
  FROM pg_auth_members g JOIN pg_roles r ON r.oid = g.roleid JOIN pg_roles m ON m.oid = g.member
  WHERE m.rolname LIKE 'app\\_%' ORDER BY 1, 2`;
const rights = `SELECT grantee::regrole::text, privilege_type
  FROM pg_database, aclexplode(datacl)
  WHERE datname = current_database()
    AND (grantee = 0 OR grantee::regrole::text LIKE 'app\\_%') ORDER BY 1, 2`;
/** What is not as initdb leaves it. */
const catalogRights = `SELECT oid::regprocedure::text AS name, proacl::text AS rights
  FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname ~ '^lo_' OR proname ~ 'activity')
  UNION ALL SELECT oid::regclass::text, relacl::text FROM pg_class WHERE oid = 'pg_stat_activity'::regclass
  UNION ALL SELECT nspname, nspacl::text FROM pg_namespace WHERE nspname = 'public' ORDER BY 1`;

describe('the command line of the migrations', () => {
  it('migrates, gives the runtime roles their passwords, shows and takes back', async () => {
    const admin = await startServer();
    const env = {
      DATABASE_MIGRATE_URL: admin,
      DATABASE_URL: as(admin, 'app_api', 'api password/1'),
      DATABASE_WORKER_URL: as(admin, 'app_worker', 'worker-password'),
    };

    const up = cli([], env);
    const again = cli(['up'], env);
    const status = cli(['status'], env);
    const users = [
      await query(env.DATABASE_URL, 'SELECT current_user'),
      await query(env.DATABASE_WORKER_URL, 'SELECT current_user'),
    ];
    const down = cli(['down', '0'], env);

    expect(up).toMatchObject({ status: 0, stdout: expect.stringContaining('applied 0001-') });
    expect(again).toMatchObject({ status: 0, stdout: 'Up to date.\n' });
    expect(status.stdout).toMatch(/^applied {2}0001-foundation$[^]*, 0 pending\.\n$/m);
    expect(users).toEqual([[{ current_user: 'app_api' }], [{ current_user: 'app_worker' }]]);
    expect(down).toMatchObject({ status: 0, stdout: expect.stringContaining('taken back.') });
    expect(cli(['status'], env).stdout).toContain('0 migrations applied');
  }, 600_000);

  it('prints the SQL that makes the same roles by hand, and then needs no more rights', async () => {
    const [byUs, byHand] = [await startServer(), await startServer()];
    cli(['up'], { DATABASE_URL: byUs });
    const script = cli(['create-roles-sql'], {});

    await query(byHand, script.stdout);
    await query(byHand, script.stdout);

    expect(await query(byHand, roles)).toEqual(await query(byUs, roles));
    expect(await query(byHand, memberships)).toEqual(await query(byUs, memberships));
    expect(await query(byHand, rights)).toEqual(await query(byUs, rights));
    expect(await query(byHand, catalogRights)).toEqual(await query(byUs, catalogRights));
    await query(byHand, `ALTER ROLE app_migrate PASSWORD 'm'; ALTER ROLE app_api PASSWORD 'a'`);
    const up = cli(['up'], { DATABASE_URL: as(byHand, 'app_migrate', 'm') });
    expect(up).toMatchObject({ status: 0, stderr: '' });
    const database = openDatabase(
      {
        url: as(byHand, 'app_api', 'a'),
        poolMax: 1,
        acquireTimeoutMs: 10_000,
        statementTimeoutMs: 5000,
        applicationName: 'surety-cli',
      },
      defineModels,
    );
    await expect(selfCheck().finally(() => database.close())).resolves.toEqual([]);
  }, 600_000);

  it.each([
    ['an unknown command', ['sideways'], {}, 2, /^Usage: /],
    ['no migration to go back to', ['down'], {}, 2, /^Usage: /],
    [
      'going back in production without --yes',
      ['down', '0'],
      { ENVIRONMENT: 'production', SECRET_KEY: 'x'.repeat(32), JWT_SECRET_KEY: 'x'.repeat(32) },
      2,
      /^Taking migrations back deletes their data: in production add --yes\.\n$/,
    ],
    [
      'no database',
      ['up'],
      { DATABASE_URL: '' },
      1,
      /^Configuration: "DATABASE_URL" is required\n$/,
    ],
    ['a database that is away', ['up'], {}, 1, /^Postgres does not answer: [^\n]*\n$/],
  ])('answers %s in a sentence', (_name, args, env, status, sentence) => {
    const answer = cli(args, { DATABASE_URL: 'postgres://app_migrate@127.0.0.1:1/surety', ...env });

    expect(answer).toMatchObject({ status, stdout: '' });
    expect(answer.stderr).toMatch(sentence);
  });
});
