import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { addDays, addMonths, dateAt } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { zoneAtNoon } from '../../support/noon.ts';
import { reportsWithoutWorker } from '../../support/reports.ts';

let api: TestApi;
let companyId: string;
let manager: Actor;
let admin: Actor;
const worker = reportsWithoutWorker();

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  manager = await buildActor({ companyId, role: 'compliance_manager' });
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

const wish = { name: 'Renewals', report_type: 'renewal_pipeline' };

async function asked(body: object = {}, actor = manager): Promise<string> {
  const answer = await api.as(actor).post('/reports', { ...wish, ...body });
  expect(answer).toMatchObject({ status: 201 });
  return answer.body.data.id;
}

async function generated(body: object = {}, actor = manager): Promise<string> {
  const id = await asked(body, actor);
  await worker.generate(companyId, id);
  return id;
}

const rowOf = async (id: string) => {
  const [row] = await api.database.sql<Record<string, unknown>>(
    'SELECT to_jsonb(r) AS row FROM shared.reports r WHERE id = $1',
    [id],
  );
  return { ...Object(row?.['row']) };
};

describe('POST /reports', () => {
  it('writes the row and the promise of its run together, and says that it starts', async () => {
    const key = { 'Idempotency-Key': uuid() };
    const schedule = { frequency: 'weekly', hour: 7 };
    const first = await api.as(manager).post('/reports', { ...wish, schedule }, key);
    const again = await api.as(manager).post('/reports', { ...wish, schedule }, key);

    const { id } = first.body.data;
    expect(first).toMatchObject({
      status: 201,
      body: {
        data: {
          status: 'pending',
          progress: 0,
          format: 'json',
          filters: {},
          schedule: { frequency: 'weekly', hour: 7, day_of_week: 'monday' },
          report_data: null,
          generated_at: null,
          created_by: manager.userId,
          workflow: { id: `report/${companyId}/${id}`, state: 'starting' },
        },
      },
    });
    expect(again.body.data).toEqual(first.body.data);
    const owed = await api.database.sql(
      'SELECT workflow_id, input FROM core.outbox WHERE entity_id = $1',
      [id],
    );
    expect(owed).toEqual([
      {
        workflow_id: `report/${companyId}/${id}`,
        input: {
          v: 1,
          companyId,
          reportId: id,
          state: { status: 'pending', generation: 1, stateVersion: 1, isClosed: false },
        },
      },
    ]);
  });

  it.each([
    [{ report_type: 'weather' }, 'report_type', 'INVALID_CHOICE'],
    [{ report_type: 'weather' }, 'report_type', 'INVALID_CHOICE'],
    [{ filters: { colour: 'red' } }, 'filters.colour', 'UNKNOWN_FIELD'],
    [{ filters: { policy_type: 'boat' } }, 'filters.policy_type', 'INVALID_CHOICE'],
    [{ filters: { from: '2026-02-30' } }, 'filters.from', 'INVALID_FORMAT'],
    [{ filters: { from: '2026-02-01', to: '2026-02-01' } }, 'filters.to', 'OUT_OF_RANGE'],
    [{ filters: { from: '1990-01-01', to: '2026-02-01' } }, 'filters.to', 'OUT_OF_RANGE'],
    [{ format: 'pdf' }, 'format', 'INVALID_CHOICE'],
    [{ schedule: { frequency: 'hourly', hour: 1 } }, 'schedule.frequency', 'INVALID_CHOICE'],
    [{ schedule: { frequency: 'daily', hour: 24 } }, 'schedule.hour', 'OUT_OF_RANGE'],
    [
      { schedule: { frequency: 'daily', hour: 7, day_of_month: 3 } },
      'schedule.day_of_month',
      'INVALID_VALUE',
    ],
    [{ name: '' }, 'name', 'REQUIRED'],
  ])('refuses %j', async (body, field, code) => {
    const { status, body: answer } = await api.as(manager).post('/reports', { ...wish, ...body });

    expect([status, answer.details]).toEqual([422, [expect.objectContaining({ field, code })]]);
    const rows = await api.database.sql('SELECT 1 FROM shared.reports WHERE company_id = $1', [
      companyId,
    ]);
    expect(rows).toEqual([]);
  });

  it('names the types that there are to whoever asks for another one', async () => {
    const { body } = await api.as(manager).post('/reports', { ...wish, report_type: 'weather' });

    expect(body.details[0].message).toContain(
      'claims_overview, adjuster_performance, sla_breaches, renewal_pipeline',
    );
  });
});

