/**
 * `npm run db:erd [-- --check]`: the command line's `up` and `erd` on a Postgres of its own, so that
 * drawing needs nothing that runs.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openDataDir } from '../../local/dataDir.ts';
import { startPostgres } from '../../local/postgres.ts';

const { dir, runAs } = openDataDir(await mkdtemp(path.join(os.tmpdir(), 'surety-erd-')));
try {
  const postgres = await startPostgres({
    dir: path.join(dir, 'postgres'),
    port: 0,
    throwaway: true,
    runAs,
  });
  const cli = (...args: string[]): number | null =>
    spawnSync(process.execPath, ['--import', 'tsx', 'src/models/cli.ts', ...args], {
      env: { ...process.env, DATABASE_URL: postgres.url, DATABASE_MIGRATE_URL: postgres.url },
      stdio: ['ignore', 'ignore', 'inherit'],
    }).status;
  process.exitCode = cli('up') || cli('erd', ...process.argv.slice(2)) || 0;
  await postgres.stop();
} finally {
  await rm(dir, { recursive: true, force: true });
}
