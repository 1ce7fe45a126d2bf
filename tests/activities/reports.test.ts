import { v7 as uuid } from 'uuid';
import { createReports, type ReportWish } from '../../src/commands/reports.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { execute, withGlobal } from '../../src/models/database.ts';
import { readTable, mostRows } from '../../src/models/reportData.ts';
import { withTenant } from '../../src/models/database.ts';
import { as, buildActor, buildCompany, buildSubscription, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { ledgerOf } from '../support/ledger.ts';
import { reportsWithoutWorker } from '../support/reports.ts';

describe('what the worker does for reports', () => {
  let database: TestDatabase;
  const commands = createReports({ dispatcher: { dispatch: () => undefined } });

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  async function ask(changes: Partial<ReportWish> = {}) {
    const { id: companyId } = await buildCompany();
    const author = await buildActor({ companyId, role: 'tenant_admin' });
    const wish: ReportWish = {
      name: 'Policies',
      reportType: 'policy_type_analysis',
      filters: {},
      format: 'json',
      ...changes,
    };
    const made = await as(author, () => commands.create(author, wish, once(author)));
    if (made instanceof Replay) throw new Error('A first request is no replay');
    return { companyId, author, id: made.report.id };
  }

  it('a generation twice leaves what it left once', async () => {
    const { companyId, id } = await ask();
    const worker = reportsWithoutWorker();

    const first = await worker.generate(companyId, id);
    const after = await ledgerOf(database, companyId);
    const second = await worker.generate(companyId, id);

    expect(second).toEqual(first);
    expect(first).toEqual({ status: 'ready', generation: 1, stateVersion: 3, isClosed: true });
    expect(await ledgerOf(database, companyId)).toEqual(after);
  });

  it('a failure after the end, or of an older generation, changes nothing', async () => {
    const { companyId, author, id } = await ask();
    const worker = reportsWithoutWorker();
    const fail = (generation: number) =>
      worker.activities.failReport({
        companyId,
        reportId: id,
        generation,
        at: Date.now(),
        error: 'Too late',
      });

    await worker.generate(companyId, id);
    expect(await fail(1)).toMatchObject({ status: 'ready' });
    await as(author, () => commands.generate(author, id, once(author)));
    expect(await fail(1)).toMatchObject({ status: 'pending', generation: 2 });
    expect(await worker.generate(companyId, id, 1)).toMatchObject({ status: 'pending' });
    const failed = await fail(2);
    expect(await fail(2)).toEqual(failed);
    expect(failed).toMatchObject({ status: 'failed', isClosed: true });
  });

  it('reads a company alone, and no more rows than a report holds', async () => {
    const { companyId } = await buildSubscription();
    await database.sql(
      `INSERT INTO shared.policies (company_id, id, policy_number, policy_type, policyholder_name,
         policyholder_email, coverage_amount, premium, currency, start_date, end_date, status)
       SELECT $1, gen_random_uuid(), 'N-' || n, 'home', 'Ida', 'ida@example.com', 2, 1, 'C' || n,
         '2026-01-01', '2027-01-01', 'active'
       FROM generate_series(1, $2::integer) n`,
      [companyId, mostRows + 10],
    );
    const question = {
      filters: {},
      period: { from: null, to: null },
      timeZone: 'UTC',
    };
    const read = (id: string) =>
      withTenant(id, () => readTable('policy_type_analysis', 0, question));

    const own = await read(companyId);
    const other = await read((await buildCompany()).id);

    expect([own.rows.length, own.isTruncated]).toEqual([mostRows, true]);
    expect([other.rows, other.isTruncated]).toEqual([[], false]);
  });

  it('aligns the schedules with the rows, and removes those of reports that are gone', async () => {
    const worker = reportsWithoutWorker();
    const align = () =>
      worker.inActivity('schedule/alignReports', worker.activities.alignReportSchedules);
    const daily = { frequency: 'daily', hour: 7 } as const;
    const kept = await ask({ schedule: daily });
    const deleted = await ask({ schedule: daily });
    const closed = await ask({ schedule: daily });
    await ask();
    const orphan = { companyId: uuid(), reportId: uuid(), schedule: daily, timeZone: 'UTC' };
    await worker.schedules.put(orphan);
    const kinds = () => [...worker.schedules.kept.keys()].toSorted();

    expect(await align()).toEqual({ put: 3, removed: 1 });
    expect(kinds()).toEqual([kept.id, deleted.id, closed.id].toSorted());
    expect(await align()).toEqual({ put: 0, removed: 0 });

    await as(deleted.author, () => commands.archive(deleted.author, deleted.id, undefined));
    await withGlobal(() =>
      execute('UPDATE platform.companies SET archived_at = now() WHERE id = $1', [
        closed.companyId,
      ]),
    );
    await withGlobal(() =>
      execute(`UPDATE platform.companies SET time_zone = 'UTC' WHERE id = $1`, [kept.companyId]),
    );
    expect(await align()).toEqual({ put: 1, removed: 2 });
    expect(worker.schedules.kept.get(kept.id)).toMatchObject({ timeZone: 'UTC' });
    expect(kinds()).toEqual([kept.id]);
  });
});
