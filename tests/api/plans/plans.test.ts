import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { withTenant } from '../../../src/models/database.ts';
import { InsurancePlan } from '../../../src/models/InsurancePlan.ts';
import { PropertyCategory } from '../../../src/models/PropertyCategory.ts';
import { addDays, addMonths, dateAt, daysBetween } from '../../../src/rules/calendar.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan } from '../../support/build.ts';

let api: TestApi;
let admin: Actor;
let companyId: string;
let categoryId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

/** Each test has a company of its own, with one category. */
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
  const category = { name: 'Detached House', segment: 'residential' };
  ({ id: categoryId } = (await api.as(admin).post('/categories', category)).body.data);
});

const wish = (values: object = {}) => ({
  name: 'Home Standard',
  property_category_id: categoryId,
  coverage_level: 'standard',
  coverage_amount: '250000.00',
  premium: '365.00',
  duration_months: 12,
  ...values,
});

const created = async (values: object = {}) => {
  const { body } = await api.as(admin).post('/plans', wish(values));
  return { id: String(body.data.id), path: `/plans/${body.data.id}` };
};

const rowOf = (id: string) =>
  withTenant(companyId, () => InsurancePlan.findOne({ where: { id }, raw: true }));

const archiveCategory = () =>
  withTenant(companyId, () =>
    PropertyCategory.update({ archivedAt: new Date() }, { where: { id: categoryId } }),
  );

const fieldsOf = (answer: { body: { details: { field: string; code: string }[] } }) =>
  answer.body.details.map(({ field, code }) => [field, code]);

