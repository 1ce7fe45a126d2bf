import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { CompliancePolicy } from '../../../src/models/CompliancePolicy.ts';
import { execute } from '../../../src/models/database.ts';
import { getRow } from '../../../src/models/rows.ts';
import { addDays, dateAt } from '../../../src/rules/calendar.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { meanwhile } from '../../support/meanwhile.ts';

let api: TestApi;
let companyId: string;
let author: Actor & { readonly userId: string };
let decider: Actor & { readonly userId: string };
let ours: Caller;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  author = await buildActor({ companyId, role: 'compliance_manager' });
  decider = await buildActor({ companyId, role: 'tenant_admin' });
  ours = api.as(author);
});

const use = {
  title: 'Acceptable use',
  content: 'For work',
  change_log: null,
  quiz: [{ question: 'Who?', options: ['You', 'They'], correct: 0 }],
};

const created = async (values: object = use) => {
  const { body } = await ours.post('/compliance-policies', values);
  return {
    id: String(body.data.id),
    path: `/compliance-policies/${body.data.id}`,
    versionId: String(body.data.latest_version.id),
  };
};

/** Puts a version where a test needs it; no workflow runs here. */
const setVersion = (id: string, changes: string) =>
  api.database.sql(`UPDATE shared.compliance_policy_versions SET ${changes} WHERE id = $1`, [id]);
const published = `status = 'published', published_at = now()`;

