import pg from 'pg';
import { Umzug, type MigrationParams, type UmzugStorage } from 'umzug';
import { migrations, type Migration } from './migrations/index.ts';
import { ensureRoles, type LoginPasswords } from './roles.ts';

/** One lock for all migrations of one database, whoever starts them. */
const migrationLock = 7_352_106;

export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/**
 * Makes an empty or older database ready: roles, then all pending migrations in one transaction
 * behind a lock. A broken migration leaves nothing, two at once run it once.
 * @returns the connection URLs of the API and the worker, and what was applied just now.
 */
export async function prepareDatabase({
  adminUrl,
  passwords,
}: {
  adminUrl: string;
  passwords: { readonly api: string; readonly worker: string };
}): Promise<{ apiUrl: string; workerUrl: string; applied: readonly string[] }> {
  const applied = await migrateUp(adminUrl, {
    app_api: passwords.api,
    app_worker: passwords.worker,
  });
  return {
    apiUrl: loginUrl(adminUrl, 'app_api', passwords.api),
    workerUrl: loginUrl(adminUrl, 'app_worker', passwords.worker),
    applied,
  };
}

/** @returns the names of the migrations that ran. */
export const migrateUp = async (
  adminUrl: string,
  passwords: LoginPasswords = {},
): Promise<readonly string[]> =>
  asMigrator(adminUrl, passwords, async (umzug) => (await umzug.up()).map(({ name }) => name));

/** Rolls back down to and including `to`; `0` takes everything back. */
export const migrateDown = async (adminUrl: string, to: string | 0): Promise<readonly string[]> =>
  asMigrator(adminUrl, {}, async (umzug) => (await umzug.down({ to })).map(({ name }) => name));

/** Only looks: roles that are missing stay missing. */
export const migrationStatus = async (adminUrl: string): Promise<MigrationStatus> =>
  asMigrator(adminUrl, undefined, async (umzug) => ({
    applied: (await umzug.executed()).map(({ name }) => name),
    pending: (await umzug.pending()).map(({ name }) => name),
  }));

async function asMigrator<T>(
  adminUrl: string,
  passwords: LoginPasswords | undefined,
  work: (umzug: Umzug<pg.Client>) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'surety-migrate' });
  // A connection that is lost fails the statement under way as well; without this it ends the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    if (passwords) {
      await ensureRoles(client, passwords);
      await client.query('SET LOCAL ROLE app_owner');
    }
    const result = await work(umzugOn(client));
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  } finally {
    await client.end();
  }
}

const umzugOn = (client: pg.Client): Umzug<pg.Client> =>
  new Umzug({
    context: client,
    logger: undefined,
    storage: migrationTable,
    migrations: migrations.map(({ name, up, down }: Migration) => ({
      name,
      up: async ({ context }: MigrationParams<pg.Client>) => void (await context.query(up)),
      down: async ({ context }: MigrationParams<pg.Client>) => void (await context.query(down)),
    })),
  });

/** The list of applied migrations, in a schema that no migration drops. */
const migrationTable: UmzugStorage<pg.Client> = {
  async logMigration({ name, context }) {
    await context.query(
      `CREATE SCHEMA IF NOT EXISTS migrations;
       CREATE TABLE IF NOT EXISTS migrations.applied
         (name text PRIMARY KEY, run_at timestamptz NOT NULL DEFAULT now())`,
    );
    await context.query('INSERT INTO migrations.applied (name) VALUES ($1)', [name]);
  },
  async unlogMigration({ name, context }) {
    await context.query('DELETE FROM migrations.applied WHERE name = $1', [name]);
  },
  async executed({ context }) {
    const { rows: tables } = await context.query(
      `SELECT 1 FROM pg_tables WHERE schemaname = 'migrations' AND tablename = 'applied'`,
    );
    if (tables.length === 0) return [];
    const { rows } = await context.query<{ name: string }>(
      'SELECT name FROM migrations.applied ORDER BY name',
    );
    return rows.map(({ name }) => name);
  },
};

function loginUrl(adminUrl: string, user: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = user;
  url.password = password;
  return url.toString();
}
