import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { findTemporal, startTemporal, type TemporalServer } from '../../local/temporal.ts';
import { findTestServer } from '../../local/testServer.ts';
import { startSkippingServer } from '../support/skippingServer.ts';

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'surety-temporal-'));
});

afterAll(() => rmSync(dir, { recursive: true }));

async function withClient<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection, namespace: 'surety' }));
  } finally {
    await connection.close();
  }
}

const waiting = { taskQueue: 'nobody', workflowId: 'waiting' };

describe('the Temporal dev server', () => {
  it('keeps its runs over a restart, and closed ones for 30 days', async () => {
    const binary = await findTemporal();
    const start = (): Promise<TemporalServer> =>
      startTemporal({
        binary,
        dbFile: path.join(dir, 'state.db'),
        port: 0,
        namespace: 'surety',
        throwaway: true,
      });

    const first = await start();
    await withClient(first.address, (client) => client.workflow.start('waits', waiting));
    await expect(start()).rejects.toThrow(/^Temporal on .* is already running/);
    await first.stop();

    const second = await start();
    const [found, retention] = await withClient(second.address, async (client) => {
      const { namespaceInfo: _info, config } =
        await client.connection.workflowService.describeNamespace({ namespace: 'surety' });
      return [
        await client.workflow.getHandle(waiting.workflowId).describe(),
        config?.workflowExecutionRetentionTtl?.seconds?.toNumber(),
      ] as const;
    });
    await second.stop();

    expect(found.status.name).toBe('RUNNING');
    expect(retention).toBe(30 * 24 * 3600);
  });
});

describe('the time-skipping test server', () => {
  it('skips time', async () => {
    const environment = await startSkippingServer(await findTestServer());

    const before = await environment.currentTimeMs();
    await environment.sleep('31 days');
    expect(await environment.currentTimeMs()).toBeGreaterThanOrEqual(before + 31 * 86_400_000);

    await environment.teardown();
  });
});
