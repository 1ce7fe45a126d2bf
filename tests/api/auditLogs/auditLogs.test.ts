import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { AuditLog, type AuditAction } from '../../../src/models/AuditLog.ts';
import { append, platformCompanyId, withTenant } from '../../../src/models/database.ts';
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

interface Line {
  readonly action?: AuditAction;
  readonly entityType?: string;
  readonly entityId?: string;
  readonly actorId?: string | null;
  readonly timestamp?: Date;
}

/** Audit lines as given, each a second later than the one before. */
const written = (lines: readonly Line[], company = companyId) =>
  withTenant(company, async () => {
    for (const [index, line] of lines.entries()) {
      append(AuditLog, {
        timestamp: new Date(Date.UTC(2190, 0, 1, 0, 0, index)),
        actorId: null,
        actorType: 'system',
        action: 'CREATE',
        entityType: 'plan',
        entityId: null,
        after: { lineNo: index, nested: { coverageAmount: '1.00' } },
        ...line,
      });
    }
  });

/** What happens while a test runs is told long before: the lines of these years are its own. */
const since2190 = { from: '2190-01-01' };

const numbers = (answer: { body: { items: { after: { line_no: number } }[] } }): number[] =>
  answer.body.items.map(({ after }) => after.line_no);

describe('GET /audit-logs', () => {
  it('is for administrators and auditors of the company', async () => {
    await written([{}]);
    const other = await buildCompany();
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'auditor' }));
    const auditor = api.as(await buildActor({ companyId, role: 'auditor' }));

    const stranger = await api.visiting(companyId).get('/audit-logs');
    const agent = await api
      .as(await buildActor({ companyId, role: 'call_center' }))
      .get('/audit-logs');

    expect(stranger).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(agent).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(numbers(await auditor.get('/audit-logs', since2190))).toEqual([0]);
    expect((await foreign.get('/audit-logs')).body.items).toEqual([]);
  });

  it('filters by everything, the newest first, with names in snake_case', async () => {
    const entityId = uuid();
    const actorId = uuid();
    await written([
      { entityType: 'category' },
      { entityId },
      { actorId },
      { action: 'ARCHIVE' },
      { timestamp: new Date('2190-06-01T00:00:00Z') },
    ]);
    const list = async (query: object) =>
      numbers(await api.as(admin).get('/audit-logs', { ...since2190, ...query }));

    expect(await list({})).toEqual([4, 3, 2, 1, 0]);
    expect(await list({ entity_type: 'category' })).toEqual([0]);
    expect(await list({ entity_id: entityId })).toEqual([1]);
    expect(await list({ actor_id: actorId })).toEqual([2]);
    expect(await list({ action: 'ARCHIVE' })).toEqual([3]);
    expect(await list({ from: '2190-05-01T00:00:00Z' })).toEqual([4]);
    expect(await list({ to: '2190-01-01T00:00:01Z' })).toEqual([0]);
    expect(await list({ page: 2, size: 2 })).toEqual([2, 1]);
    const { body } = await api.as(admin).get('/audit-logs', { ...since2190, size: 1 });
    expect(body.items[0].after).toEqual({ line_no: 4, nested: { coverage_amount: '1.00' } });
    for (const query of [{ colour: 'red' }, { entity_id: 'x' }, { action: '%' }, { from: 'x' }]) {
      expect((await api.as(admin).get('/audit-logs', query)).status).toBe(422);
    }
  });

  it('shows what is about security alone, also by cursor', async () => {
    await written([
      { action: 'LOGIN_FAILED', entityType: 'user' },
      { action: 'UPDATE', entityType: 'plan' },
      { action: 'CREATE', entityType: 'membership' },
      { action: 'ACCESS_DENIED', entityType: 'route' },
      { action: 'EXPORT', entityType: 'audit_log' },
    ]);
    const query = { ...since2190, category: 'security', size: 3 };

    const first = await api.as(admin).get('/audit-logs', query);
    const { next_cursor: cursor } = first.body.pagination;
    const second = await api.as(admin).get('/audit-logs', { ...query, cursor });
    const others = await api.as(admin).get('/audit-logs', { ...since2190, cursor });
    const unknown = await api.as(admin).get('/audit-logs', { category: 'weather' });

    expect(numbers(first)).toEqual([4, 3, 2]);
    expect(numbers(second)).toEqual([0]);
    expect([others.status, unknown.status]).toEqual([422, 422]);
  });

  it('is walked by cursor while lines are added, each line once, to its end', async () => {
    const same = new Date('2190-01-01T00:00:00Z');
    await written(Array.from({ length: 7 }, () => ({ timestamp: same })));
    const seen: number[] = [];
    let cursor: string | null | undefined;

    for (let page = 0; page < 10 && cursor !== null; page += 1) {
      const query = { ...since2190, size: 3, ...(cursor && { cursor }) };
      const answer = await api.as(admin).get('/audit-logs', query);
      seen.push(...numbers(answer));
      expect(answer.body.pagination).toMatchObject({ total: 7, has_next: seen.length < 7 });
      cursor = answer.body.pagination.next_cursor;
      await written([{ timestamp: new Date('2190-02-01T00:00:00Z') }]);
    }

    expect(cursor).toBeNull();
    expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('is walked by cursor over lines between two milliseconds too', async () => {
    await api.database.sql(
      `INSERT INTO core.audit_logs
         (company_id, id, timestamp, actor_type, action, entity_type, after)
       SELECT $1, gen_random_uuid(), timestamptz '2190-01-01 00:00Z' + n * interval '1 microsecond',
         'system', 'CREATE', 'plan', jsonb_build_object('lineNo', n)
       FROM generate_series(0, 4) n`,
      [companyId],
    );
    const query = { ...since2190, size: 2 };

    const first = await api.as(admin).get('/audit-logs', query);
    const { next_cursor: cursor } = first.body.pagination;
    const second = await api.as(admin).get('/audit-logs', { ...query, cursor });

    expect([...numbers(first), ...numbers(second)]).toEqual([4, 3, 2, 1]);
  });

  it('refuses a cursor that is not its own', async () => {
    await written([{}, {}]);
    const other = await buildCompany();
    const foreign = await buildActor({ companyId: other.id, role: 'tenant_admin' });
    const query = { ...since2190, size: 1 };
    const { body } = await api.as(admin).get('/audit-logs', query);
    const cursor: string = body.pagination.next_cursor;
    const forged = `${Buffer.from('["2190-01-01","x",1]').toString('base64url')}.${cursor.split('.')[1]}`;

    for (const refused of [
      await api.as(foreign).get('/audit-logs', { ...query, cursor }),
      await api.as(admin).get('/audit-logs', { ...query, action: 'CREATE', cursor }),
      await api.as(admin).get('/audit-logs', { ...query, cursor: forged }),
      await api.as(admin).get('/audit-logs', { ...query, cursor: 'x' }),
      await api.as(admin).get('/audit-logs', { ...query, cursor, page: 2 }),
    ]) {
      expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR' } });
    }
    expect(numbers(await api.as(admin).get('/audit-logs', { ...query, cursor }))).toEqual([0]);
  });
});