describe('/plans', () => {
  it('adds, shows, changes, archives and restores a plan, each with its audit line', async () => {
    const ours = api.as(admin);
    const lifecycle = { renewal_reminder_days: [20, 5], short_rate: 0.25 };

    const added = await ours.post('/plans', wish({ lifecycle_config: lifecycle }));
    const path = `/plans/${added.body.data.id}`;
    const shown = await api.visiting(companyId).get(path);
    const changed = await ours.patch(path, { premium: '400.5' });
    const replaced = await ours.put(path, wish({ name: 'Home', is_active: false }));
    const archived = await ours.delete(path);
    const restored = await ours.post(`${path}/restore`);

    expect(added).toMatchObject({ status: 201, headers: { etag: expect.stringMatching(/^"1-/) } });
    expect(shown.body.data).toEqual(added.body.data);
    expect(added.body.data).toMatchObject({
      ...wish(),
      property_category_name: 'Detached House',
      currency: 'EUR',
      description: '',
      is_active: true,
      lifecycle_config: lifecycle,
      version: 1,
    });
    expect(changed.body.data).toMatchObject({ premium: '400.50', lifecycle_config: lifecycle });
    expect(replaced.body.data).toMatchObject({
      name: 'Home',
      premium: '365.00',
      is_active: false,
      lifecycle_config: {},
      version: 3,
    });
    expect([archived.status, archived.text]).toEqual([204, '']);
    expect(restored.body.data).toMatchObject({ archived_at: null, version: 5 });
    const audit = await api.database.sql(
      `SELECT action, actor_id, after -> 'premium' AS premium FROM core.audit_logs
       WHERE entity_type = 'plan' AND entity_id = $1 ORDER BY timestamp, id`,
      [added.body.data.id],
    );
    expect(audit).toEqual(
      [
        ['CREATE', '365.00'],
        ['UPDATE', '400.50'],
        ['UPDATE', '365.00'],
        ['ARCHIVE', null],
        ['RESTORE', null],
      ].map(([action, premium]) => ({ action, actor_id: admin.userId, premium })),
    );
  });

  it('refuses strangers, wrong roles and other companies, and changes nothing', async () => {
    const { id, path } = await created();
    const before = await rowOf(id);
    const other = await buildCompany();
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'tenant_admin' }));
    const unknown = `/plans/${uuid()}`;

    for (const [caller, status, code] of [
      [api.visiting(companyId), 401, 'UNAUTHENTICATED'],
      [api.as(await buildActor({ companyId, role: 'auditor' })), 403, 'FORBIDDEN'],
      [api.as(await buildActor({ companyId })), 403, 'FORBIDDEN'],
    ] as const) {
      for (const answer of [
        await caller.post('/plans', wish({ name: 'New' })),
        await caller.put(path, wish({ name: 'New' })),
        await caller.patch(path, { name: 'New' }),
        await caller.delete(path),
        await caller.post(`${path}/restore`),
      ]) {
        expect(answer).toMatchObject({ status, body: { code } });
      }
    }
    for (const [theirs, none] of [
      [await foreign.get(path), await foreign.get(unknown)],
      [await foreign.patch(path, { name: 'New' }), await foreign.patch(unknown, { name: 'New' })],
      [await foreign.put(path, wish()), await foreign.put(unknown, wish())],
      [await foreign.delete(path), await foreign.delete(unknown)],
      [await foreign.post(`${path}/restore`), await foreign.post(`${unknown}/restore`)],
      [await foreign.post(`${path}/quote`), await foreign.post(`${unknown}/quote`)],
    ] as const) {
      expect(theirs.status).toBe(404);
      expect(comparable(theirs)).toBe(comparable(none));
    }

    expect((await foreign.get('/plans')).body.items).toEqual([]);
    expect(await rowOf(id)).toEqual(before);
  });

  it.each([
    [{ duration_months: 7 }, [['duration_months', 'INVALID_DURATION']]],
    [{ duration_months: 0 }, [['duration_months', 'OUT_OF_RANGE']]],
    [{ premium: '0.00' }, [['premium', 'OUT_OF_RANGE']]],
    [{ premium: '-1.00' }, [['premium', 'INVALID_FORMAT']]],
    [{ premium: 365 }, [['premium', 'INVALID_TYPE']]],
    [{ premium: '250000.00' }, [['coverage_amount', 'COVERAGE_TOO_LOW']]],
    [
      { premium: '92233720368547758.00', coverage_amount: '999999999999999999.99' },
      [['premium', 'OUT_OF_RANGE']],
    ],
    [{ coverage_level: 'gold' }, [['coverage_level', 'INVALID_CHOICE']]],
    [{ currency: 'eur' }, [['currency', 'INVALID_FORMAT']]],
    [{ property_category_id: uuid() }, [['property_category_id', 'CATEGORY_UNKNOWN']]],
    [
      { lifecycle_config: { cooling_off_days: 61 } },
      [['lifecycle_config.cooling_off_days', 'OUT_OF_RANGE']],
    ],
    [{ lifecycle_config: { pause: 1 } }, [['lifecycle_config.pause', 'UNKNOWN_FIELD']]],
    [
      { lifecycle_config: { short_rate: 0.00001 }, duration_months: 5 },
      [
        ['duration_months', 'INVALID_DURATION'],
        ['lifecycle_config.short_rate', 'OUT_OF_RANGE'],
      ],
    ],
    [{ colour: 'red' }, [['colour', 'UNKNOWN_FIELD']]],
  ])('refuses %j, whether it adds or changes a plan', async (values, problems) => {
    const { id, path } = await created({ name: 'Kept' });
    const before = await rowOf(id);

    const added = await api.as(admin).post('/plans', wish(values));
    const changed = await api.as(admin).patch(path, values);

    for (const refused of [added, changed]) {
      expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR' } });
      expect(fieldsOf(refused)).toEqual(problems);
    }
    expect(await rowOf(id)).toEqual(before);
    expect(await withTenant(companyId, () => InsurancePlan.count())).toBe(1);
  });

  it('sells a plan only in a live category of its own company', async () => {
    const other = await buildCompany();
    const theirs = await buildPlan({ companyId: other.id });
    const foreign = { property_category_id: theirs.propertyCategoryId };
    const { path } = await created({ is_active: false });
    await archiveCategory();

    const inForeign = await api.as(admin).post('/plans', wish({ ...foreign, name: 'B' }));
    const added = await api.as(admin).post('/plans', wish({ name: 'A' }));
    const activated = await api.as(admin).patch(path, { is_active: true });
    const described = await api.as(admin).patch(path, { description: 'Not for sale' });

    for (const refused of [inForeign, added, activated]) {
      expect(fieldsOf(refused)).toEqual([['property_category_id', 'CATEGORY_UNKNOWN']]);
    }
    expect(described.status).toBe(200);
  });

  it('is not restored for sale without its category', async () => {
    const { id, path } = await created();
    await api.as(admin).delete(path);
    await archiveCategory();

    const refused = await api.as(admin).post(`${path}/restore`);

    expect(refused).toMatchObject({ status: 409, body: { code: 'CATEGORY_ARCHIVED' } });
    expect(await rowOf(id)).toMatchObject({ archivedAt: expect.any(Date) });
  });

  it('keeps names unique, and gives one to one of 200 who ask at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => api.as(admin).post('/plans', wish())),
    );
    const { path } = await created({ name: 'Other' });
    const renamed = await api.as(admin).patch(path, { name: 'home STANDARD' });

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'PLAN_EXISTS')).toHaveLength(199);
    expect(renamed).toMatchObject({ status: 409, body: { code: 'PLAN_EXISTS' } });
  });

  it('repeats its answer to a repeated Idempotency-Key, at its older path too', async () => {
    const key = { 'Idempotency-Key': uuid() };

    const first = await api.as(admin).post('/plans', wish(), key);
    const again = await api.as(admin).post('/api/plans/', wish(), key);

    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
    expect(again.body.data).toEqual(first.body.data);
  });

  it('is the same as seen before until something that it shows has changed', async () => {
    const { path } = await created();
    const visitor = api.visiting(companyId);
    const first = await visitor.get(path);
    const seen = { 'If-None-Match': String(first.headers['etag']) };

    const same = await visitor.get(path, {}, seen);
    await api
      .as(admin)
      .patch(`/categories/${first.body.data.property_category_id}`, { name: `New ${uuid()}` });
    const renamed = await visitor.get(path, {}, seen);

    expect([same.status, renamed.status]).toEqual([304, 200]);
    expect(renamed.body.data.version).toBe(first.body.data.version);
  });

  it('refuses a change meant for an older version', async () => {
    const { id, path } = await created();
    await api.as(admin).patch(path, { premium: '300.00' });
    const before = await rowOf(id);

    for (const stale of [
      await api.as(admin).patch(path, { premium: '1.00' }, { 'If-Match': '"1"' }),
      await api.as(admin).patch(path, { premium: '1.00', version: 1 }),
      await api.as(admin).put(path, wish(), { 'If-Match': '"1"' }),
      await api.as(admin).delete(path, { 'If-Match': '"1"' }),
    ]) {
      expect(stale).toMatchObject({
        status: 409,
        body: { code: 'VERSION_CONFLICT', current_version: 2 },
      });
    }
    const current = await api.as(admin).patch(path, { premium: '2.00' }, { 'If-Match': '"2"' });

    expect(before).toMatchObject({ premium: '300.00', version: 2 });
    expect(current.body.data).toMatchObject({ premium: '2.00', version: 3 });
  });

  it('hides inactive plans from all but those who read the audit', async () => {
    const { path } = await created({ is_active: false });
    const visitor = api.visiting(companyId);
    const holder = api.as(await buildActor({ companyId }));
    const auditor = api.as(await buildActor({ companyId, role: 'auditor' }));

    for (const caller of [visitor, holder]) {
      expect((await caller.get(path)).status).toBe(404);
      expect((await caller.post(`${path}/quote`)).status).toBe(404);
      expect((await caller.get('/plans', { is_active: false })).body.items).toEqual([]);
    }
    for (const caller of [api.as(admin), auditor]) {
      expect((await caller.get(path)).body.data.is_active).toBe(false);
      expect((await caller.get('/plans')).body.items).toHaveLength(1);
      expect((await caller.get('/plans', { is_active: true })).body.items).toEqual([]);
    }
  });
});

