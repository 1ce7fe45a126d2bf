import { spawn } from 'node:child_process';
import { buildIdentity, goodPassword, newEmail } from '../../commands/identity/build.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';

// Each call is a process of its own, and some run at once.
jest.setTimeout(180_000);

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** `npm run admin:create -- …`, in a process of its own. */
async function adminCreate(args: readonly string[], { input = '', url = database.apiUrl } = {}) {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'src/api/createAdministrator.ts', ...args],
    { env: { PATH: process.env['PATH'], ENVIRONMENT: 'test', DATABASE_URL: url } },
  );
  child.stdin.end(input);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output: output.trim() };
}

describe('npm run admin:create', () => {
  it('takes the password from the standard input, and changes nothing the second time', async () => {
    const email = newEmail();
    const args = ['--email', email.toUpperCase(), '--password-stdin'];

    const first = await adminCreate(args, { input: `${goodPassword}\n` });
    const second = await adminCreate(args);

    expect(first).toEqual({ code: 0, output: `${email} is now global_admin; sign in.` });
    expect(second).toEqual({
      code: 0,
      output: `${email} was already global_admin; the account keeps its password.`,
    });
    const { auth } = buildIdentity();
    const { account } = await auth.login({ email, password: goodPassword }, 'localhost');
    expect(account.roles).toEqual(['global_admin']);
  });

  it('prints a link where nobody can be asked', async () => {
    const { code, output } = await adminCreate(['--email', newEmail()]);

    expect(code).toBe(0);
    expect(output).toMatch(/^http:\/\/127\.0\.0\.1:3000\/set-password#[\w-]{43}$/m);
  });

  it.each([
    [['--email', 'nobody'], 'nobody is not an e-mail address.'],
    [[], 'Name the person by --email.'],
    [['--email', 'a@example.com', '--role', 'king'], '--role is global_admin or tenant_admin'],
    [['--email', 'a@example.com', '--role', 'tenant_admin'], '--company CODE belongs to'],
    [['--email', 'a@example.com', '--force'], "Unknown option '--force'"],
    [
      ['--email', 'a@example.com', '--role', 'tenant_admin', '--company', 'NOSUCH'],
      'There is no company with the code NOSUCH.',
    ],
    [['--email', 'a@example.com', '--password-stdin'], 'No password came on the standard input.'],
  ])('refuses %j in a sentence', async (args, sentence) => {
    const { code, output } = await adminCreate(args);

    expect(code).toBe(1);
    expect(output).toContain(sentence);
    expect(output).not.toMatch(/^\s+at /m);
  });

  it('says what is wrong with the password, the address and the login of the database', async () => {
    const args = ['--email', newEmail(), '--password-stdin'];
    const away = new URL(database.apiUrl);
    away.port = '1';
    const wrong = new URL(database.apiUrl);
    wrong.password = 'wrong';

    const outcomes = await Promise.all([
      adminCreate(args, { input: 'short' }),
      adminCreate(args, { url: away.toString() }),
      adminCreate(args, { url: wrong.toString() }),
    ]);

    expect(outcomes.map(({ code }) => code)).toEqual([1, 1, 1]);
    expect(outcomes[0]?.output).toContain('at least 12 characters.');
    expect(outcomes[1]?.output).toBe('The database cannot be reached: check DATABASE_URL.');
    expect(outcomes[2]?.output).toBe('The database refused the login of DATABASE_URL.');
  });
});