describe('GET /administration/audit-logs', () => {
  it("shows a global administrator every company's lines, or one's, by cursor too", async () => {
    const path = '/administration/audit-logs';
    const other = await buildCompany();
    const staff = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const from = '2195-01-01';
    const at = (second: number) => ({ timestamp: new Date(Date.UTC(2195, 0, 1, 0, 0, second)) });
    await written([at(1), at(3)]);
    await written([at(2)], other.id);
    const companies = (answer: { body: { items: { company_id: string }[] } }): string[] =>
      answer.body.items.map(({ company_id }) => company_id);

    const all = await api.as(staff).get(path, { from, size: 2 });
    const { next_cursor: cursor } = all.body.pagination;
    const rest = await api.as(staff).get(path, { from, size: 2, cursor });
    const ofOne = await api.as(staff).get(path, { from, company_id: other.id });
    const elsewhere = await api.as(staff).get(path, { from, company_id: other.id, cursor });

    expect(companies(all)).toEqual([companyId, other.id]);
    expect(companies(rest)).toEqual([companyId]);
    expect(companies(ofOne)).toEqual([other.id]);
    expect(elsewhere.status).toBe(422);
    expect((await api.as(admin).get(path)).status).toBe(403);
    expect((await api.visiting(companyId).get(path)).status).toBe(401);
  });
});

