import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startStack, type Stack } from '../../local/stack.ts';

const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-demo-'));
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    dataDir,
    ports: 'free',
    built: true,
    throwaway: true,
    env: { LOG_LEVEL: 'warn' },
  });
}, 600_000);

afterAll(async () => {
  await stack.stop();
  rmSync(dataDir, { recursive: true });
});

describe('npm run demo', () => {
  it('tells its story against what npm start brings up', async () => {
    const { code, said } = await runDemo();

    expect([code, said]).toEqual([
      0,
      expect.stringMatching(
        /Register and sign in[^]*Subscribe[^]*expired[^]*claim[^]*paid[^]*the onboarding is over[^]*Told in/,
      ),
    ]);
  }, 900_000);
});

function runDemo(): Promise<{ code: number | null; said: string }> {
  const program = spawn(process.execPath, ['--import', 'tsx', 'local/demo.ts'], {
    env: { ...process.env, SURETY_URL: stack.urls.api, SURETY_DATA: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [program.stdout, program.stderr]) {
    stream.on('data', (part: Buffer) => (said += part.toString()));
  }
  return new Promise((resolve, reject) => {
    program.once('error', reject);
    program.once('close', (code) => resolve({ code, said }));
  });
}
