import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { projectDir } from './dataDir.ts';
import { describeExit, startTied } from './tiedProcess.ts';

export interface Child {
  readonly pid: number;
  /** Resolves, to a sentence and the last lines of its log, when it has ended for any reason. */
  readonly exited: Promise<string>;
  /** SIGTERM, 35 s to drain, SIGKILL. */
  stop(): Promise<void>;
}

/**
 * As the image has it. Many threads make glibc keep many half-empty heaps, V8 lets new objects fill 48 MB
 * before it looks at them, and on a large machine it lets the others grow to four times what is in use:
 * half of the memory, for no speed here.
 */
const thrifty = {
  MALLOC_ARENA_MAX: '2',
  NODE_OPTIONS: '--max-semi-space-size=8 --max-old-space-size=1024',
};

const drainMs = 35_000;
const shownLines = 15;

/**
 * Runs a program of ours as a direct child, with no npm or shell between it and its
 * signals, until `readyUrl` answers 200. Its output is appended to `<logs>/<name>.log`.
 * @throws Error with the last lines of its log, if it ends or is not ready in time
 */
export async function startProcess({
  name,
  script,
  env,
  isBackground = false,
  logs,
  readyUrl,
  timeoutMs,
  onSpawn,
}: {
  name: string;
  /** TypeScript, or what the build made of it. */
  script: string;
  env: NodeJS.ProcessEnv;
  /** Others have three times its share of a busy processor. */
  isBackground?: boolean;
  logs: string;
  readyUrl: string;
  timeoutMs: number;
  /** Gets what is returned, as soon as the process is there. */
  onSpawn?: (child: Child) => void;
}): Promise<Child> {
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const logFile = path.join(logs, `${name}.log`);
  const logStart = sizeOf(logFile);

  const program = await startTied({
    command: process.execPath,
    args: script.endsWith('.ts') ? ['--import', 'tsx', script] : [script],
    cwd: projectDir,
    env: { ...thrifty, ...env },
    deathSignal: 'TERM',
    isBackground,
    logFile,
  });
  let ended: string | undefined;
  const exited = program.exited.then((exit) => {
    ended = `The ${name} process ${describeExit(exit)}. ${lastLines(logFile, logStart)}`;
    return ended;
  });
  const child: Child = {
    pid: program.pid,
    exited,
    stop: () => program.stop(['SIGTERM'], drainMs),
  };
  onSpawn?.(child);

  const deadline = Date.now() + timeoutMs;
  while (!(await isReady(readyUrl))) {
    if (ended) throw new Error(ended);
    if (Date.now() > deadline) {
      await program.stop(['SIGTERM'], 5_000);
      throw new Error(
        `The ${name} process was not ready within ${timeoutMs / 1000} s. ` +
          lastLines(logFile, logStart),
      );
    }
    await pause(100);
  }
  return child;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0);

/** Of what was written since; of all that is there where the log was rolled meanwhile. */
function lastLines(file: string, from: number): string {
  const log = readFileSync(file);
  const lines = log
    .subarray(from > log.length ? 0 : from)
    .toString()
    .trimEnd()
    .split('\n');
  return `The last lines of ${file}:\n${lines.slice(-shownLines).join('\n')}`;
}
