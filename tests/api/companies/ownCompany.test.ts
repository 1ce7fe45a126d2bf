import type { Actor } from '../../../src/context.ts';
import { settleBatch } from '../../../src/models/acknowledging.ts';
import { platformCompanyId, withTenant } from '../../../src/models/database.ts';
import { watchedPolicy } from '../../../src/models/watchedPolicy.ts';
import { addDays, dateAt, hourOfDay } from '../../../src/rules/calendar.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';
import { buildActor, buildCompany, buildPlan } from '../../support/build.ts';

let api: TestApi;
let admin: Actor;
let companyId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

/** Each test has a company of its own. */
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

const rowOf = async (id: string) => {
  const [row] = await api.database.sql<Record<string, unknown>>(
    'SELECT * FROM platform.companies WHERE id = $1',
    [id],
  );
  return row;
};

const auditOf = (id: string) =>
  api.database.sql<Record<string, unknown>>(
    `SELECT action, actor_id, before, after FROM core.audit_logs
     WHERE company_id = $1 AND entity_id = $1 ORDER BY timestamp, id`,
    [id],
  );

const own = '/companies/current';
const settings = `${own}/settings`;

describe('/companies/current', () => {
  it('shows the company and changes what it says about itself, with its audit line', async () => {
    const shown = await api.as(admin).get(own);
    const changes = {
      name: `Acme ${companyId}`,
      contact_email: 'office@acme.example',
      contact_phone: '+49 30 123456',
      linkedin: 'acme',
      address: 'Unter den Linden 1',
      logo_url: 'https://acme.example/logo.svg',
      default_currency: 'CHF',
      time_zone: 'Europe/Zurich',
    };

    const changed = await api
      .as(admin)
      .patch(own, changes, { 'If-Match': String(shown.headers['etag']) });
    const cleared = await api.as(admin).patch(own, { logo_url: null });
    const others = await rowOf((await buildCompany()).id);

    expect(shown.body.data).toMatchObject({ id: companyId, status: 'active', version: 1 });
    expect(changed.body.data).toMatchObject({ ...changes, version: 2 });
    expect(cleared.body.data).toMatchObject({ ...changes, logo_url: null, version: 3 });
    expect(await rowOf(companyId)).toMatchObject({ updated_by: admin.userId });
    expect(others).toMatchObject({ address: null, version: 1 });
    expect(await auditOf(companyId)).toMatchObject([
      {
        action: 'UPDATE',
        actor_id: admin.userId,
        before: { timeZone: 'Europe/Berlin' },
        after: { timeZone: 'Europe/Zurich', defaultCurrency: 'CHF' },
      },
      { after: { logoUrl: null } },
    ]);
  });

  it('works at once with what was changed', async () => {
    const plan = await buildPlan({ companyId });
    const at = `/plans/${plan.id}`;
    await api.as(admin).get(at);
    await api.as(admin).patch(own, { default_currency: 'NOK' });

    const category = await api
      .as(admin)
      .post('/categories', { name: 'Boats', segment: 'residential' });
    const added = await api.as(admin).post('/plans', {
      name: 'Boat',
      property_category_id: category.body.data.id,
      coverage_level: 'basic',
      coverage_amount: '1000.00',
      premium: '10.00',
      duration_months: 12,
    });

    expect(added.body.data).toMatchObject({ currency: 'NOK' });
  });

  it.each([
    [{ time_zone: 'Mars/Base' }, 'time_zone'],
    [{ time_zone: '+01:00' }, 'time_zone'],
    [{ default_currency: 'eur' }, 'default_currency'],
    [{ logo_url: 'http://acme.example/logo.svg' }, 'logo_url'],
    [{ contact_email: 'nobody' }, 'contact_email'],
    [{ status: 'active' }, 'status'],
    [{ code: 'OTHER' }, 'code'],
    [{ isolation: 'shared' }, 'isolation'],
  ])('refuses %j', async (change, field) => {
    const answer = await api.as(admin).patch(own, change);

    expect(answer).toMatchObject({ status: 422, body: { details: [{ field }] } });
    expect(await rowOf(companyId)).toMatchObject({ version: 1 });
  });

  it('refuses whoever saw another version, and the name of another company', async () => {
    const taken = (await buildCompany()).name;

    const stale = await api.as(admin).patch(own, { address: 'x' }, { 'If-Match': '"2"' });
    const twin = await api.as(admin).patch(own, { name: taken.toUpperCase() });

    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(twin).toMatchObject({ status: 409, body: { code: 'COMPANY_EXISTS' } });
    expect(await rowOf(companyId)).toMatchObject({ version: 1 });
    expect(await auditOf(companyId)).toEqual([]);
  });

  it('refuses the name that an open registration asks for, to global administrators as well', async () => {
    const { body } = await api.nowhere.post('/register', {
      company_name: 'Bright Mutual',
      admin_email: 'ada@bright.example',
      admin_username: 'adabright',
      admin_password: 'securepassword',
    });
    const ruler = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const wish = { name: 'BRIGHT mutual' };

    const mine = await api.as(admin).patch(own, wish);
    const byRuler = await api.as(ruler).patch(`/companies/${companyId}`, wish);
    await api.database.sql(
      `UPDATE core.registration_requests SET status = 'rejected' WHERE id = $1`,
      [body.data.id],
    );
    const freed = await api.as(admin).patch(own, wish);

    for (const refused of [mine, byRuler]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'COMPANY_EXISTS' } });
    }
    expect(freed.status).toBe(200);
  });

  it('is closed to strangers and other roles', async () => {
    const agent = await buildActor({ companyId, role: 'call_center' });

    for (const path of [own, settings]) {
      const stranger = await api.visiting(companyId).get(path);
      const refused = await api.as(agent).get(path);
      const unchanged = await api.as(agent).patch(path, {});

      expect([stranger.status, refused.status, unchanged.status]).toEqual([401, 403, 403]);
    }
  });
});

