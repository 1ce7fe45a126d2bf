import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { lstatSync, mkdtempSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { projectDir } from '../../local/dataDir.ts';
import { claimPort } from '../../local/ports.ts';

const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-start-'));

/** Leads to the data that were started last, which are not these once the test is over. */
const link = path.join(projectDir, '.data');
const ledTo = isLink(link) ? readlinkSync(link) : undefined;

afterAll(() => {
  if (isLink(link)) {
    rmSync(link);
    if (ledTo !== undefined) symlinkSync(ledTo, link);
  }
  rmSync(dataDir, { recursive: true });
});

function isLink(place: string): boolean {
  return lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** What `npm start` runs, at a terminal of its own. */
interface Terminal {
  readonly program: ChildProcess;
  said(): string;
  readonly exitCode: Promise<number | null>;
  /** Waits until it has said so. */
  says(words: string | RegExp): Promise<void>;
}

async function start(): Promise<Terminal> {
  const ports = [
    'POSTGRES_PORT',
    'TEMPORAL_PORT',
    'TEMPORAL_UI_PORT',
    'SMTP_PORT',
    'PAYMENT_GATEWAY_PORT',
    'PORT',
    'WORKER_PORT',
  ];
  const free = await Promise.all(
    ports.map(async (name) => [name, String(await claimPort(0, { name }))]),
  );
  const program = spawn(process.execPath, ['--import', 'tsx', 'local/start.ts'], {
    env: { ...process.env, ...Object.fromEntries(free), SURETY_DATA: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [program.stdout, program.stderr]) {
    stream.on('data', (part: Buffer) => (said += part.toString()));
  }
  const exitCode = new Promise<number | null>((resolve) => program.once('close', resolve));
  return {
    program,
    said: () => said,
    exitCode,
    async says(words) {
      for (const until = Date.now() + 240_000; said.search(words) < 0; await pause(20)) {
        if (Date.now() > until || program.exitCode !== null) throw new Error(said);
      }
    },
  };
}

const services = {
  api: 'src/api/main.ts',
  worker: 'worker/main.ts',
  temporal: 'start-dev',
  postgres: `${dataDir}/postgres`,
  gateway: 'local/gatewayMain.ts',
} as const;

/** Its processes that run now; it is their parent. */
function childrenOf({ program }: Terminal): ReadonlyMap<number, string> {
  const lines = execFileSync('ps', ['-axo', 'pid=,ppid=,command='], { encoding: 'utf8' }).split(
    '\n',
  );
  return new Map(
    lines.flatMap((line) => {
      const [, pid, parent, command = ''] = /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? [];
      const found = Object.entries(services).find(([, words]) => command.includes(words));
      return Number(parent) === program.pid && found ? [[Number(pid), found[0]] as const] : [];
    }),
  );
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** In the order in which they end. */
async function endings(running: ReadonlyMap<number, string>): Promise<string[]> {
  const left = new Map(running);
  const ended: string[] = [];
  for (const until = Date.now() + 120_000; left.size > 0 && Date.now() < until; await pause(2)) {
    for (const [pid, name] of left) {
      if (runs(pid)) continue;
      ended.push(name);
      left.delete(pid);
    }
  }
  return ended;
}

describe('npm start', () => {
  it('is interrupted while API and worker come up, and leaves nothing running', async () => {
    const terminal = await start();
    await terminal.says('API and worker ...');
    let running = childrenOf(terminal);
    while (![...running.values()].includes('worker')) {
      await pause(5);
      running = childrenOf(terminal);
    }
    const ended = endings(running);

    terminal.program.kill('SIGINT');

    expect(await terminal.exitCode).toBe(130);
    expect((await ended).slice(-3)).toEqual(['temporal', 'postgres', 'gateway']);
    expect((await ended).toSorted()).toEqual(Object.keys(services).toSorted());
  });

  it('stops API, worker, Temporal and Postgres one after the other on Ctrl-C', async () => {
    const terminal = await start();
    await terminal.says('Surety is ready');
    const ended = endings(childrenOf(terminal));

    terminal.program.kill('SIGINT');

    expect(await terminal.exitCode).toBe(0);
    expect(await ended).toEqual(['api', 'worker', 'temporal', 'postgres', 'gateway']);
  });

  it('says which process has ended, starts it not again, and stops the others', async () => {
    const terminal = await start();
    await terminal.says('Surety is ready');
    const running = childrenOf(terminal);
    const ended = endings(running);
    const [worker] = [...running].find(([, name]) => name === 'worker') ?? [0];

    process.kill(worker, 'SIGKILL');

    expect(await terminal.exitCode).toBe(1);
    expect(terminal.said()).toContain('The worker process was ended by SIGKILL.');
    expect(await ended).toEqual(['worker', 'api', 'temporal', 'postgres', 'gateway']);
  });
});
