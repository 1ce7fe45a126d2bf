import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { settleBatch } from '../../../src/models/acknowledging.ts';
import { withTenant } from '../../../src/models/database.ts';
import { redateBatch, watchedPolicy } from '../../../src/models/watchedPolicy.ts';
import { addDays, dateAt, hourOfDay } from '../../../src/rules/calendar.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';

const noId = '00000000-0000-0000-0000-000000000000';
const zone = 'Europe/Berlin';

let api: TestApi;
let companyId: string;
let author: Actor & { readonly userId: string };
let decider: Actor & { readonly userId: string };
let ours: Caller;
let theirs: Caller;
let policyId: string;
let versionId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  author = await buildActor({ companyId, role: 'compliance_manager' });
  decider = await buildActor({ companyId, role: 'tenant_admin' });
  [ours, theirs] = [api.as(author), api.as(decider)];
  const authors = [author.userId];
  ({ policyId, versionId } = await buildPolicyRow({ companyId, authors, status: 'published' }));
});

const asked = async (value = '7 days') => {
  const wish = { policy_id: policyId, key: 'vulnerability_sla', value };
  const { body } = await ours.post('/policy-configurations', wish);
  return `/policy-configurations/${body.data.id}`;
};
const policy = async () => (await ours.get(`/compliance-policies/${policyId}`)).body.data;

