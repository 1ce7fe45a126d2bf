import { existsSync, readFileSync } from 'node:fs';

interface Account {
  readonly company: string;
  readonly role: string;
  readonly email: string;
  readonly password: string;
}

/** Who may sign in to the demo company; for the terminal, once, when they were made. */
export function accountsTable(file: string): string {
  if (!existsSync(file)) return '';
  const accounts: Account[] = JSON.parse(readFileSync(file, 'utf8'));
  return accounts
    .map(({ role, email, password }) => `    ${role.padEnd(18)} ${email.padEnd(36)} ${password}\n`)
    .join('');
}
