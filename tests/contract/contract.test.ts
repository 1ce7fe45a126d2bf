import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { startStack, type Stack } from '../../local/stack.ts';
import { findSchemathesis } from '../support/schemathesis.ts';

const seed = Number(process.env['SEED'] || Math.floor(Math.random() * 2 ** 31));
/** Examples of each operation in each phase; the long run sets more. */
const examples = Number(process.env['CONTRACT_EXAMPLES'] || 5);
const isLong = examples > 10;
const runWithinMs = isLong ? 4_000_000 : 900_000;

const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-contract-'));
let stack: Stack;
let schemathesis: string;

beforeAll(async () => {
  schemathesis = await findSchemathesis({ progress: (line) => console.info(line) });
  stack = await startStack({
    dataDir,
    ports: 'free',
    built: true,
    throwaway: true,
    env: { ENVIRONMENT: 'test', LOG_LEVEL: 'warn', ACCESS_TOKEN_EXPIRE_MINUTES: '600' },
  });
}, 600_000);

afterAll(async () => {
  await stack.stop();
  rmSync(dataDir, { recursive: true });
}, 60_000);

interface Login {
  readonly email: string;
  readonly password: string;
}

/** As a client does: later again when the examples of a login have used up what the minute allows. */
async function post(route: string, body: object): Promise<{ data: { access_token: string } }> {
  for (;;) {
    const response = await fetch(`${stack.urls.api}/api/v1${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    if (response.status !== 429) throw new Error(`POST ${route}: ${text}`);
    await pause(Number(response.headers.get('retry-after')) * 1000);
  }
}

async function bearerOf({ email, password }: Login): Promise<string> {
  const { data } = await post('/auth/login', { email, password });
  return `Bearer ${data.access_token}`;
}

async function signIn(role: string): Promise<string> {
  const accounts: ({ role: string } & Login)[] = JSON.parse(
    readFileSync(path.join(dataDir, 'demo-accounts.json'), 'utf8'),
  );
  const account = accounts.find((each) => each.role === role);
  if (!account) throw new Error(`Nobody is ${role}`);
  return bearerOf(account);
}

/** An account of its own for what ends sessions of whoever asks. */
async function signInStranger(username: string): Promise<string> {
  const login = { email: `${username}@example.com`, password: 'Seven-Green-Otters-7' };
  await post('/auth/register', { ...login, username, first_name: 'Ada', last_name: 'Lovelace' });
  return bearerOf(login);
}

/**
 * All checks of the tool with its own expectations; 422 for valid input only where a rule beyond
 * the schema can refuse it. Signing out gets a session of its own, or it would end the run's, and
 * ending all sessions an account.
 */
async function writeConfig(role: string): Promise<string> {
  const lines = [
    '[checks.positive_data_acceptance]',
    'expected-statuses = ["2xx", 401, 403, 404, 409, "5xx"]',
    // What the tool expects by itself, and that too long an address is refused as such.
    '[checks.negative_data_rejection]',
    'expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422, 428, 429, "5xx"]',
    // The first that fits counts: no schema says what the bytes of a file must be.
    '[[operations]]',
    'include-by = "/x-upload == true"',
    'checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 413, 415, 422, "5xx"]',
    // The tool accepts whatever comes, and a stream is for those who ask for one: it has no end.
    '[[operations]]',
    'include-name = "GET /api/v1/notifications/stream"',
    'checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 406]',
    '[[operations]]',
    'include-by = "/x-business-rules == true"',
    'checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422, "5xx"]',
  ];
  if (role !== 'anonymous') {
    lines.push(
      '[[operations]]',
      'include-name = "POST /api/v1/auth/logout"',
      `headers = { Authorization = "${await signIn(role)}" }`,
      '[[operations]]',
      'include-name = "DELETE /api/v1/auth/sessions"',
      `headers = { Authorization = "${await signInStranger(`leaves.${role}`)}" }`,
      // The run's own would be among those that a list of sessions had told of.
      '[[operations]]',
      'include-name = "DELETE /api/v1/auth/sessions/{id}"',
      `headers = { Authorization = "${await signInStranger(`stays.${role}`)}" }`,
    );
  }
  const file = path.join(dataDir, `${role}.toml`);
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** The API's document without keys: the tool would send one beside the token, which is refused. */
async function writeDocument(): Promise<string> {
  const response = await fetch(`${stack.urls.api}/api/openapi.json`);
  const document: { paths: Record<string, Record<string, { security: object[] }>> } = JSON.parse(
    await response.text(),
  );
  // It has a document of its own, and answers in its own way.
  delete document.paths['/graphql'];
  for (const operation of Object.values(document.paths).flatMap((methods) =>
    Object.values(methods),
  )) {
    operation.security = operation.security.filter((each) => !('apiKey' in each));
  }
  const file = path.join(dataDir, 'openapi.json');
  writeFileSync(file, JSON.stringify(document));
  return file;
}

interface Tour {
  readonly role: string;
  /** Older paths have the handlers of those that replace them. */
  readonly paths: 'present' | 'older';
  readonly phases: string;
}

/**
 * What is wrong in a request is told before or after who asks, never differently to each: one role
 * that may do nearly everything tries all of it. The administrator comes last: what it may do to
 * people could end the others.
 */
const tours: readonly Tour[] = [
  { role: 'policyholder', paths: 'present', phases: 'examples,fuzzing,stateful' },
  // Nearly all of it ends before anything is read.
  { role: 'anonymous', paths: 'present', phases: isLong ? 'examples,fuzzing' : 'examples' },
  { role: 'claims_manager', paths: 'older', phases: 'examples,fuzzing' },
  {
    role: 'tenant_admin',
    paths: 'present',
    // Every border of every field: 25,000 requests, for the long run.
    phases: `examples,${isLong ? 'coverage,' : ''}fuzzing,stateful`,
  },
];

/** What the run said, its report of failures above all. */
async function run({
  role,
  paths,
  phases,
}: Tour): Promise<{ code: number | null; lines: string[] }> {
  const token = role === 'anonymous' ? [] : ['-H', `Authorization: ${await signIn(role)}`];
  const program = spawn(
    schemathesis,
    [
      '--config-file',
      await writeConfig(role),
      'run',
      await writeDocument(),
      `--url=${stack.urls.api}`,
      ...token,
      ...(paths === 'older' ? ['--include-by=/deprecated == true'] : ['--exclude-deprecated']),
      '--checks=all',
      '--mode=all',
      `--phases=${phases}`,
      `--max-examples=${examples}`,
      `--seed=${seed}`,
      '--generation-database=:memory:',
      '--continue-on-failure',
      '--no-shrink',
      `--max-failures=50`,
    ],
    { cwd: dataDir, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: string[] = [];
  createInterface({ input: program.stdout }).on('line', (line) => lines.push(line));
  const code = await new Promise<number | null>((resolve, reject) => {
    program.once('error', reject);
    program.once('close', resolve);
  });
  return { code, lines };
}

describe('the API keeps to its OpenAPI document', () => {
  it.each(tours)(
    'for everything that $role may send to $paths paths',
    async (tour) => {
      const startedAt = performance.now();
      const { code, lines } = await run(tour);
      const seconds = (performance.now() - startedAt) / 1000;

      const from = lines.findIndex((line) => line.includes('= FAILURES ='));
      const failures = from < 0 ? [] : lines.slice(from);
      const count = (word: RegExp): number => Number(word.exec(lines.join('\n'))?.[1] ?? 0);
      const operations = count(/Tested: (\d+)/);
      const cases = count(/(\d+) generated/);
      console.info(
        `${tour.role}, ${tour.paths} paths: ${operations} operations, ${cases} examples in ${Math.round(seconds)} s ` +
          `(${Math.round(cases / seconds)}/s), SEED=${seed}`,
      );

      expect(failures).toEqual([]);
      expect(code).toBe(0);
      expect(operations).toBeGreaterThan(60);
      expect(cases).toBeGreaterThan(
        tour.phases === 'examples' ? operations : operations * examples,
      );
    },
    runWithinMs,
  );
});
