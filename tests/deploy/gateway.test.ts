import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { claimPort } from '../../local/ports.ts';

describe('the simulated payment gateway of docker-compose.yml', () => {
  const compose = readFileSync('docker-compose.yml', 'utf8');
  const dir = mkdtempSync(path.join(tmpdir(), 'surety-compose-gateway-'));

  afterAll(() => rmSync(dir, { recursive: true }));

  it('runs by the command of its service, moves money by its key, and ends in peace', async () => {
    const command = /command: \[node, (dist\/local\/.+)\]/.exec(compose)?.[1] ?? '';
    const port = await claimPort(0, { name: 'the gateway' });
    const child = spawn(process.execPath, [command], {
      env: {
        GATEWAY_DIR: dir,
        GATEWAY_HOST: '0.0.0.0',
        GATEWAY_PORT: `${port}`,
        GATEWAY_KEY: 'key',
      },
      stdio: 'inherit',
    });
    const ended = once(child, 'exit');
    const url = `http://127.0.0.1:${port}`;
    while (!(await fetch(`${url}/health/ready`).catch(() => undefined))?.ok) {
      if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}`);
      await setTimeout(50);
    }

    const answer = await fetch(`${url}/transfers`, {
      method: 'POST',
      headers: { Authorization: 'Bearer key', 'Idempotency-Key': 'payment/1' },
      body: JSON.stringify({ kind: 'charge', attempt: 1, payment_id: '1', amount: '12.00' }),
    });
    child.kill('SIGTERM');

    expect(await answer.json()).toMatchObject({ status: 'completed', amount: '12.00' });
    expect(await ended).toEqual([0, null]);
    expect(readFileSync(path.join(dir, 'ledger.jsonl'), 'utf8')).toContain('payment/1');
  });
});
