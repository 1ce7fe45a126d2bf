import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startStack, type Stack } from '../../local/stack.ts';

/** Where each person has an address of their own; elsewhere nine, and one who declines. */
const answered = process.platform === 'linux' ? 426 : 9;
const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-demo-'));
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    dataDir,
    ports: 'free',
    built: true,
    throwaway: true,
    env: { LOG_LEVEL: 'warn' },
  });
}, 600_000);

afterAll(async () => {
  await stack.stop();
  rmSync(dataDir, { recursive: true });
});

describe('npm run demo', () => {
  it('tells its story against what npm start brings up', async () => {
    const { code, said } = await runDemo();

    expect([code, said]).toEqual([
      0,
      expect.stringMatching(
        /Register and sign in[^]*claim[^]*paid[^]*the onboarding is over[^]*Told in/,
      ),
    ]);
    expect(said).toMatch(
      /quote: [^]*Subscribe[^]*Cover ends[^]*Reminder 1 day [^]* \(workflow\)[^]*Expired \(workflow\)/,
    );
    expect(said).toMatch(
      /E-mails that were sent[^]*has expired\n[^]*TIMER_CHANGE +by user\n +STATUS_CHANGE +by workflow\n[^]*http\S+subscription%2F/,
    );
    expect(said).toMatch(/all 500 people are asked .*\n/);
    expect(said).toMatch(new RegExp(`\n  ${answered} people have answered .*\n  one declines`));
    expect(said).toMatch(/Claims +\d+ of 170 .*%[^]*Sales +\d+ of 93 /);
    expect(said).toContain(` ${((100 * answered) / 500).toFixed(2)} %\n`);
    expect(said).toMatch(
      /What awaits Demo employee[^]*reminded[^]*late[^]*HR is told[^]*Executives and compliance/,
    );
    expect(said).toMatch(
      /7 people of Legal had until [^]*to employee .* Overdue: Information security[^]*to manager [^]*6 not confirmed in time[^]*to HR +hr@demo\.example [^]*1[5-9] days late[^]*to executive +executive@demo\.example +Information security: 7 not/,
    );
    expect(said).toMatch(/the audit: acknowledged from 127\.\d+\..*, evidence [0-9a-f]{64}\n/);
    expect(said).toMatch(
      new RegExp(
        `Asked: 500 people[^]*Acknowledged: ${answered} people[^]*http\\S+acknowledgement%2F`,
      ),
    );
    expect(readFileSync(path.join(dataDir, 'demo-certificate.pdf'), 'latin1')).toMatch(/^%PDF-/);
  }, 900_000);

  it('tells it again on the same data, and nobody is written to twice', async () => {
    const before = await mailsOf();

    const { code, said } = await runDemo();

    expect([code, said]).toEqual([0, expect.stringMatching(/people have answered[^]*Told in/)]);
    const { alert, overdue, ...others } = await mailsOf();
    expect({ alert, overdue }).toEqual({ alert: 4, overdue: 7 });
    expect(others).toEqual({
      assigned: (before['assigned'] ?? 0) + 500,
      confirmed: (before['confirmed'] ?? 0) + answered,
      declined: (before['declined'] ?? 0) + 1,
    });
  }, 900_000);

  /** About acknowledgements: each is one of its own. */
  async function mailsOf(): Promise<Readonly<Record<string, number>>> {
    const client = new pg.Client({ connectionString: stack.urls.adminDatabase });
    await client.connect();
    const { rows } = await client
      .query<{ name: string; mails: number; keys: number }>(
        `SELECT replace(template_code, 'acknowledgement_', '') AS name, count(*)::int AS mails,
           count(DISTINCT dedupe_key)::int AS keys
         FROM core.notifications
         WHERE channel = 'email' AND template_code LIKE 'acknowledgement%' GROUP BY 1`,
      )
      .finally(() => client.end());
    expect(rows.filter(({ mails, keys }) => mails !== keys)).toEqual([]);
    return Object.fromEntries(rows.map(({ name, mails }) => [name, mails]));
  }
});

function runDemo(): Promise<{ code: number | null; said: string }> {
  const program = spawn(process.execPath, ['--import', 'tsx', 'local/demo.ts'], {
    env: { ...process.env, SURETY_URL: stack.urls.api, SURETY_DATA: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [program.stdout, program.stderr]) {
    stream.on('data', (part: Buffer) => (said += part.toString()));
  }
  return new Promise((resolve, reject) => {
    program.once('error', reject);
    program.once('close', (code) => resolve({ code, said }));
  });
}
