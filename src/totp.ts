import { createHmac, timingSafeEqual } from 'node:crypto';

const stepSeconds = 30;

/** The number of the half minute, which is what a code is made of (RFC 6238). */
export const stepAt = (epochMs: number): number => Math.floor(epochMs / 1000 / stepSeconds);

/** The code of one step, by SHA-1 as all authenticators know it. */
export function totpCode(secret: Uint8Array, step: number, digits = 6): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const number = mac.readUInt32BE(mac.readUInt8(19) & 15) & 0x7f_ff_ff_ff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

/**
 * The step whose code this is: the present one or a neighbour, as clocks differ.
 * @param lastStep of the code that was used last; it and those before are used up
 */
export function stepOfCode(
  secret: Uint8Array,
  code: string,
  { at, lastStep }: { readonly at: number; readonly lastStep: number },
): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const now = stepAt(at);
  return [now - 1, now, now + 1].find(
    (step) =>
      step > lastStep && timingSafeEqual(Buffer.from(totpCode(secret, step)), Buffer.from(code)),
  );
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** How authenticators take a secret: RFC 4648, without padding. */
export function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
}
