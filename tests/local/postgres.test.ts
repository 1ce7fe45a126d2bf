import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { openDataDir, type DataDir } from '../../local/dataDir.ts';
import { startPostgres, type Postgres } from '../../local/postgres.ts';

let data: DataDir;

beforeAll(() => {
  data = openDataDir(mkdtempSync(path.join(tmpdir(), 'surety-pg-')));
});

afterAll(() => rmSync(data.dir, { recursive: true }));

const start = (port = 0): Promise<Postgres> =>
  startPostgres({ dir: path.join(data.dir, 'postgres'), port, runAs: data.runAs, throwaway: true });

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('the embedded Postgres', () => {
  it('starts with its own database, and keeps its data over a stop and a SIGKILL', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)');
    await first.stop();

    const second = await start(first.port);
    await query(second.url, 'INSERT INTO kept VALUES (2)');
    process.kill(second.pid, 'SIGKILL');
    expect(await second.exited).toBe('Postgres was ended by SIGKILL.');

    const third = await start(first.port);
    expect(await query(third.url, 'SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
    expect(third.url).toBe(first.url);
    await third.stop();
  });

  it('refuses a wrong password and keeps its own from other users', async () => {
    const server = await start();

    const wrong = new URL(server.url);
    wrong.password = 'guessed';
    await expect(query(wrong.toString(), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });

    expect(statSync(path.join(data.dir, 'postgres.password')).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(data.dir, 'postgres')).mode & 0o777).toBe(0o700);
    await server.stop();
  });

  it('refuses a second server on the same data', async () => {
    const server = await start();

    await expect(start()).rejects.toThrow(/^Postgres on .* is already running \(process \d+\)\.$/);

    await server.stop();
  });

  it('says in one sentence that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;

    await expect(start(port)).rejects.toThrow(
      `Port ${port} for Postgres is taken by another program: ` +
        'stop that program or set POSTGRES_PORT to another port.',
    );

    await new Promise((resolve) => other.close(resolve));
  });
});
