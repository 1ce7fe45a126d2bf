import { Connection } from '@temporalio/client';
import pg from 'pg';
import { reasonOf } from '../src/errors.ts';

export async function reachDatabase(url: string): Promise<string> {
  try {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    await client.connect();
    await client.end();
    return url;
  } catch (error) {
    throw new Error(`The database that DATABASE_URL names cannot be reached: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Another installation uses the logins of this server: new passwords would cut it off.
 * @throws Error one sentence that says what to give instead
 */
export async function refuseKnownLogins(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query(
      `SELECT 1 FROM pg_roles WHERE rolname IN ('app_api', 'app_worker')`,
    );
    if (!rowCount) return;
  } finally {
    await client.end();
  }
  throw new Error(
    'The server of DATABASE_URL has the logins app_api and app_worker already, and their passwords ' +
      'are not known here: give DATABASE_URL as app_api, DATABASE_WORKER_URL as app_worker and ' +
      'DATABASE_MIGRATE_URL as the one that migrates.',
  );
}

export async function reachTemporal(
  env: NodeJS.ProcessEnv,
): Promise<{ address: string; uiUrl: string }> {
  const address = env['TEMPORAL_ADDRESS'] || '';
  try {
    const connection = await Connection.connect({
      address,
      connectTimeout: 5_000,
      ...(env['TEMPORAL_TLS'] === 'true' && { tls: true }),
      ...(env['TEMPORAL_API_KEY'] && { apiKey: env['TEMPORAL_API_KEY'] }),
    });
    await connection.close();
  } catch (error) {
    throw new Error(`Temporal does not answer at TEMPORAL_ADDRESS=${address}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  return { address, uiUrl: env['TEMPORAL_UI_URL'] || '' };
}