describe('a generated report', () => {
  it('counts what ends by month, and the premium of whoever has not answered', async () => {
    const timeZone = zoneAtNoon();
    ({ id: companyId } = await buildCompany({ timeZone }));
    manager = await buildActor({ companyId, role: 'compliance_manager' });
    await buildSubscription({ companyId, plan: { premium: '100.10' } });
    await buildSubscription({ companyId, plan: { premium: '200.20' }, autoRenew: true });
    await buildSubscription({ companyId, plan: { premium: '50.00', durationMonths: 24 } });
    await buildSubscription({ plan: { premium: '999.00' } });
    const today = dateAt(Date.now(), timeZone);

    const id = await generated({ filters: { to: addDays(addMonths(today, 12), 1) } });

    const { body } = await api.as(manager).get(`/reports/${id}`);
    expect(body.data).toMatchObject({ status: 'ready', progress: 100, error: null });
    expect(body.data.workflow.state).toBe('closed');
    const [byMonth, byType] = body.data.report_data.tables;
    const facts = {
      currency: 'EUR',
      ending: 2,
      renewing: 1,
      leaving: 0,
      unanswered: 1,
      in_grace: 0,
      premium: '300.30',
      premium_at_stake: '100.10',
    };
    expect(byMonth.rows).toEqual([{ month: addMonths(today, 12).slice(0, 7), ...facts }]);
    expect(byType.rows).toEqual([{ policy_type: 'home', ...facts }]);
    expect(body.data.report_data.period.from).toBe(today);
  });

  it('counts policies by type, and leaves out those of other filters', async () => {
    await buildSubscription({ companyId, plan: { premium: '100.00' } });
    await buildSubscription({ companyId, plan: { premium: '200.01' } });
    await buildSubscription({ plan: { premium: '999.00' } });
    const rows = async (filters: object) => {
      const id = await generated({ report_type: 'policy_type_analysis', filters });
      const { body } = await api.as(manager).get(`/reports/${id}`);
      return body.data.report_data.tables[0].rows;
    };

    expect(await rows({})).toEqual([
      {
        policy_type: 'home',
        currency: 'EUR',
        policies: 2,
        active: 2,
        in_grace: 0,
        lapsed: 0,
        expired: 0,
        cancelled: 0,
        premium: '300.01',
        coverage: '500000.00',
        average_premium: '150.01',
      },
    ]);
    expect(await rows({ policy_type: 'life' })).toEqual([]);
    expect(await rows({ to: '2020-01-01' })).toEqual([]);
  });

  it('counts what is in its grace and what has lapsed on its own', async () => {
    const [inGrace, lapsed] = [
      await buildSubscription({ companyId, plan: { premium: '30.00' }, autoRenew: true }),
      await buildSubscription({ companyId, plan: { premium: '40.00' } }),
    ];
    for (const [{ id }, status] of [
      [inGrace, 'grace'],
      [lapsed, 'lapsed'],
    ] as const) {
      await api.database.sql(
        `WITH s AS (UPDATE shared.policy_subscriptions SET status = $2 WHERE id = $1
           RETURNING policy_id)
         UPDATE shared.policies p SET status = $2 FROM s WHERE p.id = s.policy_id`,
        [id, status],
      );
    }
    const row = async (report_type: string, filters: object = {}) => {
      const { body } = await api
        .as(manager)
        .get(`/reports/${await generated({ report_type, filters })}`);
      return body.data.report_data.tables[0].rows[0];
    };
    const to = addDays(addMonths(dateAt(Date.now(), 'Europe/Berlin'), 12), 1);

    const analysed = await row('policy_type_analysis');
    const ending = await row('renewal_pipeline', { to });

    expect(analysed).toMatchObject({ policies: 2, active: 0, in_grace: 1, lapsed: 1 });
    expect(ending).toMatchObject({
      ending: 1,
      renewing: 0,
      unanswered: 0,
      in_grace: 1,
      premium_at_stake: '30.00',
    });
  });

  it("sums up premium by the month of the company's calendar", async () => {
    const { id: subscription } = await buildSubscription({
      companyId,
      plan: { premium: '120.00' },
    });
    await buildSubscription({ companyId, plan: { premium: '80.50' } });
    const unpaid = await buildSubscription({ companyId, plan: { premium: '1000.00' } });
    const neverPaid = await buildSubscription({ companyId, plan: { premium: '1000.00' } });
    await api.database.sql(
      `UPDATE shared.policy_subscriptions SET status = 'pending_payment' WHERE id = $1`,
      [unpaid.id],
    );
    await api.database.sql(
      `INSERT INTO core.transitions (company_id, id, entity_type, entity_id, state_version, event,
         from_status, to_status, command_id, facts, actor_type, at)
       VALUES ($1, $2, 'subscription', $3, 9, 'not_taken_up', 'pending_payment', 'cancelled', 'n',
         '{}', 'system', '2026-02-28T23:30:00Z')`,
      [companyId, uuid(), neverPaid.id],
    );
    await api.database.sql(
      `UPDATE shared.subscription_terms SET created_at = '2026-01-31T23:30:00Z' WHERE company_id = $1`,
      [companyId],
    );
    await api.database.sql(
      `INSERT INTO core.transitions (company_id, id, entity_type, entity_id, state_version, event,
         from_status, to_status, command_id, facts, actor_type, at)
       VALUES ($1, $2, 'subscription', $3, 9, 'cancel', 'active', 'cancelled', 'c',
         '{"would_refund": "33.33"}', 'system', '2026-02-28T23:30:00Z')`,
      [companyId, uuid(), subscription],
    );
    const filters = { from: '2026-02-01', to: '2026-04-01' };

    const id = await generated({ report_type: 'financial_summary', filters });

    const { body } = await api.as(manager).get(`/reports/${id}`);
    const none = { terms_sold: 0, new_premium: '0.00', renewal_premium: '0.00' };
    expect(body.data.report_data.tables[0].rows).toEqual([
      {
        month: '2026-02',
        currency: 'EUR',
        terms_sold: 2,
        new_premium: '200.50',
        renewal_premium: '0.00',
        premium_sold: '200.50',
        cancellations: 0,
        would_refund: '0.00',
      },
      {
        month: '2026-03',
        currency: 'EUR',
        ...none,
        premium_sold: '0.00',
        cancellations: 1,
        would_refund: '33.33',
      },
    ]);
  });

  it('tells its author in the application, and by mail only when it came by itself', async () => {
    const id = await generated({ name: 'Mine' });
    const own = await generated({ name: 'Of itself', schedule: { frequency: 'daily', hour: 7 } });

    const told = await api.database.sql<{ about: string }>(
      `SELECT template_code || ' ' || channel || ' ' || (payload ->> 'reportName') AS about
       FROM core.notifications WHERE recipient_user_id = $1 ORDER BY 1`,
      [manager.userId],
    );
    const { body } = await api.as(manager).get('/notifications', { channel: 'in_app' });

    expect(told.map(({ about }) => about)).toEqual([
      'report_ready email Of itself',
      'report_ready in_app Mine',
      'report_ready in_app Of itself',
    ]);
    expect(body.items.map((item: { subject: string }) => item.subject).toSorted()).toEqual([
      'Your report "Mine" is ready',
      'Your report "Of itself" is ready',
    ]);
    expect(id).not.toBe(own);
  });
});

