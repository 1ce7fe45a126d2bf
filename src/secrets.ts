import { createHash, randomBytes } from 'node:crypto';

/** A secret for a link or a refresh token: 256 random bits. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** What is stored of such a secret. It cannot be guessed, so it needs no slow hash. */
export const hashSecret = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex');
