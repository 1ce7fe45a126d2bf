import { createHash } from 'node:crypto';
import type { SentMail } from './mails.ts';

export const presentMail = ({ id, to, subject, text, sentAt, attachments }: SentMail) => ({
  id,
  to,
  subject,
  text,
  sent_at: sentAt.toISOString(),
  attachments: attachments.map(({ fileName, mediaType, size }) => ({
    file_name: fileName,
    media_type: mediaType,
    size,
  })),
});

/** A page without script: what it shows came by mail, and anybody may have written that. */
export const mailPage = (mails: readonly SentMail[]): string =>
  '<!doctype html>\n' +
  html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <title>Sent mail</title>
      ${new Markup(`<style>${style}</style>`)}
    </head>
    <body>
      <header>
        <h1>Sent mail</h1>
        <p>
          ${mails.length === 0 ? 'Nothing yet' : `${mails.length}, the newest first`} ·
          <a href="/dev/mail">look again</a> · <a href="/dev/mails">as JSON</a>
        </p>
      </header>
      <main>${mails.length === 0 ? empty : mails.map(mailCard)}</main>
    </body>
  </html>`.text;

/** Allows the one style sheet, and nothing that a mail could bring along. */
export const mailPagePolicy = (): string =>
  [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** Markup that may stand in a page as it is. */
class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | Markup | readonly Markup[];

/** Markup with its values escaped, unless they are markup themselves. */
const html = (strings: TemplateStringsArray, ...values: readonly Part[]): Markup =>
  new Markup(
    strings
      .map((part, index) => {
        const value = values[index];
        return value === undefined ? part : part + written(value);
      })
      .join(''),
  );

const written = (value: Part): string => {
  if (value instanceof Markup) return value.text;
  if (typeof value !== 'string') return value.map(({ text }) => text).join('');
  return value.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
};

const mailCard = ({ id, to, subject, text, sentAt, attachments }: SentMail): Markup =>
  html`<article>
    <h2>${subject || '(no subject)'}</h2>
    <p class="facts">
      to <b>${to || 'nobody'}</b> ·
      <time datetime="${sentAt.toISOString()}">${day.format(sentAt)}</time>
    </p>
    <div class="text">${linked(text)}</div>
    ${attachments.map(
      ({ fileName, size }, index) =>
        html`<p class="facts">
          <a href="${addressOf(id, index + 1)}">${fileName || 'attachment'}</a> ·
          ${`${Math.ceil(size / 1024)} KB`}
        </p>`,
    )}
  </article>`;

const addressOf = (id: string, at: number): string =>
  `/dev/mails/${encodeURIComponent(id)}/attachments/${at}`;

const empty = html`<p class="empty">
  Mail that the worker sends appears here. Register somebody, or subscribe to a plan, and look
  again.
</p>`;

/** One-time links are there to be followed. */
const linked = (text: string): Markup[] =>
  text
    .split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)])/)
    .map((part, index) =>
      index % 2 === 1 ? html`<a href="${part}" rel="noreferrer">${part}</a>` : html`${part}`,
    );

const day = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'medium',
  timeZone: 'UTC',
});

const style = `
:root { color-scheme: light dark; --line: #8883; --quiet: #777; --back: #f4f5f7; --card: #fff; }
@media (prefers-color-scheme: dark) { :root { --quiet: #999; --back: #16181c; --card: #1f2228; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 2rem 1rem 4rem; background: var(--back);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
header p, .facts { margin: 0; color: var(--quiet); font-size: 0.9rem; }
article { margin-top: 1rem; padding: 1rem 1.25rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 0.6rem; }
h2 { margin: 0; font-size: 1.1rem; overflow-wrap: anywhere; }
.text { margin-top: 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line);
  white-space: pre-wrap; overflow-wrap: anywhere; }
.empty { margin-top: 1rem; padding: 3rem 1.5rem; border: 1px dashed var(--line);
  border-radius: 0.6rem; text-align: center; color: var(--quiet); }
`;
