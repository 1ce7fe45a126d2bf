import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { reportsWithoutWorker } from '../../support/reports.ts';

let api: TestApi;
let companyId: string;
let manager: Actor;
let adjuster: Actor;
const worker = reportsWithoutWorker();

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  manager = await buildActor({ companyId, role: 'claims_manager' });
  adjuster = await buildActor({ companyId, role: 'adjuster' });
  await buildSubscription({ companyId });
});

/** Reported on 1 February by the company's calendar. */
async function buildClaim(values: {
  readonly status: string;
  readonly assignedTo?: string | null;
  readonly sla?: string;
  readonly claimed?: string;
  readonly approved?: string;
  readonly closedAt?: string;
  readonly outcome?: string;
}): Promise<void> {
  const { status, assignedTo = null, sla = 'on_track', claimed = '100.00' } = values;
  await api.database.sql(
    `INSERT INTO shared.claims (company_id, id, claim_number, policy_id, title, description, status,
       sla_status, incident_date, claim_amount, approved_amount, currency, assigned_to, claimant_name,
       claimant_email, closed_outcome, closed_at, config, config_version, created_at)
     SELECT company_id, $2::uuid, $2::text, id, 'Water', '', $3, $4, '2026-01-20', $5, $6, 'EUR', $7,
       'Ida', 'ida@example.com', $8, $9, '{}', 1, '2026-01-31T23:30:00Z'
     FROM shared.policies WHERE company_id = $1`,
    [
      companyId,
      uuid(),
      status,
      sla,
      claimed,
      values.approved ?? null,
      assignedTo,
      values.outcome ?? null,
      values.closedAt ?? null,
    ],
  );
}

async function tablesOf(type: string) {
  const filters = { from: '2026-02-01', to: '2026-03-01', policy_type: 'home' };
  const wish = { name: 'Claims', report_type: type, filters };
  const { body } = await api.as(manager).post('/reports', wish);
  await worker.generate(companyId, body.data.id);
  const shown = await api.as(manager).get(`/reports/${body.data.id}`);
  expect(shown.body.data).toMatchObject({ status: 'ready', error: null });
  return { id: body.data.id, tables: shown.body.data.report_data.tables };
}

describe('reports on claims', () => {
  beforeEach(async () => {
    const assignedTo = adjuster.userId;
    await buildClaim({ status: 'reported' });
    await buildClaim({ status: 'under_review', assignedTo, sla: 'breached', claimed: '50.50' });
    await buildClaim({
      status: 'closed',
      assignedTo,
      sla: 'breached',
      approved: '80.00',
      outcome: 'completed',
      closedAt: '2026-02-03T11:30:00Z',
    });
    await buildClaim({ status: 'denied', assignedTo, sla: 'due_soon' });
  });

  it('count them by month and status, with how long they take', async () => {
    const { tables } = await tablesOf('claims_overview');

    expect(tables[0].rows).toEqual([
      {
        month: '2026-02',
        currency: 'EUR',
        claims: 4,
        open: 3,
        denied: 1,
        breached: 1,
        days_to_close: 2.5,
        claimed: '350.50',
        approved: '80.00',
        paid: '0.00',
      },
    ]);
    expect(tables[1].rows.map(({ status }: { status: string }) => status)).toEqual([
      'closed',
      'denied',
      'reported',
      'under_review',
    ]);
  });

  it('name adjusters as they are called when somebody reads it, and keep their ids alone', async () => {
    const { id, tables } = await tablesOf('adjuster_performance');

    expect(tables[0].columns.slice(0, 3)).toEqual([
      { name: 'adjuster', label: 'Adjuster', kind: 'text' },
      { name: 'adjuster_id', label: 'Id', kind: 'person' },
      { name: 'currency', label: 'Currency', kind: 'text' },
    ]);
    expect(tables[0].rows).toMatchObject([
      { adjuster: 'Ada Lovelace', adjuster_id: adjuster.userId, claims: 3, open: 2, breached: 1 },
      { adjuster: 'Nobody', adjuster_id: null, claims: 1, days_to_close: null },
    ]);
    const [kept] = await api.database.sql<{ text: string }>(
      'SELECT report_data::text AS text FROM shared.reports WHERE id = $1',
      [id],
    );
    expect(kept?.text).not.toContain('Lovelace');
    const page = await api.as(manager).get(`/reports/${id}/download`, { format: 'html' });
    expect(page.text).toContain('>Ada Lovelace</text>');
  });

  it('show open ones near or past their deadline', async () => {
    const { tables } = await tablesOf('sla_breaches');

    expect(tables[0].rows).toEqual([
      { status: 'denied', priority: 'normal', open: 1, due_soon: 1, breached: 0 },
      { status: 'reported', priority: 'normal', open: 1, due_soon: 0, breached: 0 },
      { status: 'under_review', priority: 'normal', open: 1, due_soon: 0, breached: 1 },
    ]);
    expect(tables[1].rows).toMatchObject([
      { adjuster: 'Ada Lovelace', open: 2, due_soon: 1, breached: 1 },
      { adjuster: 'Nobody', open: 1, due_soon: 0, breached: 0 },
    ]);
  });
});
