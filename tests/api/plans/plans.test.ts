import { v7 as uuid } from 'uuid';
import { withTenant } from '../../../src/models/database.ts';
import { InsurancePlan } from '../../../src/models/InsurancePlan.ts';
import { comparable } from '../../support/api.ts';
import { buildActor, buildCompany, buildPlan } from '../../support/build.ts';
import { problemsOf, useShop, type Shop } from './shop.ts';

let shop: Shop;
useShop((built) => void (shop = built));

describe('/plans', () => {
  it('adds, shows, changes, archives and restores a plan, each with its audit line', async () => {
    const { api, companyId, admin, wish } = shop;
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
    const { api, companyId, wish, create, rowOf } = shop;
    const { id, path } = await create();
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
    [{ premium: '365.50', currency: 'JPY' }, [['premium', 'FRACTION_OF_UNIT']]],
    [{ premium: '250000.00' }, [['coverage_amount', 'COVERAGE_TOO_LOW']]],
    [
      { premium: '92233720368547758.00', coverage_amount: '999999999999999999.99' },
      [['premium', 'OUT_OF_RANGE']],
    ],
    [{ coverage_level: 'gold' }, [['coverage_level', 'INVALID_CHOICE']]],
    [{ currency: 'eur' }, [['currency', 'INVALID_FORMAT']]],
    [{ currency: 'EUX' }, [['currency', 'INVALID_FORMAT']]],
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
    const { api, companyId, admin, wish, create, rowOf } = shop;
    const { id, path } = await create({ name: 'Kept' });
    const before = await rowOf(id);

    const added = await api.as(admin).post('/plans', wish(values));
    const changed = await api.as(admin).patch(path, values);

    for (const refused of [added, changed]) {
      expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR' } });
      expect(problemsOf(refused)).toEqual(problems);
    }
    expect(await rowOf(id)).toEqual(before);
    expect(await withTenant(companyId, () => InsurancePlan.count())).toBe(1);
  });

  it('sells a plan only in a live category of its own company', async () => {
    const { api, admin, wish, create, archiveCategory } = shop;
    const other = await buildCompany();
    const theirs = await buildPlan({ companyId: other.id });
    const foreign = { property_category_id: theirs.propertyCategoryId };
    const { path } = await create({ is_active: false });
    await archiveCategory();

    const inForeign = await api.as(admin).post('/plans', wish({ ...foreign, name: 'B' }));
    const added = await api.as(admin).post('/plans', wish({ name: 'A' }));
    const activated = await api.as(admin).patch(path, { is_active: true });
    const described = await api.as(admin).patch(path, { description: 'Not for sale' });

    for (const refused of [inForeign, added, activated]) {
      expect(problemsOf(refused)).toEqual([['property_category_id', 'CATEGORY_UNKNOWN']]);
    }
    expect(described.status).toBe(200);
  });

  it('is not restored for sale without its category', async () => {
    const { api, admin, create, rowOf, archiveCategory } = shop;
    const { id, path } = await create();
    await api.as(admin).delete(path);
    await archiveCategory();

    const refused = await api.as(admin).post(`${path}/restore`);

    expect(refused).toMatchObject({ status: 409, body: { code: 'CATEGORY_ARCHIVED' } });
    expect(await rowOf(id)).toMatchObject({ archivedAt: expect.any(Date) });
  });

  it('keeps names unique, and gives one to one of 200 who ask at once', async () => {
    const { api, admin, wish, create } = shop;
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => api.as(admin).post('/plans', wish())),
    );
    const { path } = await create({ name: 'Other' });
    const renamed = await api.as(admin).patch(path, { name: 'home STANDARD' });

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'PLAN_EXISTS')).toHaveLength(199);
    expect(renamed).toMatchObject({ status: 409, body: { code: 'PLAN_EXISTS' } });
  });

  it('repeats its answer to a repeated Idempotency-Key, at its older path too', async () => {
    const { api, admin, wish } = shop;
    const key = { 'Idempotency-Key': uuid() };

    const first = await api.as(admin).post('/plans', wish(), key);
    const again = await api.as(admin).post('/api/plans/', wish(), key);

    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
    expect(again.body.data).toEqual(first.body.data);
  });

  it('is the same as seen before until something that it shows has changed', async () => {
    const { api, companyId, admin, create } = shop;
    const { path } = await create();
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
    const { api, admin, wish, create, rowOf } = shop;
    const { id, path } = await create();
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
    const { api, companyId, admin, create } = shop;
    const { path } = await create({ is_active: false });
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
