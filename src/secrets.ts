import {
  createCipheriv,
  createDecipheriv,
  createHash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** A secret for a link or a refresh token: 256 random bits. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** What is stored of such a secret. It cannot be guessed, so it needs no slow hash. */
export const hashSecret = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex');

/** Takes the same time wherever the two differ. */
export const isSameSecret = (sent: string, kept: string): boolean =>
  timingSafeEqual(Buffer.from(hashSecret(sent)), Buffer.from(hashSecret(kept)));

/** Keeps secrets that must be read again, each bound to the id of its owner. */
export interface Sealer {
  seal(secret: Uint8Array, ownerId: string): string;
  /** Undefined for what was sealed for somebody else, with another key, or changed since. */
  open(sealed: string, ownerId: string): Buffer | undefined;
}

const [ivBytes, tagBytes] = [12, 16];

/** AES-256-GCM under a key that is made of SECRET_KEY for this purpose alone. */
export function createSealer(secretKey: string, purpose: string): Sealer {
  const key = Buffer.from(hkdfSync('sha256', secretKey, '', purpose, 32));
  return {
    seal(secret, ownerId) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(ownerId));
      const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(text, ownerId) {
      const bytes = Buffer.from(text, 'base64url');
      const tag = bytes.subarray(ivBytes, ivBytes + tagBytes);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(Buffer.from(ownerId)).setAuthTag(tag);
      const secret = decipher.update(bytes.subarray(ivBytes + tagBytes));
      try {
        return Buffer.concat([secret, decipher.final()]);
      } catch {
        return undefined;
      }
    },
  };
}

/** Keeps what signs the webhooks of an endpoint, bound to the endpoint's id. */
export const webhookSealer = ({ secretKey }: { readonly secretKey: string }): Sealer =>
  createSealer(secretKey, 'webhook endpoint');
