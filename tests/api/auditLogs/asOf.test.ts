import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { platformCompanyId, withTenant } from '../../../src/models/database.ts';
import { Policy } from '../../../src/models/Policy.ts';
import { PolicySubscription } from '../../../src/models/PolicySubscription.ts';
import { RegistrationRequest } from '../../../src/models/RegistrationRequest.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan } from '../../support/build.ts';

let api: TestApi;
let admin: Actor;
let companyId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

/** An instant between what was done and what comes. */
async function between(): Promise<string> {
  await pause(3);
  const at = new Date().toISOString();
  await pause(3);
  return at;
}

const asOf = async (path: string, at: string, actor = admin) =>
  (await api.as(actor).get(`${path}/as-of`, { at })).body.data;

describe('GET /{entity}/:id/as-of', () => {
  it('shows a category and a plan before, between and after their changes', async () => {
    const before = await between();
    const house = { name: 'House', segment: 'residential' };
    const category = (await api.as(admin).post('/categories', house)).body.data.id;
    const path = `/categories/${category}`;
    const made = await between();
    await api.as(admin).patch(path, { name: 'Home', description: 'Where one lives' });
    const renamed = await between();
    await api.as(admin).delete(path);
    const archived = await between();
    const plan = await buildPlan({ companyId });
    const sold = await between();
    await api.as(admin).patch(`/plans/${plan.id}`, { premium: '999.00' });

    expect(await asOf(path, made)).toMatchObject({
      entity_type: 'category',
      entity_id: category,
      at: made,
      state: { ...house, description: null, archived_at: null },
      built_from: { action: 'CREATE', actor_id: admin.userId },
    });
    expect(await asOf(path, renamed)).toMatchObject({
      state: { name: 'Home', description: 'Where one lives', archived_at: null },
      built_from: { action: 'UPDATE' },
    });
    expect(await asOf(path, archived)).toMatchObject({
      state: { name: 'Home', archived_at: expect.stringMatching(/Z$/) },
      built_from: { action: 'ARCHIVE' },
    });
    expect((await asOf(path, archived)).state).not.toHaveProperty('version');
    // The plan was made without a word in the audit; what changed since is taken back all the same.
    expect(await asOf(`/plans/${plan.id}`, sold)).toMatchObject({
      state: { premium: plan.premium, coverage_amount: plan.coverageAmount },
      built_from: null,
    });
    expect((await api.as(admin).get(`${path}/as-of`, { at: before })).status).toBe(404);
  });

  it('shows a subscription and its policy before a step of their lifecycle', async () => {
    const holder = await buildActor({ companyId });
    const plan = await buildPlan({ companyId });
    const bought = await api.as(holder).post('/subscriptions', { insurance_plan_id: plan.id });
    const { id, policy_id: policyId, end_date: endDate } = bought.body.data;
    const active = await between();
    await api.as(holder).patch(`/subscriptions/${id}/auto-renew`, { auto_renew: true });
    const renewing = await between();
    await withTenant(companyId, async () => {
      const subscription = await PolicySubscription.findOne({ where: { id }, rejectOnEmpty: true });
      const step = { commandId: uuid(), expectedVersion: 1, at: new Date() };
      await subscription.move('change_expiry', step, { endDate: '2190-01-01' });
      const policy = await Policy.findOne({ where: { id: policyId }, rejectOnEmpty: true });
      await policy.follow({ endDate: '2190-01-01', premium: '1.00' });
    });
    const moved = await between();
    const subscription = `/subscriptions/${id}`;
    const policy = `/policies/${policyId}`;

    expect(await asOf(subscription, active, holder)).toMatchObject({
      state: { status: 'active', auto_renew: false, end_date: endDate, term_no: 1 },
      built_from: { action: 'CREATE' },
    });
    expect(await asOf(subscription, renewing, holder)).toMatchObject({
      state: { auto_renew: true, end_date: endDate },
    });
    expect(await asOf(subscription, moved, holder)).toMatchObject({
      state: { auto_renew: true, end_date: '2190-01-01' },
      built_from: { action: 'STATUS_CHANGE' },
    });
    expect((await asOf(policy, renewing, holder)).state).toMatchObject({
      end_date: endDate,
      premium: plan.premium,
    });
    expect((await asOf(policy, moved, holder)).state).toMatchObject({ premium: '1.00' });
  });

  it('shows a company with its settings, under the names that they have', async () => {
    const path = `/companies/${companyId}`;
    const made = await between();
    await api.as(admin).patch('/companies/current', { address: '1 New Road' });
    await api.as(admin).patch('/companies/current/settings', { audit: { retention_years: 9 } });

    expect((await asOf(path, made)).state).toMatchObject({
      address: null,
      'audit.retention_years': 7,
    });
    expect((await asOf(path, await between())).state).toMatchObject({
      address: '1 New Road',
      'audit.retention_years': 9,
    });
    const { body } = await api.as(admin).get(`${path}/history`);
    expect(body.items.map(({ after }: { after: object }) => after)).toEqual([
      { address: '1 New Road' },
      { 'audit.retention_years': 9 },
    ]);
  });

  const editedClaim = async (holder: Actor) => {
    const plan = await buildPlan({ companyId });
    const bought = await api.as(holder).post('/subscriptions', { insurance_plan_id: plan.id });
    const claim = await api.as(admin).post('/claims', {
      policy_id: bought.body.data.policy_id,
      title: 'Burst pipe',
      description: 'Water in the kitchen',
      incident_date: bought.body.data.start_date,
    });
    const path = `/claims/${claim.body.data.id}`;
    const reported = await between();
    await api.as(admin).patch(path, { title: 'Flood' });
    return { path, reported };
  };

  it('shows a claim before it was edited, to who reads the audit', async () => {
    const holder = await buildActor({ companyId });

    const { path, reported } = await editedClaim(holder);

    expect((await asOf(path, reported)).state).toMatchObject({
      title: 'Burst pipe',
      status: 'reported',
    });
    expect((await asOf(path, await between())).state).toMatchObject({ title: 'Flood' });
    expect((await api.as(holder).get(`${path}/as-of`, { at: reported })).status).toBe(403);
  });

  it('tells what was erased as that', async () => {
    const holder = await buildActor({ companyId });
    const { path, reported } = await editedClaim(holder);
    await api.database.sql(
      `UPDATE shared.policy_subscriptions SET status = 'cancelled' WHERE user_id = $1`,
      [holder.userId],
    );
    await api.database.sql(
      'UPDATE shared.claims SET workflow_closed_at = now() WHERE company_id = $1',
      [companyId],
    );

    const erased = await api.as(admin).post(`/users/${holder.userId}/erase`, { reason: 'A test' });

    expect(erased.status).toBe(200);
    expect((await asOf(path, reported)).state).toMatchObject({ title: '[erased]' });
  });

  it('shows a registration before it was decided, and what happened to it', async () => {
    const reviewer = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const name = `acme${uuid().slice(-12)}`;
    const registered = await api.nowhere.post('/register', {
      company_name: name,
      admin_email: `ada@${name}.example`,
      admin_username: name,
      admin_password: 'Seven-Green-Otters-7',
    });
    const { id } = registered.body.data;
    const path = `/administration/registration-requests/${id}`;
    const waiting = await between();
    await withTenant(platformCompanyId, async () => {
      const row = await RegistrationRequest.findOne({ where: { id }, rejectOnEmpty: true });
      const step = { commandId: uuid(), expectedVersion: 1, at: new Date() };
      await row.move('reject', step, { reason: 'No licence', adminPasswordHash: null });
    });

    const before = await asOf(path, waiting, reviewer);
    const after = await asOf(path, await between(), reviewer);
    const { body } = await api.as(reviewer).get(`${path}/history`);

    expect(before.state).toMatchObject({ company_name: name, status: 'pending', reason: null });
    expect(after.state).toMatchObject({ status: 'rejected', reason: 'No licence' });
    expect(body.items.map(({ to_status: to }: { to_status: string }) => to)).toContain('rejected');
    expect(JSON.stringify([before, after, body])).not.toMatch(/hash/i);
  });

  it('refuses the future, a time that is none, and whoever may not read the history', async () => {
    const plan = await buildPlan({ companyId });
    const holder = await buildActor({ companyId });
    const bought = await api.as(holder).post('/subscriptions', { insurance_plan_id: plan.id });
    const paths = {
      subscriptions: bought.body.data.id,
      policies: bought.body.data.policy_id,
      plans: plan.id,
      categories: plan.propertyCategoryId,
    };
    const at = await between();
    const other = await buildCompany();
    const neighbour = api.as(await buildActor({ companyId }));
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'tenant_admin' }));

    for (const [plural, id] of Object.entries(paths)) {
      const path = `/${plural}/${id}/as-of`;
      const isCatalogue = plural === 'plans' || plural === 'categories';
      const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
      const theirs = await foreign.get(path, { at });

      expect(await api.as(admin).get(path, { at: inAnHour })).toMatchObject({
        status: 422,
        body: { details: [{ field: 'at', code: 'OUT_OF_RANGE' }] },
      });
      expect((await api.as(admin).get(path)).status).toBe(422);
      expect((await api.visiting(companyId).get(path, { at })).status).toBe(401);
      expect((await neighbour.get(path, { at })).status).toBe(isCatalogue ? 403 : 404);
      expect(theirs.status).toBe(404);
      expect(comparable(theirs)).toBe(
        comparable(await foreign.get(`/${plural}/${uuid()}/as-of`, { at })),
      );
    }
  });
});

describe('GET /users/:id/history', () => {
  it('tells what happened to a person and to their roles in this company', async () => {
    const person = await buildActor({ companyId });
    const path = `/users/${person.userId}`;
    await api.as(admin).patch(path, { first_name: 'Grace' });
    await api.as(admin).post(`${path}/memberships`, { role: 'adjuster' });
    await api.as(admin).delete(`${path}/memberships/adjuster`);

    const { body } = await api.as(admin).get(`${path}/history`);
    const own = await api.as(person).get(`${path}/history`);

    expect(
      body.items.map(({ action, before }: { action: string; before: object }) => [action, before]),
    ).toEqual([
      ['UPDATE', { first_name: 'Ada' }],
      ['CREATE', null],
      ['ARCHIVE', { user_id: person.userId, role: 'adjuster' }],
    ]);
    expect(own.status).toBe(403);
  });
});
