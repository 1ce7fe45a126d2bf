import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { startStack, type Stack } from '../../local/stack.ts';
import { findSchemathesis } from '../support/schemathesis.ts';

const seed = Number(process.env['SEED'] || Math.floor(Math.random() * 2 ** 31));
/** Examples of each operation; the long run sets more. */
const examples = Number(process.env['CONTRACT_EXAMPLES'] || 5);
const runWithinMs = examples > 10 ? 4_000_000 : 300_000;

const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-graphql-'));
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

async function signIn(role: string): Promise<string> {
  const accounts: { role: string; email: string; password: string }[] = JSON.parse(
    readFileSync(path.join(dataDir, 'demo-accounts.json'), 'utf8'),
  );
  const { email, password } = accounts.find((each) => each.role === role) ?? {};
  const response = await fetch(`${stack.urls.api}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  const { data }: { data: { access_token: string } } = JSON.parse(await response.text());
  return `Bearer ${data.access_token}`;
}

/**
 * The tool takes each error of GraphQL for a fault of the server, and knows none of our scalars: this says
 * in its own language what is one, and what a scalar looks like.
 */
const hooks = `
import graphql
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar

scalar("Money", st.from_regex(r"[0-9]{1,6}\\.[0-9]{2}", fullmatch=True).map(nodes.String))
scalar("JSON", st.dictionaries(st.sampled_from(["a", "b_c"]), st.text(), max_size=2).map(
    lambda value: nodes.Object([
        graphql.ObjectFieldNode(name=graphql.NameNode(value=name), value=nodes.String(text))
        for name, text in value.items()
    ])
))

@schemathesis.check
def keeps_to_the_schema(ctx, response, case):
    body = response.json()
    codes = [error["extensions"]["code"] for error in body.get("errors", [])]
    if response.status_code == 400:
        assert codes == ["QUERY_TOO_COMPLEX"], f"A query of the schema is refused: {body}"
        return
    assert response.status_code == 200, f"{response.status_code}: {body}"
    for error in body.get("errors", []):
        told = error["extensions"]
        assert told["status"] < 500 or told["status"] == 503, f"A fault: {error}"
        assert told["request_id"] and error["path"], f"Not told where: {error}"
`;

describe('the API keeps to its GraphQL schema', () => {
  it(
    'for whatever an administrator may send',
    async () => {
      const startedAt = performance.now();
      const config = path.join(dataDir, 'schemathesis.toml');
      writeFileSync(config, 'hooks = "hooks.py"\n');
      writeFileSync(path.join(dataDir, 'hooks.py'), hooks);
      const program = spawn(
        schemathesis,
        [
          '--config-file',
          config,
          'run',
          path.resolve('docs/schema.graphql'),
          `--url=${stack.urls.api}/graphql`,
          '-H',
          `Authorization: ${await signIn('tenant_admin')}`,
          '--checks=keeps_to_the_schema',
          '--mode=positive',
          '--phases=fuzzing',
          `--max-examples=${examples}`,
          `--seed=${seed}`,
          '--generation-database=:memory:',
          '--continue-on-failure',
          '--no-shrink',
          '--max-failures=20',
        ],
        { cwd: dataDir, stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const lines: string[] = [];
      createInterface({ input: program.stdout }).on('line', (line) => lines.push(line));
      const code = await new Promise<number | null>((resolve, reject) => {
        program.once('error', reject);
        program.once('close', resolve);
      });

      const from = lines.findIndex((line) => /= (FAILURES|ERRORS) =/.test(line));
      const failures = from < 0 ? [] : lines.slice(from);
      const count = (word: RegExp): number => Number(word.exec(lines.join('\n'))?.[1] ?? 0);
      const operations = count(/Tested: (\d+)/);
      const cases = count(/(\d+) generated/);
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      console.info(`${operations} operations, ${cases} examples in ${seconds} s, SEED=${seed}`);

      expect(failures).toEqual([]);
      expect(code).toBe(0);
      expect(operations).toBeGreaterThan(140);
      expect(cases).toBeGreaterThan(operations * examples * 0.9);
    },
    runWithinMs,
  );
});
