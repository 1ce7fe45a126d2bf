import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { createAdministrators, type Appointment } from '../commands/administrators.ts';
import { createPasswords } from '../commands/passwords.ts';
import { ConfigError, readConfig } from '../config.ts';
import { runInContext } from '../context.ts';
import { Invalid, Refusal, errorCode } from '../errors.ts';
import { defineModels } from '../models/all.ts';
import { openDatabase } from '../models/database.ts';
import { email as emailSchema } from './schema.ts';

const usage = `npm run admin:create -- --email E [--role global_admin | tenant_admin --company CODE] [--password-stdin]`;

/** What the person at the terminal typed wrongly. */
class UsageError extends Error {}

interface Wanted extends Omit<Appointment, 'password'> {
  readonly takesPasswordFromStdin: boolean;
}

try {
  console.log(await createAdministrator(readArguments(process.argv.slice(2))));
} catch (error) {
  console.error(sentenceFor(error));
  process.exitCode = 1;
}

async function createAdministrator({ takesPasswordFromStdin, ...wanted }: Wanted): Promise<string> {
  const config = readConfig();
  const database = openDatabase(
    {
      url: config.database.url,
      poolMax: 1,
      acquireTimeoutMs: 10_000,
      statementTimeoutMs: 5000,
      applicationName: 'surety-admin',
    },
    defineModels,
  );
  try {
    const administrators = createAdministrators({ config, passwords: createPasswords(config) });
    const password = (await administrators.hasPassword(wanted.email))
      ? undefined
      : await askPassword(takesPasswordFromStdin);
    const { isNewAccount, isNewRole, ...done } = await runInContext(
      { requestId: 'admin:create', actorType: 'system' },
      () => administrators.appoint({ ...wanted, password }),
    );
    const who = `${wanted.email} ${isNewRole ? 'is now' : 'was already'} ${wanted.role}${wanted.company ? ` of ${wanted.company}` : ''}`;
    if (done.password === 'kept') return `${who}; the account keeps its password.`;
    if (done.password === 'set')
      return `${who}; ${isNewAccount ? 'sign in' : 'it can now sign in'}.`;
    return `${who}. Set the password within 30 minutes, once, at\n${done.password.link}`;
  } finally {
    await database.close();
  }
}

function readArguments(args: string[]): Wanted {
  const { values } = parseArgs({
    args,
    options: {
      email: { type: 'string' },
      role: { type: 'string', default: 'global_admin' },
      company: { type: 'string' },
      'password-stdin': { type: 'boolean', default: false },
    },
  });
  const { role, company } = values;
  if (values.email === undefined) throw new UsageError('Name the person by --email.');
  const email = emailSchema().validate(values.email);
  if (email.error) throw new UsageError(`${values.email} is not an e-mail address.`);
  if (role !== 'global_admin' && role !== 'tenant_admin') {
    throw new UsageError(`--role is global_admin or tenant_admin, not ${role}.`);
  }
  if ((role === 'tenant_admin') !== (company !== undefined)) {
    throw new UsageError('--company CODE belongs to --role tenant_admin, and to no other.');
  }
  return {
    email: email.value ?? values.email.toLowerCase(),
    role,
    company,
    takesPasswordFromStdin: values['password-stdin'],
  };
}

/** @returns undefined where nobody can be asked or wants to say: a link is made instead */
async function askPassword(fromStdin: boolean): Promise<string | undefined> {
  if (fromStdin) {
    const password = (await readAll(process.stdin)).replace(/\r?\n$/, '');
    if (password === '') throw new UsageError('No password came on the standard input.');
    return password;
  }
  if (!process.stdin.isTTY) return undefined;
  // The terminal must be silent before the question invites anybody to type.
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silence, terminal: true });
  terminal.once('SIGINT', () => process.exit(130));
  const ask = async (question: string): Promise<string> => {
    process.stdout.write(question);
    const answer = await terminal.question('');
    process.stdout.write('\n');
    return answer;
  };
  try {
    const password = await ask('Password (empty: print a link to set it): ');
    if (password === '') return undefined;
    if ((await ask('Once more: ')) !== password) throw new UsageError('The two passwords differ.');
    return password;
  } finally {
    terminal.close();
  }
}

function sentenceFor(error: unknown): string {
  const code = errorCode(error instanceof Error && 'parent' in error ? error.parent : error);
  if (error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS')) {
    return `${error instanceof Error ? error.message : ''}\n${usage}`;
  }
  if (error instanceof Invalid) return error.details.map(({ message }) => `${message}.`).join(' ');
  if (error instanceof ConfigError || error instanceof Refusal) return error.message;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
    return 'The database cannot be reached: check DATABASE_URL.';
  }
  if (code === '28P01' || code === '28000')
    return 'The database refused the login of DATABASE_URL.';
  if (code === '42P01' || code === '3F000') return 'The database is not migrated: npm run migrate.';
  return error instanceof Error ? error.message : String(error);
}