describe('GET /plans', () => {
  it('filters, searches, sorts and pages, at its older path too', async () => {
    const flats = await api.as(admin).post('/categories', { name: 'Flat', segment: 'residential' });
    const flat = flats.body.data.id;
    await created({ name: 'A 100% plan', premium: '9.99', coverage_level: 'basic' });
    await created({ name: 'B_plan', premium: '1000.00', duration_months: 6 });
    await created({
      name: 'C plan',
      premium: '100.00',
      coverage_amount: '300.00',
      property_category_id: flat,
      description: 'Covers water',
    });
    const visitor = api.visiting(companyId);
    const list = async (query: object, path = '/plans') => {
      const { status, body } = await visitor.get(path, query);
      return status === 200
        ? body.items.map(({ name }: { name: string }) => name[0]).join('')
        : status;
    };

    expect(await list({})).toBe('CBA');
    expect(await list({ property_category: flat })).toBe('C');
    expect(await list({ coverage_level: 'basic' })).toBe('A');
    expect(await list({ min_premium: '100', ordering: 'premium' })).toBe('CB');
    expect(await list({ max_premium: '100.00', ordering: 'premium' })).toBe('AC');
    expect(await list({ min_premium: '10', max_premium: '10' })).toBe('');
    expect(await list({ min_premium: '999999999999999999.99' })).toBe('');
    expect(await list({ max_premium: '999999999999999999.99' })).toBe('CBA');
    expect(await list({ min_premium: '2', max_premium: '1' })).toBe(422);
    expect(await list({ min_premium: 'x' })).toBe(422);
    expect(await list({ search: 'WATER' })).toBe('C');
    expect(await list({ search: '%' })).toBe('A');
    expect(await list({ search: '_' })).toBe('B');
    expect(await list({ search: '\\' })).toBe('');
    expect(await list({ ordering: '-premium' })).toBe('BCA');
    expect(await list({ ordering: 'coverage_amount' })).toBe('CAB');
    expect(await list({ ordering: 'name' })).toBe('ABC');
    expect(await list({ sort_by: 'duration_months', sort_order: 'asc' })).toMatch(/^B/);
    expect(await list({ ordering: 'created_at' })).toBe('ABC');
    expect(await list({ ordering: 'version' })).toBe(422);
    expect(await list({ colour: 'red' })).toBe(422);
    expect(await list({ created_after: '2200-01-01' })).toBe('');
    expect(await list({ ordering: 'name', page: 2, page_size: 2 })).toBe('C');
    expect(await list({}, '/api/plans/')).toBe('CBA');
    const beyond = await visitor.get('/plans', { page: 9, size: 1 });
    expect(beyond.body).toMatchObject({ items: [], pagination: { total: 3, has_next: false } });
  });

  it('shows archived plans to administrators and auditors, and only when asked', async () => {
    const { path } = await created();
    await api.as(admin).delete(path);
    const all = { include_archived: true };

    expect((await api.as(admin).get('/plans')).body.items).toEqual([]);
    expect((await api.as(admin).get('/plans', all)).body.items).toMatchObject([
      { archived_at: expect.any(String) },
    ]);
    expect((await api.visiting(companyId).get('/plans', all)).body.items).toEqual([]);
    expect((await api.visiting(companyId).get(path)).status).toBe(404);
  });

  it('is one SELECT beside the transaction and the company it is in', async () => {
    await created();
    const visitor = api.visiting(companyId);
    await visitor.get('/plans');
    const counted = async () => {
      const { text } = await api.nowhere.get('/metrics');
      return Number(/^db_query_duration_seconds_count (\d+)/m.exec(text)?.[1]);
    };

    const before = await counted();
    await visitor.get('/plans', { min_premium: '1', search: 'home', ordering: 'premium' });

    // START TRANSACTION, the company, the SELECT, COMMIT.
    expect((await counted()) - before).toBe(4);
  });
});

