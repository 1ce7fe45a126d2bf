import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { defineModels } from '../../src/models/all.ts';
import { openDatabase, type DatabaseOptions } from '../../src/models/database.ts';
import { services } from './services.ts';

export interface TestDatabase {
  /** Superuser, for looking behind the wall. */
  readonly adminUrl: string;
  readonly apiUrl: string;
  readonly workerUrl: string;
  /** Runs SQL as superuser. */
  sql<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  /** What `work` asks as the API's role, and nothing that goes on beside it. */
  statementsOf(work: () => Promise<unknown>): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A migrated database of one's own, opened for this file's models as the API's role. */
export async function openTestDatabase(
  overrides: Partial<Omit<DatabaseOptions, 'url'>> = {},
  define = defineModels,
): Promise<TestDatabase> {
  const { adminUrl: templateUrl, passwords } = services();
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const template = new URL(templateUrl).pathname.slice(1);
  await asAdmin(withDatabase(templateUrl, 'postgres'), async (client) => {
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    // Of a template, what roles may do in the database itself is not copied.
    await client.query(`GRANT CREATE ON DATABASE ${name} TO app_owner`);
    await client.query(`REVOKE TEMPORARY ON DATABASE ${name} FROM PUBLIC`);
  });

  const adminUrl = withDatabase(templateUrl, name);
  const apiUrl = withLogin(adminUrl, 'app_api', passwords.api);
  const asked = new AsyncLocalStorage<string[]>();
  const database = openDatabase(
    {
      url: apiUrl,
      poolMax: 10,
      acquireTimeoutMs: 10_000,
      statementTimeoutMs: 8000,
      applicationName: 'surety-test',
      onQuery: (sql) => void asked.getStore()?.push(sql),
      ...overrides,
    },
    define,
  );
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();

  return {
    adminUrl,
    apiUrl,
    workerUrl: withLogin(adminUrl, 'app_worker', passwords.worker),
    sql: async (text, values = []) => (await admin.query(text, values)).rows,
    statementsOf: (work) => {
      const statements: string[] = [];
      return asked.run(statements, work).then(() => statements);
    },
    async close() {
      await database.close();
      await admin.end();
      await asAdmin(withDatabase(templateUrl, 'postgres'), async (client) => {
        await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
      });
    },
  };
}

async function asAdmin(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}

function withLogin(url: string, user: string, password: string): string {
  const changed = new URL(url);
  changed.username = user;
  changed.password = password;
  return changed.toString();
}
