import { checkAudit } from '../../src/commands/auditChecks.ts';
import type { Actor } from '../../src/context.ts';
import { retireAuditMonth } from '../../src/models/auditRetention.ts';
import {
  execute,
  platformCompanyId,
  select,
  withGlobal,
  withTenant,
} from '../../src/models/database.ts';
import { openTestApi, type TestApi } from '../support/api.ts';
import { buildActor, buildCompany, buildPlan } from '../support/build.ts';
import { connect } from '../wall/cluster.ts';
import { sealAll, writeLines } from './chain.ts';

let api: TestApi;
let companyId: string;
let admin: Actor;

const yearsAgo = (years: number, day = 10): Date => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear() - years, now.getUTCMonth() - 1, day));
};
const monthOf = (at: Date): string => `${at.toISOString().slice(0, 7)}-01`;

/** One line in each of these months, which get their partitions first, and one of today. */
async function writeOld(...times: readonly Date[]): Promise<string[]> {
  for (const at of times) {
    await api.database.sql('SELECT app.create_audit_partition($1)', [monthOf(at)]);
  }
  const ids = await writeLines(companyId, [...times.map((timestamp) => ({ timestamp })), {}]);
  await sealAll();
  return ids;
}
const verify = async () => (await api.as(admin).get('/audit-logs/verify')).body.data;

/** Who else may, for the tests: their login is the API's. */
const mayRetire = () =>
  api.database.sql('GRANT EXECUTE ON FUNCTION app.retire_audit_month() TO app_api');

const told = () =>
  api.database.sql(
    `SELECT entity_type AS entity, actor_type AS actor, after FROM core.audit_logs
     WHERE company_id = $1 AND action = 'DELETE' ORDER BY timestamp, id`,
    [platformCompanyId],
  );

const termsTold = () =>
  api.database.sql(
    `SELECT before, after FROM core.audit_logs
     WHERE company_id = $1 AND entity_type = 'audit_term' ORDER BY timestamp, id`,
    [platformCompanyId],
  );

beforeEach(async () => {
  api = await openTestApi();
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});
afterEach(() => api.close());

