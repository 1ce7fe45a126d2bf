import { v7 as uuid } from 'uuid';
import { withTenant } from '../../../src/models/database.ts';
import { Notification, type TemplateCode } from '../../../src/models/Notification.ts';
import { templateCodes } from '../../../src/rules/notices.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

type Person = Awaited<ReturnType<typeof buildActor>>;

const path = '/notification-templates';
const own = {
  code: 'report_ready',
  subject: 'There: {{reportName}}',
  body: 'Good day {{name}},\n\n<b>look</b> at {{company}}.',
};

let api: TestApi;
let companyId: string;
let admin: Person;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

const created = async (body: object = own): Promise<string> =>
  (await api.as(admin).post(path, body)).body.data.id;

const tell = (to: Person, template: TemplateCode, payload: object) =>
  withTenant(to.companyId, async () => {
    Notification.queue({
      to: { channel: 'in_app', userId: to.userId },
      template,
      payload: { ...payload },
      key: uuid(),
      about: { type: 'report', id: uuid() },
    });
  });

const wordsOf = async (person: Person) => {
  const { body } = await api.as(person).get('/notifications');
  return body.items.map(({ subject, text }: { subject: string; text: string }) => [subject, text]);
};

describe('the words of a message', () => {
  it('are the company’s own where it has some, in every message that is read from then on', async () => {
    await created();
    await tell(admin, 'report_ready', { reportName: 'Claims' });
    await tell(admin, 'report_failed', { reportName: 'Claims', error: 'slow' });

    expect(await wordsOf(admin)).toEqual([
      ['Your report "Claims" could not be generated', expect.stringContaining('Dear Ada Lovelace')],
      ['There: Claims', expect.stringMatching(/^Good day Ada Lovelace,\n\n<b>look<\/b> at /)],
    ]);
  });

  it('are the platform’s again once they are taken away, and always in another company', async () => {
    const other = await buildCompany();
    const elsewhere = await buildActor({ companyId: other.id, role: 'tenant_admin' });
    const id = await created();
    await tell(elsewhere, 'report_ready', { reportName: 'Claims' });
    await tell(admin, 'report_ready', { reportName: 'Claims' });

    const removed = await api.as(admin).delete(`${path}/${id}`);

    expect(removed.status).toBe(204);
    const platforms = 'Your report "Claims" is ready';
    expect(await wordsOf(admin)).toMatchObject([[platforms, expect.anything()]]);
    expect(await wordsOf(elsewhere)).toMatchObject([[platforms, expect.anything()]]);
  });

  it('leave empty what an older message does not know', async () => {
    await created({ ...own, subject: 'There: {{reportName}}!' });
    await tell(admin, 'report_ready', {});

    expect(await wordsOf(admin)).toMatchObject([['There: !', expect.anything()]]);
  });
});

describe('POST /notification-templates', () => {
  it.each([
    ['a place that the message does not offer', { subject: '{{policyNumber}}' }, 'subject'],
    ['a condition that it does not offer', { body: '{{#if secret}}x{{/if}}' }, 'body'],
    ['what would reach into the program', { body: '{{constructor}}' }, 'body'],
  ])('refuses %s', async (_, change, field) => {
    const refused = await api.as(admin).post(path, { ...own, ...change });

    expect(refused).toMatchObject({
      status: 422,
      body: { details: [{ field, code: 'UNKNOWN_PLACEHOLDER' }] },
    });
  });

  it.each([
    '{{#each reportName}}x{{/each}}',
    '{{lookup this "name"}}',
    '{{name',
    'name}}',
    '{{{{raw}}}} x {{{{/raw}}}}',
    '\\{{name}}',
    '{{{name}}}',
    '{{{#if name}}}x{{{/if}}}',
    '{{#if name as |x|}}x{{/if}}',
    '{{^if name as |x|}}x{{/if}}',
    '{{name company}}',
    '{{! note}}',
    '{{#*inline "x"}}x{{/inline}}',
    '{{#if name}}x',
    'x{{/if}}',
    '{{else}}',
    '{{> part}}',
  ])('refuses %s, which is more than places and conditions', async (body) => {
    const refused = await api.as(admin).post(path, { ...own, body });

    expect(refused.status).toBe(422);
    expect(refused.body.details[0].field).toBe('body');
  });

  it('takes conditions within conditions', async () => {
    const body = '{{#if name}}{{#if company}}{{reportName}}{{else}}x{{/if}}{{/if}}';
    const id = await created({ ...own, body });

    const shown = await api.as(admin).post(`${path}/${id}/preview`);

    expect(shown.body.data.text).toBe('Claims of the month');
  });

  it.each([
    ['{{^if name}}x{{/if}}{{reportName}}', 'Claims of the month'],
    ['{{^if name}}x{{else}}y{{/if}}', 'y'],
    ['{{#if name}}{{^}}x{{/if}}y', 'y'],
  ])('takes %s, which says what stands there without a value', async (body, text) => {
    const id = await created({ ...own, body });

    const shown = await api.as(admin).post(`${path}/${id}/preview`);

    expect(shown.body.data.text).toBe(text);
  });

  it('wants the link of a message that is sent for its sake, and in no subject', async () => {
    const reset = { code: 'password_reset', subject: 'Your password', body: 'Use {{link}}' };

    const without = await api.as(admin).post(path, { ...reset, body: 'Call us' });
    const maybe = await api.as(admin).post(path, { ...reset, body: '{{#if name}}{{link}}{{/if}}' });
    const shown = await api.as(admin).post(path, { ...reset, subject: '{{link}}' });
    const good = await api.as(admin).post(path, reset);

    expect(without.body.details).toMatchObject([{ field: 'body', code: 'REQUIRED' }]);
    expect(maybe.body.details).toMatchObject([{ field: 'body', code: 'REQUIRED' }]);
    expect(shown.body.details).toMatchObject([{ field: 'subject', code: 'UNKNOWN_PLACEHOLDER' }]);
    expect(good.status).toBe(201);
  });

  it('refuses a second one for the same message', async () => {
    await created();

    const refused = await api.as(admin).post(path, own);

    expect(refused).toMatchObject({ status: 409, body: { code: 'TEMPLATE_EXISTS' } });
  });

  it('is for administrators alone', async () => {
    const adjuster = await buildActor({ companyId, role: 'adjuster' });

    expect((await api.as(adjuster).post(path, own)).status).toBe(403);
    expect((await api.visiting(companyId).post(path, own)).status).toBe(401);
  });
});

