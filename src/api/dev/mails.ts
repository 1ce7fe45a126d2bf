import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors.ts';

export interface SentMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly sentAt: Date;
}

/** More than this nobody looks through by hand. */
const most = 500;

/** Reads what the mail catcher keeps, each file once; their names begin with the time of arrival. */
export function openMails(dir: string): { newestFirst(): Promise<SentMail[]> } {
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
  };
}

/** The catcher makes the folder when it starts, which may be later. */
const filesIn = (dir: string): Promise<string[]> =>
  readdir(dir).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });

/** undefined when the file was deleted meanwhile. */
async function readMail(file: string): Promise<SentMail | undefined> {
  // Loaded where it is used: installations without development packages have no such pages.
  const { default: PostalMime } = await import('postal-mime');
  try {
    const mail = await PostalMime.parse(await readFile(file));
    const arrived = path.basename(file).slice(0, '2026-01-31T09:30:00.000Z'.length);
    return {
      to: (mail.to ?? []).map(({ address, name }) => address || name).join(', '),
      subject: mail.subject ?? '',
      text: (mail.text ?? '').trim(),
      sentAt: firstInstant(arrived, mail.date),
    };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const firstInstant = (...texts: readonly (string | undefined)[]): Date =>
  texts.map((text) => new Date(text ?? '')).find((date) => !Number.isNaN(date.getTime())) ??
  new Date(0);
