import { createHmac } from 'node:crypto';

/** What a link in a mail does, and the page it leads to. */
const pages = {
  password_reset: '/set-password',
  registration: '/verify-registration',
  invitation: '/accept-invitation',
  email_change: '/confirm-email',
} as const;

/** A link as a message's payload names it, under `link`. */
export interface SecretLink {
  readonly kind: keyof typeof pages;
  /** Of the row that keeps the hash of the code. */
  readonly id: string;
}

/**
 * The code of a link. Whoever has SECRET_KEY makes it again from the id, so that the mail that waits
 * to be sent need not hold it.
 */
export const codeOf = ({ kind, id }: SecretLink, secretKey: string): string =>
  createHmac('sha256', secretKey).update(`${kind}/${id}`).digest('base64url');

/** After the # the code stays in the browser: no server or proxy writes it to a log. */
export const linkWith = (code: string, kind: SecretLink['kind'], publicUrl: string): string =>
  `${publicUrl}${pages[kind]}#${code}`;

/** Turns the `link` of a message's payload into the address that is mailed. */
export const linksOf =
  ({ publicUrl, secretKey }: { readonly publicUrl: string; readonly secretKey: string }) =>
  ({ link }: Readonly<Record<string, unknown>>): string | undefined =>
    isSecretLink(link) ? linkWith(codeOf(link, secretKey), link.kind, publicUrl) : undefined;

const isSecretLink = (value: unknown): value is SecretLink =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  typeof value.kind === 'string' &&
  Object.hasOwn(pages, value.kind) &&
  'id' in value &&
  typeof value.id === 'string';
