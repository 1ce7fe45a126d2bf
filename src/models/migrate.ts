import pg from 'pg';
import { Umzug, type MigrationParams, type UmzugStorage } from 'umzug';
import { migrations, type Migration } from './migrations/index.ts';
import { ensureRoles, type LoginPasswords } from './roles.ts';

/** One lock for all migrations of one database, whoever starts them. */
const migrationLock = 7_352_106;

export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Of companies that have their business tables to themselves, by code. */
  readonly schemas: readonly SchemaStatus[];
}

export interface SchemaStatus {
  readonly company: string;
  readonly schema: string;
  readonly applied: number;
  readonly pending: number;
}

/** Schemas of companies that are migrated side by side. */
const atOnce = 4;

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

/**
 * After what all companies share, the schemas of single companies: each in a transaction of its own,
 * so that a second run goes on where the first one broke off.
 * @param say hears how far the schemas are
 * @param known all that there are, in their order
 * @returns the names of the migrations that ran
 * @throws Error naming the schemas that could not be migrated, after all others were
 */
export async function migrateUp(
  adminUrl: string,
  passwords: LoginPasswords = {},
  say: (progress: string) => void = () => undefined,
  known = migrations,
): Promise<readonly string[]> {
  const names = await asMigrator(adminUrl, { passwords, known }, async (umzug, client) => {
    const ran = await umzug.up();
    await keepSteps(client, known);
    await noteNewest(client);
    return ran.map(({ name }) => name);
  });
  await migrateSchemas(adminUrl, say);
  return names;
}

/** Rolls back down to and including `to`; `0` takes everything back. */
export const migrateDown = async (
  adminUrl: string,
  to: string | 0,
  known = migrations,
): Promise<readonly string[]> =>
  asMigrator(adminUrl, { passwords: {}, known }, async (umzug, client) => {
    const ran = await umzug.down({ to });
    await noteNewest(client);
    return ran.map(({ name }) => name);
  });

/** Only looks: roles that are missing stay missing. */
export const migrationStatus = async (adminUrl: string): Promise<MigrationStatus> =>
  asMigrator(adminUrl, { known: migrations }, async (umzug, client) => ({
    applied: (await umzug.executed()).map(({ name }) => name),
    pending: (await umzug.pending()).map(({ name }) => name),
    schemas: await schemasIn(client),
  }));

async function asMigrator<T>(
  adminUrl: string,
  { passwords, known }: { passwords?: LoginPasswords; known: readonly Migration[] },
  work: (umzug: Umzug<pg.Client>, client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(adminUrl);
  try {
    return await inTransaction(client, async () => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
      if (passwords) {
        await ensureRoles(client, passwords);
        await client.query('SET LOCAL ROLE app_owner');
      }
      return work(umzugOn(client, known), client);
    });
  } finally {
    await client.end();
  }
}

async function connect(adminUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'surety-migrate' });
  // A connection that is lost fails the statement under way as well; without this it ends the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  try {
    await client.query('BEGIN');
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const umzugOn = (client: pg.Client, known: readonly Migration[]): Umzug<pg.Client> =>
  new Umzug({
    context: client,
    logger: undefined,
    storage: migrationTable,
    migrations: known.map(({ name, up, down, business }) => ({
      name,
      async up({ context }: MigrationParams<pg.Client>) {
        if (up) await context.query(up);
        if (business) await inSchema(context, 'shared', business.up);
      },
      async down({ context }: MigrationParams<pg.Client>) {
        if (business) {
          for (const schema of await schemasWith(context, name)) {
            await inSchema(context, schema, business.down);
          }
          await inSchema(context, 'shared', business.down);
          await forgetStep(context, name);
        }
        if (down) await context.query(down);
      },
    })),
  });

/** @param sql names no schema for what it makes */
async function inSchema(client: pg.Client, schema: string, sql: string): Promise<void> {
  await client.query(`SET LOCAL search_path = ${pg.escapeIdentifier(schema)}, ext`);
  await client.query(sql);
  await client.query('SET LOCAL search_path = public');
}

