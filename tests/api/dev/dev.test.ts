import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
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
