import { createHash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { settleBatch } from '../../../src/models/acknowledging.ts';
import { execute, withTenant } from '../../../src/models/database.ts';
import { watchedPolicy } from '../../../src/models/watchedPolicy.ts';
import { canonicalJson } from '../../../src/rules/canonicalJson.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';

let api: TestApi;
let companyId: string;
let staff: Caller;
let policyId: string;
let path: string;
let people: readonly string[];

const change = (sql: string, ...bind: unknown[]): Promise<number> =>
  withTenant(companyId, () => execute(sql, bind));

const answer = (employeeId: string) =>
  change(
    `UPDATE acknowledgements SET status = 'acknowledged', acknowledged_at = now(),
       evidence_hash = repeat('a', 64) WHERE employee_id = $1 AND status = 'pending'`,
    employeeId,
  );

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

/** More people than a page of the file has. */
const count = 1001;

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  const manager = await buildActor({ companyId, role: 'compliance_manager' });
  staff = api.as(manager);
  ({ policyId } = await buildPolicyRow({
    companyId,
    authors: [manager.userId],
    status: 'published',
  }));
  people = await hire(companyId, count);
  const customer = (await staff.get('/customers')).body.items[0].id;
  const compliance = await staff.post('/compliances', {
    compliance_type: 'infosec',
    compliance_title: 'ISO 27001',
  });
  const pair = { customer_id: customer, compliance_id: compliance.body.data.id };
  const { id } = (await staff.post('/customer-compliance', pair)).body.data;
  path = `/customer-compliance/${id}`;
  await change(
    'UPDATE compliance_policies SET customer_compliance_id = $2 WHERE id = $1',
    policyId,
    id,
  );
  let after: string | undefined = '00000000-0000-0000-0000-000000000000';
  while (after !== undefined) {
    const from: string = after;
    after = await withTenant(companyId, async () =>
      settleBatch(await watchedPolicy(policyId, new Date()), from),
    );
  }
  await answer(people[0] ?? '');
});

describe('what a completed audit has seen', () => {
  it('is a file that its hash is of, whatever happens afterwards', async () => {
    const completed = await staff.post(`${path}/complete-audit`);
    const packId: string = completed.body.data.evidence_pack_id;
    const file = `/evidence-packs/${packId}/download`;
    const before = await staff.download(file);
    await answer(people[1] ?? '');
    await change(
      `UPDATE acknowledgements SET evidence_hash = repeat('b', 64) WHERE status = 'acknowledged'`,
    );
    const after = await staff.download(file);
    const listed = await staff.get('/evidence-packs', {
      customer_compliance_id: completed.body.data.id,
    });

    expect(listed.body.items).toEqual([
      expect.objectContaining({
        id: packId,
        acknowledged_count: 1,
        pending_count: count - 1,
        compliance_percentage: '0.09',
        sha256: createHash('sha256').update(before.bytes).digest('hex'),
      }),
    ]);
    expect(after.bytes.equals(before.bytes)).toBe(true);
    const text = before.bytes.toString();
    const content = JSON.parse(text);
    expect(canonicalJson(content) === text).toBe(true);
    expect(content).toMatchObject({
      id: packId,
      counts: { acknowledged: 1, pending: count - 1, declined: 0, exempted: 0 },
    });
    const lines: { employee_id: string; status: string; evidence_hash: string | null }[] =
      content.acknowledgements;
    expect(lines.map(({ employee_id }) => employee_id)).toEqual(people.toSorted());
    expect(lines.filter(({ status }) => status === 'acknowledged')).toEqual([
      expect.objectContaining({
        employee_id: people[0],
        policy_id: policyId,
        policy_version: 1,
        evidence_hash: 'a'.repeat(64),
      }),
    ]);
    expect(text.includes('@staff.example')).toBe(false);
  });

  it('is a table as well, and noted when it is taken out', async () => {
    const completed = await staff.post(`${path}/complete-audit`);
    const packId: string = completed.body.data.evidence_pack_id;

    const csv = await staff.get(`/evidence-packs/${packId}/download`, { format: 'csv' });

    const lines = csv.text.split('\r\n');
    expect(csv.headers).toMatchObject({ 'content-type': 'text/csv; charset=utf-8' });
    expect(lines[0]).toBe(
      'id,policy_id,policy_version,employee_id,status,acknowledged_at,evidence_hash',
    );
    expect(lines).toHaveLength(count + 2);
    expect(
      await api.database.sql(
        `SELECT action, after ->> 'format' AS format FROM core.audit_logs
         WHERE entity_id = $1 ORDER BY timestamp`,
        [packId],
      ),
    ).toEqual([
      { action: 'CREATE', format: null },
      { action: 'EXPORT', format: 'csv' },
    ]);
  });

  it('is frozen once by one request, and anew by the next audit', async () => {
    const key = { 'Idempotency-Key': uuid() };
    const first = await staff.post(`${path}/complete-audit`, {}, key);
    const again = await staff.post(`${path}/complete-audit`, {}, key);
    await answer(people[1] ?? '');
    await staff.patch(path, { audit_date: '2199-09-30' });
    const second = await staff.post(`${path}/complete-audit`);
    const listed = await staff.get('/evidence-packs');

    expect(again.body.data).toEqual(first.body.data);
    expect(
      listed.body.items.map((pack: { id: string; acknowledged_count: number }) => [
        pack.id,
        pack.acknowledged_count,
      ]),
    ).toEqual([
      [second.body.data.evidence_pack_id, 2],
      [first.body.data.evidence_pack_id, 1],
    ]);
  });

  it('can be changed by nobody, and is seen by no stranger', async () => {
    const completed = await staff.post(`${path}/complete-audit`);
    const file = `/evidence-packs/${completed.body.data.evidence_pack_id}/download`;
    const { id: otherCompany } = await buildCompany();
    const foreign = api.as(await buildActor({ companyId: otherCompany, role: 'tenant_admin' }));
    const employee = api.as(await buildActor({ companyId, role: 'employee' }));

    for (const statement of [
      `UPDATE evidence_packs SET sha256 = repeat('0', 64)`,
      `UPDATE evidence_pack_lines SET status = 'acknowledged'`,
      'DELETE FROM evidence_pack_lines',
    ]) {
      await expect(change(statement)).rejects.toThrow('permission denied');
    }
    expect(await foreign.get(file)).toMatchObject({ status: 404 });
    expect((await foreign.get('/evidence-packs')).body.items).toEqual([]);
    expect(await employee.get(file)).toMatchObject({ status: 403 });
  });
});
