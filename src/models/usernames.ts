import { select } from './database.ts';

/** The name itself, or with a number where another address has it; behind `withIdentity`. */
export async function freeUsername(wanted: string, email: string): Promise<string> {
  const name = wanted.slice(0, 24);
  const rows = await select<{ username: string }>(
    `SELECT lower(username) AS username FROM platform.users
     WHERE starts_with(lower(username), lower($1)) AND email <> $2`,
    [name, email],
  );
  const taken = new Set(rows.map(({ username }) => username));
  let username = wanted;
  for (let n = 2; taken.has(username.toLowerCase()); n += 1) username = `${name}${n}`;
  return username;
}

/** Made of the part before the @. */
export const usernameFor = (email: string): Promise<string> =>
  freeUsername(email.split('@', 1).join('').slice(0, 24), email);
