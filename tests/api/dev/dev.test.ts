import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { devRoutes } from '../../../src/api/dev/routes.ts';
import { readConfig } from '../../../src/config.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'surety-mails-'));
  api = await openTestApi({ DEV_MAIL_DIR: dir });
});
afterAll(async () => {
  await api.close();
  await rm(dir, { recursive: true, force: true });
});

let files: string[] = [];

/** A kept mail, as the catcher names it. */
const arrived = async (time: string, headers: string, body: string): Promise<void> => {
  const file = path.join(dir, `${time}-${randomBytes(4).toString('hex')}.eml`);
  files.push(file);
  await writeFile(file, `From: no-reply@surety.example\r\n${headers}\r\n\r\n${body}`);
};

beforeEach(() => {
  files = [];
});
afterEach(() => Promise.all(files.map((file) => rm(file))));

describe('GET /dev/mails', () => {
  it('is empty before anything was sent', async () => {
    const { body } = await api.nowhere.get('/dev/mails');

    expect(body).toMatchObject({ success: true, items: [], pagination: { total: 0 } });
  });

  it('tells to whom, what and when, the newest first, by pages', async () => {
    await arrived(
      '2026-01-01T10:00:00.000Z',
      'To: Ada <ada@example.com>\r\nSubject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=utf-8',
      'Dear Ada,=0A=0Asch=C3=B6n.',
    );
    await arrived('2026-01-02T10:00:00.000Z', 'To: bob@example.com\r\nSubject: Two', 'Hello');
    await writeFile(path.join(dir, 'half.tmp'), 'not yet');

    const all = await api.nowhere.get('/dev/mails');
    const second = await api.nowhere.get('/dev/mails', { page: 2, size: 1 });

    expect(all.body.items).toMatchObject([
      { to: 'bob@example.com', subject: 'Two', text: 'Hello', sent_at: '2026-01-02T10:00:00.000Z' },
      {
        to: 'ada@example.com',
        subject: 'Grüße',
        text: 'Dear Ada,\n\nschön.',
        sent_at: '2026-01-01T10:00:00.000Z',
      },
    ]);
    expect(second.body.items).toEqual([all.body.items[1]]);
  });
});

describe('GET /dev/mails of one address', () => {
  it('has what was sent there, however much came after it', async () => {
    await arrived(
      '2026-01-01T10:00:00.000Z',
      'To: "Ada, of <b>" <Ada@example.com>,\r\n Eve <eve@example.com>\r\nSubject: Old',
      'To: bob@example.com',
    );
    await Promise.all(
      Array.from({ length: 501 }, (_, at) =>
        arrived(
          `2026-01-02T10:00:00.${String(at).padStart(3, '0')}Z`,
          'To: adada@example.com\r\nSubject: New',
          'Hello',
        ),
      ),
    );
    const of = async (to: string) => (await api.nowhere.get('/dev/mails', { to, size: 1 })).body;

    expect(await of('ada@example.com')).toMatchObject({
      items: [{ subject: 'Old' }],
      pagination: { total: 1 },
    });
    expect(await of('EVE@example.com')).toMatchObject({ items: [{ subject: 'Old' }] });
    expect(await of('adada@example.com')).toMatchObject({ pagination: { total: 500 } });
    expect(await of('bob@example.com')).toMatchObject({ items: [] });

    await arrived('2026-01-03T10:00:00.000Z', 'To: ada@example.com\r\nSubject: Newer', 'Hello');
    expect(await of('ada@example.com')).toMatchObject({
      items: [{ subject: 'Newer' }],
      pagination: { total: 2 },
    });
  });
});

describe('GET /dev/mail', () => {
  it('shows what came by mail as text and never as markup', async () => {
    await arrived(
      '2026-01-01T10:00:00.000Z',
      'To: "<b>x</b>" <ada@example.com>\r\nSubject: <script>alert(1)</script>',
      '<img src=x onerror=alert(2)> & "see" https://surety.example/set-password#a&b.\n',
    );

    const { text, headers } = await api.nowhere.get('/dev/mail');

    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'/,
    );
    expect(text).not.toMatch(/<script|<img|<b>x/);
    expect(text).toContain('&#60;script&#62;alert(1)&#60;/script&#62;');
    expect(text).toContain('href="https://surety.example/set-password#a&#38;b');
  });

  it('says so when there is nothing to show', async () => {
    const { text } = await api.nowhere.get('/dev/mail');

    expect(text).toContain('Nothing yet');
  });
});

describe('a mail with a file', () => {
  const withFile = [
    '--cut',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'See the letter.',
    '--cut',
    'Content-Type: application/pdf',
    'Content-Disposition: attachment; filename="letter <1>.pdf"',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('%PDF-1.3 letter').toString('base64'),
    '--cut--',
    '',
  ].join('\r\n');
  const headers =
    'To: ada@example.com\r\nSubject: Yours\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=cut';

  it('names it in the list and on the page, and serves it to be saved', async () => {
    await arrived('2026-01-03T10:00:00.000Z', headers, withFile);

    const { body } = await api.nowhere.get('/dev/mails');
    const [{ id, attachments }] = body.items;
    const page = await api.nowhere.get('/dev/mail');
    const file = await api.nowhere.get(`/dev/mails/${encodeURIComponent(id)}/attachments/1`);

    expect(attachments).toEqual([
      { file_name: 'letter <1>.pdf', media_type: 'application/pdf', size: 15 },
    ]);
    expect(page.text).toContain(`/dev/mails/${encodeURIComponent(id)}/attachments/1`);
    expect(page.text).toContain('letter &#60;1&#62;.pdf');
    expect(file.status).toBe(200);
    expect(file.headers['content-type']).toBe('application/pdf');
    expect(file.headers['content-disposition']).toMatch(/^attachment/);
    expect(Buffer.from(file.body).toString()).toBe('%PDF-1.3 letter');
  });

  it('is served however much came after it', async () => {
    await arrived('2026-01-03T10:00:00.000Z', headers, withFile);
    await Promise.all(
      Array.from({ length: 500 }, () =>
        arrived('2026-01-04T10:00:00.000Z', 'To: bob@example.com\r\nSubject: New', 'Hello'),
      ),
    );
    const { body } = await api.nowhere.get('/dev/mails', { to: 'ada@example.com' });
    const [{ id }] = body.items;

    const file = await api.nowhere.get(`/dev/mails/${encodeURIComponent(id)}/attachments/1`);

    expect(file.status).toBe(200);
  });

  it('has no other, and no file of another folder is one', async () => {
    await arrived('2026-01-03T10:00:00.000Z', headers, withFile);
    const { body } = await api.nowhere.get('/dev/mails');
    const { id } = body.items[0];

    const second = await api.nowhere.get(`/dev/mails/${encodeURIComponent(id)}/attachments/2`);
    const outside = await api.nowhere.get('/dev/mails/..%2F..%2Fetc%2Fpasswd/attachments/1');

    expect([second.status, outside.status]).toEqual([404, 404]);
  });
});

describe('without a mail catcher', () => {
  it('there are no such pages, and never in production', async () => {
    const production = readConfig({
      ENVIRONMENT: 'production',
      DATABASE_URL: 'postgres://localhost/none',
      SECRET_KEY: 'x'.repeat(32),
      JWT_SECRET_KEY: 'y'.repeat(32),
      DEV_MAIL_DIR: dir,
    });

    expect(devRoutes(production)).toEqual([]);
    expect(devRoutes({ devMailDir: undefined })).toEqual([]);
  });
});