describe('/policy-configurations', () => {
  it('asks for a value, which whoever asked may change until somebody else decides', async () => {
    const path = await asked();

    const changed = await ours.patch(path, { value: '14 days' });
    const byOther = await theirs.patch(path, { value: '1 day' });
    const own = await ours.post(`${path}/approve`);
    const rejected = await theirs.post(`${path}/reject`, { reason: 'Too long' });
    const late = await ours.patch(path, { value: '7 days' });
    const again = await theirs.post(`${path}/approve`);

    expect(changed.body.data).toMatchObject({ value: '14 days', status: 'pending', version: 2 });
    expect(byOther).toMatchObject({ status: 403 });
    expect(own).toMatchObject({ status: 403 });
    expect(rejected.body.data).toMatchObject({
      status: 'rejected',
      reason: 'Too long',
      decided_by: decider.userId,
      policy_version: null,
    });
    expect(late).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
    expect(again).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
    expect(await policy()).toMatchObject({ policy_version: 1 });
  });

  it.each([
    ['manual_days', '14 days', '2 weeks'],
    ['new_joiner_days', '1 day', 'two weeks'],
    ['escalate_hr_days', '7', '91 days'],
    ['remind_before', '7, 3, 1 days', '7 days, 3 hours'],
  ])('takes for %s %s, and not %s, which would be read as another deadline', async (...of) => {
    const [key, right, wrong] = of;
    const wish = { policy_id: policyId, key, value: right };
    const refusal = { status: 422, body: { details: [{ field: 'value' }] } };

    const refused = await ours.post('/policy-configurations', { ...wish, value: wrong });
    const taken = await ours.post('/policy-configurations', wish);
    const changed = await ours.patch(`/policy-configurations/${taken.body.data.id}`, {
      value: wrong,
    });

    expect(refused).toMatchObject(refusal);
    expect(taken).toMatchObject({ status: 201, body: { data: { value: right } } });
    expect(changed).toMatchObject(refusal);
  });

  it('that is approved makes the next version, published with the same text, of its policy', async () => {
    const path = await asked();
    const key = { 'Idempotency-Key': uuid() };

    const approved = await theirs.post(`${path}/approve`, {}, key);
    const again = await theirs.post(`${path}/approve`, {}, key);
    const shown = await policy();
    const before = await ours.get(`/compliance-policies/${policyId}/versions/1`);
    const starts = await api.database.sql(
      `SELECT input -> 'state' ->> 'supersededId' AS superseded FROM core.outbox WHERE entity_id = $1`,
      [shown.latest_version.id],
    );

    expect(approved.body.data).toMatchObject({ status: 'active', policy_version: 2 });
    expect(again.body.data).toEqual(approved.body.data);
    expect(shown).toMatchObject({
      policy_version: 2,
      approval_status: 'approved',
      latest_version: {
        number: 2,
        label: '1.1',
        status: 'published',
        content: 'For work',
        change_log: 'vulnerability_sla = 7 days',
        requires_reack: false,
        published_by: decider.userId,
      },
    });
    expect(shown.review_date).not.toBeNull();
    expect(before.body.data).toMatchObject({
      id: versionId,
      status: 'superseded',
      workflow: { state: 'closed' },
    });
    expect(starts).toEqual([{ superseded: versionId }]);
  });

  it('that was asked for by a key is not approved by whoever made the key', async () => {
    const key = await theirs.post('/api-keys', {
      name: 'Import',
      scopes: ['compliance_policy:write'],
    });
    const { body } = await api.nowhere.post(
      '/policy-configurations',
      { policy_id: policyId, key: 'vulnerability_sla', value: '7 days' },
      { 'X-API-Key': String(key.body.data.key) },
    );
    const path = `/policy-configurations/${body.data.id}`;

    const own = await theirs.post(`${path}/approve`);
    const rejected = await theirs.post(`${path}/reject`, { reason: 'Mine' });
    const approved = await ours.post(`${path}/approve`);

    expect([own.status, rejected.status, approved.status]).toEqual([403, 403, 200]);
    expect((await policy()).latest_version).toMatchObject({
      authors: [author.userId, decider.userId],
    });
  });

  it('keeps the version that it made from being taken back', async () => {
    await theirs.post(`${await asked()}/approve`);

    const answer = await ours.post(`/compliance-policies/${policyId}/unpublish`, {
      reason: 'Too short',
    });

    expect(answer).toMatchObject({ status: 409, body: { code: 'CONFIGURED_VERSION' } });
    expect(await policy()).toMatchObject({ policy_version: 2 });
  });

  it('shows before it is decided what would move, which is what then moves', async () => {
    await hire(companyId, 2);
    const settle = () =>
      withTenant(companyId, async () => {
        const watched = await watchedPolicy(policyId, new Date());
        await settleBatch(watched, noId);
        await redateBatch(watched, noId);
      });
    await settle();
    const due = addDays(dateAt(Date.now(), zone), 30);
    const morning = (days: number): string =>
      new Date(hourOfDay(addDays(due, days), 8, zone)).toISOString();
    const wish = { policy_id: policyId, key: 'remind_before', value: '10, 3, 1 days' };
    const { body } = await ours.post('/policy-configurations', wish);
    const path = `/policy-configurations/${body.data.id}`;
    const next = () =>
      api.database.sql(
        'SELECT DISTINCT next_action_at AS at FROM shared.acknowledgements WHERE policy_id = $1',
        [policyId],
      );
    const before = await next();

    const shown = await theirs.get(`${path}/preview`);
    const unmoved = await next();
    await theirs.post(`${path}/approve`);
    await settle();

    expect([shown.status, shown.body.data]).toEqual([
      200,
      {
        people: 2,
        moved: [
          {
            policy_id: policyId,
            policy_title: 'Acceptable use',
            campaign_id: null,
            status: 'pending',
            due_date: due,
            people: 2,
            before: [{ action: 'remind', at: morning(-7) }],
            after: [{ action: 'remind', at: morning(-10) }],
          },
        ],
      },
    ]);
    expect([before, unmoved]).toEqual([[{ at: new Date(morning(-7)) }], before]);
    expect(await next()).toEqual([{ at: new Date(morning(-10)) }]);
    expect(await theirs.get(`${path}/preview`)).toMatchObject({
      status: 409,
      body: { code: 'ILLEGAL_TRANSITION' },
    });
  });

  it('moves nothing where it is of something else', async () => {
    const { status, body } = await ours.get(`${await asked()}/preview`);

    expect([status, body.data]).toEqual([200, { people: 0, moved: [] }]);
  });

  it('takes the place of the value before it', async () => {
    const first = await asked();
    await theirs.post(`${first}/approve`);
    await theirs.post(`${await asked('3 days')}/approve`);

    const active = await ours.get('/policy-configurations', {
      policy_id: policyId,
      status: 'active',
    });
    const old = await theirs.get(first);

    expect(active.body.items).toEqual([
      expect.objectContaining({ value: '3 days', policy_version: 3 }),
    ]);
    expect(old.body.data.archived_at).not.toBeNull();
  });

  it('is not approved for what is not published, or while another version is on its way', async () => {
    const path = await asked();
    await ours.post(`/compliance-policies/${policyId}/versions`, { change_log: 'Clearer' });
    const open = await theirs.post(`${path}/approve`);
    await api.database.sql(
      `UPDATE shared.compliance_policy_versions SET archived_at = now()
       WHERE policy_id = $1 AND number = 2`,
      [policyId],
    );
    await api.database.sql(
      `UPDATE shared.compliance_policy_versions SET status = 'retired', ended_at = now() WHERE id = $1`,
      [versionId],
    );
    const none = await theirs.post(`${path}/approve`);

    expect(open).toMatchObject({ status: 409, body: { code: 'VERSION_OPEN' } });
    expect(none).toMatchObject({ status: 409, body: { code: 'NOT_PUBLISHED' } });
    expect((await ours.get(path)).body.data).toMatchObject({ status: 'pending', version: 1 });
  });

  it('is refused where it makes no sense, and to who may not', async () => {
    const path = await asked();
    const [hr, stranger] = [
      await buildActor({ companyId, role: 'hr' }),
      await buildActor({ companyId: (await buildCompany()).id, role: 'tenant_admin' }),
    ];
    const wish = { policy_id: uuid(), key: 'sla', value: '7 days' };

    const none = await ours.post('/policy-configurations', wish);
    const wrongKey = await ours.post('/policy-configurations', { ...wish, key: 'No Key' });

    expect(none).toMatchObject({ status: 422, body: { details: [{ field: 'policy_id' }] } });
    expect(wrongKey).toMatchObject({ status: 422, body: { details: [{ field: 'key' }] } });
    expect(await api.as(hr).get('//manage-policy-configurations/')).toMatchObject({ status: 200 });
    expect(await api.as(hr).post(`${path}/approve`)).toMatchObject({ status: 403 });
    expect(await api.as(stranger).get(path)).toMatchObject({ status: 404 });
    expect(await api.as(stranger).post(`${path}/approve`)).toMatchObject({ status: 404 });
  });
});
