import { randomInt } from 'node:crypto';
import { select } from './database.ts';

/**
 * The name itself, or with a number where another address has it; behind `withIdentity`. The number is a
 * random one: counted ones would tell how many have the name.
 */
export async function freeUsername(wanted: string, email: string): Promise<string> {
  const numbered = (): string => `${wanted.slice(0, 24)}${randomInt(1000, 1_000_000)}`;
  const candidates = [wanted, numbered(), numbered(), numbered()];
  const rows = await select<{ username: string }>(
    `SELECT lower(username) AS username FROM platform.users
     WHERE lower(username) = ANY ($1) AND email <> $2`,
    [candidates.map((name) => name.toLowerCase()), email],
  );
  const taken = new Set(rows.map(({ username }) => username));
  return candidates.find((name) => !taken.has(name.toLowerCase())) ?? numbered();
}

/** Made of the part before the @. */
export const usernameFor = (email: string): Promise<string> =>
  freeUsername(email.split('@', 1).join('').slice(0, 24), email);