describe('the retention of the audit', () => {
  it('takes out whole months whose time is over, the oldest first, and tells of it', async () => {
    await mayRetire();
    const other = await buildCompany();
    const old = [yearsAgo(9), yearsAgo(8), yearsAgo(7, 1), yearsAgo(6)];
    const ids = await writeOld(...old);
    await writeLines(other.id, [{}]);
    await sealAll();

    const gone = [await retireAuditMonth(), await retireAuditMonth(), await retireAuditMonth()];

    expect(gone).toEqual(old.slice(0, 3).map(monthOf));
    expect(await retireAuditMonth()).toBeUndefined();
    const kept = await api.database.sql<{ id: string }>(
      'SELECT id FROM core.audit_logs WHERE company_id = $1 ORDER BY timestamp',
      [companyId],
    );
    expect(kept.map(({ id }) => id).slice(0, 2)).toEqual(ids.slice(3));
    expect(await told()).toEqual(
      gone.map((month) => ({ entity: 'audit_month', actor: 'system', after: { month } })),
    );
    expect(await verify()).toMatchObject({ valid: true, retired: 3, first_bad: null });
    expect(await checkAudit(other.id)).toMatchObject({ isValid: true, retired: 0 });
  });

  it('keeps what was written for as long as was said then, whoever lowers a setting', async () => {
    await mayRetire();
    const { id: patient } = await buildCompany({ settings: { audit: { retentionYears: 9 } } });
    await writeOld(yearsAgo(8));
    const before = await retireAuditMonth();

    await withTenant(patient, () => execute(`UPDATE platform.companies SET settings = '{}'`));
    await withGlobal(() =>
      execute(`UPDATE platform.companies SET settings = '{"audit": {"retentionYears": 1}}'`),
    );

    expect([before, await retireAuditMonth()]).toEqual([undefined, undefined]);
    expect(await termsTold()).toEqual([
      { before: { years: 7 }, after: { years: 9 } },
      { before: { years: 9 }, after: { years: 1 } },
    ]);
  });

  it('keeps what is written after a setting was lowered for as long as it says', async () => {
    await mayRetire();
    await api.database.sql(`UPDATE platform.audit_terms SET since = '-infinity'`);
    await api.database.sql('INSERT INTO platform.audit_terms VALUES ($1, 2)', [yearsAgo(8)]);
    await api.database.sql('UPDATE platform.companies SET settings = $1', [
      { audit: { retentionYears: 2 } },
    ]);
    const old = [yearsAgo(8), yearsAgo(6), yearsAgo(3), yearsAgo(1)];
    await writeOld(...old);

    const gone = [await retireAuditMonth(), await retireAuditMonth(), await retireAuditMonth()];

    expect(gone).toEqual(old.slice(0, 3).map(monthOf));
    expect(await retireAuditMonth()).toBeUndefined();
    expect(await termsTold()).toEqual([]);
  });

  it('keeps for seven years what a company has said nothing of, whatever the platform says', async () => {
    await mayRetire();
    await api.database.sql(`UPDATE platform.audit_terms SET since = '-infinity', years = 2`);
    const { id: gone } = await buildCompany({ settings: { audit: { retentionYears: 10 } } });
    await api.database.sql('UPDATE platform.companies SET archived_at = now() WHERE id = $1', [
      gone,
    ]);
    await api.database.sql('UPDATE platform.companies SET settings = $2 WHERE id = $1', [
      platformCompanyId,
      { audit: { retentionYears: 2 } },
    ]);
    await writeOld(yearsAgo(8), yearsAgo(6));

    const retired = [await retireAuditMonth(), await retireAuditMonth()];

    expect(retired).toEqual([monthOf(yearsAgo(8)), undefined]);
    expect(await termsTold()).toEqual([{ before: { years: 2 }, after: { years: 7 } }]);
  });

  it('keeps a month with a line that is not sealed', async () => {
    await mayRetire();
    await writeOld(yearsAgo(9));
    await writeLines(companyId, [{ timestamp: yearsAgo(9, 11) }]);

    await expect(retireAuditMonth()).rejects.toThrow('1 lines of core.audit_logs_');

    expect(await api.database.sql('SELECT 1 FROM core.audit_retired')).toEqual([]);
  });

  it('hides nothing: a line that is gone from a month that stayed is missing', async () => {
    await mayRetire();
    const ids = await writeOld(yearsAgo(9), yearsAgo(6), yearsAgo(5));
    await retireAuditMonth();
    await api.database.sql('DELETE FROM core.audit_logs WHERE id = $1', [ids[2]]);
    const missing = { valid: false, first_bad: { seq: 3, audit_id: ids[2], kind: 'missing' } };
    expect(await verify()).toMatchObject(missing);

    // Not even whoever owns the database can say afterwards that its time was over.
    await api.database.sql(
      `INSERT INTO core.audit_retired (company_id, month, lines, last_at)
       VALUES ($1, now() - interval '5 years', 1, now() - interval '1 year')`,
      [companyId],
    );

    expect(await verify()).toMatchObject({ valid: false, first_bad: { kind: 'missing' } });
  });

  it('refuses everybody but the workers, by whatever door', async () => {
    await writeOld(yearsAgo(9));
    const calls = ['retire_audit_month()', 'retire_audit_month(1)', 'drop_audit_month(1)'];
    const refused = 'permission denied for function';

    for (const sql of calls.map((call) => `SELECT app.${call}`)) {
      await expect(withGlobal(() => select(sql))).rejects.toThrow(refused);
      await expect(withTenant(platformCompanyId, () => select(sql))).rejects.toThrow(refused);
    }
    await expect(
      withGlobal(() =>
        execute(`INSERT INTO core.audit_retired SELECT $1, now(), 1, now()`, [companyId]),
      ),
    ).rejects.toThrow('permission denied');

    expect(await api.database.sql('SELECT 1 FROM core.audit_retired')).toEqual([]);
  });

  it('hears no years of a worker of the release before, and tells of what went all the same', async () => {
    await writeOld(yearsAgo(9), yearsAgo(6));
    const worker = await connect(api.database.workerUrl);
    const gone: unknown[] = [];

    await worker.query('BEGIN; SET LOCAL ROLE app_global');
    for (const years of [1, null]) {
      const { rows } = await worker.query('SELECT app.retire_audit_month($1)::text AS month', [
        years,
      ]);
      gone.push(...rows);
    }
    await worker.query('COMMIT');
    await worker.end();

    expect(gone).toEqual([{ month: monthOf(yearsAgo(9)) }, { month: null }]);
    expect(await told()).toEqual([
      { entity: 'audit_month', actor: 'system', after: { month: monthOf(yearsAgo(9)) } },
    ]);
  });

  it('says of an object as it was then that the audit of that time is gone', async () => {
    await mayRetire();
    const plan = await buildPlan({ companyId });
    await api.database.sql(
      `UPDATE shared.insurance_plans SET created_at = now() - interval '10 years' WHERE id = $1`,
      [plan.id],
    );
    await writeOld(yearsAgo(9), yearsAgo(6));
    await retireAuditMonth();
    const asOf = (at: Date) =>
      api.as(admin).get(`/plans/${plan.id}/as-of`, { at: at.toISOString() });

    expect(await asOf(yearsAgo(9, 9))).toMatchObject({
      status: 422,
      body: { details: [{ field: 'at', code: 'OUT_OF_RANGE' }] },
    });
    expect((await asOf(yearsAgo(8))).status).toBe(200);
  });
});
