import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { median, rounded } from './statistics.ts';

/** What the absolute figures were measured on, so that those of two machines can be compared. */
export function machineSpeed(): { readonly additionsMs: number; readonly syncMs: number } {
  let sum = 0;
  const add = (): void => {
    for (let turn = 0; turn < 1e8; turn += 1) sum += turn % 7;
  };
  const dir = mkdtempSync(path.join(os.tmpdir(), 'surety-speed-'));
  const file = openSync(path.join(dir, 'file'), 'w');
  const sync = (): void => {
    for (let turn = 0; turn < 20; turn += 1) {
      writeSync(file, `${sum}`);
      fsyncSync(file);
    }
  };
  try {
    return { additionsMs: timed(add), syncMs: rounded(timed(sync) / 20, 2) };
  } finally {
    closeSync(file);
    rmSync(dir, { recursive: true });
  }
}

/** Median milliseconds of five times. */
function timed(work: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const startedAt = performance.now();
    work();
    return performance.now() - startedAt;
  });
  return rounded(median(times));
}
