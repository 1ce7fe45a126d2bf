import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { projectDir } from '../../local/dataDir.ts';
import { claimPort } from '../../local/ports.ts';
import type { Say } from '../../local/progress.ts';
import type { Row } from '../report.ts';
import { median, rounded } from '../statistics.ts';

const endsWithinMs = 180_000;

/** What `npm start` runs, on an empty folder until it is ready, then once more on that folder. */
export async function start({ rounds }: { readonly rounds: number }, say: Say): Promise<Row[]> {
  const firsts: number[] = [];
  const seconds: number[] = [];
  const putBack = rememberDataLink();
  for (let round = 1; round <= rounds; round += 1) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'surety-bench-start-'));
    try {
      firsts.push(await startOnce(folder));
      seconds.push(await startOnce(folder));
    } finally {
      putBack();
      rmSync(folder, { recursive: true, force: true });
    }
    say(`round ${round} of ${rounds}: ${firsts.at(-1)} s, again ${seconds.at(-1)} s`);
  }
  return [
    {
      figure: 'npm start on empty data, to ready',
      measured: `${median(firsts)} s (again on its data ${median(seconds)} s)`,
      target: '<= 20 s',
      met: median(firsts) <= 20,
      detail: { firsts, seconds },
    },
  ];
}

/** @returns seconds until everything answered */
async function startOnce(dataDir: string): Promise<number> {
  const services = ['POSTGRES_PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'SMTP_PORT'];
  const ports = [...services, 'PAYMENT_GATEWAY_PORT', 'PORT'];
  const env: NodeJS.ProcessEnv = { ...process.env, SURETY_DATA: dataDir };
  for (const name of [...ports, 'WORKER_PORT']) env[name] = String(await claimPort(0, { name }));
  const elsewhere = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'SMTP_URL', 'PAYMENT_GATEWAY_URL'];
  for (const name of elsewhere) delete env[name];
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', 'tsx', 'local/start.ts', '--until-ready'], {
    cwd: projectDir,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const tooLong = setTimeout(() => child.kill('SIGINT'), endsWithinMs);
  const said: string[] = [];
  let readyAfter: number | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line);
      if (line.startsWith('Surety is ready')) readyAfter = (performance.now() - startedAt) / 1000;
    });
  }
  await closed;
  clearTimeout(tooLong);
  if (readyAfter === undefined) throw new Error(`It did not start:\n${said.slice(-15).join('\n')}`);
  return rounded(readyAfter);
}

/** `.data` is led to the folder of the last start; afterwards it is as it was. */
function rememberDataLink(): () => void {
  const place = path.join(projectDir, '.data');
  const found = lstatSync(place, { throwIfNoEntry: false });
  const target = found?.isSymbolicLink() ? readlinkSync(place) : undefined;
  return () => {
    const isLink = lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
    if (isLink) rmSync(place);
    if (target !== undefined) symlinkSync(target, place);
    else if (found?.isDirectory() && !existsSync(place)) mkdirSync(place, { mode: 0o700 });
  };
}