describe('/companies/current/settings', () => {
  it('shows every setting with its source and bounds, also to auditors', async () => {
    const auditor = await buildActor({ companyId, role: 'auditor' });

    const seen = await api.as(auditor).get(settings);

    expect(seen.body.data).toMatchObject({
      version: 1,
      settings: {
        audit: {
          retention_years: { value: 7, source: 'default', default: 7, min: 1, max: 10 },
        },
        password: { require_classes: { value: true, source: 'default' } },
        subscription: { renewal_reminder_days: { value: [30, 14, 7, 1] } },
        security: { require_mfa_for: { value: [] } },
      },
    });
    expect(seen.body.data.settings).not.toHaveProperty('onboarding');
    expect((await api.as(auditor).patch(settings, {})).status).toBe(403);
  });

  it('merges what is sent, and the audit tells the changed fields alone', async () => {
    const { headers } = await api.as(admin).get(settings);
    const first = { audit: { retention_years: 3 }, subscription: { grace_days: 5 } };

    const changed = await api
      .as(admin)
      .patch(settings, first, { 'If-Match': String(headers['etag']) });
    const stale = await api
      .as(admin)
      .patch(settings, first, { 'If-Match': String(headers['etag']) });
    const back = await api
      .as(admin)
      .patch(settings, { audit: { retention_years: null }, security: { require_mfa_for: ['hr'] } });
    const nothing = await api.as(admin).patch(settings, { subscription: { grace_days: 5 } });

    expect(changed.body.data).toMatchObject({
      version: 2,
      settings: { audit: { retention_years: { value: 3, source: 'company' } } },
    });
    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(back.body.data).toMatchObject({
      version: 3,
      settings: {
        audit: { retention_years: { value: 7, source: 'default' } },
        subscription: { grace_days: { value: 5, source: 'company' } },
      },
    });
    expect(nothing.body.data.version).toBe(3);
    expect(await rowOf(companyId)).toMatchObject({
      settings: { audit: {}, subscription: { graceDays: 5 }, security: { requireMfaFor: ['hr'] } },
    });
    expect(await auditOf(companyId)).toEqual([
      {
        action: 'UPDATE',
        actor_id: admin.userId,
        before: { 'subscription.graceDays': 30, 'audit.retentionYears': 7 },
        after: { 'subscription.graceDays': 5, 'audit.retentionYears': 3 },
      },
      {
        action: 'UPDATE',
        actor_id: admin.userId,
        before: { 'security.requireMfaFor': [], 'audit.retentionYears': 3 },
        after: { 'security.requireMfaFor': ['hr'], 'audit.retentionYears': 7 },
      },
    ]);
  });

  it('refuses by field, naming both bounds, and stores nothing of it', async () => {
    const answer = await api.as(admin).patch(settings, {
      audit: { retention_years: 11 },
      subscription: { renewal_offer_days: 13, grace_days: 5, short_rate: 0.5 },
    });
    const unknown = await api.as(admin).patch(settings, { onboarding: { activation_days: 7 } });

    expect(answer).toMatchObject({
      status: 422,
      body: {
        details: [
          {
            field: 'subscription.renewal_offer_days',
            code: 'OUT_OF_RANGE',
            message: 'A whole number from 14 to 90',
          },
          { field: 'audit.retention_years', message: 'A whole number from 1 to 10' },
        ],
      },
    });
    expect(unknown).toMatchObject({ status: 422, body: { details: [{ field: 'onboarding' }] } });
    expect(await rowOf(companyId)).toMatchObject({ settings: {}, version: 1 });
  });

  it('holds for the next sale', async () => {
    const plan = await buildPlan({ companyId });
    const path = `/plans/${plan.id}/quote`;
    const before = await api.as(admin).post(path);

    await api.as(admin).patch(settings, { subscription: { cooling_off_days: 0 } });
    const after = await api.as(admin).post(path);

    expect(before.body.data.cooling_off_ends_on > after.body.data.cooling_off_ends_on).toBe(true);
  });
});

