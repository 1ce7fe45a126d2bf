import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { acknowledgementActivities } from '../../../src/activities/acknowledgements.ts';
import type { Actor } from '../../../src/context.ts';
import { addDays, dateAt } from '../../../src/rules/calendar.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';

type Person = Actor & { readonly userId: string };

const { settleAudience, carryOutWave } = acknowledgementActivities();

let api: TestApi;
let companyId: string;
let person: Person;
let staff: Caller;
let own: Caller;
let policyId: string;

const today = (): string => dateAt(Date.now(), 'Europe/Berlin');

const keeperLooks = (): Promise<void> =>
  new MockActivityEnvironment().run(async () => {
    const order = { companyId, policyId, at: Date.now() };
    await settleAudience(order);
    await carryOutWave(order);
  });

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  const manager = await buildActor({ companyId, role: 'compliance_manager' });
  person = await buildActor({ companyId, role: 'employee' });
  [staff, own] = [api.as(manager), api.as(person)];
  const authors = [manager.userId];
  ({ policyId } = await buildPolicyRow({ companyId, authors, status: 'published' }));
});

const signed = { policy_version: 1, typed_name: 'Grace' };

const wish = () => ({ policy_id: policyId, name: 'Before the audit', due_days: 14 });

const drafted = async (more: object = {}): Promise<string> =>
  (await staff.post('/campaigns', { ...wish(), ...more })).body.data.id;

/** Somebody has answered, and a campaign asks them once more. @returns both ids */
async function launched(more: object = {}): Promise<{ id: string; asked: string }> {
  await hire(companyId, 1, { userId: person.userId });
  await keeperLooks();
  const [first] = (await own.get('/acknowledgements/mine')).body.items;
  await own.post(`/acknowledgements/${first.id}/acknowledge`, signed);
  const id = await drafted(more);
  await staff.post(`/campaigns/${id}/launch`);
  await keeperLooks();
  const [asked] = (await own.get('/acknowledgements/mine?status=pending')).body.items;
  return { id, asked: asked.id };
}