describe('GET /reports', () => {
  it('shows own ones to whoever has no right to all, and never the data', async () => {
    const mine = await generated({ name: 'Mine' });
    const theirs = await asked({ name: 'Theirs' }, admin);
    const auditor = await buildActor({ companyId, role: 'auditor' });
    const ids = async (actor: Actor, query: object = {}) => {
      const { body } = await api.as(actor).get('/reports', query);
      return body.items.map((item: { id: string }) => item.id);
    };

    expect(await ids(manager)).toEqual([mine]);
    expect(await ids(auditor, { sort_by: 'name' })).toEqual([mine, theirs]);
    expect(await ids(admin, { status: 'pending' })).toEqual([theirs]);
    expect(await ids(admin, { search: 'heir' })).toEqual([theirs]);
    expect(await ids(admin, { report_type: 'financial_summary' })).toEqual([]);
    const { text } = await api.as(admin).get('/reports');
    expect(text).not.toContain('report_data');
  });

  it('answers at the older paths, with a trailing slash', async () => {
    const id = await asked();

    const list = await api.as(manager).get('//reports/');
    const one = await api.as(manager).get(`//reports/${id}/`);

    expect([list.status, list.body.items[0].id, one.status]).toEqual([200, id, 200]);
    expect(list.headers['deprecation']).toBeDefined();
  });
});

