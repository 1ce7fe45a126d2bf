import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface TiedProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** The last lines of output; empty for a process that writes to `logFile`. */
  lastLines(): readonly string[];
  /** Sends each signal in turn, waits `graceMs` after each, and ends with SIGKILL. */
  stop(signals: readonly NodeJS.Signals[], graceMs: number): Promise<void>;
}

const keptLines = 40;

/**
 * Starts a direct child that ends when this process ends, however it ends: the kernel sends it
 * `deathSignal` (through setpriv, where there is one). It is detached, because Ctrl-C must reach
 * this process first, which stops its children in order.
 */
export async function startTied({
  command,
  args,
  deathSignal,
  runAs,
  env = process.env,
  cwd = '/',
  isBackground = false,
  logFile,
  onOutput,
}: {
  command: string;
  args: readonly string[];
  deathSignal: 'INT' | 'TERM';
  runAs?: RunAs | undefined;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Others have three times its share of a busy processor. */
  isBackground?: boolean;
  logFile?: string;
  onOutput?: ((line: string) => void) | undefined;
}): Promise<TiedProcess> {
  const log = logFile === undefined ? undefined : openSync(logFile, 'a', 0o600);
  const tied = hasSetpriv();
  const child = spawn(
    tied ? 'setpriv' : command,
    tied ? [...switchUser(runAs), '--pdeathsig', deathSignal, '--', command, ...args] : [...args],
    {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', log ?? 'pipe', log ?? 'pipe'],
      ...(!tied && runAs),
    },
  );
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });

  try {
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } finally {
    if (log !== undefined) closeSync(log);
  }

  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
      onOutput?.(line);
    });
  }

  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} did not start.`);
  if (isBackground) giveWay(pid);
  return {
    pid,
    exited,
    lastLines: () => lines,
    stop: async (signals, graceMs) => {
      for (const signal of [...signals, 'SIGKILL' as const]) {
        if (child.exitCode !== null || child.signalCode !== null) break;
        child.kill(signal);
        await Promise.race([exited, pause(graceMs, undefined, { ref: false })]);
      }
      await exited;
    },
  };
}

const backgroundNice = 5;

/** A detached process has a session of its own, and Linux may share its time out among sessions first. */
function giveWay(pid: number): void {
  try {
    os.setPriority(pid, backgroundNice);
    writeFileSync(`/proc/${pid}/autogroup`, String(backgroundNice));
  } catch {
    // It has ended already, or this system knows no such groups.
  }
}

/** How a process ended, as half a sentence: `ended with code 1`. */
export const describeExit = ({ code, signal }: Exit): string =>
  signal === null ? `ended with code ${code ?? 'unknown'}` : `was ended by ${signal}`;

const switchUser = (runAs?: RunAs): string[] =>
  runAs ? ['--reuid', String(runAs.uid), '--regid', String(runAs.gid), '--clear-groups'] : [];

let setpriv: boolean | undefined;

/** BusyBox has a setpriv without this option, macOS has none. */
const hasSetpriv = (): boolean =>
  (setpriv ??= spawnSync('setpriv', ['--pdeathsig', 'TERM', '--', 'true']).status === 0);
