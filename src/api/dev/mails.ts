import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Attachment, Email } from 'postal-mime';
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
  /** @param to only what was sent to this address, however much came after it */
  newestFirst(to?: string): Promise<SentMail[]>;
  /** @param at counted from 1; undefined where there is none */
  attachment(
    id: string,
    at: number,
  ): Promise<(Pick<AttachedFile, 'fileName' | 'mediaType'> & { content: Buffer }) | undefined>;
} {
  let known = new Map<string, Promise<SentMail | undefined>>();
  /** Of every file that was looked through. */
  const addressees = new Map<string, readonly string[]>();

  /** A few files at once, so that thousands are not open together. */
  async function sentTo(address: string, names: readonly string[]): Promise<string[]> {
    const unread = names.filter((name) => !addressees.has(name));
    for (let at = 0; at < unread.length; at += atOnce) {
      await Promise.all(
        unread.slice(at, at + atOnce).map(async (name) => {
          addressees.set(name, await addresseesOf(path.join(dir, name)));
        }),
      );
    }
    return names.filter((name) => addressees.get(name)?.includes(address.toLowerCase()));
  }

  return {
    async newestFirst(to) {
      const all = (await filesIn(dir))
        .filter((name) => name.endsWith('.eml'))
        .toSorted((a, b) => (a < b ? 1 : -1));
      const names = (to === undefined ? all : await sentTo(to, all)).slice(0, most);
      const read = new Map(
        names.map((name) => [name, known.get(name) ?? readMail(path.join(dir, name))]),
      );
      if (to === undefined) known = read;
      const mails = await Promise.all(read.values());
      return mails.filter((mail) => mail !== undefined);
    },

    async attachment(id, at) {
      const names = await filesIn(dir);
      const name = names.find((each) => each === `${id}.eml`);
      const mail = name && (await parsed(path.join(dir, name)));
      const file = mail ? mail.attachments[at - 1] : undefined;
      return file && { ...factsOf(file), content: bytes(file.content) };
    },
  };
}

const atOnce = 50;

/** From the head of a mail alone, in small letters; nobody where the file was deleted meanwhile. */
async function addresseesOf(file: string): Promise<readonly string[]> {
  const [head = ''] = ((await contentOf(file)) ?? '').toString().split(/\r?\n\r?\n/, 1);
  const to = /^to:(.*(?:\r?\n[ \t].*)*)/im.exec(head)?.[1] ?? '';
  return to.toLowerCase().match(/[^\s<>,;"]+@[^\s<>,;"]+/g) ?? [];
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
    attachments: mail.attachments.map((attached) => ({
      ...factsOf(attached),
      size: bytes(attached.content).length,
    })),
  };
}

const factsOf = ({ filename, mimeType }: Attachment): Omit<AttachedFile, 'size'> => ({
  fileName: filename ?? '',
  mediaType: mimeType,
});

/** undefined when the file was deleted meanwhile. */
async function parsed(file: string): Promise<Email | undefined> {
  // Loaded where it is used: installations without development packages have no such pages.
  const { default: PostalMime } = await import('postal-mime');
  const content = await contentOf(file);
  return content && PostalMime.parse(content);
}

/** undefined when the file was deleted meanwhile. */
const contentOf = (file: string): Promise<Buffer | undefined> =>
  readFile(file).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });

const bytes = (content: ArrayBuffer | Uint8Array | string): Buffer =>
  typeof content === 'string' ? Buffer.from(content) : Buffer.from(new Uint8Array(content));

const firstInstant = (...texts: readonly (string | undefined)[]): Date =>
  texts.map((text) => new Date(text ?? '')).find((date) => !Number.isNaN(date.getTime())) ??
  new Date(0);