describe('PUT /reports/:id', () => {
  it('keeps the data for another name, and generates anew for other filters', async () => {
    const id = await generated();

    const named = await api.as(manager).put(`/reports/${id}`, { ...wish, name: 'Renamed' });
    expect(named.body.data).toMatchObject({ name: 'Renamed', status: 'ready', generation: 1 });
    const narrowed = { ...wish, filters: { policy_type: 'life' } };
    const changed = await api.as(manager).put(`/reports/${id}`, narrowed);

    expect(changed).toMatchObject({
      status: 200,
      body: { data: { status: 'pending', generation: 2, workflow: { state: 'starting' } } },
    });
    expect(changed.body.data.report_data).toEqual(named.body.data.report_data);
    const refused = await api.as(manager).put(`/reports/${id}`, wish);
    expect(refused).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
    expect((await rowOf(id)).filters).toEqual({ policyType: 'life' });
    await worker.generate(companyId, id, 2);
    expect(await rowOf(id)).toMatchObject({ status: 'ready', state_version: 6 });
  });

  it('refuses whoever has seen an older version', async () => {
    const id = await asked();
    await api.as(manager).put(`/reports/${id}`, { ...wish, name: 'Newer' });

    const stale = await api
      .as(manager)
      .put(`/reports/${id}`, { ...wish, name: 'Older' }, { 'If-Match': '"1"' });

    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect((await rowOf(id)).name).toBe('Newer');
  });

  it('leaves its changes to be read as its history', async () => {
    const id = await asked();
    await api.as(manager).put(`/reports/${id}`, { ...wish, name: 'Newer' });

    const { body } = await api.as(manager).get(`/reports/${id}/history`);

    expect(body.items).toMatchObject([
      { action: 'CREATE', actor_id: manager.userId },
      { action: 'UPDATE', before: { name: 'Renewals' }, after: { name: 'Newer' } },
    ]);
  });
});

describe('POST /reports/:id/generate', () => {
  it('asks once a key, keeps the data, and is refused while one is under way', async () => {
    const id = await generated();
    const key = { 'Idempotency-Key': uuid() };

    const first = await api.as(manager).post(`/reports/${id}/generate`, {}, key);
    const again = await api.as(manager).post(`/reports/${id}/generate`, {}, key);
    const other = await api.as(manager).post(`/reports/${id}/generate`);

    expect(first).toMatchObject({ status: 200, body: { data: { generation: 2 } } });
    expect(first.body.data.report_data).not.toBeNull();
    expect(again.body.data).toEqual(first.body.data);
    expect(other).toMatchObject({
      status: 409,
      body: { code: 'ILLEGAL_TRANSITION', allowed_transitions: [] },
    });
    const owed = await api.database.sql('SELECT 1 FROM core.outbox WHERE entity_id = $1', [id]);
    expect(owed).toHaveLength(2);
  });
});

describe('DELETE /reports/:id', () => {
  it('hides it, and a generation under way ends with it', async () => {
    const id = await asked({ schedule: { frequency: 'daily', hour: 7 } });

    expect(await api.as(manager).delete(`/reports/${id}`)).toMatchObject({ status: 204 });

    expect(await api.as(manager).get(`/reports/${id}`)).toMatchObject({ status: 404 });
    await worker.generate(companyId, id);
    expect(await rowOf(id)).toMatchObject({ status: 'ready' });
    const told = await api.database.sql('SELECT 1 FROM core.notifications WHERE entity_id = $1', [
      id,
    ]);
    expect(told).toEqual([]);
    const archived = await api.as(admin).get('/reports', { include_archived: true });
    expect(archived.body.items).toMatchObject([{ id }]);
  });
});

describe("another person's and another company's report", () => {
  it('is hidden, and no word of it changes', async () => {
    const theirs = await generated({}, admin);
    const stranger = await buildActor({
      companyId: (await buildCompany()).id,
      role: 'tenant_admin',
    });
    const before = await rowOf(theirs);

    for (const actor of [manager, stranger]) {
      const caller = api.as(actor);
      const statuses = [
        await caller.get(`/reports/${theirs}`),
        await caller.get(`/reports/${theirs}/download`),
        await caller.get(`/reports/${theirs}/history`),
        await caller.put(`/reports/${theirs}`, { ...wish, name: 'Mine now' }),
        await caller.post(`/reports/${theirs}/generate`),
        await caller.delete(`/reports/${theirs}`),
      ].map(({ status }) => status);
      expect(statuses).toEqual([404, 404, 404, 404, 404, 404]);
    }
    expect(await rowOf(theirs)).toEqual(before);
  });

  it('may be read and not changed by an auditor', async () => {
    const theirs = await asked({}, admin);
    const auditor = api.as(await buildActor({ companyId, role: 'auditor' }));

    expect(await auditor.get(`/reports/${theirs}`)).toMatchObject({ status: 200 });
    expect(await auditor.put(`/reports/${theirs}`, wish)).toMatchObject({ status: 403 });
    expect(await auditor.post('/reports', wish)).toMatchObject({ status: 403 });
  });
});
