import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Connection } from '@temporalio/client';
import { openTemporal } from '../../src/commands/temporal.ts';
import { sealNext } from '../../src/models/auditSeals.ts';
import type { Company } from '../../src/models/Company.ts';
import { platformCompanyId } from '../../src/models/database.ts';
import { searchAttributePairs } from '../../src/workflows/searchAttributes.ts';
import { ensureSearchAttributes } from '../../worker/searchAttributes.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { services } from '../support/services.ts';
import { buildWholeCompany, migratorUrl, rowsOf } from '../support/wholeCompany.ts';

let database: TestDatabase;
let url: string;
let dir: string;
let file: string;
let neighbour: Company;
let sealing: NodeJS.Timeout;

beforeAll(async () => {
  database = await openTestDatabase();
  url = await migratorUrl(database);
  dir = mkdtempSync(path.join(tmpdir(), 'surety-company-'));
  sealing = setInterval(() => void sealNext().catch(() => undefined), 300);
});
afterAll(async () => {
  clearInterval(sealing);
  await database.close();
  rmSync(dir, { recursive: true });
});
beforeEach(async () => {
  file = path.join(dir, `${Date.now()}.surety.gz`);
  neighbour = await buildCompany();
  await buildActor({ companyId: neighbour.id });
});

interface Answer {
  readonly status: number | null;
  readonly stdout: string[];
  readonly stderr: string;
}

