/**
 * What a person wrote, as plain text: lines end in `\n`, and nothing stays that a reader cannot see
 * but that changes what they read, such as control characters and changes of direction. Markup stays
 * as it was written: it is text here, and whoever shows it in a page escapes it. Never longer than
 * before; empty where there was nothing to read.
 */
export const plainText = (text: string): string =>
  text
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replaceAll(/[^\P{Cc}\n\t]|[\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '')
    .trim();

/** Plain text without line breaks: a name, a title, an entry of a list. */
export const oneLine = (text: string): string => plainText(text).replaceAll(/\s+/g, ' ');

/** More names than these in one text are no mentions. */
const mostMentions = 20;

/**
 * Usernames that a text mentions as `@ada`, in lower case and each once. An e-mail address mentions
 * nobody, and the full stop that ends a sentence is no part of a name.
 */
export function mentionedNames(text: string): readonly string[] {
  const names = Array.from(text.matchAll(mention), ([, name = '']) =>
    name.replace(/[.+-]+$/, '').toLowerCase(),
  );
  return [...new Set(names)].filter((name) => name !== '').slice(0, mostMentions);
}

const mention = /(?<![\p{L}\p{N}_.+@-])@([\p{L}\p{N}_.+-]{1,40})/gu;
