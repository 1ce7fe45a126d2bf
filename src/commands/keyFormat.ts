import { createHash, randomBytes } from 'node:crypto';
import { newSecret } from '../secrets.ts';

/**
 * `surety_<live|test>_<id>_<secret>_<checksum>`: up to the id it is public. The checksum tells typing
 * errors without a query, and scanners for leaked secrets a key from other text.
 */
export interface KeyText {
  readonly prefix: string;
  readonly text: string;
}

export type KeyKind = 'live' | 'test';

export function newKey(kind: KeyKind): KeyText {
  const prefix = `surety_${kind}_${randomBytes(6).toString('hex')}`;
  const body = `${prefix}_${newSecret()}`;
  return { prefix, text: `${body}_${checksum(body)}` };
}

/** The prefix of what has the form of a key, undefined for any other text. */
export function prefixOf(text: string, kind: KeyKind): string | undefined {
  const [, body = '', prefix, itsKind, given] = form.exec(text) ?? [];
  return itsKind === kind && given === checksum(body) ? prefix : undefined;
}

const form = /^((surety_(live|test)_[0-9a-f]{12})_[A-Za-z0-9_-]{43})_([0-9a-f]{6})$/;

const checksum = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 6);