/** What `app.prepare_business_schema()` runs in a schema that has not had it. */
async function keepSteps(client: pg.Client, known: readonly Migration[]): Promise<void> {
  const steps = known.flatMap(({ name, business }) =>
    business ? [{ name, up: business.up }] : [],
  );
  await client.query(
    `INSERT INTO migrations.business_steps (name, up)
     SELECT * FROM unnest($1::text[], $2::text[])
     ON CONFLICT (name) DO UPDATE SET up = excluded.up`,
    [steps.map(({ name }) => name), steps.map(({ up }) => up)],
  );
}

async function forgetStep(client: pg.Client, name: string): Promise<void> {
  if (!(await knowsSchemas(client))) return;
  await client.query('DELETE FROM migrations.business_steps WHERE name = $1', [name]);
  await client.query('DELETE FROM migrations.applied_in_schemas WHERE name = $1', [name]);
}

async function schemasIn(client: pg.Client): Promise<SchemaStatus[]> {
  if (!(await knowsSchemas(client))) return [];
  const { rows } = await client.query<SchemaStatus>(
    `SELECT c.code AS company, s.schema_name AS schema,
       count(a.name)::int AS applied, count(*)::int - count(a.name)::int AS pending
     FROM migrations.business_schemas s
       JOIN platform.companies c ON c.id = s.company_id
       CROSS JOIN migrations.business_steps b
       LEFT JOIN migrations.applied_in_schemas a ON a.company_id = s.company_id AND a.name = b.name
     GROUP BY c.code, s.schema_name ORDER BY c.code`,
  );
  return rows;
}

/** A schema that could not be migrated has nothing to take back. */
async function schemasWith(client: pg.Client, name: string): Promise<readonly string[]> {
  if (!(await knowsSchemas(client))) return [];
  const { rows } = await client.query<{ schema: string }>(
    `SELECT s.schema_name AS schema FROM migrations.business_schemas s
       JOIN migrations.applied_in_schemas a USING (company_id)
     WHERE a.name = $1 ORDER BY 1`,
    [name],
  );
  return rows.map(({ schema }) => schema);
}

async function knowsSchemas(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ known: boolean }>(
    `SELECT to_regclass('migrations.business_schemas') IS NOT NULL AS known`,
  );
  return rows[0]?.known ?? false;
}

async function migrateSchemas(adminUrl: string, say: (progress: string) => void): Promise<void> {
  const clients: pg.Client[] = [];
  const broken: string[] = [];
  try {
    const first = await connect(adminUrl);
    clients.push(first);
    const { rows } = await first.query<{ companyId: string; schema: string }>(
      `SELECT s.company_id AS "companyId", s.schema_name AS schema
       FROM migrations.business_schemas s CROSS JOIN migrations.business_steps b
       WHERE NOT EXISTS (SELECT FROM migrations.applied_in_schemas a
         WHERE a.company_id = s.company_id AND a.name = b.name)
       GROUP BY 1, 2 ORDER BY min(s.created_at)`,
    );
    while (clients.length < Math.min(atOnce, rows.length)) clients.push(await connect(adminUrl));
    const next = rows.entries();
    await Promise.all(
      clients.map(async (client) => {
        for (const [index, { companyId, schema }] of next) {
          say(`schema ${index + 1} of ${rows.length}: ${schema}`);
          await migrateSchema(client, companyId).catch((error: unknown) =>
            broken.push(`${schema}: ${error instanceof Error ? error.message : String(error)}`),
          );
        }
      }),
    );
    if (broken.length > 0) {
      throw new Error(
        `${broken.length} of ${rows.length} schemas of companies could not be migrated; ` +
          `mend it and run the migration again, the others stay as they are. ${broken.join('; ')}`,
      );
    }
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

const migrateSchema = (client: pg.Client, companyId: string): Promise<void> =>
  inTransaction(client, async () => {
    await client.query('SET LOCAL ROLE app_owner');
    await client.query(`SELECT set_config('app.current_company_id', $1, true)`, [companyId]);
    await client.query('SELECT app.prepare_business_schema()');
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

/** Where every login can read it: a process that starts compares itself with it. */
const noteNewest = (client: pg.Client): Promise<unknown> =>
  client.query(`DO $$ BEGIN
    EXECUTE format('COMMENT ON SCHEMA migrations IS %L', (SELECT max(name) FROM migrations.applied));
  EXCEPTION WHEN invalid_schema_name OR undefined_table THEN NULL;
  END $$`);

function loginUrl(adminUrl: string, user: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = user;
  url.password = password;
  return url.toString();
}
