import { NotFound } from '../../errors.ts';
import { listRoute, rawRoute, type Route } from '../route.ts';
import { openMails } from './mails.ts';
import { mailPage, mailPagePolicy, presentMail } from './present.ts';
import { attachmentPath, mailAnswer, mailExample, mailsQuery } from './schema.ts';

/** What we attach; anything else is served as bytes. */
const pdf = 'application/pdf';

/** What was sent in development. Without a mail catcher, and so in production, there are no such routes. */
export function devRoutes({ devMailDir }: { readonly devMailDir: string | undefined }): Route[] {
  if (devMailDir === undefined) return [];
  const mails = openMails(devMailDir);
  const open = { root: true, permission: 'public', company: false, tag: 'Development' } as const;

  return [
    rawRoute({
      ...open,
      method: 'GET',
      path: '/dev/mail',
      summary: 'Page with the mail that was sent, the newest first',
      mediaType: 'text/html; charset=utf-8',
      async handle({ setHeader }) {
        setHeader('Content-Security-Policy', mailPagePolicy());
        return mailPage(await mails.newestFirst());
      },
    }),
    listRoute({
      ...open,
      path: '/dev/mails',
      summary: 'The mail that was sent, the newest first; of all of it or of one address',
      query: mailsQuery,
      answer: presentMail,
      answerSchema: mailAnswer,
      async handle({ query: { to, page, size } }) {
        const all = await mails.newestFirst(to);
        return { items: all.slice((page - 1) * size, page * size), total: all.length };
      },
      examples: { answer: mailExample },
    }),
    rawRoute({
      ...open,
      method: 'GET',
      path: '/dev/mails/:mail/attachments/:number',
      summary: 'A file that came with a mail',
      params: attachmentPath,
      mediaTypes: [pdf, 'application/octet-stream'],
      async handle({ params: { mail: id, number } }) {
        const file = await mails.attachment(id, number);
        if (!file) throw new NotFound('There is no such attachment');
        return {
          content: file.content,
          mediaType: file.mediaType === pdf ? pdf : 'application/octet-stream',
          fileName: file.fileName || 'attachment',
        };
      },
    }),
  ];
}
