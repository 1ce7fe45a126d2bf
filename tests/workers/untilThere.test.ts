import { openTemporal } from '../../src/commands/temporal.ts';
import { CannotStart } from '../../src/errors.ts';
import { claimPort } from '../../local/ports.ts';
import { readConfig } from '../../src/config.ts';
import { ensureSearchAttributes } from '../../worker/searchAttributes.ts';
import { untilThere } from '../../worker/untilThere.ts';

describe('a worker without its Temporal', () => {
  it('says so in one sentence, and within its patience', async () => {
    const port = await claimPort(0, { name: 'nobody' });
    const temporal = openTemporal(
      readConfig({
        DATABASE_URL: 'postgres://x@127.0.0.1/x',
        TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
      }),
    );
    const told: unknown[] = [];
    const log = { warn: (...line: unknown[]) => void told.push(line) };
    const startedAt = performance.now();

    const waiting = untilThere(
      temporal.connection,
      log,
      () => ensureSearchAttributes(temporal.connection, 'default'),
      3000,
    );

    await expect(waiting).rejects.toThrow(CannotStart);
    await expect(waiting).rejects.toThrow(/^Temporal cannot be used at TEMPORAL_ADDRESS: [^\n]+$/);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await temporal.close();
  });

  it('goes on as soon as Temporal answers', async () => {
    const temporal = openTemporal(readConfig({ DATABASE_URL: 'postgres://x@127.0.0.1/x' }));
    let tries = 0;

    await untilThere(temporal.connection, { warn: () => {} }, async () => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
    });

    expect(tries).toBe(2);
    await temporal.close();
  });
});
