import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { errorCode, reasonOf } from '../src/errors.ts';

/** Random at first, the same at every later start; only this user may read the file. */
export function keptSecrets<Name extends string>(
  file: string,
  names: readonly Name[],
): Record<Name, string>;
export function keptSecrets(file: string, names: readonly string[]): Record<string, string> {
  const kept = readSecrets(file);
  const all = Object.fromEntries(
    names.map((name) => [name, kept[name] ?? randomBytes(32).toString('base64url')]),
  );
  if (names.some((name) => !(name in kept))) {
    writeFileSync(`${file}.tmp`, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  }
  return all;
}

function readSecrets(file: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    throw new Error(`${file} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}
