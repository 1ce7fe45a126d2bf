import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import type { RunAs } from './tiedProcess.ts';

export interface DataDir {
  readonly dir: string;
  /** Postgres refuses to run as root, so this user runs it; only `<dir>/postgres` is theirs. */
  readonly runAs?: RunAs;
}

/** The folder of package.json. */
export const projectDir = path.resolve(import.meta.dirname, '..');

/** Settings that stand in `.env`, for those that the environment does not have. */
export function readDotEnv(project = projectDir): void {
  const file = path.join(project, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}

/**
 * Decides where data live: SURETY_DATA, else `.data` in the project. If root runs this in a folder
 * that the database user may not enter (a clone under a 0700 home), data live in `/var/lib/surety`.
 * Wherever they are, `.data` leads there.
 */
export function prepareDataDir({
  project = projectDir,
  chosen = process.env['SURETY_DATA'],
  away = '/var/lib/surety',
}: { project?: string; chosen?: string | undefined; away?: string } = {}): DataDir {
  const usual = path.join(project, '.data');
  if (chosen) {
    const opened = openDataDir(path.resolve(chosen));
    leadTo(usual, opened.dir, { required: false });
    return opened;
  }
  if (isLink(usual)) return openDataDir(path.resolve(project, readlinkSync(usual)));

  const user = databaseUser(usual);
  if (!user || mayEnter(project, user)) return openDataDir(usual);
  leadTo(usual, away, { required: true });
  return openDataDir(away);
}

/**
 * Makes a given folder ready to hold data: private to its owner, and for root passable (not
 * readable) for the database user.
 */
export function openDataDir(dir: string): DataDir {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const real = realpathSync(dir);
  const runAs = databaseUser(real);
  chmodSync(real, runAs ? 0o711 : 0o700);
  if (!runAs) return { dir: real };
  if (!mayEnter(real, runAs)) {
    throw new Error(
      `The database runs as user ${runAs.uid}, who may not enter ${real}: ` +
        'set SURETY_DATA to a folder that everybody may pass.',
    );
  }
  return { dir: real, runAs };
}

/** Whether that user may go into a folder, or run a file. */
export const mayEnter = (place: string, { uid, gid }: RunAs): boolean =>
  spawnSync('/bin/sh', ['-c', 'test -x "$0"', place], { cwd: '/', uid, gid }).status === 0;

/** Nobody else for an ordinary user. Data that exist stay with the user they belong to. */
function databaseUser(dir: string): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const data = path.join(dir, 'postgres');
  if (existsSync(data)) {
    const { uid, gid } = statSync(data);
    if (uid !== 0) return { uid, gid };
  }
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf(name, '-u');
    const gid = idOf(name, '-g');
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error('Postgres cannot run as root, and there is no user postgres or nobody.');
}

function idOf(user: string, option: '-u' | '-g'): number | undefined {
  try {
    return Number(execFileSync('id', [option, user], { stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

const isLink = (place: string): boolean =>
  lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

function leadTo(link: string, dir: string, { required }: { required: boolean }): void {
  if (path.resolve(link) === dir) return;
  const found = lstatSync(link, { throwIfNoEntry: false });
  if (found?.isDirectory() && readdirSync(link).length > 0) {
    if (!required) return;
    throw new Error(
      `The database user may not enter ${link}, which holds data: move it to ${dir}, ` +
        'or let everybody pass the folders above it.',
    );
  }
  if (found) rmSync(link, { recursive: true });
  symlinkSync(dir, link);
}
