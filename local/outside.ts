import { Connection } from '@temporalio/client';
import pg from 'pg';
import { reasonOf } from './failures.ts';

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