describe('/compliance-policies', () => {
  it('adds a document with its draft, the start of its run and its history', async () => {
    const answer = await ours.post('/compliance-policies', use);
    const { data } = answer.body;
    const shown = await ours.get(`/compliance-policies/${data.id}`);
    const history = await ours.get(`/compliance-policies/${data.id}/history`);
    const starts = await api.database.sql(
      `SELECT workflow_type, workflow_id, attributes ->> 'EntityStatus' AS status FROM core.outbox
       WHERE entity_id = $1`,
      [data.latest_version.id],
    );

    expect(answer).toMatchObject({
      status: 201,
      body: {
        data: {
          type: 'custom',
          title: use.title,
          classification: 'internal',
          approval_status: 'pending',
          policy_version: 0,
          version: 1,
          latest_version: {
            number: 1,
            label: '1.0',
            status: 'draft',
            requires_reack: true,
            authors: [author.userId],
            content: use.content,
            quiz: use.quiz,
            workflow: { state: 'starting' },
            state_version: 1,
          },
        },
      },
    });
    expect(shown.body.data).toMatchObject({ id: data.id, latest_version: { content: 'For work' } });
    expect(starts).toEqual([
      {
        workflow_type: 'policyApproval',
        workflow_id: `policy-approval/${companyId}/${data.latest_version.id}`,
        status: 'draft',
      },
    ]);
    expect(history.body.items.map((item: { action: string }) => item.action).toSorted()).toEqual([
      'CREATE',
      'CREATE',
      'create',
    ]);
    expect(JSON.stringify(history.body)).not.toContain('For work');
  });

  it('changes facts and the draft, of which whoever saw it before is told', async () => {
    const { path } = await created();
    const other = await buildActor({ companyId, role: 'compliance_manager' });

    const facts = await ours.patch(path, { audience_role: 'Engineer', owner_id: decider.userId });
    const text = await api.as(other).patch(path, { content: 'For work and study', version: 2 });
    const stale = await ours.patch(path, { content: 'Mine', version: 2 });
    const same = await ours.patch(path, { content: 'For work and study', version: 3 });

    expect(facts.body.data).toMatchObject({ audience_role: 'Engineer', version: 2 });
    expect(text.body.data).toMatchObject({
      version: 3,
      latest_version: { content: 'For work and study', authors: [author.userId, other.userId] },
    });
    expect(text.body.data.latest_version.content_sha256).not.toBe(
      facts.body.data.latest_version.content_sha256,
    );
    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(same).toMatchObject({ status: 200, body: { data: { version: 3 } } });
  });

  it('replaces the facts and leaves the text that is not given', async () => {
    const { path } = await created({ ...use, audience_department: 'Legal', description: 'Old' });

    const replaced = await ours.put(path, { title: 'Use of devices' });

    expect(replaced).toMatchObject({
      status: 200,
      body: {
        data: {
          title: 'Use of devices',
          description: null,
          audience_department: null,
          latest_version: { content: 'For work', quiz: use.quiz },
        },
      },
    });
  });

  it.each<[string, object, string, string]>([
    ['without a text and a document', { content: null }, 'content', 'REQUIRED'],
    ['whose text nobody can read', { content: '\u200e' }, 'content', 'REQUIRED'],
    ['without a title', { title: undefined }, 'title', 'REQUIRED'],
    [
      'with a hash of no document',
      { document_sha256: 'a'.repeat(64) },
      'document_link',
      'REQUIRED',
    ],
    [
      'with a link and no hash of what is behind it',
      { document_link: 'https://files.example/use.pdf' },
      'document_sha256',
      'REQUIRED',
    ],
    ['custom, of a template', { template_id: uuid() }, 'template_id', 'INVALID_VALUE'],
    ['default, without a template', { type: 'default' }, 'template_id', 'REQUIRED'],
    [
      'of a customer that is not there',
      { audience_customer_id: uuid() },
      'audience_customer_id',
      'INVALID_VALUE',
    ],
    [
      'for a compliance that is not there',
      { customer_compliance_id: uuid() },
      'customer_compliance_id',
      'INVALID_VALUE',
    ],
    ['of an owner that is not there', { owner_id: uuid() }, 'owner_id', 'INVALID_VALUE'],
    ['reviewed in the past', { review_date: '2020-01-01' }, 'review_date', 'DATE_PAST'],
    [
      'with a question whose answer is missing',
      { quiz: [{ question: 'Who?', options: ['You', 'They'], correct: 2 }] },
      'quiz.0.correct',
      'OUT_OF_RANGE',
    ],
    [
      'with a link that is none',
      { document_link: 'javascript:alert(1)' },
      'document_link',
      'INVALID_FORMAT',
    ],
  ])('is not added %s', async (_, wrong, field, code) => {
    const answer = await ours.post('/compliance-policies', { ...use, ...wrong });
    const list = await ours.get('/compliance-policies');

    expect(answer).toMatchObject({
      status: 422,
      body: { details: [expect.objectContaining({ field, code })] },
    });
    expect(list.body.items).toEqual([]);
  });

  it('is added once under one key, and once under one title', async () => {
    const key = { 'Idempotency-Key': uuid() };

    const first = await ours.post('/compliance-policies', use, key);
    const again = await ours.post('/compliance-policies', use, key);
    const twin = await ours.post('/compliance-policies', { ...use, title: 'ACCEPTABLE use' });

    expect(again).toMatchObject({ status: 201, body: { data: first.body.data } });
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(twin).toMatchObject({ status: 409, body: { code: 'COMPLIANCE_POLICY_EXISTS' } });
  });

  it('is found by what it is, whose it is and how its newest version stands', async () => {
    const first = await created({ ...use, owner_id: decider.userId });
    await created({ ...use, title: 'Passwords' });
    await setVersion(first.versionId, `status = 'pending_approval'`);
    const titles = async (query: object) =>
      (await ours.get('/compliance-policies', query)).body.items.map(
        ({ title }: { title: string }) => title,
      );

    expect(await titles({})).toEqual(['Acceptable use', 'Passwords']);
    expect(await titles({ ordering: '-title' })).toEqual(['Passwords', 'Acceptable use']);
    expect(await titles({ status: 'draft' })).toEqual(['Passwords']);
    expect(await titles({ status: 'pending_approval' })).toEqual(['Acceptable use']);
    expect(await titles({ owner_id: decider.userId })).toEqual(['Acceptable use']);
    expect(await titles({ search: 'word' })).toEqual(['Passwords']);
    expect(await titles({ type: 'default' })).toEqual([]);
    expect(await titles({ review_overdue: true })).toEqual([]);
    expect(await titles({ approval_status: 'pending', size: 1 })).toEqual(['Acceptable use']);
  });

  it('keeps its approval where another one has the title that is wished', async () => {
    const { path, versionId } = await created();
    await created({ ...use, title: 'Passwords' });
    await setVersion(versionId, `status = 'approved', approved_at = now()`);

    const taken = await ours.patch(path, { title: 'PASSWORDS', content: 'For work and study' });
    const shown = await ours.get(path);

    expect(taken).toMatchObject({ status: 409, body: { code: 'COMPLIANCE_POLICY_EXISTS' } });
    expect(shown.body.data).toMatchObject({
      title: use.title,
      latest_version: { status: 'approved', content: 'For work' },
    });
  });

  it('keeps the date of its review where it is published while another one is chosen', async () => {
    const { id, path, versionId } = await created();
    const reviewDate = addDays(dateAt(Date.now(), 'Europe/Berlin'), 40);

    const changed = await meanwhile(
      { database: api.database, actor: author },
      async () => {
        await getRow(CompliancePolicy, id, { lock: true });
        await execute(`UPDATE compliance_policy_versions SET ${published} WHERE id = $1`, [
          versionId,
        ]);
      },
      () => ours.patch(path, { review_date: reviewDate }),
    );

    expect(changed).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect((await ours.get(path)).body.data).toMatchObject({ review_date: null, version: 1 });
  });

  it('shows how it was before', async () => {
    const { path } = await created();
    const before = new Date();
    await ours.patch(path, { title: 'Use of devices' });

    const then = await ours.get(`${path}/as-of`, { at: before.toISOString() });

    expect(then.body.data).toMatchObject({
      entity_type: 'compliance_policy',
      state: { title: 'Acceptable use', approval_status: 'pending' },
    });
  });

  it('is for those who look after compliance, and of one company', async () => {
    const { path } = await created();
    const [hr, holder, stranger] = [
      await buildActor({ companyId, role: 'hr' }),
      await buildActor({ companyId }),
      await buildActor({ companyId: (await buildCompany()).id, role: 'tenant_admin' }),
    ];

    expect(await api.as(hr).get(path)).toMatchObject({ status: 200 });
    expect(await api.as(hr).patch(path, { title: 'Other' })).toMatchObject({ status: 403 });
    expect(await api.as(hr).post(`${path}/approve`)).toMatchObject({ status: 403 });
    expect(await api.as(holder).get(path)).toMatchObject({ status: 403 });
    expect(await api.as(stranger).get(path)).toMatchObject({ status: 404 });
    expect(await api.as(stranger).post(`${path}/submit`)).toMatchObject({ status: 404 });
    expect(await api.as(stranger).get(`${path}/versions`)).toMatchObject({ status: 404 });
    expect((await ours.get(path)).body.data).toMatchObject({ title: use.title, version: 1 });
  });
});