describe('/campaigns', () => {
  it('drafts, shows, changes, archives and restores a campaign', async () => {
    const added = await staff.post('/campaigns', {
      ...wish(),
      allow_decline: false,
      settings: { remind_before: [5, 1] },
    });
    const path = `/campaigns/${added.body.data.id}`;
    const shown = await staff.get(path);
    const changed = await staff.patch(path, { due_days: 7, settings: {} });
    const replaced = await staff.put(path, { name: 'Anew', due_days: 21 });
    const listed = await staff.get('/campaigns', { status: 'draft', search: 'ANEW' });
    const stale = await staff.patch(path, { due_days: 8, version: 1 });
    const archived = await staff.delete(path);
    const gone = await staff.get(path);
    const restored = await staff.post(`${path}/restore`);
    const history = await staff.get(`${path}/history`);

    expect(added).toMatchObject({
      status: 201,
      body: {
        data: {
          status: 'draft',
          audience_department: null,
          allow_decline: false,
          allow_exemption: true,
          settings: { remind_before: [5, 1] },
          version: 1,
        },
      },
    });
    expect(shown.body.data).toEqual(added.body.data);
    expect(changed.body.data).toMatchObject({ due_days: 7, allow_decline: false, version: 2 });
    expect(changed.body.data.settings).toEqual({});
    expect(replaced.body.data).toMatchObject({ name: 'Anew', allow_decline: true, version: 3 });
    expect(listed.body.items).toMatchObject([{ name: 'Anew' }]);
    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect([archived.status, gone.status, restored.status]).toEqual([204, 404, 200]);
    expect(history.body.items).toHaveLength(5);
  });

  it('refuses what it cannot be by field, and whom the policy does not concern', async () => {
    await api.database.sql(
      `UPDATE shared.compliance_policies SET audience_department = 'IT' WHERE id = $1`,
      [policyId],
    );

    const bad = await staff.post('/campaigns', {
      policy_id: 'none',
      name: '',
      due_days: 0,
      settings: { remind_before: [3, 3], escalate_hr_days: 91 },
    });
    const unknown = await staff.post('/campaigns', { ...wish(), policy_id: uuid() });
    const outside = await staff.post('/campaigns', { ...wish(), audience_department: 'Sales' });
    const within = await staff.post('/campaigns', { ...wish(), audience_department: 'it' });

    expect(bad.status).toBe(422);
    expect(bad.body.details.map(({ field }: { field: string }) => field)).toEqual([
      'policy_id',
      'name',
      'due_days',
      'settings.remind_before.1',
      'settings.escalate_hr_days',
    ]);
    expect(unknown).toMatchObject({ status: 422, body: { details: [{ field: 'policy_id' }] } });
    expect(outside).toMatchObject({
      status: 422,
      body: { details: [{ field: 'audience_department', code: 'NOT_CONCERNED' }] },
    });
    expect(within.status).toBe(201);
  });

  it('goes from draft to cancelled by steps that come once, and shows how far it is', async () => {
    const { id, asked } = await launched();
    const path = `/campaigns/${id}`;
    const again = await staff.post(`${path}/launch`);
    const planned = await staff.patch(path, { due_days: 21, dry_run: true });
    const edited = await staff.patch(path, { due_days: 21, version: 2 });
    const toOthers = await staff.patch(path, { audience_department: 'IT' });
    await keeperLooks();
    const removed = await staff.delete(path);
    const running = await staff.get(`${path}/progress`);
    const key = { 'Idempotency-Key': uuid() };
    const paused = await staff.post(`${path}/pause`, undefined, key);
    const repeated = await staff.post(`${path}/pause`, undefined, key);
    const shown = await own.get(`/acknowledgements/${asked}`);
    const resumed = await staff.post(`${path}/resume`);
    const cancelled = await staff.post(`${path}/cancel`);
    const late = await staff.patch(path, { due_days: 7 });
    await keeperLooks();
    const withdrawn = await own.get(`/acknowledgements/${asked}`);
    const ended = await staff.get(`${path}/progress`);
    const listed = await staff.get('/acknowledgements', { campaign_id: id });

    expect(again).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
    const moved = { due_date: addDays(today(), 14), new_due_date: addDays(today(), 21), people: 1 };
    for (const [answer, dry_run, version] of [
      [planned, true, 2],
      [edited, false, 3],
    ] as const) {
      expect(answer).toMatchObject({
        status: 200,
        body: { data: { dry_run, people: 1, due_days: 21, moved: [moved], version } },
      });
    }
    for (const refused of [toOthers, late]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
    }
    expect(removed).toMatchObject({ status: 409, body: { code: 'CAMPAIGN_RUNNING' } });
    expect(running.body.data).toMatchObject({
      status: 'running',
      is_asking: false,
      pending_count: 1,
      compliance_percentage: '0.00',
      ageing: { not_due: 1, overdue_1_to_7: 0, overdue_8_to_14: 0, overdue_over_14: 0 },
    });
    expect(paused.body.data).toMatchObject({ status: 'paused', paused_on: today() });
    expect(repeated.body.data).toEqual(paused.body.data);
    expect(shown.body.data).toMatchObject({
      campaign_id: id,
      due_date: addDays(today(), 21),
      next_action: null,
      next_action_at: null,
    });
    expect(resumed.body.data).toMatchObject({ status: 'running', paused_on: null, paused_days: 0 });
    expect(cancelled.body.data).toMatchObject({ status: 'cancelled' });
    expect(withdrawn.body.data).toMatchObject({ status: 'cancelled' });
    expect(ended.body.data).toMatchObject({ pending_count: 0, cancelled_count: 1 });
    expect(listed.body.items).toMatchObject([{ id: asked, status: 'cancelled' }]);
    expect((await own.get('/acknowledgements/mine?status=acknowledged')).body.items).toMatchObject([
      { cycle: 1, next_action: 'open_next_cycle' },
    ]);
  });

  it('is not launched while nothing is published', async () => {
    const id = await drafted();
    await api.database.sql(
      `UPDATE shared.compliance_policy_versions SET status = 'approved', published_at = NULL
       WHERE policy_id = $1`,
      [policyId],
    );

    const refused = await staff.post(`/campaigns/${id}/launch`);

    expect(refused).toMatchObject({ status: 409, body: { code: 'NOT_PUBLISHED' } });
    expect((await staff.get(`/campaigns/${id}`)).body.data).toMatchObject({ status: 'draft' });
  });

  it('allows neither to decline nor to ask for an exemption where it says so', async () => {
    const { asked } = await launched({ allow_decline: false, allow_exemption: false });
    const path = `/acknowledgements/${asked}`;

    const declined = await own.post(`${path}/decline`, { reason: 'No' });
    const exempted = await own.post(`${path}/request-exemption`, {
      reason: 'On leave',
      valid_until: addDays(today(), 30),
    });

    expect(declined).toMatchObject({ status: 409, body: { code: 'DECLINE_NOT_ALLOWED' } });
    expect(exempted).toMatchObject({ status: 409, body: { code: 'EXEMPTION_NOT_ALLOWED' } });
    expect((await own.get(path)).body.data).toMatchObject({
      status: 'pending',
      exemption_open: false,
    });
  });

  it('takes an answer in time, and calls nothing overdue, while its clock stands still', async () => {
    const { id, asked } = await launched();
    await staff.post(`/campaigns/${id}/pause`);
    await api.database.sql(
      `UPDATE shared.acknowledgements SET due_date = current_date - 5 WHERE id = $1`,
      [asked],
    );
    await api.database.sql(
      `UPDATE shared.campaigns SET paused_on = current_date - 6 WHERE id = $1`,
      [id],
    );

    const overdue = await staff.get('/acknowledgements?overdue=true');
    const answered = await own.post(`/acknowledgements/${asked}/acknowledge`, signed);

    expect(overdue.body.items).toEqual([]);
    expect(answered.body.data).toMatchObject({ status: 'acknowledged', on_time: true });
  });

  it('is read by whoever sees all acknowledgements, and changed by compliance alone', async () => {
    const id = await drafted();
    const hr = api.as(await buildActor({ companyId, role: 'hr' }));
    const { id: otherId } = await buildCompany();
    const stranger = api.as(await buildActor({ companyId: otherId, role: 'tenant_admin' }));

    expect(await hr.get(`/campaigns/${id}/progress`)).toMatchObject({ status: 200 });
    expect(await hr.post(`/campaigns/${id}/launch`)).toMatchObject({ status: 403 });
    expect(await own.get('/campaigns')).toMatchObject({ status: 403 });
    expect(await stranger.post(`/campaigns/${id}/launch`)).toMatchObject({ status: 404 });
    expect((await staff.get(`/campaigns/${id}`)).body.data).toMatchObject({ status: 'draft' });
  });
});
