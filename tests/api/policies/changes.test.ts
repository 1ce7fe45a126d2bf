import { reportClaim } from '../../../src/commands/reportClaim.ts';
import type { Actor } from '../../../src/context.ts';
import { Policy } from '../../../src/models/Policy.ts';
import { archiveRow, getRow } from '../../../src/models/rows.ts';
import { addDays, addMonths, dateAt } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { meanwhile } from '../../support/meanwhile.ts';

let api: TestApi;
let companyId: string;
let admin: Actor;
let today: string;

beforeAll(async () => {
  api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
});
afterAll(() => api.close());
beforeEach(async () => {
  const company = await buildCompany();
  companyId = company.id;
  admin = await buildActor({ companyId, role: 'tenant_admin' });
  today = dateAt(Date.now(), company.timeZone);
});

/** A direct policy, as its answer shows it. */
async function issued(values: object = {}) {
  const { body } = await api.as(admin).post('/policies', {
    policy_type: 'auto',
    policyholder_name: 'Grace Hopper',
    policyholder_email: 'grace@example.org',
    policyholder_phone: '+49 30 1234',
    start_date: today,
    end_date: addMonths(today, 12),
    premium: '540.00',
    coverage_amount: '18000.00',
    metadata: { plate: 'B-GH 1906' },
    ...values,
  });
  const { workflow: _, ...policy } = body.data;
  return { ...policy, path: `/policies/${policy.id}` };
}

/** Policy and subscription as a workflow would have left them. */
const left = async (id: string, status: string): Promise<void> => {
  await api.database.sql(`UPDATE shared.policies SET status = $2 WHERE id = $1`, [id, status]);
  await api.database.sql(
    `UPDATE shared.policy_subscriptions SET status = $2 WHERE policy_id = $1`,
    [id, status],
  );
};

const shown = async (path: string) => (await api.as(admin).get(path)).body.data;

describe('PATCH /policies/:id', () => {
  it('changes what is known of the holder, with an audit line', async () => {
    const { path, id, ...before } = await issued();

    const edited = await api.as(admin).patch(path, {
      policyholder_name: 'Grace Murray',
      policyholder_phone: null,
      metadata: { plate: 'B-GM 1' },
    });

    expect(edited.status).toBe(200);
    expect(await shown(path)).toEqual({
      ...before,
      id,
      policyholder_name: 'Grace Murray',
      policyholder_phone: null,
      metadata: { plate: 'B-GM 1' },
      version: 2,
      updated_at: expect.any(String),
    });
    const { body } = await api.as(admin).get(`${path}/history`);
    expect(JSON.stringify(body.items)).toContain('Grace Murray');
  });

  it('takes whole policies back, unchanged', async () => {
    const { path, ...policy } = await issued();

    const same = await api.as(admin).patch(path, {
      policy_number: policy.policy_number,
      policy_type: policy.policy_type,
      product_type: policy.product_type,
      status: policy.status,
      start_date: policy.start_date,
      end_date: policy.end_date,
      premium: policy.premium,
      coverage_amount: policy.coverage_amount,
      currency: policy.currency,
      insured_property_id: policy.insured_property_id,
      policyholder_name: policy.policyholder_name,
    });

    expect([same.status, same.body.data.version]).toEqual([200, 1]);
  });

  it.each([
    ['policy_number', 'OTHER', 'nothing'],
    ['policy_type', 'life', 'a new policy'],
    ['status', 'cancelled', 'cancel'],
    ['start_date', '2026-01-01', 'a new policy'],
    ['end_date', '2190-01-01', 'renew'],
    ['premium', '1.00', 'renew or endorse'],
    ['coverage_amount', '1.00', 'renew or endorse'],
    ['currency', 'USD', 'a new policy'],
  ])('does not reach %s and says what does', async (field, value, way) => {
    const { path, ...policy } = await issued();

    const refused = await api.as(admin).patch(path, { [field]: value, policyholder_name: 'X' });

    expect([refused.status, refused.body.code]).toEqual([409, 'CONTRACT_FIXED']);
    expect(refused.body.changed_by).toEqual({ [field]: way });
    expect(await shown(path)).toEqual(policy);
  });

  it('does not reach the type by its older name either', async () => {
    const { path } = await issued();

    const refused = await api.as(admin).patch(path, { product_type: 'life' });

    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'CONTRACT_FIXED', changed_by: { policy_type: 'a new policy' } },
    });
  });

  it('refuses whoever has seen another version', async () => {
    const { path } = await issued();
    await api.as(admin).patch(path, { policyholder_name: 'First' });

    const stale = await api
      .as(admin)
      .patch(path, { policyholder_name: 'Second' }, { 'If-Match': '"1"' });

    expect([stale.status, stale.body.code]).toEqual([409, 'VERSION_CONFLICT']);
    expect(await shown(path)).toMatchObject({ policyholder_name: 'First', version: 2 });
  });

  it('gives a direct policy to an account, and with it its subscription', async () => {
    const holder = await buildActor({ companyId });
    const { path, subscription_id: subscriptionId } = await issued();

    const given = await api.as(admin).patch(path, { user_id: holder.userId });

    expect(given.body.data.user_id).toBe(holder.userId);
    expect((await api.as(holder).get(path)).status).toBe(200);
    expect((await api.as(holder).get(`/subscriptions/${subscriptionId}`)).status).toBe(200);
    await api.as(admin).patch(path, { user_id: null });
    expect((await api.as(holder).get(path)).status).toBe(404);
    expect((await api.as(holder).get(`/subscriptions/${subscriptionId}`)).status).toBe(404);
  });

  it('keeps its holder while a claim is open, also one that is just being reported', async () => {
    const holder = await buildActor({ companyId });
    const { path, id } = await issued({ user_id: holder.userId });
    const report = () =>
      reportClaim(holder, id, { title: 'Hail', description: 'Dents', incidentDate: today });

    const meanwhileRefused = await meanwhile(
      { database: api.database, actor: holder },
      report,
      () => api.as(admin).patch(path, { user_id: null }),
    );
    const later = await api.as(admin).patch(path, { user_id: null });

    expect([meanwhileRefused.status, later.status]).toEqual([409, 409]);
    expect(later.body.code).toBe('POLICY_HAS_CLAIMS');
    expect(await shown(path)).toMatchObject({ user_id: holder.userId, version: 1 });
    await api.database.sql(
      `UPDATE shared.claims SET status = 'closed', closed_outcome = 'withdrawn', closed_at = now(),
         workflow_closed_at = now() WHERE policy_id = $1`,
      [id],
    );
    expect((await api.as(admin).patch(path, { user_id: null })).status).toBe(200);
  });

  it('is not given away by whoever holds it', async () => {
    const { path } = await issued({ user_id: admin.userId });
    const other = await buildActor({ companyId, role: 'tenant_admin' });

    const refused = await api.as(admin).patch(path, { user_id: null });
    const given = await api.as(other).patch(path, { user_id: null });

    expect([refused.status, refused.body.code, given.status]).toEqual([403, 'FORBIDDEN', 200]);
  });

  it('leaves whoever bought a plan its holder', async () => {
    const { id, holder } = await buildSubscription({ companyId });
    const { policy_id: policyId } = await shown(`/subscriptions/${id}`);
    const other = await buildActor({ companyId });

    const refused = await api.as(admin).patch(`/policies/${policyId}`, { user_id: other.userId });

    expect([refused.status, refused.body.code]).toEqual([409, 'CONTRACT_FIXED']);
    expect(await shown(`/policies/${policyId}`)).toMatchObject({ user_id: holder.userId });
  });
});

