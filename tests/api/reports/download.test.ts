import type { Actor } from '../../../src/context.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { reportsWithoutWorker } from '../../support/reports.ts';

let api: TestApi;
let companyId: string;
let manager: Actor;
const worker = reportsWithoutWorker();

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  manager = await buildActor({ companyId, role: 'claims_manager' });
});

/** A file's text; supertest does not read one that is not JSON. */
const textOf = (answer: { text?: string; body: unknown }): string =>
  answer.text ?? (Buffer.isBuffer(answer.body) ? answer.body.toString() : '');

async function generated(body: object = {}): Promise<string> {
  const wish = { name: 'Policies', report_type: 'policy_type_analysis', ...body };
  const { body: answer } = await api.as(manager).post('/reports', wish);
  await worker.generate(companyId, answer.data.id);
  return answer.data.id;
}

const download = (id: string, query: object = {}) =>
  api.as(manager).get(`/reports/${id}/download`, query);

describe('GET /reports/:id/download', () => {
  it("is the report's own format unless told, and stands in the audit", async () => {
    await buildSubscription({ companyId });
    const id = await generated({ format: 'csv' });

    const csv = await download(id, { table: 'by_policy_type' });
    const json = await download(id, { format: 'json' });

    expect(csv.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': expect.stringMatching(
        /^attachment; filename="policy_type_analysis-\d{4}-\d\d-\d\d\.csv"$/,
      ),
    });
    expect(textOf(csv)).toBe(
      'policy_type,currency,policies,active,in_grace,lapsed,expired,cancelled,premium,coverage,average_premium\r\n' +
        'home,EUR,1,1,0,0,0,0,365.00,250000.00,365.00\r\n',
    );
    expect(json.body).toMatchObject({
      id,
      name: 'Policies',
      tables: [{ name: 'by_policy_type', rows: [{ policies: 1 }] }, { name: 'by_month' }],
    });
    const told = await api.database.sql(
      `SELECT actor_id, entity_id, after FROM core.audit_logs
       WHERE company_id = $1 AND action = 'EXPORT' ORDER BY timestamp, id`,
      [companyId],
    );
    expect(told).toMatchObject([
      { actor_id: manager.userId, entity_id: id, after: { format: 'csv' } },
      { after: { format: 'json' } },
    ]);
  });

  it('writes several tables one below the other, each under its title', async () => {
    const id = await generated({ format: 'csv' });

    const lines = textOf(await download(id)).split('\r\n');

    expect(lines[0]).toBe('Policies by type');
    expect(lines[2]).toBe('');
    expect(lines[3]).toBe('Policies by the month in which their cover began');
  });

  it('gives no spreadsheet a formula and no browser a script', async () => {
    await buildSubscription({ companyId });
    await api.database.sql(
      `UPDATE shared.policies SET currency = '=1+"<i>"' WHERE company_id = $1`,
      [companyId],
    );
    const id = await generated({ name: '<script>alert(1)</script>' });

    const csv = textOf(await download(id, { format: 'csv' }));
    const page = await download(id, { format: 'html' });

    expect(csv).toContain(`"'=1+""<i>"""`);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'/,
    );
    expect(page.text).toContain('&lt;script&gt;alert(1)');
    expect(page.text).not.toMatch(/<script|<i>|style="/);
    expect(page.text).toContain('<svg viewBox=');
  });

  it('is refused before there are data, and for a table that is not there', async () => {
    const { body } = await api
      .as(manager)
      .post('/reports', { name: 'New', report_type: 'policy_type_analysis' });
    const ready = await generated();

    expect(await download(body.data.id)).toMatchObject({
      status: 409,
      body: { code: 'REPORT_NOT_READY', status: 'pending' },
    });
    expect(await download(ready, { table: 'by_weather' })).toMatchObject({ status: 422 });
    expect(await download(ready, { format: 'pdf' })).toMatchObject({ status: 422 });
  });
});
