import { settleBatch } from '../../../src/models/acknowledging.ts';
import { execute, withTenant } from '../../../src/models/database.ts';
import { watchedPolicy } from '../../../src/models/watchedPolicy.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';
import { reportsWithoutWorker } from '../../support/reports.ts';

let api: TestApi;
let companyId: string;
let staff: Caller;
let policyId: string;
let managerUserId: string;
let people: readonly string[];
const worker = reportsWithoutWorker();

const change = (sql: string, ...bind: unknown[]): Promise<number> =>
  withTenant(companyId, () => execute(sql, bind));

/** By the company's calendar, so many days late. */
const late = (employeeId: string, days: number) =>
  change(
    `UPDATE acknowledgements SET due_date = (now() AT TIME ZONE 'Europe/Berlin')::date - $2::integer,
       escalation_status = CASE WHEN $2 > 7 THEN 'escalated_to_hr' ELSE 'none' END
     WHERE employee_id = $1`,
    employeeId,
    days,
  );

async function generated(type: string, filters: object = {}) {
  const wish = { name: 'Compliance', report_type: type, filters };
  const { body } = await staff.post('/reports', wish);
  await worker.generate(companyId, body.data.id);
  const shown = await staff.get(`/reports/${body.data.id}`);
  expect(shown.body.data).toMatchObject({ status: 'ready', error: null });
  return { id: body.data.id, tables: shown.body.data.report_data.tables };
}

const rowsOf = (tables: readonly { name: string; rows: unknown[] }[]): object =>
  Object.fromEntries(tables.map(({ name, rows }) => [name, rows]));

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  const author = await buildActor({ companyId, role: 'compliance_manager' });
  staff = api.as(author);
  managerUserId = (await buildActor({ companyId, role: 'employee' })).userId;
  const authors = [author.userId];
  ({ policyId } = await buildPolicyRow({ companyId, authors, status: 'published' }));
  const [boss = ''] = await hire(companyId, 1, { userId: managerUserId });
  await change(`UPDATE employees SET status = 'inactive', leave_date = current_date`);
  people = await hire(companyId, 5, { department: 'IT', managerId: boss });
  const compliance = await staff.post('/compliances', {
    compliance_type: 'infosec',
    compliance_title: 'ISO 27001',
  });
  const own = (await staff.get('/customers')).body.items[0].id;
  const complied = await staff.post('/customer-compliance', {
    customer_id: own,
    compliance_id: compliance.body.data.id,
  });
  await change('UPDATE compliance_policies SET customer_compliance_id = $1', complied.body.data.id);
  await withTenant(companyId, async () =>
    settleBatch(await watchedPolicy(policyId, new Date()), '00000000-0000-0000-0000-000000000000'),
  );
  const [answered = '', exempted = '', first = '', second = '', today = ''] = people;
  await change(
    `UPDATE acknowledgements SET status = 'acknowledged', acknowledged_at = now(),
       evidence_hash = repeat('0', 64) WHERE employee_id = $1`,
    answered,
  );
  await change(`UPDATE acknowledgements SET status = 'exempted' WHERE employee_id = $1`, exempted);
  await late(first, 7);
  await late(second, 15);
  await late(today, 0);
});

describe('reports on compliance', () => {
  it('tell how people stand by policy, by compliance and by department', async () => {
    const { tables } = await generated('compliance_status');

    const counts = {
      acknowledged: 1,
      pending: 3,
      overdue: 2,
      declined: 0,
      exempted: 1,
      percentage: 25,
    };
    expect(rowsOf(tables)).toEqual({
      by_policy: [{ policy: 'Acceptable use', version: '1', ...counts }],
      by_compliance: [{ compliance: 'ISO 27001', customer: 'Own staff', ...counts }],
      by_department: [{ customer: 'Own staff', department: 'IT', ...counts }],
    });
  });

  it('tell who is late and for how long, and under whom', async () => {
    const { tables } = await generated('acknowledgement_overdue');

    const counts = { overdue: 2, week: 1, fortnight: 0, longer: 1, escalated: 1, most_days: 15 };
    expect(rowsOf(tables)).toEqual({
      by_policy: [{ policy: 'Acceptable use', version: '1', ...counts }],
      by_department: [{ customer: 'Own staff', department: 'IT', ...counts }],
      by_manager: [
        expect.objectContaining({
          manager_id: managerUserId,
          manager: expect.any(String),
          policy: 'Acceptable use',
          ...counts,
        }),
      ],
    });
  });

  it('are about the days on which answers are due', async () => {
    const future = await generated('compliance_status', { from: '2199-01-01' });
    const past = await generated('acknowledgement_overdue', { to: '2000-01-01' });

    expect(rowsOf(future.tables)).toEqual({ by_policy: [], by_compliance: [], by_department: [] });
    expect(rowsOf(past.tables)).toEqual({ by_policy: [], by_department: [], by_manager: [] });
  });

  it('are files and pages as the others are', async () => {
    const { id } = await generated('compliance_status');

    const csv = await staff.get(`/reports/${id}/download`, { format: 'csv', table: 'by_policy' });
    const page = await staff.get(`/reports/${id}/download`, { format: 'html' });

    expect(csv.text.split('\r\n')).toEqual([
      'policy,version,acknowledged,pending,overdue,declined,exempted,percentage',
      'Acceptable use,1,1,3,2,0,1,25',
      '',
    ]);
    expect(page.text).toContain('<h2>How people stand with each policy</h2>');
    expect(page.text).toContain('<svg');
  });

  it('follow no type of insurance policy', async () => {
    const refused = await staff.post('/reports', {
      name: 'Late',
      report_type: 'acknowledgement_overdue',
      filters: { policy_type: 'home' },
    });

    expect(refused).toMatchObject({
      status: 422,
      body: { details: [{ field: 'filters.policy_type', code: 'INVALID_VALUE' }] },
    });
  });
});