describe('the way of a version', () => {
  it('is refused where it does not lead, by its row alone', async () => {
    const { path } = await created();
    const refused = async (step: string, body: object = {}) =>
      (await ours.post(`${path}/${step}`, body)).body;

    expect(await refused('publish')).toMatchObject({
      code: 'ILLEGAL_TRANSITION',
      current_status: 'draft',
      allowed_transitions: ['submit', 'discard'],
    });
    expect(await refused('approve')).toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    expect(await refused('reject', { reason: 'No' })).toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    expect(await refused('retire', { reason: 'No' })).toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    expect(await refused('unpublish', { reason: 'No' })).toMatchObject({
      code: 'ILLEGAL_TRANSITION',
    });
    expect(await refused('reject')).toMatchObject({ code: 'VALIDATION_ERROR' });
    expect(await refused('submit', { version: 7 })).toMatchObject({ code: 'VERSION_CONFLICT' });
  });

  it('is not submitted where too few could decide, or to somebody who may not', async () => {
    const { path } = await created();
    const hr = await buildActor({ companyId, role: 'hr' });

    const toStranger = await ours.post(`${path}/submit`, { approvers: [hr.userId] });
    const toAuthor = await ours.post(`${path}/submit`, { approvers: [author.userId] });
    await api
      .as(decider)
      .patch('/companies/current/settings', { compliance: { approval_quorum: 2 } });
    const tooFew = await ours.post(`${path}/submit`);

    for (const answer of [toStranger, toAuthor]) {
      expect(answer).toMatchObject({
        status: 422,
        body: { details: [{ field: 'approvers.0', code: 'NOT_ELIGIBLE' }] },
      });
    }
    expect(tooFew).toMatchObject({
      status: 409,
      body: { code: 'NO_APPROVER', roles: ['tenant_admin', 'compliance_manager'], quorum: 2 },
    });
  });

  it('is not decided by whoever wrote it', async () => {
    const { path, versionId } = await created();
    await setVersion(versionId, `status = 'pending_approval', round = 1`);

    const approved = await ours.post(`${path}/approve`);
    const rejected = await ours.post(`${path}/reject`, { reason: 'Mine' });
    const shown = await ours.get(`${path}/approvals`);

    expect(approved).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(rejected).toMatchObject({ status: 403 });
    expect(shown.body.data).toMatchObject({ round: 1, quorum: 1, approvals: 0, steps: [] });
  });

  it('is not decided by whoever wrote or submits it by a key', async () => {
    const key = await api.as(decider).post('/api-keys', {
      name: 'Import',
      scopes: ['compliance_policy:read', 'compliance_policy:write'],
    });
    const headers = { 'X-API-Key': String(key.body.data.key) };
    const { body } = await api.nowhere.post('/compliance-policies', use, headers);
    const made = `/compliance-policies/${body.data.id}`;
    const { path } = await created({ ...use, title: 'Passwords' });

    const submitted = await api.nowhere.post(`${path}/submit`, {}, headers);
    const edited = await api.nowhere.patch(path, { content: 'Long ones' }, headers);
    await setVersion(body.data.latest_version.id, `status = 'pending_approval', round = 1`);
    const approved = await api.as(decider).post(`${made}/approve`);

    expect(body.data.latest_version).toMatchObject({ authors: [decider.userId] });
    expect(submitted).toMatchObject({ status: 409, body: { code: 'NO_APPROVER' } });
    expect(edited.body.data.latest_version).toMatchObject({
      authors: [author.userId, decider.userId],
    });
    expect(approved).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });

  it('shows who was asked by name and has not decided', async () => {
    const { path, versionId } = await created();
    await setVersion(
      versionId,
      `status = 'pending_approval', round = 1, approvers = jsonb_build_array('${decider.userId}')`,
    );

    const shown = await ours.get(`${path}/approvals`);

    expect(shown.body.data.steps).toEqual([
      { approver_id: decider.userId, state: 'pending', reason: null, decided_at: null },
    ]);
  });

  it('is planned for a time to come alone', async () => {
    const { path, versionId } = await created();
    await setVersion(versionId, `status = 'approved'`);
    const at = (publish_at: string) => ours.post(`${path}/publish`, { publish_at });

    for (const wrong of ['2020-01-01', '2190-01-01']) {
      expect(await at(wrong)).toMatchObject({
        status: 422,
        body: { details: [{ field: 'publish_at', code: 'OUT_OF_RANGE' }] },
      });
    }
  });

  it('is taken back within a day, and not while the run of the next one is to begin', async () => {
    const { id, path, versionId } = await created();
    await setVersion(versionId, published);
    const next = await ours.post(`${path}/versions`, { change_log: 'Clearer' });
    await api.database.sql(
      `INSERT INTO core.outbox (company_id, id, entity_type, entity_id, workflow_type, workflow_id,
         input, not_before)
       SELECT company_id, gen_random_uuid(), entity_type, entity_id, workflow_type, workflow_id,
         input, now() FROM core.outbox WHERE entity_id = $1`,
      [next.body.data.latest_version.id],
    );

    const open = await ours.post(`${path}/unpublish`, { reason: 'Too soon' });
    await setVersion(versionId, `published_at = now() - interval '25 hours'`);
    await api.database.sql(
      `UPDATE shared.compliance_policy_versions SET archived_at = now()
       WHERE policy_id = $1 AND number = 2`,
      [id],
    );
    const late = await ours.post(`${path}/unpublish`, { reason: 'Too late' });

    expect(open).toMatchObject({ status: 409, body: { code: 'VERSION_OPEN' } });
    expect(late).toMatchObject({ status: 409, body: { code: 'UNPUBLISH_WINDOW_CLOSED' } });
  });
});

