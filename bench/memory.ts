import { readFileSync } from 'node:fs';
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
