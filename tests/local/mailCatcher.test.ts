import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTransport } from 'nodemailer';
import PostalMime from 'postal-mime';
import { startMailCatcher } from '../../local/mailCatcher.ts';

describe('the mail catcher', () => {
  it('keeps each message as a file that can be read again', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'surety-mail-'));
    const catcher = await startMailCatcher({ dir, port: 0 });
    const transport = createTransport(catcher.url);
    const send = (subject: string) =>
      transport.sendMail({
        from: 'Surety <no-reply@surety.example>',
        to: 'ana@example.com',
        subject,
        text: 'Your cover ends on 1 May – please renew.',
        html: '<p>Your cover ends on <b>1 May</b>.</p>',
      });

    await Promise.all([send('Renewal due'), send('Naïve café')]);
    transport.close();
    await catcher.stop();

    const files = readdirSync(dir);
    const mails = await Promise.all(
      files.map((file) => PostalMime.parse(readFileSync(path.join(dir, file)))),
    );
    expect(files.every((file) => /^\d{4}-\d\d-\d\dT[\d:.]+Z-[0-9a-f]{8}\.eml$/.test(file))).toBe(
      true,
    );
    expect(new Set(mails.map(({ subject }) => subject))).toEqual(
      new Set(['Naïve café', 'Renewal due']),
    );
    expect(mails[0]).toMatchObject({
      to: [{ address: 'ana@example.com' }],
      text: expect.stringContaining('1 May – please renew'),
    });
    rmSync(dir, { recursive: true });
  });
});