describe('the next version', () => {
  it('is drafted from the one in force, with changes, one at a time', async () => {
    const { path, versionId } = await created();
    await setVersion(versionId, published);

    const early = await ours.patch(path, { content: 'Without a draft' });
    const drafted = await ours.post(`${path}/versions`, {
      change_log: 'Clearer',
      requires_reack: false,
    });
    const twice = await ours.post(`${path}/versions`, {});
    const unseen = await ours.post(`${path}/submit`, { version: 1 });
    const major = await ours.patch(path, { requires_reack: true });
    const list = await ours.get(`${path}/versions`);
    const first = await ours.get(`${path}/versions/1`);

    expect(early).toMatchObject({ status: 409, body: { code: 'NO_DRAFT' } });
    expect(drafted).toMatchObject({
      status: 201,
      body: {
        data: {
          approval_status: 'pending',
          version: 2,
          latest_version: {
            number: 2,
            label: '1.1',
            content: 'For work',
            change_log: 'Clearer',
            requires_reack: false,
            status: 'draft',
            quiz: use.quiz,
          },
        },
      },
    });
    expect(twice).toMatchObject({ status: 409, body: { code: 'VERSION_OPEN' } });
    expect(unseen).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(major.body.data.latest_version).toMatchObject({ label: '2.0', requires_reack: true });
    expect(list.body.items.map(({ number }: { number: number }) => number)).toEqual([2, 1]);
    expect(list.body.items[0]).not.toHaveProperty('content');
    expect(first.body.data).toMatchObject({ number: 1, status: 'published', content: 'For work' });
  });

  it('has to be read where nobody has read one', async () => {
    const { path } = await created();

    const answer = await ours.patch(path, { requires_reack: false });

    expect(answer).toMatchObject({
      status: 422,
      body: { details: [{ field: 'requires_reack', code: 'FIRST_VERSION' }] },
    });
  });

  it('keeps its policy from being archived while one is published or waits', async () => {
    const { path, versionId } = await created();
    await setVersion(versionId, `status = 'pending_approval'`);
    const waiting = await ours.delete(path);
    await setVersion(versionId, published);
    const inForce = await ours.delete(path);
    await setVersion(versionId, `status = 'retired', ended_at = now(), workflow_closed_at = now()`);

    const gone = await ours.delete(path);
    const admin = api.as(decider);
    const hidden = await ours.get(path);
    const restored = await ours.post(`${path}/restore`);

    expect(waiting).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
    expect(inForce).toMatchObject({ status: 409, body: { code: 'POLICY_PUBLISHED' } });
    expect(gone.status).toBe(204);
    expect(hidden.status).toBe(404);
    expect((await admin.get('/compliance-policies', { include_archived: true })).status).toBe(200);
    expect(restored).toMatchObject({ status: 200, body: { data: { archived_at: null } } });
    expect((await ours.get(`${path}/versions/9`)).status).toBe(404);
  });
});