describe('PUT /policies/:id', () => {
  it('clears what it leaves out and keeps what was agreed', async () => {
    const { path, ...before } = await issued();

    const replaced = await api.as(admin).put(path, {
      policyholder_name: 'Grace Hopper',
      policyholder_email: 'grace@navy.example',
    });

    expect(replaced.body.data).toEqual({
      ...before,
      policyholder_email: 'grace@navy.example',
      policyholder_phone: null,
      metadata: {},
      version: 2,
      updated_at: expect.any(String),
    });
  });

  it('is not for an adjuster', async () => {
    const { path } = await issued();
    const adjuster = await buildActor({ companyId, role: 'adjuster' });
    const body = { policyholder_name: 'X', policyholder_email: 'x@example.org' };

    expect((await api.as(adjuster).put(path, body)).status).toBe(403);
  });
});

describe('DELETE /policies/:id', () => {
  it.each(['draft', 'active'])('refuses one that is %s', async (status) => {
    const { path, id } = await issued();
    await left(id, status === 'draft' ? 'active' : status);
    await api.database.sql(`UPDATE shared.policies SET status = $2 WHERE id = $1`, [id, status]);

    const refused = await api.as(admin).delete(path);

    expect([refused.status, refused.body.code]).toEqual([409, 'POLICY_ACTIVE']);
    expect(await shown(path)).toMatchObject({ is_active: true, status });
  });

  it.each(['expired', 'cancelled'])('archives one that is %s, and back', async (status) => {
    const { path, id } = await issued();
    await left(id, status);

    const archived = await api.as(admin).delete(path);

    expect(archived.status).toBe(204);
    expect((await api.as(admin).get(path)).status).toBe(404);
    expect((await api.as(admin).get('/policies')).body.pagination.total).toBe(0);
    const all = await api.as(admin).get('/policies', { include_archived: true });
    expect(all.body.items).toMatchObject([{ id, is_active: false, is_valid: false }]);
    const restored = await api.as(admin).post(`${path}/restore`);
    expect([restored.status, restored.body.data.is_active]).toEqual([200, true]);
  });

  describe('and a claim that is reported at the same moment', () => {
    const report = () => ({
      title: 'Burst pipe',
      description: 'Water in the kitchen',
      incidentDate: today,
    });

    it('is refused where the claim was first', async () => {
      const { path, id } = await issued();
      await left(id, 'cancelled');

      const archived = await meanwhile(
        { database: api.database, actor: admin },
        () => reportClaim(admin, id, report()),
        () => api.as(admin).delete(path),
      );

      expect([archived.status, archived.body.code]).toEqual([409, 'POLICY_HAS_CLAIMS']);
    });

    it('leaves nothing to report a claim under where it was first', async () => {
      const { path, id } = await issued();
      await left(id, 'cancelled');

      const { incidentDate, ...rest } = report();
      const reported = await meanwhile(
        { database: api.database, actor: admin },
        async () => archiveRow(Policy, await getRow(Policy, id, { lock: true })),
        () => api.as(admin).post(`${path}/claims`, { ...rest, incident_date: incidentDate }),
      );

      expect(reported.status).toBe(404);
      const claims = await api.database.sql('SELECT 1 FROM shared.claims WHERE policy_id = $1', [
        id,
      ]);
      expect(claims).toEqual([]);
    });
  });

  it('is not for the call centre', async () => {
    const { path, id } = await issued();
    await left(id, 'expired');
    const agent = await buildActor({ companyId, role: 'call_center' });

    expect((await api.as(agent).delete(path)).status).toBe(403);
    expect((await api.as(agent).post(`${path}/restore`)).status).toBe(403);
  });
});

