import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** One line of the table. */
export interface Row {
  readonly figure: string;
  readonly measured: string;
  readonly baseline?: string;
  readonly ratio?: number;
  readonly target: string;
  /** undefined where the figure is only shown. */
  readonly met?: boolean;
  /** How busy others kept the machine just before, 0 to 1. */
  readonly busyBefore?: number;
  /** What the file keeps beside the table. */
  readonly detail?: object;
}

const heads = ['figure', 'measured', 'baseline', 'ratio', 'target', 'met', 'others busy'] as const;

export function printTable(rows: readonly Row[]): void {
  const cells = [
    [...heads],
    ...rows.map(({ figure, measured, baseline = '', ratio, target, met, busyBefore }) => [
      figure,
      measured,
      baseline,
      ratio === undefined ? '' : ratio.toFixed(2),
      target,
      met === undefined ? 'shown' : met ? 'yes' : 'NO',
      busyBefore === undefined ? '' : `${Math.round(busyBefore * 100)} %`,
    ]),
  ];
  const widths = heads.map((_, column) =>
    Math.max(...cells.map((line) => (line[column] ?? '').length)),
  );
  const lines = cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const [head, ...body] = lines;
  console.log(['', head, widths.map((width) => '-'.repeat(width)).join('  '), ...body].join('\n'));
}

/** @returns where the results lie, below the project's folder */
export function keepResults(name: string, rows: readonly Row[], facts: object): string {
  const folder = path.join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const now = new Date();
  const file = path.join(folder, `${now.toISOString().slice(0, 10)}-${name}.json`);
  const machine = {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpus: os.cpus().length,
    cpu: os.cpus()[0]?.model ?? '',
    memory_mb: Math.round(os.totalmem() / 2 ** 20),
  };
  const kept = { at: now.toISOString(), machine, ...facts, rows };
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`);
  return path.relative(process.cwd(), file);
}
