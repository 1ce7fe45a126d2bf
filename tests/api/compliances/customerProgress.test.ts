import { v7 as uuid } from 'uuid';
import { settleBatch } from '../../../src/models/acknowledging.ts';
import { CompliancePolicy } from '../../../src/models/CompliancePolicy.ts';
import { execute, withTenant } from '../../../src/models/database.ts';
import { noteComplianceUpdate } from '../../../src/models/policyInForce.ts';
import { getRow } from '../../../src/models/rows.ts';
import { watchedPolicy } from '../../../src/models/watchedPolicy.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';

let api: TestApi;
let companyId: string;
let staff: Caller;
let policyId: string;
let customerId: string;
let id: string;

const change = (sql: string, ...bind: unknown[]): Promise<number> =>
  withTenant(companyId, () => execute(sql, bind));

const settle = (): Promise<unknown> =>
  withTenant(companyId, async () =>
    settleBatch(await watchedPolicy(policyId, new Date()), '00000000-0000-0000-0000-000000000000'),
  );

const answer = (employeeId: string, status: 'acknowledged' | 'declined' | 'exempted') =>
  change(
    `UPDATE acknowledgements SET status = $2,
       acknowledged_at = CASE WHEN $2 = 'acknowledged' THEN now() END,
       evidence_hash = CASE WHEN $2 = 'acknowledged' THEN repeat('0', 64) END
     WHERE employee_id = $1 AND status = 'pending'`,
    employeeId,
    status,
  );

const shown = async () => (await staff.get(`/customer-compliance/${id}`)).body.data;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  const manager = await buildActor({ companyId, role: 'compliance_manager' });
  staff = api.as(manager);
  ({ policyId } = await buildPolicyRow({
    companyId,
    authors: [manager.userId],
    status: 'published',
  }));
  await hire(companyId, 0);
  customerId = (await staff.get('/customers')).body.items[0].id;
  const compliance = await staff.post('/compliances', {
    compliance_type: 'infosec',
    compliance_title: 'ISO 27001',
  });
  const pair = { customer_id: customerId, compliance_id: compliance.body.data.id };
  ({ id } = (await staff.post('/customer-compliance', pair)).body.data);
  await change(
    'UPDATE compliance_policies SET customer_compliance_id = $2 WHERE id = $1',
    policyId,
    id,
  );
});

describe('how far a customer is', () => {
  it('follows from what its people have acknowledged, and only its people', async () => {
    const [first = '', second = '', third = ''] = await hire(companyId, 4);
    const other = (await staff.post('/customers', { name: 'Harbour' })).body.data.id;
    const [theirs = ''] = await hire(companyId, 1);
    await change('UPDATE employees SET customer_id = $2 WHERE id = $1', theirs, other);
    await settle();
    expect(await shown()).toMatchObject({ status: 'pending', pending_count: 4 });

    await answer(first, 'acknowledged');
    await answer(second, 'declined');
    await answer(third, 'exempted');

    expect(await shown()).toMatchObject({
      status: 'in_progress',
      compliance_percentage: '33.33',
      acknowledged_count: 1,
      pending_count: 1,
      declined_count: 1,
      compliance_updated: null,
      version: 1,
    });
  });

  it('counts nobody of another customer by compliance', async () => {
    const [first = ''] = await hire(companyId, 2);
    const other = (await staff.post('/customers', { name: 'Harbour' })).body.data.id;
    const [theirs = ''] = await hire(companyId, 1);
    await change('UPDATE employees SET customer_id = $2 WHERE id = $1', theirs, other);
    await settle();
    await answer(first, 'acknowledged');

    const progress = await staff.get('/compliance/progress', { by: 'compliance' });

    expect(progress.body.items).toMatchObject([
      { acknowledged_count: 1, pending_count: 1, compliance_percentage: '50.00' },
    ]);
  });

  it('is listed by how far it is', async () => {
    const compliance = await staff.post('/compliances', {
      compliance_type: 'infosec',
      compliance_title: 'Second',
    });
    const pair = { customer_id: customerId, compliance_id: compliance.body.data.id };
    const idle = (await staff.post('/customer-compliance', pair)).body.data.id;
    const [person = ''] = await hire(companyId, 1);
    await settle();
    await answer(person, 'acknowledged');
    const listed = async (query: object): Promise<string[]> =>
      (await staff.get('/customer-compliance', query)).body.items.map(
        (item: { id: string; compliance_percentage: string }) =>
          `${item.id} ${item.compliance_percentage}`,
      );

    expect(await listed({ status: 'completed' })).toEqual([`${id} 100.00`]);
    expect(await listed({ status: 'pending' })).toEqual([`${idle} 0.00`]);
    expect(await listed({ status: 'in_progress' })).toEqual([]);
    expect(await listed({ ordering: 'compliance_percentage' })).toEqual([
      `${idle} 0.00`,
      `${id} 100.00`,
    ]);
    expect(await listed({ ordering: '-compliance_percentage', size: 1 })).toEqual([`${id} 100.00`]);
    expect(await listed({ ordering: '-created_at' })).toEqual([`${idle} 0.00`, `${id} 100.00`]);
  });

  it('is open again when somebody new has to read it', async () => {
    const [person = ''] = await hire(companyId, 1);
    await settle();
    await answer(person, 'acknowledged');
    expect(await shown()).toMatchObject({ status: 'completed', compliance_updated: null });

    await hire(companyId, 1);
    await settle();

    expect(await shown()).toMatchObject({
      status: 'in_progress',
      compliance_percentage: '50.00',
      compliance_updated: expect.any(String),
    });
  });

  it('stays in progress while nobody has answered a new version yet', async () => {
    const [person = ''] = await hire(companyId, 1);
    await settle();
    await answer(person, 'acknowledged');

    await withTenant(companyId, async () => {
      const at = new Date();
      await execute(
        `UPDATE compliance_policy_versions
         SET status = 'superseded', ended_at = $2, workflow_closed_at = $2 WHERE policy_id = $1`,
        [policyId, at],
      );
      await execute(
        `INSERT INTO compliance_policy_versions (company_id, id, policy_id, number, major, minor,
           content, content_sha256, requires_reack, authors, status, published_at)
         SELECT company_id, $2, policy_id, 2, 2, 0, content, content_sha256, true, authors,
           'published', $3 FROM compliance_policy_versions WHERE policy_id = $1`,
        [policyId, uuid(), at],
      );
      await execute(
        'UPDATE compliance_policies SET policy_version = 2, reack_version = 2 WHERE id = $1',
        [policyId],
      );
      await noteComplianceUpdate(await getRow(CompliancePolicy, policyId), at);
    });
    await settle();

    expect(await shown()).toMatchObject({
      status: 'in_progress',
      compliance_percentage: '0.00',
      acknowledged_count: 0,
      pending_count: 1,
      compliance_updated: expect.any(String),
    });
  });
});