describe('GET /notification-templates', () => {
  it('lists every message once, with what its words may stand for', async () => {
    const id = await created();

    const pages = await Promise.all(
      [1, 2].map(async (page) => (await api.as(admin).get(path, { page, size: 100 })).body),
    );
    const items = pages.flatMap((page) => page.items);

    expect(pages.map(({ pagination }) => pagination.total)).toEqual([
      templateCodes.length,
      templateCodes.length,
    ]);
    expect(items.map(({ code }: { code: string }) => code)).toEqual(templateCodes);
    expect(items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          ...own,
          id,
          version: 1,
          placeholders: ['company', 'name', 'reportName'],
        }),
        expect.objectContaining({
          code: 'claim_closed',
          version: 0,
          placeholders: ['claimNumber', 'company', 'isCompleted', 'name', 'outcome'],
        }),
      ]),
    );
  });

  it('hides another company’s', async () => {
    const id = await created();
    const other = await buildCompany();
    const stranger = await buildActor({ companyId: other.id, role: 'tenant_admin' });

    const theirs = await api.as(stranger).get(`${path}/${id}`);
    const unknown = await api.as(stranger).get(`${path}/${uuid()}`);

    expect(theirs.status).toBe(404);
    expect(comparable(theirs)).toBe(comparable(unknown));
  });
});

describe('PATCH /notification-templates/:id', () => {
  it('changes what is sent, checks the places again, and refuses another version', async () => {
    const id = await created();
    const change = (body: object, version: number) =>
      api.as(admin).patch(`${path}/${id}`, body, { 'If-Match': `"${version}"` });

    const changed = await change({ subject: 'Now: {{reportName}}' }, 1);
    const late = await change({ subject: 'Then' }, 1);
    const broken = await change({ subject: '{{nothing}}' }, 2);

    expect(changed.body.data).toMatchObject({ subject: 'Now: {{reportName}}', version: 2 });
    expect(late).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(broken.status).toBe(422);
    const kept = await api.as(admin).get(`${path}/${id}`);
    expect(kept.body.data).toMatchObject({ subject: 'Now: {{reportName}}', version: 2 });
  });
});

describe('POST /notification-templates/:id/preview', () => {
  it('shows the message of nobody, with its markup as text, and sends nothing', async () => {
    const id = await created();

    const { body } = await api.as(admin).post(`${path}/${id}/preview`);

    expect(body.data).toMatchObject({
      subject: 'There: Claims of the month',
      text: 'Good day Ada Lovelace,\n\n<b>look</b> at Example Insurance.',
      html: expect.stringContaining('<p>&lt;b&gt;look&lt;/b&gt; at Example Insurance.</p>'),
    });
    expect(
      await api.database.sql('SELECT FROM core.notifications WHERE company_id = $1', [companyId]),
    ).toEqual([]);
  });

  it('shows other words without keeping them', async () => {
    const id = await created();

    const shown = await api.as(admin).post(`${path}/${id}/preview`, { subject: 'Try {{name}}' });
    const broken = await api.as(admin).post(`${path}/${id}/preview`, { subject: '{{nobody}}' });

    expect(shown.body.data.subject).toBe('Try Ada Lovelace');
    expect(broken.status).toBe(422);
    expect((await api.as(admin).get(`${path}/${id}`)).body.data.subject).toBe(own.subject);
  });
});
