import type { Actor } from '../../../src/context.ts';
import { platformCompanyId, withTenant } from '../../../src/models/database.ts';
import { Calendar } from '../../../src/models/Calendar.ts';
import { addDays } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

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

const path = '/companies/current/calendar';
const wish = {
  time_zone: 'Asia/Dubai',
  working_days: [7, 1, 2, 3, 4],
  working_hours: { from: '08:00', to: '16:30' },
  holidays: ['2026-12-02', '2026-01-01'],
};
const stored = {
  ...wish,
  working_days: [1, 2, 3, 4, 7],
  holidays: ['2026-01-01', '2026-12-02'],
};

const days = (count: number) => Array.from({ length: count }, (_, n) => addDays('2026-01-01', n));

describe('/companies/current/calendar', () => {
  it('is the usual one until it is set, and then what deadlines are counted by', async () => {
    const usual = await api.as(admin).get(path);
    const set = await api.as(admin).put(path, wish, { 'If-Match': String(usual.headers['etag']) });
    const changed = await api.as(admin).put(path, { ...wish, holidays: [], version: 1 });
    const counted = await withTenant(companyId, () => Calendar.ofCompany());
    const lines = await api.database.sql(
      `SELECT action, actor_id, before FROM core.audit_logs
       WHERE company_id = $1 AND entity_type = 'calendar' ORDER BY timestamp, id`,
      [companyId],
    );

    expect(usual.body.data).toEqual({
      time_zone: 'Europe/Berlin',
      working_days: [1, 2, 3, 4, 5],
      working_hours: { from: '09:00', to: '17:00' },
      holidays: [],
      version: 0,
    });
    expect(set.body.data).toEqual({ ...stored, version: 1 });
    expect(changed.body.data).toEqual({ ...stored, holidays: [], version: 2 });
    expect(counted).toMatchObject({ timeZone: 'Asia/Dubai', holidays: [] });
    expect(lines).toEqual([
      { action: 'CREATE', actor_id: admin.userId, before: null },
      { action: 'UPDATE', actor_id: admin.userId, before: { holidays: stored.holidays } },
    ]);
  });

  it.each([
    [{ time_zone: 'Mars/Base' }, 'time_zone'],
    [{ working_days: [] }, 'working_days'],
    [{ working_days: [1, 1] }, 'working_days.1'],
    [{ working_days: [0] }, 'working_days.0'],
    [{ working_hours: { from: '09:00', to: '09:00' } }, 'working_hours.to'],
    [{ working_hours: { from: '9:00', to: '24:00' } }, 'working_hours.from'],
    [{ holidays: ['2026-02-30'] }, 'holidays.0'],
    [{ holidays: ['2026-01-01', '2026-01-01'] }, 'holidays.1'],
    [{ holidays: days(1001) }, 'holidays'],
  ])('refuses %j', async (change, field) => {
    const answer = await api.as(admin).put(path, { ...wish, ...change });

    expect(answer.status).toBe(422);
    expect(answer.body.details[0]).toMatchObject({ field });
    expect((await api.as(admin).get(path)).body.data.version).toBe(0);
  });

  it.each([
    ['the company itself', 'tenant_admin', '/companies/current'],
    ['a global administrator', 'global_admin', undefined],
  ] as const)('goes with the zone of the company that %s changes', async (_, role, own) => {
    const isGlobal = role === 'global_admin';
    const actor = isGlobal ? await buildActor({ companyId: platformCompanyId, role }) : admin;
    const move = (time_zone: string) =>
      api.as(actor).patch(own ?? `/companies/${companyId}`, { time_zone });
    const zone = async () => (await api.as(admin).get(path)).body.data.time_zone;
    // As the set-up of a company leaves it.
    await api.as(admin).put(path, { ...wish, time_zone: 'Europe/Berlin' });

    await move('America/New_York');
    const followed = await zone();
    await api.as(admin).put(path, wish);
    await move('Asia/Tokyo');
    const kept = await zone();

    expect(followed).toBe('America/New_York');
    expect(kept).toBe('Asia/Dubai');
    const lines = await api.database.sql(
      `SELECT actor_id, after FROM core.audit_logs
       WHERE company_id = $1 AND entity_type = 'calendar' AND action = 'UPDATE'
       ORDER BY timestamp, id LIMIT 1`,
      [companyId],
    );
    expect(lines).toEqual([{ actor_id: actor.userId, after: { timeZone: 'America/New_York' } }]);
  });

  it('takes a thousand holidays', async () => {
    const set = await api.as(admin).put(path, { ...wish, holidays: days(1000) });

    expect(set.body.data.holidays).toHaveLength(1000);
  });

  it('refuses whoever saw another version, and one of two who set it at once', async () => {
    const early = await api.as(admin).put(path, { ...wish, version: 1 });
    const both = await Promise.all([1, 2].map(() => api.as(admin).put(path, wish)));
    const stale = await api.as(admin).put(path, { ...wish, version: 0 });

    expect([early, stale].map(({ status, body }) => [status, body.code])).toEqual([
      [409, 'VERSION_CONFLICT'],
      [409, 'VERSION_CONFLICT'],
    ]);
    for (const { status, body } of both) {
      expect([200, 409]).toContain(status);
      if (status === 409) expect(body.code).toBe('VERSION_CONFLICT');
    }
    expect((await api.as(admin).get(path)).body.data).toMatchObject({ ...stored, version: 1 });
  });

  it('is closed to strangers, other roles and other companies', async () => {
    const auditor = await buildActor({ companyId, role: 'auditor' });
    const other = await buildCompany();
    await api.as(admin).put(path, wish);

    const foreign = await api
      .as(await buildActor({ companyId: other.id, role: 'tenant_admin' }))
      .get(path);

    expect((await api.visiting(companyId).get(path)).status).toBe(401);
    expect((await api.as(auditor).put(path, wish)).status).toBe(403);
    expect(foreign.body.data).toMatchObject({ time_zone: 'Europe/Berlin', version: 0 });
  });
});
