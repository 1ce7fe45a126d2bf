import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startStack } from '../../local/stack.ts';

const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-stack-'));

afterAll(() => rmSync(dataDir, { recursive: true }));

async function countTables(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query(
      `SELECT count(*)::int AS tables FROM pg_tables WHERE schemaname = 'core'`,
    );
    return rows[0].tables;
  } finally {
    await client.end();
  }
}

describe('startStack', () => {
  it('brings up the parts, survives their loss when told to, and leaves nothing running', async () => {
    const stack = await startStack({
      dataDir,
      ports: 'free',
      programs: [],
      seeded: false,
      throwaway: true,
    });
    const before = stack.pids();
    try {
      expect(await countTables(stack.urls.apiDatabase)).toBeGreaterThan(0);

      await stack.kill('postgres');
      expect(stack.pids()).toEqual({ gateway: before.gateway, temporal: before.temporal });
      await stack.start('postgres');

      expect(await countTables(stack.urls.workerDatabase)).toBeGreaterThan(0);
    } finally {
      await stack.stop();
    }
    expect(stack.pids()).toEqual({});
    expect(() => process.kill(before.temporal ?? 0, 0)).toThrow('ESRCH');
  });

  it('says which setting is not a port', async () => {
    await expect(startStack({ dataDir, env: { PORT: 'http' } })).rejects.toThrow(
      'PORT=http is not a port: give a number from 1 to 65535.',
    );
  });

  it('says that the database of DATABASE_URL cannot be reached', async () => {
    const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };

    await expect(startStack({ dataDir, ports: 'free', env })).rejects.toThrow(
      /^The database that DATABASE_URL names cannot be reached: .*ECONNREFUSED/,
    );
  });
});
