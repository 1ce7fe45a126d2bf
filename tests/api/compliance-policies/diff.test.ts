import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;
let ours: Caller;

beforeAll(async () => {
  api = await openTestApi();
  const { id: companyId } = await buildCompany();
  ours = api.as(await buildActor({ companyId, role: 'compliance_manager' }));
});
afterAll(() => api.close());

describe('the file behind the link of a version', () => {
  it('is known by its hash, which is told anew where it is another', async () => {
    const file = { document_link: 'https://files.example/1.pdf', document_sha256: 'a'.repeat(64) };
    const made = await ours.post('/compliance-policies', {
      title: 'Linked',
      content: null,
      ...file,
    });
    const path = `/compliance-policies/${made.body.data.id}`;

    const moved = { document_link: 'https://files.example/2.pdf' };
    const unhashed = await ours.patch(path, moved);
    const emptied = await ours.patch(path, { document_sha256: null });
    const hashed = await ours.patch(path, { ...moved, document_sha256: 'b'.repeat(64) });
    const without = await ours.patch(path, { content: 'For work', document_link: null });

    for (const refused of [unhashed, emptied]) {
      expect(refused).toMatchObject({
        status: 422,
        body: { details: [{ field: 'document_sha256', code: 'REQUIRED' }] },
      });
    }
    expect(hashed.body.data).toMatchObject({
      latest_version: { ...moved, document_sha256: 'b'.repeat(64) },
    });
    expect(without.body.data).toMatchObject({
      latest_version: { document_link: null, document_sha256: null },
    });
  });
});

describe('GET /compliance-policies/:id/versions/:number/diff', () => {
  it('compares text and file with the version before, or any other', async () => {
    const file = { document_link: 'https://files.example/1.pdf', document_sha256: 'a'.repeat(64) };
    const made = await ours.post('/compliance-policies', {
      title: 'Acceptable use',
      content: 'For work\nAsk first',
      ...file,
    });
    const { id, latest_version: first } = made.body.data;
    const path = `/compliance-policies/${id}`;
    await api.database.sql(
      `UPDATE shared.compliance_policy_versions SET status = 'published', published_at = now()
       WHERE id = $1`,
      [first.id],
    );
    const other = { ...file, document_sha256: 'b'.repeat(64) };
    await ours.post(`${path}/versions`, { content: 'For work\nAsk your manager', ...other });

    const second = await ours.get(`${path}/versions/2/diff`);
    const same = await ours.get(`${path}/versions/2/diff`, { against: 2 });
    const none = await ours.get(`${path}/versions/1/diff`);
    const unknown = await ours.get(`${path}/versions/2/diff`, { against: 9 });

    expect(second.body.data).toEqual({
      number: 2,
      against: 1,
      parts: [
        { change: 'same', lines: 1, text: 'For work\n' },
        { change: 'removed', lines: 1, text: 'Ask first' },
        { change: 'added', lines: 1, text: 'Ask your manager' },
      ],
      whole: false,
      document: { changed: true, before: file, after: other },
    });
    expect(same.body.data).toMatchObject({ document: { changed: false } });
    expect(none.body.data).toMatchObject({
      against: null,
      document: { changed: true, before: null },
    });
    expect(unknown).toMatchObject({ status: 404 });
  });
});
