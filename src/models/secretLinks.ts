import { createHmac } from 'node:crypto';
import { hashSecret } from '../secrets.ts';

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
const codeOf = ({ kind, id }: SecretLink, secretKey: string): string =>
  createHmac('sha256', secretKey).update(`${kind}/${id}`).digest('base64url');

/** After the # the code stays in the browser: no server or proxy writes it to a log. */
export const linkWith = (code: string, kind: SecretLink['kind'], publicUrl: string): string =>
  `${publicUrl}${pages[kind]}#${code}`;

/** Made where mails are sent, and where what they carry is issued. */
export interface Links {
  /** The `link` of a message's payload as the address that is mailed. */
  addressFor(payload: Readonly<Record<string, unknown>>): string | undefined;
  /** What is stored of a link's code. */
  hashOf(link: SecretLink): string;
}

export const createLinks = ({
  publicUrl,
  secretKey,
}: {
  readonly publicUrl: string;
  readonly secretKey: string;
}): Links => ({
  addressFor: ({ link }) =>
    isSecretLink(link) ? linkWith(codeOf(link, secretKey), link.kind, publicUrl) : undefined,
  hashOf: (link) => hashSecret(codeOf(link, secretKey)),
});

const isSecretLink = (value: unknown): value is SecretLink =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  typeof value.kind === 'string' &&
  Object.hasOwn(pages, value.kind) &&
  'id' in value &&
  typeof value.id === 'string';
