import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { openDataDir } from '../../local/dataDir.ts';
import { startPostgres } from '../../local/postgres.ts';
import { defineModels } from '../../src/models/all.ts';
import { openDatabase } from '../../src/models/database.ts';
import { prepareDatabase } from '../../src/models/migrate.ts';

/** A Postgres of its own: roles belong to the whole server, and these tests change them. */
export interface Cluster {
  readonly adminUrl: string;
  readonly apiUrl: string;
  readonly workerUrl: string;
  /** As superuser. */
  readonly admin: pg.Client;
  close(): Promise<void>;
}

export async function openCluster(): Promise<Cluster> {
  const { dir, runAs } = openDataDir(await mkdtemp(path.join(os.tmpdir(), 'surety-wall-')));
  const postgres = await startPostgres({
    dir: path.join(dir, 'postgres'),
    port: 0,
    throwaway: true,
    runAs,
  });
  const { apiUrl, workerUrl } = await prepareDatabase({
    adminUrl: postgres.url,
    passwords: { api: 'wall-api', worker: 'wall-worker' },
  });
  const database = openDatabase(
    {
      url: apiUrl,
      poolMax: 4,
      acquireTimeoutMs: 10_000,
      statementTimeoutMs: 5000,
      applicationName: 'surety-wall',
    },
    defineModels,
  );
  const admin = await connect(postgres.url);
  return {
    adminUrl: postgres.url,
    apiUrl,
    workerUrl,
    admin,
    async close() {
      await database.close();
      await admin.end();
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}
