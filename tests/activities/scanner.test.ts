import { Readable } from 'node:stream';
import { openClamd } from '../../src/scanner.ts';
import { eicar } from '../support/clamd.ts';
import { longestStream, startRealClamd } from '../support/realClamd.ts';

describe("ClamAV's own daemon", () => {
  let clamd: Awaited<ReturnType<typeof startRealClamd>>;

  beforeAll(async () => {
    clamd = await startRealClamd();
  }, 300_000);
  afterAll(() => clamd.stop());

  const scan = (...parts: readonly (string | Buffer)[]) =>
    openClamd(clamd.address)(Readable.from(parts));

  it('finds what is in a file, and nothing in others, many at once', async () => {
    const found = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? scan(eicar) : scan('The roof ', 'leaks'))),
    );

    expect(found).toEqual(
      Array.from({ length: 20 }, (_, n) =>
        n % 2 ? { isInfected: true, name: 'Test.Eicar.UNOFFICIAL' } : { isInfected: false },
      ),
    );
  });

  it('takes an empty file for clean', async () => {
    expect(await scan()).toEqual({ isInfected: false });
  });

  it('gives no verdict about more than it reads', async () => {
    const parts = Array.from({ length: 40 }, () => Buffer.alloc(longestStream / 16));

    await expect(scan(...parts)).rejects.toThrow(/size limit exceeded|hung up|EPIPE|ECONNRESET/);
  });
});