describe('/administration/settings', () => {
  it('sets the deadlines of onboarding, which is for global administrators alone', async () => {
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const path = '/administration/settings';
    const change = { onboarding: { verify_email_hours: 24, require_verified_email: true } };

    const changed = await api.as(global).patch(path, change);
    const wrong = await api.as(global).patch(path, { onboarding: { verify_email_hours: 337 } });
    const shown = await api.as(global).get(path);
    const refused = await api.as(admin).patch(path, change);

    expect(changed.body.data.settings.onboarding).toMatchObject({
      verify_email_hours: { value: 24, source: 'company', min: 1, max: 336 },
      activation_days: { value: 7, source: 'default' },
    });
    expect(wrong.body.details).toMatchObject([{ field: 'onboarding.verify_email_hours' }]);
    expect(shown.body.data).toEqual(changed.body.data);
    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await auditOf(platformCompanyId)).toMatchObject([
      { after: { 'onboarding.verifyEmailHours': 24, 'onboarding.requireVerifiedEmail': true } },
    ]);
  });

  it('takes as people on call whoever administers the platform, and nobody else', async () => {
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const path = '/administration/settings';
    const wishing = (...addresses: string[]) =>
      api.as(global).patch(path, { onboarding: { on_call: addresses } });

    const set = await wishing(global.email.toUpperCase());
    const stranger = await wishing(global.email, 'stranger@example.com');
    const back = await api.as(global).patch(path, { onboarding: { on_call: null } });

    expect(set.body.data.settings.onboarding.on_call).toMatchObject({
      value: [global.email],
      source: 'company',
      default: [],
    });
    expect(stranger).toMatchObject({
      status: 422,
      body: { details: [{ field: 'onboarding.on_call', code: 'INVALID_CHOICE' }] },
    });
    expect(back.body.data.settings.onboarding.on_call).toMatchObject({ value: [] });
  });
});

describe('POST /companies/current/settings/preview', () => {
  const path = `${settings}/preview`;
  const zone = 'Europe/Berlin';

  it('shows which steps of running acknowledgements would move, and changes nothing', async () => {
    const due = addDays(dateAt(Date.now(), zone), 30);
    const morning = (days: number): string =>
      new Date(hourOfDay(addDays(due, days), 8, zone)).toISOString();
    const { policyId } = await buildPolicyRow({ companyId, authors: [], status: 'published' });
    await hire(companyId, 3);
    await withTenant(companyId, async () =>
      settleBatch(await watchedPolicy(policyId, new Date()), policyId.replaceAll(/\w/g, '0')),
    );
    const dates = () =>
      api.database.sql(
        'SELECT due_date, next_action_at FROM shared.acknowledgements WHERE company_id = $1',
        [companyId],
      );
    const before = await dates();

    const { status, body } = await api
      .as(admin)
      .post(path, { compliance: { escalate_hr_days: 10, remind_before: [7, 2], manual_days: 5 } });

    expect([status, body.data]).toEqual([
      200,
      {
        people: 3,
        moved: [
          {
            policy_id: policyId,
            policy_title: 'Acceptable use',
            campaign_id: null,
            status: 'pending',
            due_date: due,
            people: 3,
            before: [
              { action: 'remind', at: morning(-3) },
              { action: 'remind', at: morning(-1) },
              { action: 'escalate_hr', at: morning(7) },
            ],
            after: [
              { action: 'remind', at: morning(-2) },
              { action: 'escalate_hr', at: morning(10) },
            ],
          },
        ],
      },
    ]);
    expect(await dates()).toEqual(before);
    expect(await rowOf(companyId)).toMatchObject({ settings: {}, version: 1 });
  });

  it('shows nothing where nothing moves, and refuses what could not be set', async () => {
    const same = await api.as(admin).post(path, { compliance: { manual_days: 5 } });
    const refused = await api.as(admin).post(path, { compliance: { escalate_hr_days: 0 } });

    expect(same.body.data).toEqual({ people: 0, moved: [] });
    expect(refused).toMatchObject({ status: 422 });
  });
});
