import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../src/errors.ts';

/** A process, told apart from a later one with the same number by when it started. */
interface Identity {
  readonly pid: number;
  readonly started: string;
}

interface Holders {
  readonly owner: Identity;
  readonly servers: readonly Identity[];
}

/** Its owner is alive. */
export class HeldError extends Error {}

export interface Hold {
  /** Notes a server that works on what is held, so that a later start can end it. */
  add(pid: number): void;
  release(): void;
}

/**
 * Holds a pid file, so that two starts never work on the same data. What a dead owner left is
 * taken over: servers that are still alive (there was nothing to tie them to their owner) are
 * stopped first, never adopted.
 * @throws HeldError one sentence, if the owner is alive.
 */
export async function hold({
  file,
  what,
  onOutput = () => {},
}: {
  file: string;
  what: string;
  onOutput?: ((line: string) => void) | undefined;
}): Promise<Hold> {
  const owner = identify(process.pid);
  if (!owner) throw new Error('This system does not tell when a process was started.');

  while (!createOnce(file, { owner, servers: [] })) {
    const holders = read(file);
    if (holders && isAlive(holders.owner)) {
      throw new HeldError(`${what} is already running (process ${holders.owner.pid}).`);
    }
    for (const server of holders?.servers.filter(isAlive) ?? []) {
      onOutput(`Stopping process ${server.pid}, left by an earlier start`);
      await end(server);
    }
    rmSync(file, { force: true });
  }

  const servers: Identity[] = [];
  return {
    add: (pid) => {
      const server = identify(pid);
      if (server) servers.push(server);
      writeFileSync(file, JSON.stringify({ owner, servers }));
    },
    release: () => rmSync(file, { force: true }),
  };
}

/** A link appears whole or not at all, and only once. */
function createOnce(file: string, holders: Holders): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(holders), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft);
  }
}

/** Nothing for a file that is not ours, or damaged: then nobody can be said to hold it. */
function read(file: string): Holders | undefined {
  try {
    const holders = JSON.parse(readFileSync(file, 'utf8'));
    return holders?.owner && Array.isArray(holders.servers) ? holders : undefined;
  } catch {
    return undefined;
  }
}

async function end(server: Identity): Promise<void> {
  const deadline = Date.now() + 40_000;
  process.kill(server.pid, 'SIGINT');
  while (isAlive(server)) {
    if (Date.now() > deadline) process.kill(server.pid, 'SIGKILL');
    await pause(100);
  }
}

const isAlive = ({ pid, started }: Identity): boolean => identify(pid)?.started === started;

function identify(pid: number): Identity | undefined {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedByPs(pid);
  return started ? { pid, started } : undefined;
}

/** Field 22 of `stat`, in ticks since boot. The name in field 2 may hold spaces and brackets. */
function startedOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

function startedByPs(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
