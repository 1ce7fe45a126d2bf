import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import { sealBatch, sealingLag, sealNext } from '../../src/models/auditSeals.ts';
import { flush, withTenant } from '../../src/models/database.ts';
import { startSealer } from '../../worker/sealer.ts';
import { buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { appendLines, sealAll, writeLines } from './chain.ts';

let database: TestDatabase;
const log = pino({ level: 'silent' });

beforeEach(async () => {
  database = await openTestDatabase({ poolMax: 10 });
});
afterEach(() => database.close());

const lines = (count: number): Record<string, never>[] => Array.from({ length: count }, () => ({}));

/** Something that another piece of work waits for. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

const chainOf = (companyId: string): Promise<{ seq: number; id: string; isLinked: boolean }[]> =>
  database.sql(
    `SELECT seq::int, audit_id AS id,
       prev_hash = coalesce(lag(hash) OVER (ORDER BY seq), repeat('0', 64)) AS "isLinked"
     FROM core.audit_seals WHERE company_id = $1 ORDER BY seq`,
    [companyId],
  );

describe('sealing', () => {
  it("puts every line into its own company's chain, once", async () => {
    const [one, other] = [await buildCompany(), await buildCompany()];
    const ids = await writeLines(one.id, lines(3));
    await writeLines(other.id, lines(2));
    await sealAll();
    ids.push(...(await writeLines(one.id, lines(1))));

    await sealAll();
    await sealAll();

    expect(await chainOf(one.id)).toEqual(
      ids.map((id, index) => ({ seq: index + 1, id, isLinked: true })),
    );
    expect(await chainOf(other.id)).toHaveLength(2);
    expect(await sealingLag()).toBe(0);
  });

  it('seals a line whose transaction commits after a later one was sealed', async () => {
    const { id: companyId } = await buildCompany();
    const [isWritten, laterIsSealed] = [gate(), gate()];
    const late = withTenant(companyId, async () => {
      const [id] = appendLines([{ timestamp: new Date(Date.now() - 60_000) }]);
      await flush();
      isWritten.open();
      await laterIsSealed.opened;
      return id;
    });
    await isWritten.opened;
    const [prompt] = await writeLines(companyId, lines(1));
    await sealAll();
    expect(await chainOf(companyId)).toHaveLength(1);

    laterIsSealed.open();
    const lateId = await late;
    // A minute late: only the look all the way back finds it.
    expect(await sealNext('recent')).toBe(0);
    await sealAll();
    await sealAll();

    const chain = await chainOf(companyId);
    expect(chain.map(({ id }) => id)).toEqual([prompt, lateId]);
    expect(chain.every(({ isLinked }) => isLinked)).toBe(true);
  });

  it('goes on in pages after a long time without a sealer, and after a date in the future', async () => {
    const { id: companyId } = await buildCompany();
    const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);
    const backlog = Array.from({ length: sealBatch + 10 }, (_, index) => ({
      timestamp: daysAgo(index % 30),
    }));
    await writeLines(companyId, [{ timestamp: daysAgo(-400) }, ...backlog]);

    expect(await sealNext()).toBe(sealBatch);
    expect(await sealNext()).toBe(11);
    await writeLines(companyId, lines(1));
    expect(await sealNext()).toBe(1);

    expect(await chainOf(companyId)).toHaveLength(sealBatch + 12);
  });

  it('is done by one process at a time, and by the others when that one stops', async () => {
    const { id: companyId } = await buildCompany();
    await writeLines(companyId, lines(sealBatch * 2));

    const sealers = [startSealer({ log }), startSealer({ log })];
    await Promise.all([sealAll(), sealAll(), sealAll()]);
    await sealers[0]?.stop();
    await writeLines(companyId, lines(1));
    while ((await chainOf(companyId)).length < sealBatch * 2 + 1) {
      await setTimeout(100);
    }
    await sealers[1]?.stop();

    const chain = await chainOf(companyId);
    expect(chain.map(({ seq }) => seq)).toEqual(lines(sealBatch * 2 + 1).map((_, i) => i + 1));
    expect(chain.every(({ isLinked }) => isLinked)).toBe(true);
  });
});