/** The built program. @param killAt dies as soon as it says this */
function cli(
  args: readonly string[],
  { killAt, temporal = services().temporalAddress }: { killAt?: string; temporal?: string } = {},
): Promise<Answer> {
  const { NODE_OPTIONS: _jest, ...inherited } = process.env;
  const program = spawn(
    process.execPath,
    ['--max-old-space-size=64', 'dist/worker/companyCli.js', ...args],
    {
      env: {
        ...inherited,
        NODE_ENV: 'test',
        ENVIRONMENT: 'test',
        DATABASE_URL: database.apiUrl,
        DATABASE_MIGRATE_URL: url,
        TEMPORAL_ADDRESS: temporal,
        DOCUMENT_STORAGE_DIR: path.join(dir, 'documents'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const stdout: string[] = [];
  createInterface({ input: program.stdout }).on('line', (line) => {
    stdout.push(line);
    if (killAt !== undefined && line.startsWith(killAt)) program.kill('SIGKILL');
  });
  let stderr = '';
  program.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  return new Promise((resolve, reject) => {
    program.once('error', reject);
    program.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** Postgres notices that its client was killed when it next writes to it. */
async function untilNobodyIsConnected(): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const there = await database.sql(
      `SELECT 1 FROM pg_stat_activity
       WHERE application_name = 'surety-company' AND datname = current_database()`,
    );
    if (there.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('The killed program is still connected');
}

const countOf = async (table: string, companyId: string): Promise<number> => {
  const [row] = await database.sql<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${table} WHERE company_id = $1`,
    [companyId],
  );
  return row?.count ?? 0;
};

describe('a company of 100,000 rows', () => {
  it('is exported, removed and restored in 64 MB, each also after a kill in the middle', async () => {
    const { company } = await buildWholeCompany(database, { isolation: 'shared', neighbour });
    const { id, code } = company;
    await database.sql(
      `INSERT INTO core.notifications (company_id, id, recipient_address, channel, template_code, payload,
         status, dedupe_key)
       SELECT $1, gen_random_uuid(), 'a@b.example', 'email', 'test',
         jsonb_build_object('text', repeat(md5(n::text), 25)), 'sent', 'test/' || n
       FROM generate_series(1, 100000) n`,
      [id],
    );
    await database.sql(`UPDATE platform.companies SET status = 'closed' WHERE id = $1`, [id]);
    const total = await countOf('core.notifications', id);
    const toFile = ['export', '--company', code, '--to', file];
    const fromFile = ['restore', '--from', file];
    const drop = ['drop', '--company', code, '--confirm', code, '--exported', file];
    const away = [...drop, '--without-temporal'];

    const killedExport = await cli(toFile, { killAt: 'core.notifications: 20000 rows' });
    expect(killedExport.status).toBe(null);
    expect(existsSync(file)).toBe(false);
    await untilNobodyIsConnected();
    expect(await cli(toFile)).toMatchObject({ status: 0, stderr: '' });
    const before = await rowsOf(database, id);
    const nextDoor = await rowsOf(database, neighbour.id);

    const killedDrop = await cli(away, { killAt: 'core.notifications: 10000 rows removed' });
    expect(killedDrop.status).toBe(null);
    await untilNobodyIsConnected();
    const left = await countOf('core.notifications', id);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(total);
    const noExport = await cli([...toFile.slice(0, -1), `${file}.2`]);
    expect(noExport).toMatchObject({ status: 1, stderr: expect.stringContaining('has begun') });
    const noRestore = await cli(fromFile);
    expect(noRestore).toMatchObject({ status: 1, stderr: expect.stringContaining('has begun') });

    expect(await cli(away)).toMatchObject({ status: 0, stderr: '' });
    expect(Object.values(await rowsOf(database, id)).flat()).toEqual([]);
    const [line] = await database.sql<{ after: { removed: Record<string, number> } }>(
      `SELECT after FROM core.audit_logs
       WHERE company_id = $1 AND entity_id = $2 AND action = 'DELETE'`,
      [platformCompanyId, id],
    );
    expect(line?.after.removed['core.notifications']).toBe(total);

    const killedRestore = await cli(fromFile, { killAt: 'core.notifications: 20000 rows' });
    expect(killedRestore.status).toBe(null);
    await untilNobodyIsConnected();
    expect(Object.values(await rowsOf(database, id)).flat()).toEqual([]);
    expect(await cli(fromFile)).toMatchObject({ status: 0, stderr: '' });

    const after = await rowsOf(database, id);
    for (const table of ['core.notifications', 'platform.users', 'shared.policies']) {
      expect(after[table]?.join('\n') === before[table]?.join('\n')).toBe(true);
    }
    expect(await rowsOf(database, neighbour.id)).toEqual(nextDoor);
  }, 1_200_000);
});

describe('a removal', () => {
  it('ends the open workflows of the company, and no others', async () => {
    const { company } = await buildWholeCompany(database, { isolation: 'shared', neighbour });
    const { id, code } = company;
    await database.sql(`UPDATE platform.companies SET status = 'closed' WHERE id = $1`, [id]);
    const address = services().temporalAddress;
    const temporal = openTemporal({
      temporal: {
        address,
        namespace: 'default',
        taskQueue: 'nobody',
        uiUrl: '',
        tls: false,
        apiKey: undefined,
      },
    });
    const connection = await Connection.connect({ address });
    try {
      await ensureSearchAttributes(connection, 'default');
      const workflowIds = [id, id, neighbour.id].map((companyId, n) => `test/${companyId}/${n}`);
      for (const [n, companyId] of [id, id, neighbour.id].entries()) {
        await temporal.client.workflow.start('subscriptionLifecycle', {
          workflowId: `test/${companyId}/${n}`,
          taskQueue: 'nobody',
          typedSearchAttributes: searchAttributePairs({ CompanyId: companyId }),
        });
      }
      const statuses = async () =>
        Promise.all(
          workflowIds.map(async (workflowId) => {
            const handle = temporal.client.workflow.getHandle(workflowId);
            return (await handle.describe()).status.name;
          }),
        );
      expect(await cli(['export', '--company', code, '--to', file])).toMatchObject({ status: 0 });

      const dropped = await cli(['drop', '--company', code, '--confirm', code, '--exported', file]);

      expect(dropped).toMatchObject({ status: 0, stderr: '' });
      expect(await statuses()).toEqual(['TERMINATED', 'TERMINATED', 'RUNNING']);
      expect(await countOf('platform.memberships', id)).toBe(0);
      const tried = await cli(['restore', '--from', file, '--dry-run']);
      expect(tried).toMatchObject({ status: 0, stderr: '' });
      expect(tried.stdout.at(-1)).toContain('could come back; nothing was changed');
      expect(await countOf('platform.memberships', id)).toBe(0);
    } finally {
      await temporal.client.workflow.getHandle(`test/${neighbour.id}/2`).terminate();
      await connection.close();
      await temporal.close();
    }
  });

  it('leaves the files of documents for a restoration, unless they are to go too', async () => {
    const { company } = await buildWholeCompany(database, { isolation: 'shared', neighbour });
    const { id, code } = company;
    await database.sql(`UPDATE platform.companies SET status = 'closed' WHERE id = $1`, [id]);
    const files = [`${id}/one`, `${id}/below/two`, `${neighbour.id}/three`].map((name) =>
      path.join(dir, 'documents', name),
    );
    for (const name of files) {
      mkdirSync(path.dirname(name), { recursive: true });
      writeFileSync(name, 'x');
    }
    const there = () => files.map((name) => existsSync(name));
    const drop = ['drop', '--company', code, '--confirm', code, '--without-temporal', '--exported'];
    await cli(['export', '--company', code, '--to', file]);

    const first = await cli([...drop, file]);
    const afterFirst = there();
    await cli(['restore', '--from', file]);
    await cli(['export', '--company', code, '--to', `${file}.2`]);
    const second = await cli([...drop, `${file}.2`, '--with-files']);

    expect([first.stderr, second.stderr]).toEqual(['', '']);
    expect(afterFirst).toEqual([true, true, true]);
    expect(there()).toEqual([false, false, true]);
    expect(second.stdout).toContain('2 files removed');
  }, 300_000);

  it('that cannot reach Temporal removes nothing', async () => {
    const { company } = await buildWholeCompany(database, { isolation: 'shared', neighbour });
    const { id, code } = company;
    await database.sql(`UPDATE platform.companies SET status = 'closed' WHERE id = $1`, [id]);
    const nowhere = await cli(['export', '--company', code, '--to', '/nowhere/x']);
    await cli(['export', '--company', code, '--to', file]);
    const before = await rowsOf(database, id);

    const dropped = await cli(['drop', '--company', code, '--confirm', code, '--exported', file], {
      temporal: '127.0.0.1:1',
    });

    expect(nowhere).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^ENOENT: [^\n]*\n$/),
    });
    expect(dropped.status).toBe(1);
    expect(dropped.stderr).toMatch(/^Temporal cannot be reached at TEMPORAL_ADDRESS: [^\n]*\n$/);
    expect(await rowsOf(database, id)).toEqual(before);
  });
});

describe('the command line', () => {
  it.each([
    ['nothing', [], 2, /^Usage: /],
    ['no file', ['export', '--company', 'ACME'], 2, /^Usage: /],
    ['an unknown option', ['restore', '--form', 'x'], 2, /^Usage: /],
    [
      'no file that is there',
      ['restore', '--from', '/nowhere'],
      1,
      /^There is no file \/nowhere\n$/,
    ],
    ['a company once', ['drop', '--company', 'ACME'], 2, /say so by --confirm ACME\.\n$/],
    [
      'an unknown company',
      ['drop', '--company', 'NOBODY', '--confirm', 'NOBODY', '--without-temporal'],
      1,
      /^There is no company NOBODY\n$/,
    ],
  ])('answers %s in a sentence', async (_name, args, status, sentence) => {
    const answer = await cli(args);

    expect(answer).toMatchObject({ status, stdout: [] });
    expect(answer.stderr).toMatch(sentence);
  });
});
