import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startProcess, type Child } from '../../local/children.ts';
import { claimPort } from '../../local/ports.ts';

let dir: string;
let port: number;

beforeEach(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'surety-child-'));
  port = await claimPort(0, { name: 'the test' });
});

afterEach(() => rmSync(dir, { recursive: true }));

function run(program: string, isBackground = false): Promise<Child> {
  const script = path.join(dir, 'program.ts');
  writeFileSync(script, program);
  return startProcess({
    name: 'test',
    script,
    env: { PATH: process.env['PATH'], PORT: String(port) },
    isBackground,
    logs: path.join(dir, 'logs'),
    readyUrl: `http://127.0.0.1:${port}/`,
    timeoutMs: 120_000,
  });
}

const server = `
  import { createServer } from 'node:http';
  const server = createServer((request, response) => {
    if (request.url === '/die') throw new Error('out of luck');
    response.end('ready');
  });
  server.listen(Number(process.env['PORT']), '127.0.0.1');
`;

describe('startProcess', () => {
  it('waits until the program answers, and lets it drain when stopped', async () => {
    const child = await run(`${server}
      process.once('SIGTERM', () => server.close(() => { console.log('drained'); process.exit(); }));
    `);

    await child.stop();

    expect(await child.exited).toContain('The test process ended with code 0.');
    expect(readFileSync(path.join(dir, 'logs', 'test.log'), 'utf8')).toBe('drained\n');
  });

  it('gives a program in the background less of a busy processor', async () => {
    const child = await run(server, true);
    try {
      expect(os.getPriority(child.pid)).toBe(5);
    } finally {
      await child.stop();
    }
  });

  it('shows the last lines of a program that dies by itself', async () => {
    const child = await run(server);

    await fetch(`http://127.0.0.1:${port}/die`).catch(() => undefined);

    expect(await child.exited).toMatch(/ended with code 1\.[^]*Error: out of luck/);
  });

  it('fails at once if the program ends before it is ready', async () => {
    await expect(run(`console.error('no configuration'); process.exit(3);`)).rejects.toThrow(
      /^The test process ended with code 3\. The last lines of .*test\.log:\nno configuration$/,
    );
  });
});
