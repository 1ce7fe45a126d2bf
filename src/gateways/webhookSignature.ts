import { createHmac, timingSafeEqual } from 'node:crypto';

/** As Standard Webhooks names them. */
export interface SignedHeaders {
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: string;
  /** One or more of `v1,<base64>`, divided by spaces: two while a secret is exchanged. */
  readonly signature: string;
}

/** Older or newer deliveries are taken for copies that somebody kept. */
const toleranceSeconds = 300;

/** HMAC-SHA256 over `id.timestamp.body`. */
export const signatureOf = (
  secret: string | Uint8Array,
  { id, timestamp }: Pick<SignedHeaders, 'id' | 'timestamp'>,
  rawBody: string,
): string =>
  `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${rawBody}`).digest('base64')}`;

/** @param now epoch milliseconds */
export function isSigned(
  secret: string | Uint8Array,
  headers: SignedHeaders,
  rawBody: string,
  now: number,
): boolean {
  if (!/^\d{1,12}$/.test(headers.timestamp)) return false;
  if (Math.abs(now / 1000 - Number(headers.timestamp)) > toleranceSeconds) return false;
  const expected = Buffer.from(signatureOf(secret, headers, rawBody));
  return headers.signature.split(' ').some((given) => {
    const bytes = Buffer.from(given);
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  });
}
