import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hold } from '../../local/holdFile.ts';

let dir: string;
let file: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'surety-hold-'));
  file = path.join(dir, 'data.pid');
});

afterEach(() => rmSync(dir, { recursive: true }));

describe('hold', () => {
  it('lets one owner in at a time', async () => {
    const held = await hold({ file, what: 'The data' });

    await expect(hold({ file, what: 'The data' })).rejects.toThrow(
      `The data is already running (process ${process.pid}).`,
    );

    held.release();
    (await hold({ file, what: 'The data' })).release();
    expect(existsSync(file)).toBe(false);
  });

  it('takes over from a dead owner, and ends the server it left', async () => {
    const server = spawn('sleep', ['60']);
    const ended = new Promise((resolve) => server.once('exit', (_code, signal) => resolve(signal)));
    const held = await hold({ file, what: 'The data' });
    held.add(server.pid ?? 0);
    const holders = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...holders, owner: { pid: 1, started: 'long ago' } }));
    const said: string[] = [];

    const next = await hold({ file, what: 'The data', onOutput: (line) => said.push(line) });

    expect(await ended).toBe('SIGINT');
    expect(said).toEqual([`Stopping process ${server.pid}, left by an earlier start`]);
    next.release();
  });

  it('leaves alone a process that only has the number of the one that was left', async () => {
    const stranger = spawn('sleep', ['60']);
    const gone = { pid: 1, started: 'long ago' };
    const server = { pid: stranger.pid, started: 'long ago' };
    writeFileSync(file, JSON.stringify({ owner: gone, servers: [server] }));

    const held = await hold({ file, what: 'The data' });

    // One that a signal has ended has no code either.
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
    held.release();
    stranger.kill();
  });
});
