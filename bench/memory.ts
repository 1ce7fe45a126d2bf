import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { LiveHeap } from './liveHeap.ts';
import type { World } from './world.ts';

/** The memory of the API, or of another process, before some work and at most during it, in bytes. */
export async function memoryDuring(
  { stack }: World,
  work: () => Promise<unknown>,
  process: 'api' | 'worker' = 'api',
): Promise<{ readonly before: number; readonly peak: number }> {
  const resident = (): number => {
    const status = readFileSync(`/proc/${stack.pids()[process]}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  };
  const before = resident();
  let peak = before;
  const watching = setInterval(() => {
    peak = Math.max(peak, resident());
  }, 10);
  try {
    await work();
  } finally {
    clearInterval(watching);
  }
  return { before, peak: Math.max(peak, resident()) };
}

/** What the API's heap holds during some work, asked often: garbage that waits for its collection apart. */
export async function liveHeapDuring(
  { stack }: World,
  work: () => Promise<unknown>,
): Promise<LiveHeap> {
  const program = path.join(import.meta.dirname, 'liveHeap.ts');
  const watching = spawn(
    process.execPath,
    // Before Node 22 there is no WebSocket without the flag.
    [
      '--experimental-websocket',
      '--no-warnings',
      '--import',
      'tsx',
      program,
      `${stack.pids().api}`,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const closed = once(watching, 'close');
  const lines = createInterface({ input: watching.stdout });
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      resolve();
    });
    void closed.then(([code]) => reject(new Error(`liveHeap ended with code ${code}`)));
  });
  try {
    await work();
  } finally {
    watching.stdin.end();
    await closed;
  }
  const found: LiveHeap = JSON.parse(said.at(-1) ?? '');
  return found;
}