describe('POST /plans/:id/quote', () => {
  const today = () => dateAt(Date.now(), 'Europe/Berlin');

  it('tells price, dates and timers to anybody, and stores nothing', async () => {
    const { path } = await created({ lifecycle_config: { renewal_reminder_days: [10] } });
    const start = addDays(today(), 3);

    const answer = await api.visiting(companyId).post(`${path}/quote`, { start_date: start });
    const plain = await api.visiting(companyId).post(`${path}/quote`);

    const end = addMonths(start, 12);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        data: {
          premium: '365.00',
          daily_premium: '1.00',
          currency: 'EUR',
          start_date: start,
          end_date: end,
          term_days: daysBetween(start, end),
          cooling_off_ends_on: addDays(start, 14),
        },
      },
    });
    const names = answer.body.data.timers.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['start', 'renewal_reminder_10', 'expiry', 'late_renewal_close']),
    );
    expect(plain.body.data).toMatchObject({ start_date: today() });
    const [stored] = await api.database.sql<{ count: string }>(
      'SELECT count(*) FROM shared.policy_subscriptions WHERE company_id = $1',
      [companyId],
    );
    expect(stored?.count).toBe('0');
  });

  it('refuses a start out of range, and a plan that is not for sale', async () => {
    const { path } = await created();
    const { path: inactive } = await created({ name: 'Old', is_active: false });
    const visitor = api.visiting(companyId);

    for (const start_date of [addDays(today(), -1), addDays(today(), 91)]) {
      const refused = await visitor.post(`${path}/quote`, { start_date });
      expect(refused.status).toBe(422);
      expect(fieldsOf(refused)).toEqual([['start_date', 'START_DATE_OUT_OF_RANGE']]);
    }
    expect(await api.as(admin).post(`${inactive}/quote`)).toMatchObject({
      status: 409,
      body: { code: 'PLAN_NOT_SOLD' },
    });
  });
});