describe('GET /{entity}/:id/history', () => {
  const actionsOf = (answer: { body: { items: { kind: string; action: string }[] } }) =>
    answer.body.items.map(({ kind, action }) => `${kind} ${action}`);

  it('tells what happened to a plan and a category, the oldest first', async () => {
    const house = { name: 'House', segment: 'residential' };
    const category = (await api.as(admin).post('/categories', house)).body.data.id;
    await api.as(admin).patch(`/categories/${category}`, { name: 'Home' });
    const plan = await buildPlan({ companyId });
    await api.as(admin).patch(`/plans/${plan.id}`, { coverage_amount: '300000.00' });
    await api.as(admin).delete(`/plans/${plan.id}`);

    const ofCategory = await api.as(admin).get(`/categories/${category}/history`);
    const ofPlan = await api.as(admin).get(`/plans/${plan.id}/history`);
    const second = await api.as(admin).get(`/plans/${plan.id}/history`, { page: 2, size: 1 });

    expect(actionsOf(ofCategory)).toEqual(['change CREATE', 'change UPDATE']);
    expect(actionsOf(ofPlan)).toEqual(['change UPDATE', 'change ARCHIVE']);
    expect(ofPlan.body.items[0]).toMatchObject({
      actor_id: admin.userId,
      before: { coverage_amount: '250000.00' },
      after: { coverage_amount: '300000.00' },
    });
    expect(ofPlan.body.items[0]).not.toHaveProperty('ip');
    expect(second.body).toMatchObject({ pagination: { total: 2, page: 2 } });
    expect(actionsOf(second)).toEqual(['change ARCHIVE']);
  });

  it('tells the holder and staff what happened to a subscription and its policy', async () => {
    const plan = await buildPlan({ companyId });
    const holder = await buildActor({ companyId });
    const bought = await api.as(holder).post('/subscriptions', { insurance_plan_id: plan.id });
    const { id, policy_id } = bought.body.data;
    const agent = await buildActor({ companyId, role: 'call_center' });

    for (const reader of [holder, agent, admin]) {
      const ofSubscription = await api.as(reader).get(`/subscriptions/${id}/history`);
      const ofPolicy = await api.as(reader).get(`/policies/${policy_id}/history`);

      expect(actionsOf(ofSubscription).toSorted()).toEqual([
        'change CREATE',
        'transition subscribe',
      ]);
      expect(ofSubscription.body.items).toContainEqual(
        expect.objectContaining({ to_status: 'active', actor_id: holder.userId }),
      );
      expect(actionsOf(ofPolicy)).toEqual(['change CREATE']);
    }
  });

  it('is refused to strangers, wrong roles, other holders and other companies', async () => {
    const plan = await buildPlan({ companyId });
    const holder = await buildActor({ companyId });
    const bought = await api.as(holder).post('/subscriptions', { insurance_plan_id: plan.id });
    const other = await buildCompany();
    const paths = {
      subscriptions: bought.body.data.id,
      policies: bought.body.data.policy_id,
      plans: plan.id,
      categories: plan.propertyCategoryId,
    };
    const neighbour = api.as(await buildActor({ companyId }));
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'tenant_admin' }));

    for (const [plural, id] of Object.entries(paths)) {
      const path = `/${plural}/${id}/history`;
      const isCatalogue = plural === 'plans' || plural === 'categories';
      const theirs = await foreign.get(path);

      expect((await api.visiting(companyId).get(path)).status).toBe(401);
      expect((await neighbour.get(path)).status).toBe(isCatalogue ? 403 : 404);
      expect(theirs.status).toBe(404);
      expect(comparable(theirs)).toBe(
        comparable(await foreign.get(`/${plural}/${uuid()}/history`)),
      );
    }
  });
});
