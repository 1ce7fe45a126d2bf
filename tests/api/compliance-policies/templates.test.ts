import type { Actor } from '../../../src/context.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;
let owner: Actor & { readonly userId: string };
let ours: Caller;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  const { id: companyId } = await buildCompany();
  owner = await buildActor({ companyId, role: 'hr' });
  ours = api.as(await buildActor({ companyId, role: 'compliance_manager' }));
});

const template = {
  name: 'Acceptable use',
  description: 'What devices are for',
  document_link: 'https://files.example/use-1.pdf',
  document_sha256: 'a'.repeat(64),
  change_log: 'First',
};
const second = {
  ...template,
  document_link: 'https://files.example/use-2.pdf',
  document_sha256: 'b'.repeat(64),
};

/** A policy of the template's first version, which is published unless told. */
const followed = async (wish: object = {}) => {
  const first = await ours.post('/templates', template);
  const { body } = await ours.post('/compliance-policies', {
    type: 'default',
    template_id: first.body.data.id,
    owner_id: owner.userId,
    ...wish,
  });
  const { id, latest_version: draft } = body.data;
  await api.database.sql(
    `UPDATE shared.compliance_policy_versions SET status = 'published', published_at = now()
     WHERE id = $1`,
    [draft.id],
  );
  return { id, path: `/compliance-policies/${id}`, templateId: String(first.body.data.id), draft };
};

const told = (id: string) =>
  api.database.sql(
    `SELECT channel, recipient_user_id AS to, payload FROM core.notifications
     WHERE template_code = 'compliance_policy_update_available' AND payload ->> 'policyId' = $1
     ORDER BY channel`,
    [id],
  );

describe('a policy that follows a template', () => {
  it("takes its title and document from the template's latest version, and no other document", async () => {
    const first = await ours.post('/templates', template);
    const latest = await ours.post('/templates', second);
    const wish = { type: 'default', template_id: first.body.data.id };

    const own = await ours.post('/compliance-policies', { ...wish, content: 'Mine' });
    const made = await ours.post('/compliance-policies', wish);
    const changed = await ours.patch(`/compliance-policies/${made.body.data.id}`, {
      content: 'Mine',
    });
    const dropped = [
      await ours.patch(`/compliance-policies/${made.body.data.id}`, { content: null }),
      await ours.patch(`/compliance-policies/${made.body.data.id}`, { document_link: null }),
    ];

    expect(own).toMatchObject({
      status: 422,
      body: { details: [{ field: 'content', code: 'FROM_TEMPLATE' }] },
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        data: {
          type: 'default',
          title: template.name,
          template_id: latest.body.data.id,
          update_available: false,
          latest_version: {
            document_link: second.document_link,
            document_sha256: second.document_sha256,
            content: template.description,
            template_id: latest.body.data.id,
            change_log: 'First',
          },
        },
      },
    });
    for (const answer of [changed, ...dropped]) {
      expect(answer).toMatchObject({ status: 422, body: { details: [{ code: 'FROM_TEMPLATE' }] } });
    }
  });

  it('is not made from a link without the hash of what is behind it', async () => {
    const { body } = await ours.post('/templates', { ...template, document_sha256: null });
    const wish = { type: 'default', template_id: body.data.id };

    const refused = await ours.post('/compliance-policies', wish);
    await ours.patch(`/templates/${body.data.id}`, { document_sha256: 'c'.repeat(64) });
    const made = await ours.post('/compliance-policies', wish);

    expect(refused).toMatchObject({ status: 422, body: { details: [{ field: 'template_id' }] } });
    expect(made).toMatchObject({
      status: 201,
      body: { data: { latest_version: { document_sha256: 'c'.repeat(64) } } },
    });
  });

  it('hears of a newer version once, and not any more when that is archived', async () => {
    const { id, path } = await followed();

    const latest = await ours.post('/templates', second);
    const marked = await ours.get(path);
    await ours.post('/templates', { ...second, change_log: 'Once more' });
    const messages = await told(id);
    const list = await ours.get('/compliance-policies', { update_available: true });
    const history = await ours.get(`${path}/history`);
    const shown = await api.as(owner).get('/notifications', { channel: 'in_app' });

    expect(marked.body.data).toMatchObject({ update_available: true });
    const payload = { policyId: id, title: template.name, templateVersion: 2 };
    expect(messages).toEqual([
      { channel: 'email', to: owner.userId, payload },
      { channel: 'in_app', to: owner.userId, payload },
    ]);
    expect(list.body.items).toHaveLength(1);
    expect(shown.body.items.map(({ subject }: { subject: string }) => subject)).toEqual([
      'A newer version of the template of Acceptable use',
    ]);
    expect(history.body.items.at(-1)).toMatchObject({
      action: 'UPDATE',
      after: { update_available: true },
    });
    const newest = await ours.get('/templates', { is_latest: true });
    await ours.delete(`/templates/${newest.body.items[0].id}`);
    await ours.delete(`/templates/${latest.body.data.id}`);
    expect((await ours.get(path)).body.data).toMatchObject({ update_available: false });
  });

  it('hears of it once more where it was archived and is restored', async () => {
    const { id, path } = await followed();
    const latest = await ours.post('/templates', second);
    const template2 = `/templates/${latest.body.data.id}`;

    await ours.delete(template2);
    const restored = await ours.post(`${template2}/restore`);

    expect(restored).toMatchObject({ status: 200, body: { data: { is_latest: true } } });
    expect((await ours.get(path)).body.data).toMatchObject({ update_available: true });
    expect(await told(id)).toHaveLength(4);
  });

  it('hears of it together with thousands of others', async () => {
    const { id, templateId } = await followed();
    await api.database.sql(
      `INSERT INTO shared.compliance_policies (company_id, id, type, title, template_id)
       SELECT company_id, gen_random_uuid(), 'default', 'Copy ' || n, $2::uuid
       FROM shared.compliance_policies, generate_series(1, 3000) n WHERE id = $1`,
      [id, templateId],
    );

    const latest = await ours.post('/templates', second);
    const [marked] = await api.database.sql<{ count: number }>(
      `SELECT count(*)::int FROM shared.compliance_policies
       WHERE template_id = $1 AND update_available`,
      [templateId],
    );

    expect(latest.status).toBe(201);
    expect(marked?.count).toBe(3001);
  });

  it('drafts its next version from it, and keeps the questions of the one in force', async () => {
    const quiz = [{ question: 'Who?', options: ['You', 'They'], correct: 0 }];
    const { path } = await followed({ quiz });

    const early = await ours.post(`${path}/accept-update`);
    const without = await ours.post(`${path}/versions`, { document_link: null });
    const latest = await ours.post('/templates', second);
    const accepted = await ours.post(`${path}/accept-update`, { requires_reack: false });
    const twice = await ours.post(`${path}/accept-update`);

    expect(early).toMatchObject({ status: 409, body: { code: 'NO_UPDATE' } });
    expect(without).toMatchObject({ status: 422, body: { details: [{ code: 'FROM_TEMPLATE' }] } });
    expect(accepted).toMatchObject({
      status: 201,
      body: {
        data: {
          template_id: latest.body.data.id,
          update_available: false,
          latest_version: {
            number: 2,
            label: '1.1',
            status: 'draft',
            document_link: second.document_link,
            document_sha256: second.document_sha256,
            template_id: latest.body.data.id,
            quiz,
          },
        },
      },
    });
    expect(twice).toMatchObject({ status: 409, body: { code: 'VERSION_OPEN' } });
  });
});
