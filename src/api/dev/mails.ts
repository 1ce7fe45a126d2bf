import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Email } from 'postal-mime';
import { errorCode } from '../../errors.ts';

export interface SentMail {
  /** What its attachments are asked for by. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly sentAt: Date;
  readonly attachments: readonly AttachedFile[];
}

export interface AttachedFile {
  readonly fileName: string;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
}

/** More than this nobody looks through by hand. */
const most = 500;

/** Reads what the mail catcher keeps, each file once; their names begin with the time of arrival. */
export function openMails(dir: string): {
  newestFirst(): Promise<SentMail[]>;
  /** @param at counted from 1; undefined where there is none */
  attachment(id: string, at: number): Promise<Buffer | undefined>;
} {
  let known = new Map<string, Promise<SentMail | undefined>>();

  return {
    async newestFirst() {
      const names = (await filesIn(dir))
        .filter((name) => name.endsWith('.eml'))
        .toSorted((a, b) => (a < b ? 1 : -1))
        .slice(0, most);
      known = new Map(
        names.map((name) => [name, known.get(name) ?? readMail(path.join(dir, name))]),
      );
      const mails = await Promise.all(known.values());
      return mails.filter((mail) => mail !== undefined);
    },

    async attachment(id, at) {
      const names = await filesIn(dir);
      const name = names.find((each) => each === `${id}.eml`);
      const mail = name && (await parsed(path.join(dir, name)));
      const content = mail ? mail.attachments[at - 1]?.content : undefined;
      return content === undefined ? undefined : bytes(content);
    },
  };
}

/** The catcher makes the folder when it starts, which may be later. */
const filesIn = (dir: string): Promise<string[]> =>
  readdir(dir).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });

/** Of the files only what they are called: five hundred mails stay in memory. */
async function readMail(file: string): Promise<SentMail | undefined> {
  const mail = await parsed(file);
  if (!mail) return undefined;
  const name = path.basename(file, '.eml');
  return {
    id: name,
    to: (mail.to ?? []).map(({ address, name: called }) => address || called).join(', '),
    subject: mail.subject ?? '',
    text: (mail.text ?? '').trim(),
    sentAt: firstInstant(name.slice(0, '2026-01-31T09:30:00.000Z'.length), mail.date),
    attachments: mail.attachments.map(({ filename, mimeType, content }) => ({
      fileName: filename ?? '',
      mediaType: mimeType,
      size: bytes(content).length,
    })),
  };
}

/** undefined when the file was deleted meanwhile. */
async function parsed(file: string): Promise<Email | undefined> {
  // Loaded where it is used: installations without development packages have no such pages.
  const { default: PostalMime } = await import('postal-mime');
  try {
    return await PostalMime.parse(await readFile(file));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const bytes = (content: ArrayBuffer | Uint8Array | string): Buffer =>
  typeof content === 'string' ? Buffer.from(content) : Buffer.from(new Uint8Array(content));

const firstInstant = (...texts: readonly (string | undefined)[]): Date =>
  texts.map((text) => new Date(text ?? '')).find((date) => !Number.isNaN(date.getTime())) ??
  new Date(0);
