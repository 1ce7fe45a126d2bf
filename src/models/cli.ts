import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readConfig, type Config } from '../config.ts';
import { errorCode } from '../errors.ts';
import { databaseAdvice } from './databaseAdvice.ts';
import { migrateDown, migrateUp, migrationStatus } from './migrate.ts';
import { closingSideDoors, type LoginPasswords } from './roles.ts';

const erdFile = 'docs/erd.svg';
const usage = `Usage: cli [command], on the database of DATABASE_MIGRATE_URL (or else DATABASE_URL)
  up                     apply what is pending; the default
  status                 show what is applied and what is pending
  down <name|0> [--yes]  take back down to and including <name>, or everything
  create-roles-sql       print what a DBA runs where we may not create roles
  erd [--check]          draw ${erdFile}, or fail if it is out of date`;

/** What the person at the terminal has to change; nothing was done. */
class UsageError extends Error {}

async function main(args: readonly string[]): Promise<void> {
  const [command = 'up', ...rest] = args;
  switch (command) {
    case 'up':
      expect(rest.length === 0);
      return up(readConfig());
    case 'status':
      expect(rest.length === 0);
      return status(readConfig());
    case 'down': {
      const [to, yes] = rest;
      expect(to !== undefined && !to.startsWith('-') && (yes ?? '--yes') === '--yes');
      return down(readConfig(), { to, isSure: yes !== undefined });
    }
    case 'create-roles-sql':
      expect(rest.length === 0);
      return console.log(createRolesSql);
    case 'erd':
      expect(rest.every((option) => option === '--check'));
      return erd(readConfig(), { isCheck: rest.length > 0 });
    default:
      throw new UsageError(usage);
  }
}

function expect(isRight: boolean): asserts isRight {
  if (!isRight) throw new UsageError(usage);
}

async function up({ database }: Config): Promise<void> {
  const names = await migrateUp(database.migrateUrl, passwordsIn(database), (progress) =>
    console.log(progress),
  );
  for (const name of names) console.log(`applied ${name}`);
  console.log(names.length === 0 ? 'Up to date.' : `Up to date: ${count(names)} applied.`);
}

async function status({ database }: Config): Promise<void> {
  const { applied, pending, schemas } = await migrationStatus(database.migrateUrl);
  for (const name of applied) console.log(`applied  ${name}`);
  for (const name of pending) console.log(`pending  ${name}`);
  for (const { company, schema, applied: ready, pending: waiting } of schemas) {
    console.log(`schema   ${schema} of ${company}: ${ready} applied, ${waiting} pending`);
  }
  console.log(`${count(applied)} applied, ${pending.length} pending.`);
}

async function down(
  { database, environment }: Config,
  { to, isSure }: { to: string; isSure: boolean },
): Promise<void> {
  if (environment === 'production' && !isSure) {
    throw new UsageError('Taking migrations back deletes their data: in production add --yes.');
  }
  const { applied } = await migrationStatus(database.migrateUrl);
  if (to !== '0' && !applied.includes(to)) {
    throw new UsageError(`${to} is not an applied migration: give 0 or one of ${list(applied)}.`);
  }
  const names = await migrateDown(database.migrateUrl, to === '0' ? 0 : to);
  for (const name of names) console.log(`taken back ${name}`);
  console.log(`${count(names)} taken back.`);
}

async function erd({ database }: Config, { isCheck }: { isCheck: boolean }): Promise<void> {
  // Not part of a production install.
  const { drawErd } = await import('./erd.ts');
  const drawn = await drawErd(database.migrateUrl);
  if (!isCheck) {
    await mkdir(path.dirname(erdFile), { recursive: true });
    await writeFile(erdFile, drawn);
    return;
  }
  const known = await readFile(erdFile, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  });
  if (known !== drawn) throw new Error(`${erdFile} is out of date: npm run db:erd`);
}

/** The runtime roles get the passwords that the API and the worker will log in with. */
function passwordsIn({ url, workerUrl }: Config['database']): LoginPasswords {
  const passwords: Record<string, string> = {};
  for (const given of [url, workerUrl]) {
    const { username, password } = new URL(given);
    if (password) passwords[decodeURIComponent(username)] = decodeURIComponent(password);
  }
  const { app_api, app_worker } = passwords;
  return { ...(app_api && { app_api }), ...(app_worker && { app_worker }) };
}

const count = (names: readonly string[]): string =>
  `${names.length} ${names.length === 1 ? 'migration' : 'migrations'}`;

const list = (names: readonly string[]): string => (names.length > 0 ? names.join(', ') : '(none)');

/** One sentence for what people can mend; a bug keeps its stack. */
function sentenceFor(error: unknown): string {
  const advice = databaseAdvice(error);
  if (advice) return advice;
  if (!(error instanceof Error)) return String(error);
  const isBug = error instanceof TypeError || error instanceof RangeError;
  return isBug ? String(error.stack) : error.message;
}

/** The same roles and rights as `ensureRoles` makes; a test compares the two. */
const createRolesSql = `-- Roles of Surety. Run once by a superuser, connected to Surety's database; may be repeated.
-- Afterwards give passwords to those that log in:
--   \\password app_migrate    for DATABASE_MIGRATE_URL
--   \\password app_api        for DATABASE_URL
--   \\password app_worker     for DATABASE_WORKER_URL
--   \\password app_backup     reads all rows, for backups only
DO $roles$
DECLARE
  login text;
  door text;
  -- Before version 16 it is NOINHERIT of the login alone that keeps the doors shut.
  option text := CASE WHEN current_setting('server_version_num')::int >= 160000
    THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
  wanted record;
BEGIN
  FOR wanted IN SELECT * FROM (VALUES
    ('app_owner', 'NOLOGIN NOINHERIT NOBYPASSRLS'),
    ('app_search', 'NOLOGIN NOINHERIT NOBYPASSRLS'),
    ('app_auth', 'NOLOGIN NOINHERIT NOBYPASSRLS'),
    ('app_global', 'NOLOGIN NOINHERIT NOBYPASSRLS'),
    ('app_relay', 'NOLOGIN NOINHERIT NOBYPASSRLS'),
    ('app_sealer', 'NOLOGIN NOINHERIT NOBYPASSRLS'),
    ('app_api', 'LOGIN NOINHERIT NOBYPASSRLS'),
    ('app_worker', 'LOGIN NOINHERIT NOBYPASSRLS'),
    ('app_migrate', 'LOGIN INHERIT NOBYPASSRLS'),
    ('app_backup', 'LOGIN INHERIT BYPASSRLS')) AS roles (name, attributes)
  LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted.name) THEN
      EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.attributes);
    END IF;
  END LOOP;

  FOREACH login IN ARRAY ARRAY['app_api', 'app_worker'] LOOP
    FOREACH door IN ARRAY ARRAY['app_auth', 'app_global', 'app_relay', 'app_sealer'] LOOP
      EXECUTE format('GRANT %I TO %I%s', door, login, option);
    END LOOP;
  END LOOP;
  EXECUTE format('GRANT app_search TO app_owner%s', option);
  GRANT app_owner TO app_migrate;
  ALTER ROLE app_backup INHERIT;
  GRANT pg_read_all_data TO app_backup;

  EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO app_owner', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO app_api, app_worker, app_migrate, app_backup',
    current_database());
  EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$roles$;
${closingSideDoors.map((statement) => `${statement};`).join('\n')}`;

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(sentenceFor(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