describe.each(['put', 'post'] as const)('%s /policies/:id/renew', (method) => {
  const renew = (path: string, body: object, headers = {}) =>
    api.as(admin)[method](`${path}/renew`, body, headers);

  it('is refused out of its window, and when it is cancelled', async () => {
    const { path, id } = await issued();

    const early = await renew(path, { duration_months: 12 });
    await left(id, 'cancelled');
    const gone = await renew(path, { duration_months: 12 });

    expect([early.status, early.body.code]).toEqual([409, 'RENEWAL_WINDOW_CLOSED']);
    expect([gone.status, gone.body.code]).toEqual([409, 'ILLEGAL_TRANSITION']);
    expect(gone.body.allowed_transitions).toEqual([]);
  });

  it('asks how long a policy without a plan goes on, and takes one answer', async () => {
    const end = addDays(today, 30);
    const { path } = await issued({ end_date: end });

    const neither = await renew(path, {});
    const both = await renew(path, { end_date: addDays(end, 1), duration_months: 1 });
    const backwards = await renew(path, { end_date: end });

    expect([neither.status, neither.body.code]).toEqual([409, 'RENEWAL_NEEDS_END']);
    expect([both.status, both.body.details[0].field]).toEqual([422, 'duration_months']);
    expect([backwards.status, backwards.body.details[0].code]).toEqual([
      422,
      'END_NOT_AFTER_START',
    ]);
  });

  it('refuses whoever has seen another version, and an archived policy', async () => {
    const { path, id } = await issued({ end_date: addDays(today, 30) });
    const stale = await renew(path, { duration_months: 6 }, { 'If-Match': '"7"' });
    await left(id, 'expired');
    await api.as(admin).delete(path);

    const archived = await renew(path, { duration_months: 6 });

    expect([stale.status, stale.body.code]).toEqual([409, 'VERSION_CONFLICT']);
    expect(archived.status).toBe(404);
  });
});

describe('a direct subscription', () => {
  it('renews neither by itself nor without being told how long', async () => {
    const { subscription_id: id } = await issued({ end_date: addDays(today, 30) });

    const byItself = await api.as(admin).patch(`/subscriptions/${id}/auto-renew`, {
      auto_renew: true,
    });
    const plainly = await api.as(admin).post(`/subscriptions/${id}/renew`, {});

    expect([byItself.status, byItself.body.code]).toEqual([409, 'NO_PLAN_TO_RENEW']);
    expect([plainly.status, plainly.body.code]).toEqual([409, 'RENEWAL_NEEDS_END']);
  });

  it('is not renewed while its policy is archived', async () => {
    const { subscription_id: id, id: policyId, path } = await issued();
    await left(policyId, 'expired');
    await api.as(admin).delete(path);
    await api.database.sql(
      `UPDATE shared.policy_subscriptions SET end_date = $2, start_date = '2020-01-01' WHERE id = $1`,
      [id, addDays(today, -2)],
    );

    const refused = await api.as(admin).post(`/subscriptions/${id}/renew`, {});

    expect([refused.status, refused.body.code]).toEqual([409, 'POLICY_ARCHIVED']);
  });
});

describe('GET /policies/:id/versions', () => {
  it('shows what was agreed, when and by whom', async () => {
    const { path } = await issued();

    const { body } = await api.as(admin).get(`${path}/versions`);

    expect(body.pagination).toMatchObject({ page: 1, total: 1 });
    expect(body.items).toEqual([
      {
        number: 1,
        start_date: today,
        end_date: addMonths(today, 12),
        premium: '540.00',
        coverage_amount: '18000.00',
        origin: 'new',
        gap_days: 0,
        made_at: expect.any(String),
        made_by: admin.userId,
      },
    ]);
  });

  it('is for the holder and for who reads policies', async () => {
    const holder = await buildActor({ companyId });
    const { path } = await issued({ user_id: holder.userId });
    const stranger = await buildActor({ companyId });

    expect((await api.as(holder).get(`${path}/versions`)).status).toBe(200);
    expect((await api.as(stranger).get(`${path}/versions`)).status).toBe(404);
  });
});
