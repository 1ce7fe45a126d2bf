import { v7 as uuid } from 'uuid';
import { comparable, openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;
let ours: Caller;
let companyId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  ours = api.as(await buildActor({ companyId, role: 'compliance_manager' }));
});

const use = {
  name: 'Acceptable use',
  description: 'What devices are for',
  document_link: 'https://files.example/use-1.pdf',
  change_log: null,
};

const created = async (values: object = use) => {
  const { body } = await ours.post('/templates', values);
  return { id: String(body.data.id), path: `/templates/${body.data.id}` };
};

const versions = async (): Promise<[number, boolean, boolean][]> =>
  (
    await api.database.sql<{ n: number; latest: boolean; live: boolean }>(
      `SELECT version_number AS n, is_latest AS latest, archived_at IS NULL AS live
       FROM shared.templates WHERE company_id = $1 ORDER BY 1`,
      [companyId],
    )
  ).map(({ n, latest, live }) => [n, latest, live]);

describe('/templates', () => {
  it('adds, shows and changes a template', async () => {
    const added = await ours.post('/templates', use);
    const path = `/templates/${added.body.data.id}`;
    const shown = await ours.get(path);
    const changed = await ours.patch(path, { change_log: 'Clearer' });
    const replaced = await ours.put(path, { description: 'For work' });
    const renamed = await ours.patch(path, { name: 'Other' });

    expect(added).toMatchObject({
      status: 201,
      body: { data: { ...use, version_number: 1, is_latest: true, is_active: true, version: 1 } },
    });
    expect(shown.body.data).toEqual(added.body.data);
    expect(changed.body.data).toMatchObject({ ...use, change_log: 'Clearer', version: 2 });
    expect(replaced.body.data).toMatchObject({
      name: use.name,
      description: 'For work',
      document_link: null,
      version: 3,
    });
    expect(renamed).toMatchObject({ status: 422, body: { details: [{ field: 'name' }] } });
  });

  it('keeps the hash of what is behind the link, and not that of another link', async () => {
    const hashed = { ...use, document_sha256: 'a'.repeat(64) };
    const { path } = await created(hashed);

    const unlinked = await ours.post('/templates', {
      ...hashed,
      name: 'Other',
      document_link: null,
    });
    const same = await ours.patch(path, { change_log: 'Clearer' });
    const other = await ours.patch(path, { document_link: 'https://files.example/use-2.pdf' });

    expect(unlinked).toMatchObject({
      status: 422,
      body: { details: [{ field: 'document_link', code: 'REQUIRED' }] },
    });
    expect(same.body.data).toMatchObject({ ...hashed, change_log: 'Clearer' });
    expect(other.body.data).toMatchObject({ document_sha256: null });
  });

  it('has a next version of a name, whatever its case, which alone is the latest', async () => {
    const first = await created();

    const second = await ours.post('/templates', { ...use, name: 'ACCEPTABLE use' });
    const old = await ours.get(first.path);
    const edited = await ours.patch(first.path, { description: 'Too late' });
    const history = await ours.get(`${first.path}/history`);

    expect(second.body.data).toMatchObject({ name: use.name, version_number: 2, is_latest: true });
    expect(old.body.data).toMatchObject({ version_number: 1, is_latest: false, version: 1 });
    expect(edited).toMatchObject({ status: 409, body: { code: 'TEMPLATE_SUPERSEDED' } });
    expect(history.body.items[1]).toMatchObject({
      action: 'UPDATE',
      before: { is_latest: true },
      after: { is_latest: false },
    });
  });

  it('numbers 20 versions that come at once, one of them the latest', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ours.post('/templates', use)),
    );

    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(await versions()).toEqual(
      Array.from({ length: 20 }, (_, index) => [index + 1, index === 19, true]),
    );
  });

  it('hands on what the latest is when that is archived, and gives it back', async () => {
    const [first, second, third] = [await created(), await created(), await created()];

    await ours.delete(third.path);
    const withoutThird = await versions();
    await ours.delete(first.path);
    await ours.delete(second.path);
    const none = await versions();
    await ours.post(`${first.path}/restore`);
    const firstAgain = await versions();
    await ours.post(`${third.path}/restore`);
    const thirdAgain = await versions();
    const next = await created();

    expect(withoutThird).toEqual([
      [1, false, true],
      [2, true, true],
      [3, false, false],
    ]);
    expect(none.filter(([, isLatest]) => isLatest)).toEqual([[3, true, false]]);
    expect(firstAgain.filter(([, isLatest]) => isLatest)).toEqual([[1, true, true]]);
    expect(thirdAgain.filter(([, isLatest]) => isLatest)).toEqual([[3, true, true]]);
    expect((await ours.get(next.path)).body.data).toMatchObject({ version_number: 4 });
  });

  it('refuses bad input by field, and links that are no addresses of documents', async () => {
    const answer = await ours.post('/templates', { name: '', description: 1, x: 1 });

    expect(answer.body.details.map(({ field }: { field: string }) => field)).toEqual([
      'name',
      'description',
      'x',
    ]);
    for (const link of ['javascript:alert(1)', 'file:///etc/passwd', 'https://a b', '']) {
      expect(await ours.post('/templates', { ...use, document_link: link })).toMatchObject({
        status: 422,
        body: { details: [{ field: 'document_link' }] },
      });
    }
    expect(await versions()).toEqual([]);
  });

  it('refuses strangers, wrong roles and other companies, and changes nothing', async () => {
    const { path } = await created();
    const reader = api.as(await buildActor({ companyId, role: 'auditor' }));
    const other = await buildCompany();
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'compliance_manager' }));

    for (const [caller, status, code] of [
      [api.visiting(companyId), 401, 'UNAUTHENTICATED'],
      [reader, 403, 'FORBIDDEN'],
    ] as const) {
      for (const answer of [
        await caller.post('/templates', use),
        await caller.put(path, { description: 'New' }),
        await caller.patch(path, { description: 'New' }),
        await caller.delete(path),
        await caller.post(`${path}/restore`),
      ]) {
        expect(answer).toMatchObject({ status, body: { code } });
      }
    }
    const [theirs, none] = [await foreign.get(path), await foreign.get(`/templates/${uuid()}`)];
    expect(theirs.status).toBe(404);
    expect(comparable(theirs)).toBe(comparable(none));
    expect((await reader.get(path)).status).toBe(200);
    expect((await foreign.post('/templates', use)).body.data).toMatchObject({ version_number: 1 });
    expect(await versions()).toEqual([[1, true, true]]);
  });

  it('refuses a change meant for an older state, and repeats its answer to a key', async () => {
    const { path } = await created();
    await ours.patch(path, { change_log: 'One' });
    const key = { 'Idempotency-Key': uuid() };

    const stale = await ours.patch(path, { change_log: 'Two' }, { 'If-Match': '"1"' });
    await ours.post('/templates', { ...use, name: 'Once' }, key);
    const again = await ours.post('/templates', { ...use, name: 'Once' }, key);

    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
  });

  it('lists all versions of a name, or the latest ones, at its older path too', async () => {
    await created();
    await created();
    await created({ name: 'Passwords', description: '100 % secret' });
    const list = async (query: object, path = '/templates') =>
      (await ours.get(path, query)).body.items.map(
        (item: { name: string; version_number: number }) => `${item.name} ${item.version_number}`,
      );

    expect(await list({ is_latest: true })).toEqual(['Acceptable use 2', 'Passwords 1']);
    expect(await list({ name: 'acceptable USE', ordering: '-version_number' })).toEqual([
      'Acceptable use 2',
      'Acceptable use 1',
    ]);
    expect(await list({ search: '0 %' })).toEqual(['Passwords 1']);
    expect(await list({}, '//templates/')).toHaveLength(3);
  });
});
