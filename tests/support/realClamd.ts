import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { claimPort } from '../../local/ports.ts';
import type { Say } from '../../local/progress.ts';
import { answers, firstThatWorks, programOf, runTool, toolCache } from '../../local/toolCache.ts';
import { eicar } from './clamd.ts';

/** The program, and where the libraries are that came with it. */
interface Installed {
  readonly program: string;
  readonly libraries?: string;
}

/** Bytes that this one reads of a file before it gives up. */
export const longestStream = 1024 * 1024;

/** ClamAV's own daemon, which knows one signature: that of the EICAR test file. */
export async function startRealClamd(): Promise<{ address: string; stop(): Promise<void> }> {
  const { program, libraries } = await findClamd({ progress: (line) => console.info(line) });
  const dir = mkdtempSync(path.join(tmpdir(), 'surety-clamd-'));
  const port = await claimPort(0, { name: 'clamd', variable: 'CLAMD' });
  const sum = createHash('md5').update(eicar).digest('hex');
  writeFileSync(path.join(dir, 'test.hdb'), `${sum}:${eicar.length}:Test.Eicar\n`);
  const settings = {
    TCPSocket: port,
    TCPAddr: '127.0.0.1',
    DatabaseDirectory: dir,
    StreamMaxLength: longestStream,
    Foreground: 'yes',
  };
  const config = path.join(dir, 'clamd.conf');
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(config, lines.join(''));
  const server = spawn(program, ['--config-file', config], {
    stdio: 'ignore',
    env: { ...process.env, ...(libraries && { LD_LIBRARY_PATH: libraries }) },
  });
  const ended = new Promise((resolve) => server.once('close', resolve));
  while (!(await listens(port))) {
    if (server.exitCode !== null) throw new Error(`clamd ended with ${server.exitCode}`);
    await pause(100);
  }
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      server.kill();
      await ended;
      rmSync(dir, { recursive: true });
    },
  };
}

/**
 * Finds, or gets once, the daemon: the one that CLAMD names, else one that is installed, else our cache, else
 * Debian's packages, for which nobody has to be root.
 * @throws Error that says what to install
 */
export async function findClamd({ progress }: { progress: Say }): Promise<Installed> {
  const given = programOf('CLAMD');
  if (given) return { program: given };
  const installed = ['clamd', '/usr/sbin/clamd'].find((name) => answers(name, '--version'));
  if (installed) return { program: installed };

  const home = path.join(toolCache(), 'clamd');
  if (!existsSync(home)) {
    await firstThatWorks({
      place: home,
      ways: [
        async (draft) => {
          if (!answers('apt-get', '--version')) return undefined;
          await unpackPackages(draft, progress);
          if (!existsSync(home)) renameSync(path.join(draft, 'root'), home);
          return home;
        },
      ],
      advice:
        'The test of the scanner needs clamd: install ClamAV, or set CLAMD to the path of clamd.',
    });
  }
  const libraries = path.join(home, 'usr', 'lib');
  const [triplet = ''] = readdirSync(libraries).filter((name) => name.includes('linux-gnu'));
  return {
    program: path.join(home, 'usr', 'sbin', 'clamd'),
    libraries: path.join(libraries, triplet),
  };
}

/** What the machine lacks of the daemon and its libraries, unpacked below `root` and installed nowhere. */
async function unpackPackages(draft: string, progress: Say): Promise<void> {
  for (const dir of ['lists/partial', 'cache/archives/partial', 'root']) {
    mkdirSync(path.join(draft, dir), { recursive: true });
  }
  const own = [
    `Dir::State::Lists=${draft}/lists`,
    `Dir::Cache=${draft}/cache`,
    'Debug::NoLocking=true',
    'APT::Sandbox::User=',
  ].flatMap((option) => ['-o', option]);
  const apt = (...args: string[]) =>
    runTool({
      command: 'apt-get',
      args: [...own, '-q', ...args],
      cwd: draft,
      doing: "getting ClamAV's daemon from Debian",
      progress,
    });
  await apt('update');
  await apt('install', '--download-only', '--yes', '--no-install-recommends', 'clamav-daemon');
  const archives = path.join(draft, 'cache', 'archives');
  for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
    await runTool({
      command: 'dpkg-deb',
      args: ['-x', path.join(archives, name), path.join(draft, 'root')],
      cwd: draft,
      doing: `unpacking ${name}`,
      progress,
    });
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
