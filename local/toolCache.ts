import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { projectDir } from './dataDir.ts';
import { reasonOf } from '../src/errors.ts';
import type { Say } from './progress.ts';
import { startTied } from './tiedProcess.ts';

/** Where what was downloaded or built once is kept, shared by all checkouts of this user. */
export const toolCache = (): string =>
  path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'surety');

/** The program that the environment variable names. @throws Error where it is not there */
export function programOf(variable: string): string | undefined {
  const given = process.env[variable];
  if (!given) return undefined;
  if (existsSync(given)) return given;
  throw new Error(`${variable} names ${given}, which is not there.`);
}

/**
 * Tries each way in turn to fill `place`, each in a folder that is removed afterwards.
 * @throws Error with `advice`, and what went wrong on the way
 */
export async function firstThatWorks({
  place,
  ways,
  advice,
}: {
  place: string;
  ways: readonly ((draft: string) => Promise<string | undefined>)[];
  advice: string;
}): Promise<string> {
  const failures: string[] = [];
  for (const way of ways) {
    const draft = draftFor(place);
    try {
      const found = await way(draft);
      if (found) return found;
    } catch (error) {
      failures.push(reasonOf(error));
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }
  throw new Error([advice, ...failures].join(' '));
}

/** Whether a program is there and answers with 0. */
export const answers = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { stdio: 'ignore', timeout: 15_000 }).status === 0;

/**
 * Runs one command to its end, saying every few seconds what it does and for how long.
 * @throws Error with its last line of output
 */
export async function runTool({
  command,
  args,
  cwd,
  env = process.env,
  doing,
  progress,
}: {
  command: string;
  args: readonly string[];
  cwd: string;
  env?: NodeJS.ProcessEnv;
  doing: string;
  progress: Say;
}): Promise<void> {
  const tool = await startTied({ command, args, cwd, env, deathSignal: 'TERM' });
  const { code } = await whileTelling(doing, progress, tool.exited);
  if (code !== 0) throw new Error(`${command}: ${tool.lastLines().at(-1) ?? 'failed'}`);
}

/**
 * The official release of a Temporal program, fetched and started once by the SDK's own test
 * environment. Nothing if it cannot be had: no network shows as a download that does not grow.
 */
export async function downloadOfficial({
  program,
  version,
  into,
  progress,
}: {
  program: 'cli' | 'test-server';
  version: string;
  into: string;
  progress: Say;
}): Promise<string | undefined> {
  const download = await startTied({
    command: process.execPath,
    args: [
      '--import',
      'tsx',
      path.join(projectDir, 'local', 'download.ts'),
      program,
      version,
      into,
    ],
    cwd: projectDir,
    deathSignal: 'TERM',
  });
  const watch = new AbortController();
  const stuck = noGrowth(into, watch.signal).then(() => download.stop(['SIGTERM'], 2_000));
  const { code } = await whileTelling('downloading', progress, download.exited);
  watch.abort();
  await stuck;
  if (code !== 0) return undefined;
  return executables(into)[0];
}

/** A new folder beside `place`, so that what is complete in it can be renamed to `place`. */
function draftFor(place: string): string {
  mkdirSync(path.dirname(place), { recursive: true });
  return mkdtempSync(`${place}.`);
}

const stuckAfterMs = 20_000;

/** Resolves when the folder has not grown for a while, or when told to. */
async function noGrowth(dir: string, signal: AbortSignal): Promise<void> {
  let size = 0;
  let grewAt = Date.now();
  while (!signal.aborted && Date.now() - grewAt < stuckAfterMs) {
    await pause(250);
    const now = sizeOf(dir);
    if (now > size) [size, grewAt] = [now, Date.now()];
  }
}

const files = (dir: string): string[] =>
  existsSync(dir) ? readdirSync(dir).map((name) => path.join(dir, name)) : [];

const sizeOf = (dir: string): number =>
  files(dir).reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);

const executables = (dir: string): string[] =>
  files(dir).filter((file) => statSync(file).isFile() && (statSync(file).mode & 0o100) !== 0);

async function whileTelling<T>(doing: string, progress: Say, work: Promise<T>): Promise<T> {
  const startedAt = Date.now();
  const tell = (): void => progress(`${doing}, ${elapsed(Date.now() - startedAt)}`);
  tell();
  const timer = setInterval(tell, 5_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

function elapsed(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
