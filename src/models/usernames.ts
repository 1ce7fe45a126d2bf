import { select } from './database.ts';
import { freeName } from './freeName.ts';

/** One that no other address has; behind `withIdentity`. */
export const freeUsername = (wanted: string, email: string): Promise<string> =>
  freeName(wanted, 24, async (names) => {
    const rows = await select<{ username: string }>(
      `SELECT lower(username) AS username FROM platform.users
       WHERE lower(username) = ANY ($1) AND email <> $2`,
      [names.map((name) => name.toLowerCase()), email],
    );
    const taken = new Set(rows.map(({ username }) => username));
    return names.filter((name) => !taken.has(name.toLowerCase()));
  });

/** Made of the part before the @. */
export const usernameFor = (email: string): Promise<string> =>
  freeUsername(email.split('@', 1).join('').slice(0, 24), email);
