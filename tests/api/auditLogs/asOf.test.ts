import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { withTenant } from '../../../src/models/database.ts';
import { Policy } from '../../../src/models/Policy.ts';
import { PolicySubscription } from '../../../src/models/PolicySubscription.ts';
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
      await subscription.move('change_expiry', step, { endDate: '2031-01-01' });
      const policy = await Policy.findOne({ where: { id: policyId }, rejectOnEmpty: true });
      await policy.follow({ endDate: '2031-01-01', premium: '1.00' });
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
      state: { auto_renew: true, end_date: '2031-01-01' },
      built_from: { action: 'STATUS_CHANGE' },
    });
    expect((await asOf(policy, renewing, holder)).state).toMatchObject({
      end_date: endDate,
      premium: plan.premium,
    });
    expect((await asOf(policy, moved, holder)).state).toMatchObject({ premium: '1.00' });
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
